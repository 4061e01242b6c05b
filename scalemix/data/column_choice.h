// What becomes of a table's column that nothing was said about: an input, or left out, and why.
//
// Left out are columns that tell rows apart and nothing else: the same value everywhere, no value,
// an unnamed index, a column whose name says that it is an id and that differs in every row, texts
// that differ in every row or are more than kMostCategories, dates (a number can be made of them:
// OpenOptions::as).
#pragma once

#include <string>
#include <vector>

#include "scalemix/data/census.h"
#include "scalemix/data/schema.h"

namespace scalemix::inline v0::data {

inline constexpr std::size_t kMostCategories = 1000;

struct Choice {
  enum class Use { number, category, left_out } use = Use::number;
  std::string why;        // left out: "the same in every row"
  std::string instead;    // how to use it all the same: "--as number:COLUMN"; may be empty
  Categories categories;  // of a category
  std::string note;       // kept, but the user should know
};

/// Throws DataError: texts that are numbers in another notation, a few texts among numbers.
Choice choose(const Table& table, std::size_t column, const Census& census);

/// Throws unless the column's texts are texts: they are no numbers in another notation, and not a few
/// among numbers.
void check_texts(const Table& table, std::size_t column, const Census& census);

/// Whether the texts of a column are dates, nine of ten.
bool holds_dates(const Table& table, std::size_t column);

/// Notes on columns that were left out, one for each reason.
class LeftOut {
 public:
  void add(const std::string& column, const Choice& choice);
  std::vector<std::string> notes() const;
  bool empty() const { return reasons_.empty(); }

 private:
  struct Reason {
    std::string why, instead;
    std::vector<std::string> columns;
  };
  std::vector<Reason> reasons_;
};

}  // namespace scalemix::inline v0::data
