// Categories of a column: which texts are one category, their order and their look-up.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "scalemix/data/notation.h"

namespace scalemix::inline v0::data {

/// Texts of the same key are one category: numbers of the same value ("1", "1.0", "1e0"), true,
/// false, yes and no in whatever case, and texts that differ by blanks at their ends.
std::string category_key(std::string_view text, const Notation& notation = {});

/// The better of two spellings of one category: of numbers the shorter, else the first.
bool spells_better(std::string_view text, std::string_view than, const Notation& notation = {});

/// Sorts by value if all are numbers ("2" before "10"), else by text.
void sort_categories(std::vector<std::string>& categories, const Notation& notation = {});

/// Finds the number of a category by its text or, where none is spelled so, by its key.
class CategoryIndex {
 public:
  explicit CategoryIndex(const std::vector<std::string>& categories, const Notation& notation = {});

  /// -1 if there is no such category.
  std::int32_t find(std::string_view text) const;

 private:
  Notation notation_;
  std::map<std::string, std::int32_t, std::less<>> by_text_, by_key_;
};

}  // namespace scalemix::inline v0::data
