#include "scalemix/data/category.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

namespace scalemix::inline v0::data {
namespace {

/// Whole numbers that a double would round are told apart by their digits.
constexpr std::size_t kExactDigits = 15;

double value_of(const std::string& text, const Notation& notation) {
  double value = 0;
  notation.read(text, value);
  return value;
}

bool all_numbers(const std::vector<std::string>& categories, const Notation& notation) {
  double value;
  return std::all_of(categories.begin(), categories.end(), [&](const std::string& text) {
    return notation.read(text, value) == Cell::number;
  });
}

bool is_digits(std::string_view text) {
  return text.find_first_not_of("0123456789") == std::string_view::npos;
}

}  // namespace

std::string category_key(std::string_view text, const Notation& notation) {
  text = trimmed(text);
  double value;
  if (notation.read(text, value) == Cell::number) {
    std::string_view digits = text;
    digits.remove_prefix(std::min(digits.find_first_not_of('0'), digits.size()));
    if (is_digits(text) && digits.size() > kExactDigits) return fmt::format("#{}", digits);
    return fmt::format("#{}", value == 0 ? 0 : value);
  }
  if (text.size() > 5) return std::string(text);
  std::string word(text);
  for (char& c : word) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  const bool answer = word == "true" || word == "false" || word == "yes" || word == "no";
  return answer ? "?" + word : std::string(text);
}

bool spells_better(std::string_view text, std::string_view than, const Notation& notation) {
  double value;
  return text.size() < than.size() && notation.read(text, value) == Cell::number;
}

void sort_categories(std::vector<std::string>& categories, const Notation& notation) {
  std::sort(categories.begin(), categories.end());
  if (!all_numbers(categories, notation)) return;
  std::stable_sort(categories.begin(), categories.end(),
                   [&](const std::string& a, const std::string& b) {
                     return value_of(a, notation) < value_of(b, notation);
                   });
}

CategoryIndex::CategoryIndex(const std::vector<std::string>& categories, const Notation& notation)
    : notation_(notation) {
  for (std::size_t i = 0; i < categories.size(); ++i) {
    by_text_.emplace(categories[i], static_cast<std::int32_t>(i));
    by_key_.emplace(category_key(categories[i], notation), static_cast<std::int32_t>(i));
  }
}

std::int32_t CategoryIndex::find(std::string_view text) const {
  const auto found = by_text_.find(text);
  if (found != by_text_.end()) return found->second;
  const auto same = by_key_.find(category_key(text, notation_));
  return same == by_key_.end() ? -1 : same->second;
}

}  // namespace scalemix::inline v0::data
