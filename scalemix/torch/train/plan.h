// From a config and a data set to what will be trained: resolved config, spec, replicas.
#pragma once

#include <cstdint>
#include <vector>

#include "scalemix/data/dataset.h"
#include "scalemix/data/standardise.h"
#include "scalemix/model/spec.h"
#include "scalemix/run/config.h"
#include "scalemix/run/grid.h"

namespace scalemix::inline v0::train {

/// What may differ between the replicas of a stack besides seed and rows.
struct Settings {
  double lr = 0, penalty = 1, weight_decay = 0;
};

/// One network to train: its seed, its settings, its rows, its standardisation.
struct Replica {
  std::uint64_t seed = 0;
  Settings settings = {};
  run::GridPoint point = {};  // what of it the grid says
  data::Split split;
  data::Standardisation standardisation;
};

struct Plan {
  run::TrainConfig config;  // nothing left on auto
  data::Dataset data;
  model::Spec spec;
  std::vector<Replica> replicas;
  std::vector<std::string> warnings;  // constant columns, a law without a mean, ...
};

/// Reads the data and decides everything that is decided before the first step. Throws DataError,
/// FileError, ConfigError, std::domain_error and std::invalid_argument as the parts do.
Plan make_plan(run::TrainConfig config);

/// Numbers to show before training, and for --dry-run.
struct Estimate {
  std::size_t weights = 0;  // trained numbers a replica
  std::size_t bytes = 0;    // data, parameters, optimiser, activations of a batch
  std::int64_t steps = 0;   // an epoch, the largest replica
};
Estimate estimate(const Plan& plan);

}  // namespace scalemix::inline v0::train
