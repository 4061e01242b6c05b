// Rows with answers: which part of a divided data set they are, whether a model has seen them, and
// the metrics on them.
#pragma once

#include <iosfwd>
#include <string>

#include "scalemix/cli/options.h"
#include "scalemix/data/rows.h"
#include "scalemix/predict/evaluate.h"

namespace scalemix::inline v0::cli {

struct Labelled {
  data::LabelledRows rows;
  std::string part;  // "all", "test" or "train"
};

/// `part` is "all", "test", "train", or "auto": the test rows of a set that came with one division
/// (so that a model is not judged on what it was trained on), else all rows. Throws as
/// data::open_rows does; ConfigError where a part is asked of data without one division.
Labelled open_labelled(const RowOptions& options, const std::string& part,
                       const data::Format& format);

/// Warns if `data` is the file that the run (or the run of the model) at `path` was trained on.
void warn_if_trained_on(const std::string& path, const std::string& data);

}  // namespace scalemix::inline v0::cli
