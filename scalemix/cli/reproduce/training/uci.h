// The UCI regression sets of Hernandez-Lobato & Adams (2015) with their splits: all splits of a set
// trained as one stack, and what the test rows of each give.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "scalemix/cli/reproduce/common.h"
#include "scalemix/run/config.h"

namespace scalemix::inline v0::cli::reproduce {

/// Monte-Carlo metrics on the test rows, of each split.
struct UciScores {
  std::vector<double> rmse,
      log_likelihood;                // of the mean over draws; of their mixture, nats per row
  std::vector<double> mae_of_draws;  // mean |y - draw|, over draws and rows
  // The same log-likelihood at other precisions of the noise: (precisions) of each split.
  std::vector<std::vector<double>> log_likelihood_at = {};
};

using Epochs = std::function<void(double done)>;  // called as epochs end

/// Trains and evaluates. `config.data` names the set, `config.samples` the draws; scores are means over
/// config.seeds.
UciScores uci_scores(const run::TrainConfig& config, const Epochs& epochs = {},
                     const std::vector<double>& precisions = {});

/// The same with dropout of the rate, and noise of the precision, that held-out rows choose for each
/// split (train/tune.h); the network is then trained on all rows. `done` runs up to 2 rates * epochs.
UciScores uci_tuned_scores(run::TrainConfig config, const std::vector<double>& rates,
                           const Epochs& epochs = {});

/// Whether the set lies on this machine.
bool uci_is_here(const std::string& name);

}  // namespace scalemix::inline v0::cli::reproduce
