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
};

/// Trains and evaluates. `config.data` names the set, `config.samples` the draws; scores are means over
/// config.seeds. `epochs(done)` is called as epochs end.
UciScores uci_scores(const run::TrainConfig& config,
                     const std::function<void(double)>& epochs = {});

/// Whether the set lies on this machine.
bool uci_is_here(const std::string& name);

}  // namespace scalemix::inline v0::cli::reproduce
