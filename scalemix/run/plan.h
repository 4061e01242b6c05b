// From a config to what will be trained: data, resolved config, network, replicas.
#pragma once

#include <string>
#include <vector>

#include "scalemix/predict/predictor.h"
#include "scalemix/run/config.h"
#include "scalemix/train/plan.h"

namespace scalemix::inline v0::run {

struct Plan : train::Plan {
  TrainConfig config;  // nothing left on auto
  data::Dataset data;
  std::vector<std::string> warnings;  // constant columns, a law without a mean, ...
};

/// Reads the data and decides everything that is decided before the first step. Throws DataError,
/// FileError, ConfigError, std::domain_error and std::invalid_argument as the parts do.
Plan make_plan(TrainConfig config);
/// The same of data in memory; config.data names it.
Plan make_plan(TrainConfig config, data::Dataset data);

/// What a teacher's networks, which answer together, say of all rows, into data.soft. `objective` is the
/// word that learns from it, distil with its parameters; the config's objective must be the same.
void ask(const std::vector<const predict::Predictor*>& teacher, const std::string& objective,
         std::uint64_t seed, data::Dataset& data);

}  // namespace scalemix::inline v0::run
