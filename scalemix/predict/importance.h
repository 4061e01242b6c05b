// Which inputs a trained network leans on: permutation importance (Breiman, "Random forests",
// 2001).
#pragma once

#include <cstdint>
#include <vector>

#include "scalemix/data/rows.h"
#include "scalemix/predict/predictor.h"

namespace scalemix::inline v0::predict {

/// For each input (K), how much the deterministic network's negative log-likelihood grows, in nats
/// a row, when that input is shuffled among the rows. About 0 for an input that is not used; it can
/// be a little below 0 by chance. Throws std::invalid_argument if the rows have no answers or do
/// not fit.
std::vector<double> permutation_importance(const predict::Predictor& predictor,
                                           data::LabelledRows rows, std::uint64_t seed);

}  // namespace scalemix::inline v0::predict
