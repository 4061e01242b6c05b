// How the columns of a table become numbers: learned from the training table, stored with the
// model, and applied to new tables.
//
//   numeric      one column; a missing cell is NaN, which standardisation turns into the mean of
//                the training rows
//   categorical  one column per category ("city=Paris"), 1 where the cell holds it, else 0; a
//                missing cell and a category that was not seen in training are 0 in all of them
//
//   date         one column for each part asked for ("day.year"): year, month 1 to 12, weekday 1
//                (Monday) to 7, seconds since 1970 (of a time alone: since midnight)
//
// A column is numeric if its cells are numbers, categorical if they are texts or it is named in
// OpenOptions::categorical, a date if OpenOptions::as says so. A column of numbers with some texts
// among them is an error that names the first text, for that is how damaged numbers look; so is a
// column of texts that are numbers in another notation (notation.h). Columns that tell rows apart
// and nothing else are left out, and notes says so (column_choice.h).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "scalemix/base/task.h"
#include "scalemix/data/dataset.h"
#include "scalemix/data/table.h"

namespace scalemix::inline v0::data {

struct Column {
  std::string name;
  std::size_t position = 0;  // in the table, from 0
  bool categorical = false;
  std::vector<std::string> categories;  // by value if all are numbers, else by text
  // Taken off every number before it is rounded to float, so that numbers far from zero stay apart.
  double origin = 0;
  std::vector<std::string> parts = {};  // of a date; empty: the column is none

  /// How many encoded columns it makes.
  std::size_t width() const {
    return categorical ? categories.size() : parts.empty() ? 1 : parts.size();
  }
};

struct Schema {
  bool header = false;
  std::size_t table_columns = 0;  // of the training table, the target included
  std::vector<Column> inputs;     // in the order of their encoding
  Column target;                  // categorical for classification: its categories are the classes
  std::vector<std::string> ignored;     // known, and no input
  std::string missing = "mean";         // OpenOptions::missing
  std::string id;                       // a column that goes with the predictions; may be empty
  Notation notation = {};               // of its numbers
  std::vector<std::string> notes = {};  // what was decided about columns; not stored

  std::size_t width() const;                  // K: number of encoded columns
  std::vector<std::size_t> widths() const;    // of each input
  std::vector<std::string> features() const;  // (K)
  std::vector<double> origins() const;        // (K); empty if all are 0
};

/// The position of a column given by name or by number from 1. Throws DataError naming its `role`
/// and the nearest name.
std::size_t find_column(const Table& table, const std::string& wanted, const char* role);

/// How OpenOptions asks for a table to be read. Throws ConfigError for an unknown notation.
TableOptions table_options(const OpenOptions& options);

/// Throws DataError: no such column, text among numbers, numbers in another notation, one class
/// only, no input left; ConfigError for an unknown missing policy or an unknown word in `as`.
Schema learn_schema(const Table& table, const OpenOptions& options = {});

/// As JSON text: what a data set and a model hold.
std::string to_text(const Schema& schema);

/// Throws DataError("", 0, 0, ...) if it is no JSON, a key is missing or of the wrong type.
Schema schema_from_text(const std::string& text);

enum class Target { ignored, optional, required };

struct Encoded {
  std::size_t rows = 0;
  std::vector<float> x;  // (rows, K)
  bool labelled = false;
  std::vector<float> y;             // (rows) numeric target
  std::vector<std::int32_t> label;  // (rows) categorical target
  std::vector<std::string> ids;     // (rows) cells of the column Schema::id; empty if there is none
  std::vector<double> exact_x, exact_y;  // x and y before rounding, with EncodeOptions::exact
  std::size_t dropped = 0;               // rows left out for a missing cell
  std::vector<std::uint32_t> kept;       // the table's rows that are here, if some were left out
  std::vector<std::string> warnings;
};

struct EncodeOptions {
  Target target = Target::optional;
  bool drop = false;  // leave out rows with a missing cell; else the schema's policy, where "drop"
                      // acts as "mean", since every row asked about gets an answer. Rows that
                      // lack a required target are left out in any case, but under "error"
  std::string id =
      {};  // a column whose cells go with the rows; default: the schema's, if it is there
  bool exact = false;  // also in double
};

/// Codes a table. Columns are found by name where schema and table have a header, else by position;
/// then a table may lack the target column. Throws DataError with line and column: a column that is
/// not there, text or an infinite number where a number is expected, a missing cell under the
/// policy "error", an unknown target where it is required.
Encoded encode(const Table& table, const Schema& schema, const EncodeOptions& options = {});

/// Whether the first row of a table read without a header names one of the schema's columns.
bool first_row_names(const Table& table, const Schema& schema);

}  // namespace scalemix::inline v0::data
