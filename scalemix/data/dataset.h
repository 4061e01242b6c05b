// A data set in memory: rows of numbers, what is to be predicted, and how it came to be.
//
// `x` holds the inputs in their own units, encoded (one-hot for categories) but not yet
// standardised (less `origin`, where there is one); NaN marks a missing number, which standardisation turns into the training mean.
// Standardisation belongs to a split (it is learned on training rows only): see standardise.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "scalemix/base/task.h"

namespace scalemix::inline v0::data {

/// Row numbers of one split. `validation` may be empty.
struct Split {
  std::vector<std::uint32_t> train, validation, test;
};

struct Dataset {
  std::string name;  // "uci:concrete", "friedman1", a file's name
  Task task = Task::regression;
  std::vector<std::size_t> shape;   // of one input: {K} or {C, H, W}
  std::vector<float> x;             // (N, K), K = product of shape
  std::vector<float> y;             // (N) targets in their own units; regression only
  std::vector<std::int32_t> label;  // (N) class numbers; classification only
  // What a teacher says of the training rows, where one is learned from; else empty. Classification:
  // (N, C) log-probabilities; regression: (N) targets that stand for y in training.
  std::vector<float> soft;
  std::vector<std::string> classes;   // (C) class names, as in the input
  std::vector<std::string> features;  // (K) names of the encoded columns; empty for images
  std::string target;                 // name of the target column; may be empty
  std::string schema;  // JSON (schema.h): columns and their coding; empty for images and arrays
  // Taken off x and y before they were rounded to float: x + origin is in the user's units. Needed
  // where numbers lie far from zero and near each other, such as seconds since 1970.
  std::vector<double> origin;  // (K); empty: all 0
  double target_origin = 0;
  std::vector<double> exact_x, exact_y;  // (N, K), (N) before rounding, with OpenOptions::exact
  // What a division goes by, where OpenOptions names the columns; else empty.
  std::vector<std::uint32_t> group;  // (N) number of the row's group
  std::vector<double> time;          // (N)
  std::vector<std::int32_t> strata;  // (N) what its parts keep the proportions of; empty: label
  std::vector<Split> splits;         // splits that came with the data; may be empty
  std::vector<std::string>
      notes;  // what the reader did that the user should know: rows dropped, ...

  std::size_t rows() const { return task == Task::regression ? y.size() : label.size(); }
  std::size_t width() const {
    std::size_t k = 1;
    for (std::size_t s : shape) k *= s;
    return k;
  }
  const std::vector<std::int32_t>& strata_or_label() const {
    return strata.empty() ? label : strata;
  }
  bool images() const { return shape.size() == 3; }
};

/// How to read what `--data` names. Everything has a default that works.
struct OpenOptions {
  std::string target;        // column name or number from 1; default: the last column
  std::optional<Task> task;  // default: classification if the target is text, else regression
  std::vector<std::string> categorical;  // columns to read as categories though they hold numbers
  std::vector<std::string> ignore;       // columns to leave out
  std::string missing = "mean";          // missing cell: "mean", "error", or "drop" the row
  std::optional<bool> header;            // default: seen from the first row
  std::vector<std::size_t> image = {};   // pictures become {C, H, W} or {H, W}; empty: as they are
  std::size_t rows = 0;                  // generators: how many; 0: their default
  std::uint64_t seed = 0;                // generators
  std::string decimal = {}, thousands = {};  // notation.h; empty: a point, nothing
  std::vector<std::string> units = {};       // taken off numbers: "$", "%"
  std::vector<std::string> as = {};  // "KIND:COLUMN": number, category, date, year, month, weekday,
                                     // seconds
  std::string id = {};               // a column that is no input and goes with the predictions
  std::string group = {};            // a column whose values stay together in a division
  std::string time = {};             // a column that a division goes by; it stays an input
  bool exact = false;                // also keep the numbers in double
};

/// Opens a named set (`mnist`, `uci:concrete`, `glyphs`), a file (.csv .tsv .txt .npy .npz, gz of
/// these) or a folder (IDX, CIFAR binary, UCI splits, pictures by class). Throws DataError, FileError, or ConfigError
/// with the nearest known name for a name that is neither a set nor a file.
Dataset open(const std::string& what, const OpenOptions& options = {});

}  // namespace scalemix::inline v0::data
