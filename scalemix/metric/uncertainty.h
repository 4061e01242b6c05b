// How sure a prediction made of several draws is, and summaries of repeated experiments. Nats
// throughout.
//
// All throw std::invalid_argument for no numbers or sizes that do not fit.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace scalemix::inline v0::metric {

/// -sum_c p_c log p_c, with 0 log 0 = 0.
double entropy(std::span<const double> p);

/// What several draws of class probabilities say about one row.
struct DrawUncertainty {
  double total;      // entropy of the mean probabilities
  double aleatoric;  // mean of the draws' entropies
  double epistemic;  // their difference: mutual information of label and draw, >= 0
};
/// draws (T, C). Houlsby, Huszar, Ghahramani & Lengyel (2011).
DrawUncertainty draw_uncertainty(std::span<const double> draws, std::size_t classes);

/// Mean of a sample and its standard error s / sqrt(n), s^2 the variance over n - 1; the error of a
/// single number is NaN.
struct MeanError {
  double mean, error;
};
MeanError mean_and_error(std::span<const double> sample);

}  // namespace scalemix::inline v0::metric
