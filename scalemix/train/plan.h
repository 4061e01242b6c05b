// What will be trained: options, network, and the replicas of it, with everything decided that is
// decided before the first step.
#pragma once

#include <cstdint>
#include <vector>

#include "scalemix/data/dataset.h"
#include "scalemix/data/standardise.h"
#include "scalemix/model/spec.h"
#include "scalemix/train/grid.h"
#include "scalemix/train/options.h"

namespace scalemix::inline v0::train {

/// What may differ between the replicas of a stack besides seed and rows.
struct Settings {
  double lr = 0, penalty = 1, weight_decay = 0;
};

/// One network to train: its seed, its settings, its rows, its standardisation.
struct Replica {
  std::uint64_t seed = 0;
  Settings settings = {};
  GridPoint point = {};  // what of it the grid says
  data::Split split = {};
  data::Standardisation standardisation = {};
};

struct Plan {
  FitOptions options = {};  // resolved
  model::Spec spec = {};
  std::vector<Replica> replicas = {};
};

/// The options' settings, with what a point of a grid says in their place.
Settings settings_of(const FitOptions& options, const GridPoint& point);

/// Carves validation rows out of a replica's training rows and learns its standardisation. Throws
/// DataError if no row is left to train on.
void prepare(Replica& replica, const FitOptions& options, const data::Dataset& data);

/// Groups a plan's replicas into stacks: those whose numbers of rows agree train together.
std::vector<std::vector<std::size_t>> group(const Plan& plan);

/// Numbers to show before training, and for --dry-run.
struct Estimate {
  std::size_t weights = 0;  // trained numbers of a replica
  std::size_t bytes = 0;    // data, tensors, optimiser, memory of the steps
  std::int64_t steps = 0;   // per epoch, of the largest replica
};
Estimate estimate(const Plan& plan, const data::Dataset& data);

/// Seconds that training will take, from a few steps of every stack, which are thrown away.
double estimate_seconds(const Plan& plan, const data::Dataset& data);

}  // namespace scalemix::inline v0::train
