// Categories of a column: their order and their look-up.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace scalemix::inline v0::data {

/// Sorts by value if all are numbers ("2" before "10"), else by text.
void sort_categories(std::vector<std::string>& categories);

/// Finds the number of a category by its text or, among categories that are all numbers, by its
/// value
/// ("1.0" is "1").
class CategoryIndex {
 public:
  explicit CategoryIndex(const std::vector<std::string>& categories);

  /// -1 if there is no such category.
  std::int32_t find(std::string_view text) const;

 private:
  std::map<std::string, std::int32_t, std::less<>> by_text_;
  std::map<double, std::int32_t> by_value_;
};

}  // namespace scalemix::inline v0::data
