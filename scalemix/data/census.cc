#include "scalemix/data/census.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <map>
#include <unordered_map>
#include <unordered_set>

#include "scalemix/base/parallel.h"
#include "scalemix/data/category.h"

namespace scalemix::inline v0::data {
namespace {

constexpr std::size_t kRows = 4096;  // of a tile

void add_number(Census& c, double value) {
  if (c.numbers++ == 0) {
    c.low = c.high = c.first = value;
  } else {
    c.low = std::min(c.low, value);
    c.high = std::max(c.high, value);
    c.counting &= value == c.last + 1;
  }
  c.last = value;
  c.whole &= value == std::floor(value);
  c.rounds |= static_cast<double>(static_cast<float>(value)) != value;
}

/// Of all columns for some rows: row by row is how the cells lie in memory.
std::vector<Census> count_cells(const Table& table, std::size_t first, std::size_t past) {
  std::vector<Census> columns(table.columns());
  double value;
  for (std::size_t i = first; i < past; ++i) {
    for (std::size_t j = 0; j < table.columns(); ++j) {
      Census& census = columns[j];
      switch (table.read(i, j, value)) {
        case Cell::missing:
          break;
        case Cell::text:
          if (census.texts++ == 0) census.first_text = i;
          break;
        case Cell::number:
          add_number(census, value);
          break;
        default:
          ++census.numbers;  // refused where it is encoded
          census.counting = census.whole = census.finite = false;
      }
    }
  }
  return columns;
}

/// `next` are the rows below those of `c`.
void merge(Census& c, const Census& next) {
  c.finite &= next.finite;
  if (c.texts == 0) c.first_text = next.first_text;
  c.texts += next.texts;
  if (next.numbers == 0) return;
  if (c.numbers == 0) {
    c.low = next.low, c.high = next.high, c.first = next.first;
  } else {
    c.low = std::min(c.low, next.low);
    c.high = std::max(c.high, next.high);
    c.counting &= next.first == c.last + 1;
  }
  c.last = next.last;
  c.numbers += next.numbers;
  c.whole &= next.whole;
  c.counting &= next.counting;
  c.rounds |= next.rounds;
}

std::string folded(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

template <class T>
std::size_t distinct(std::vector<T>& values) {
  std::sort(values.begin(), values.end());
  return static_cast<std::size_t>(std::unique(values.begin(), values.end()) - values.begin());
}

}  // namespace

std::vector<Census> count_cells(const Table& table) {
  const std::size_t tiles = (table.rows() + kRows - 1) / kRows;
  std::vector<std::vector<Census>> parts(tiles);
  parallel_tiles(tiles, [&](std::size_t t) {
    parts[t] = count_cells(table, t * kRows, std::min(table.rows(), (t + 1) * kRows));
  });
  std::vector<Census> columns(table.columns());
  for (const auto& part : parts) {
    for (std::size_t j = 0; j < columns.size(); ++j) merge(columns[j], part[j]);
  }
  return columns;
}

Distinct count_distinct(const Table& table, std::size_t column, double origin) {
  std::vector<double> exact;
  std::vector<float> rounded;
  double value;
  for (std::size_t i = 0; i < table.rows(); ++i) {
    if (table.read(i, column, value) == Cell::number) exact.push_back(value);
  }
  rounded.reserve(exact.size());
  for (const double v : exact) rounded.push_back(static_cast<float>(v - origin));
  return {distinct(exact), distinct(rounded)};
}

double origin_of(double low, double high, bool rounds) {
  const double range = high - low, far = std::max(std::abs(low), std::abs(high));
  if (!rounds || !(range > 0) || far < 1e4 * range) return 0;
  return range >= 1 ? std::floor(low) : low;
}

Categories find_categories(const Table& table, std::size_t column, std::size_t most) {
  Categories out;
  std::unordered_set<std::string_view> seen;
  std::unordered_map<std::string, std::size_t> of_key;
  std::map<std::string, std::size_t> of_case;
  std::size_t merged = 0;
  std::string example, alike;
  double value;
  for (std::size_t i = 0; i < table.rows() && out.names.size() <= most; ++i) {
    const std::string_view text = table.cell(i, column);
    if (!seen.insert(text).second) continue;
    if (table.read(i, column, value) == Cell::missing) continue;
    const std::string_view name = trimmed(text);
    const auto [at, anew] = of_key.emplace(category_key(text, table.notation()), out.names.size());
    if (!anew) {
      std::string& known = out.names[at->second];
      if (merged++ == 0) example = fmt::format("'{}' and '{}'", known, text);
      if (spells_better(name, known, table.notation())) known = name;
      continue;
    }
    const auto [other, first] = of_case.emplace(folded(name), out.names.size());
    if (!first && alike.empty())
      alike = fmt::format("'{}' and '{}'", out.names[other->second], name);
    out.names.emplace_back(name);
  }
  const std::string& of = table.names()[column];
  if (merged > 0) {
    out.notes.push_back(
        fmt::format("column '{}': spellings of one value are one category: {}", of, example));
  }
  if (!alike.empty()) {
    out.notes.push_back(fmt::format(
        "column '{}': {} differ by case alone and are taken as two categories", of, alike));
  }
  return out;
}

}  // namespace scalemix::inline v0::data
