// Learning rate and penalty weight over the epochs.
#pragma once

#include <cstdint>
#include <string>

#include "scalemix/run/config.h"

namespace scalemix::inline v0::train {

/// Factor on the learning rate at a time in epochs (may be fractional).
///   constant  1
///   step      factor^floor(epoch / step)
///   cosine    (1 + cos(pi epoch / epochs)) / 2
///   linear    1 for the first half, then linearly to 0 at the end (methods of SparseVD)
double lr_factor(const run::TrainConfig& config, double epoch);

/// Weight of the penalty: 0 before warmup_start, then linearly to 1 over `warmup` epochs.
double penalty_weight(const run::TrainConfig& config, std::int64_t epoch);

}  // namespace scalemix::inline v0::train
