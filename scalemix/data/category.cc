#include "scalemix/data/category.h"

#include <algorithm>

#include "scalemix/data/table.h"

namespace scalemix::inline v0::data {
namespace {

bool all_numbers(const std::vector<std::string>& categories) {
  double value;
  return std::all_of(categories.begin(), categories.end(), [&](const std::string& text) {
    return read_cell(text, value) == Cell::number;
  });
}

double value_of(const std::string& text) {
  double value = 0;
  read_cell(text, value);
  return value;
}

}  // namespace

void sort_categories(std::vector<std::string>& categories) {
  std::sort(categories.begin(), categories.end());
  if (!all_numbers(categories)) return;
  std::stable_sort(
      categories.begin(), categories.end(),
      [](const std::string& a, const std::string& b) { return value_of(a) < value_of(b); });
}

CategoryIndex::CategoryIndex(const std::vector<std::string>& categories) {
  const bool numbers = all_numbers(categories);
  for (std::size_t i = 0; i < categories.size(); ++i) {
    by_text_.emplace(categories[i], static_cast<std::int32_t>(i));
    if (numbers) by_value_.emplace(value_of(categories[i]), static_cast<std::int32_t>(i));
  }
}

std::int32_t CategoryIndex::find(std::string_view text) const {
  const auto found = by_text_.find(text);
  if (found != by_text_.end()) return found->second;
  double value;
  if (by_value_.empty() || read_cell(text, value) != Cell::number) return -1;
  const auto same = by_value_.find(value);
  return same == by_value_.end() ? -1 : same->second;
}

}  // namespace scalemix::inline v0::data
