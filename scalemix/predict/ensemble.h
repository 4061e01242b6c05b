// Several models' predictions of the same rows as one: a mixture with equal weights.
//
//   regression      mean = average of means; aleatoric = average of noise variances;
//                   epistemic = average of epistemic variances + variance of the means between
//                   models (law of total variance)
//   classification  mean = average of probabilities; aleatoric = average of expected entropies;
//                   epistemic = entropy of the mean - aleatoric: the mutual information with the
//                   model and its draws, so what the models disagree about counts
#pragma once

#include <span>

#include "scalemix/predict/predictor.h"

namespace scalemix::inline v0::predict {

/// Throws std::invalid_argument for no prediction, or for sizes that differ. One prediction comes
/// back as it is, up to rounding.
Prediction combine(std::span<const Prediction> predictions, Task task);

}  // namespace scalemix::inline v0::predict
