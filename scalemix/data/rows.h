// New rows for a trained model: read, matched with what the model was trained on, and labelled
// where the answers are there too.
//
// A table is coded by the stored schema: columns are found by name (their order is free, others are
// left out with a note) or, in a file without a header, by position. Images and arrays must have
// the model's input shape.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "scalemix/base/task.h"
#include "scalemix/data/dataset.h"

namespace scalemix::inline v0::data {

/// What a trained model knows of its data; a model file holds these.
struct Format {
  Task task = Task::regression;
  std::vector<std::size_t> shape;    // of one input: {K} or {C, H, W}
  std::vector<std::string> classes;  // classification only
  std::string target;                // name of the target column; may be empty
  std::string schema;                // Dataset::schema; empty for images and arrays
};

Format format_of(const Dataset& data);

/// Whether answers are wanted: `optional` for predict (used if they are there and complete, a
/// warning if they are not usable), `required` for evaluate (their absence is an error).
enum class Labels { ignored, optional, required };

struct LabelledRows {
  std::size_t rows = 0;
  std::vector<float> x;  // (rows, K), not yet standardised; less its origin (Dataset); NaN: missing
  bool labelled = false;
  std::vector<float> y;               // (rows); labelled regression only
  std::vector<std::int32_t> label;    // (rows); labelled classification only
  std::vector<std::string> ids;       // (rows) of the column `id`; empty if there is none
  std::string id;                     // its name
  std::vector<std::string> warnings;  // unseen categories, columns left out, unusable answers
};

/// Reads what `what` names: anything open() reads, or "-" for a table on standard input. Rows keep
/// their order and none is dropped, but those without an answer where answers are required.
/// `OpenOptions::header` and `id` are honoured, and the notation of numbers where it is given; else it
/// is the training table's. `rows` and `seed` go to a generator. Throws DataError: a column that is not there, text where a number is expected, a
/// class the model does not know, another shape than the model's, no rows; FileError; ConfigError.
LabelledRows open_rows(const std::string& what, const Format& format,
                       Labels labels = Labels::optional, const OpenOptions& options = {});

/// The same from a data set in memory, e.g. for its test rows. Labels::ignored: whatever it is for.
LabelledRows rows_of(const Dataset& data, const Format& format, Labels labels = Labels::required);

/// The rows of these numbers, as they are.
LabelledRows rows_of(const Dataset& data, const std::vector<std::uint32_t>& rows);

}  // namespace scalemix::inline v0::data
