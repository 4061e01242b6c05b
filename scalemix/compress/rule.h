// Pruning rules: what says which weights matter least, one row each. A rule sees a group of weights,
// single ones or those of a unit, by its sums of squared means and of variances.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "scalemix/prior/hyper_prior.h"

namespace scalemix::inline v0::compress {

/// Some weights that go or stay together.
struct Group {
  double mean2 = 0, variance = 0;  // sums over the group
  double count = 1;
  std::uint64_t number = 0;  // among all groups of the network

  double second() const { return mean2 + variance; }
};

/// What a rule knows beside the group.
struct RuleUse {
  const prior::HyperPrior& hyper;  // gsm: of the scales
  double sigma2 = 1;               // gsm: sigma0^2, the mean second moment of all weights
  std::uint64_t seed = 0;          // random
};

struct Rule {
  std::string_view name, summary, source;
  bool variances = false;  // needs an estimator of them
  /// Groups with the lowest score go first.
  double (*score)(const RuleUse&, const Group&) = nullptr;
  bool minus_log_alpha = false;  // the score is that, so that it has a threshold
};

const std::vector<Rule>& rules();

/// Throws ConfigError for an unknown name, with the nearest known.
const Rule& rule(std::string_view name);

}  // namespace scalemix::inline v0::compress
