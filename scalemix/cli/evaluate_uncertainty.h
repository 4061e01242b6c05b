// What `evaluate` says of a model's uncertainty beyond its metrics: whether it knows rows of another data set
// from its own, what is lost if it answers only where it is surest, how often it is right where it is sure.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "scalemix/data/rows.h"
#include "scalemix/predict/evaluate.h"
#include "scalemix/report/plot.h"

namespace scalemix::inline v0::cli {

/// AUROC, FPR at a TPR of 0.95 and AUPR of the scores that a task has: predictive entropy, mutual information
/// and 1 - largest probability; of a regression the predictive variance.
nlohmann::ordered_json ood_json(const predict::RowPredictions& own,
                                const predict::RowPredictions& other);

/// Risk-coverage curve of the surest rows and the area under it: the loss is 1 where the model is wrong, of
/// a regression the squared error.
nlohmann::ordered_json selective_json(const predict::RowPredictions& said,
                                      const data::LabelledRows& rows);

/// Bins of the reliability diagram; null of a regression.
nlohmann::ordered_json reliability_json(const predict::RowPredictions& said,
                                        const data::LabelledRows& rows);

/// The two curves as a picture.
report::Figure uncertainty_figure(const nlohmann::ordered_json& selective,
                                  const nlohmann::ordered_json& reliability);

}  // namespace scalemix::inline v0::cli
