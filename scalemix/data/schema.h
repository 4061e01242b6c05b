// How the columns of a table become numbers: learned from the training table, stored with the
// model, and applied to new tables.
//
//   numeric      one column; a missing cell is NaN, which standardisation turns into the mean of
//                the training rows
//   categorical  one column per category ("city=Paris"), 1 where the cell holds it, else 0; a
//                missing cell and a category that was not seen in training are 0 in all of them
//
// A column is numeric if its cells are numbers, categorical if they are texts or it is named in
// OpenOptions::categorical. A column of numbers with some texts among them is an error that names
// the first text, for that is how damaged numbers look.
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
};

struct Schema {
  bool header = false;
  std::size_t table_columns = 0;  // of the training table, the target included
  std::vector<Column> inputs;     // in the order of their encoding
  Column target;                  // categorical for classification: its categories are the classes
  std::vector<std::string> ignored;
  std::string missing = "mean";  // OpenOptions::missing

  std::size_t width() const;                  // K: number of encoded columns
  std::vector<std::size_t> widths() const;    // of each input
  std::vector<std::string> features() const;  // (K)
};

/// Throws DataError: no such column, text among numbers, one class only, more than 1000 categories
/// in a column, no input left; ConfigError for an unknown missing policy.
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
  std::size_t dropped = 0;          // rows left out for a missing cell
  std::vector<std::string> warnings;
};

struct EncodeOptions {
  Target target = Target::optional;
  bool drop = false;  // leave out rows with a missing cell; else the schema's policy, where "drop"
                      // acts as "mean", since every row asked about gets an answer
};

/// Codes a table. Columns are found by name where schema and table have a header, else by position;
/// then a table may lack the target column. Throws DataError with line and column: a column that is
/// not there, text or an infinite number where a number is expected, a missing cell under the
/// policy "error", a missing or unknown target where it is required.
Encoded encode(const Table& table, const Schema& schema, const EncodeOptions& options = {});

/// Whether the first row of a table read without a header names one of the schema's columns.
bool first_row_names(const Table& table, const Schema& schema);

}  // namespace scalemix::inline v0::data
