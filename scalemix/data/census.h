// What the cells of a table's columns are, counted: what decisions about columns are made of.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "scalemix/data/table.h"

namespace scalemix::inline v0::data {

struct Census {
  std::size_t numbers = 0, texts = 0;  // infinite ones and those beyond float among the numbers
  std::size_t first_text = 0;          // row
  double low = 0, high = 0;            // of the numbers
  double first = 0, last = 0;
  bool whole = true;     // all numbers are whole
  bool counting = true;  // each number is the one before it, plus one
  bool rounds = false;   // float rounds some number
  bool finite = true;    // no number is infinite or beyond float
};

/// Of all columns.
std::vector<Census> count_cells(const Table& table);

/// How many different numbers a column holds, and how many are left when `origin` is taken off and
/// float rounds them.
struct Distinct {
  std::size_t numbers = 0, rounded = 0;

  /// Whether more are lost than by chance: of many numbers with many digits, some always meet.
  bool merges() const { return (numbers - rounded) * (numbers <= 100000 ? 100 : 10) > numbers; }
};
Distinct count_distinct(const Table& table, std::size_t column, double origin = 0);

/// What is taken off a column before float rounds it, so that its numbers stay apart: 0 unless they
/// lie ten thousand times farther from zero than from each other and float rounds some.
double origin_of(double low, double high, bool rounds);

/// The different texts of a column as categories (category.h), one spelling of each, not sorted;
/// missing cells aside. Stops at `most` + 1.
struct Categories {
  std::vector<std::string> names;
  std::vector<std::string> notes;  // spellings that were taken as one, or that differ by case alone
};
Categories find_categories(const Table& table, std::size_t column, std::size_t most);

}  // namespace scalemix::inline v0::data
