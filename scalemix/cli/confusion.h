// Which classes a model takes for which.
#pragma once

#include <iosfwd>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "scalemix/data/rows.h"
#include "scalemix/predict/evaluate.h"

namespace scalemix::inline v0::cli {

/// {"classes": [...], "counts": [[...], ...]}: a row for each class, a column for what was predicted; null of
/// a regression. Classes without names are called by their number.
nlohmann::ordered_json confusion_json(const predict::RowPredictions& said,
                                      const data::LabelledRows& rows,
                                      const std::vector<std::string>& names);

/// A table of up to 12 classes; of more the pairs that are taken for each other most often.
void print_confusion(const nlohmann::ordered_json& confusion, std::ostream& out);

}  // namespace scalemix::inline v0::cli
