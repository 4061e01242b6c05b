// Aligned tables of text for people.
#pragma once

#include <iosfwd>
#include <string>
#include <vector>

namespace scalemix::inline v0::cli {

/// Columns are as wide as their widest cell; a column whose cells below the head all start like
/// numbers is set to the right. Rows may be shorter than the head.
class Table {
 public:
  explicit Table(std::vector<std::string> head) : rows_{std::move(head)} {}
  /// Cells may come from a file: what a terminal would obey is written out.
  void add(std::vector<std::string> row);
  void print(std::ostream& out) const;

 private:
  std::vector<std::size_t> widths() const;
  bool numeric(std::size_t column) const;

  std::vector<std::vector<std::string>> rows_;
};

}  // namespace scalemix::inline v0::cli
