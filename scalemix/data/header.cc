#include "scalemix/data/header.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "scalemix/base/name_list.h"

namespace scalemix::inline v0::data {
namespace {

constexpr std::size_t kLooks = 100;  // rows that decide
constexpr std::size_t kShown = 6;    // cells of the row in a note

/// What the first row is, beside those below it.
struct FirstRow {
  bool text_over_numbers = false;  // some column is text there and only numbers below
  bool recurs = false;             // some text stands below in its own column as well
  std::size_t texts = 0, missing = 0;
  std::vector<double> numbers;  // from left to right
};

FirstRow look(const Table& table) {
  FirstRow row;
  const std::size_t looks = std::min(table.rows(), kLooks);
  double value;
  for (std::size_t j = 0; j < table.columns(); ++j) {
    switch (table.read(0, j, value)) {
      case Cell::text:
        ++row.texts;
        break;
      case Cell::missing:
        ++row.missing;
        continue;
      default:
        row.numbers.push_back(value);
        continue;
    }
    std::size_t numbers = 0, others = 0;
    for (std::size_t i = 1; i < looks; ++i) {
      const Cell cell = table.read(i, j, value);
      numbers += cell == Cell::number;
      others += cell == Cell::text;
      row.recurs |= cell == Cell::text && table.cell(i, j) == table.cell(0, j);
    }
    row.text_over_numbers |= numbers > 0 && others == 0;
  }
  return row;
}

/// Whole numbers that count up by one, or years that rise: what names of columns look like.
bool count_up(const std::vector<double>& numbers) {
  bool ones = true, years = true;
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    if (numbers[i] != std::floor(numbers[i])) return false;
    years &= numbers[i] >= 1800 && numbers[i] <= 2200;
    if (i == 0) continue;
    if (numbers[i] <= numbers[i - 1]) return false;
    ones &= numbers[i] == numbers[i - 1] + 1;
  }
  return numbers.size() > 1 && (ones || years);
}

std::string shown(const Table& table) {
  std::vector<std::string> cells;
  for (std::size_t j = 0; j < std::min(table.columns(), kShown); ++j) {
    cells.emplace_back(table.cell(0, j));
  }
  return name_list(cells) + (table.columns() > kShown ? ", ..." : "");
}

std::string as_names(const Table& table) {
  return fmt::format(
      "the first row is taken as names of columns, as it looks: {}; if it is data, "
      "give --header no",
      shown(table));
}

std::string as_data(const Table& table) {
  return fmt::format(
      "no header is seen: the first row is taken as data: {}; if it holds names, "
      "give --header yes",
      shown(table));
}

}  // namespace

HeaderGuess guess_header(const Table& table) {
  if (table.rows() == 0) return {};
  const FirstRow row = look(table);
  if (row.text_over_numbers) return {true, ""};
  if (row.texts == table.columns()) {
    return row.recurs ? HeaderGuess{false, as_data(table)} : HeaderGuess{true, as_names(table)};
  }
  const bool names = count_up(row.numbers);
  if (row.texts + row.missing > 0) {
    const bool index = row.texts == 0 && row.missing == 1 && table.cell(0, 0).empty();
    if (names && !row.recurs && table.rows() > 1 && (row.texts > 0 || index)) {
      return {true, as_names(table)};
    }
    return {false, row.texts > 0 && !row.recurs ? as_data(table) : ""};
  }
  return {false, names && row.numbers.size() > 2 ? as_data(table) : ""};
}

}  // namespace scalemix::inline v0::data
