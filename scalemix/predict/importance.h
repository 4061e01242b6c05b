// Which inputs a trained network leans on: permutation importance (Breiman, "Random forests",
// 2001).
#pragma once

#include <cstdint>
#include <vector>

#include "scalemix/data/rows.h"
#include "scalemix/predict/predictor.h"

namespace scalemix::inline v0::predict {

struct Importance {
  double nats = 0;   // growth of the mean negative log-likelihood per row
  double error = 0;  // standard error of that mean over the rows; NaN of a single row
};

/// How much the deterministic network's negative log-likelihood grows when inputs are shuffled among the
/// rows. `widths`: how many inputs that stand next to each other are shuffled together, as those are that a
/// category is coded by; their sum is K. About 0 for inputs that are not used; it can be a little below 0 by
/// chance. Throws std::invalid_argument if the rows have no answers or widths do not fit.
std::vector<Importance> permutation_importance(const predict::Predictor& predictor,
                                               data::LabelledRows rows,
                                               const std::vector<std::size_t>& widths,
                                               std::uint64_t seed);

}  // namespace scalemix::inline v0::predict
