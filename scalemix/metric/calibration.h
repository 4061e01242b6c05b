// Making predictions right on held-out rows: temperature scaling and split conformal prediction.
//
// Temperature T divides the logits of every draw; it is the one that makes held-out labels most probable
// (Guo, Pleiss, Sun & Weinberger 2017), and changes no deterministic decision. A conformal quantile q of n
// scores at a level L is the ceil((n + 1) L)-th smallest: a new score is at most q with probability L at
// least, whatever the model, if rows are exchangeable (Vovk, Gammerman & Shafer 2005).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace scalemix::inline v0::metric {

/// logits (draws, N, C): the mean over draws of softmax(logits / T) is judged. T in [0.05, 20]. Throws
/// std::invalid_argument for sizes that do not fit or no rows.
double best_temperature(std::span<const float> logits, std::size_t draws,
                        std::span<const std::int32_t> label);

/// Infinite where n is too small for the level. Throws std::invalid_argument for no scores,
/// std::domain_error for a level outside (0, 1) or NaN.
double conformal_quantile(std::span<const double> scores, double level);

}  // namespace scalemix::inline v0::metric
