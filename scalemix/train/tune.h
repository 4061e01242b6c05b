// The noise precision of a regression, chosen on held-out rows: --precision tuned.
//
// For every replica a fifth of its training rows is held out, a network is trained on the rest at each
// precision of a grid, all in the same stacks, and the precision with the largest Monte-Carlo
// log-likelihood of the held-out rows is kept. The network itself is then trained on all its rows.
//
// Held out are the last rows where the splits came with the data (the published protocol), else rows
// of the stream's choice. The grid is in 1 / target units squared: of the UCI sets the published one;
// else 1, 2, 5, ... 1000 in units of the standardised target; or "tuned:V,V,..." gives it.
//
// Source: Gal & Ghahramani (2016), Dropout as a Bayesian approximation; the protocol of 2018 in the
// repository of their experiments
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "scalemix/train/fit.h"

namespace scalemix::inline v0::train {

/// Whether options.precision is "tuned" or "tuned:V,V,...".
bool tunes_precision(const FitOptions& options);

struct Tuning {
  std::vector<std::vector<double>> grid;   // (replicas, points)
  std::vector<std::vector<double>> score;  // likewise: nats per held-out row
  std::vector<std::size_t> best;           // (replicas) the point with the largest score
  /// "0.75,0.5": of each replica, as options.precision takes it.
  std::string word() const;
};

/// `samples`: draws of the noise; 0: the deterministic pass. Throws ConfigError for a grid that is
/// none and for a classification, DataError where a replica has too few rows, Diverged. Where
/// callbacks.stop ends it, `best` is empty.
Tuning tune_precision(const data::Dataset& data, const Plan& plan, std::size_t samples,
                      const Callbacks& callbacks = {});

}  // namespace scalemix::inline v0::train
