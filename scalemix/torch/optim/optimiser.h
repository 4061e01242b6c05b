// Optimisers over a stack's flat storage: one fused pass a replica, no tape.
#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <vector>

#include "scalemix/kernel/optimiser.h"
#include "scalemix/run/config.h"
#include "scalemix/torch/nn/storage.h"

namespace scalemix::inline v0::optim {

/// Slots [from, to) of a replica's row that decay alike.
struct Part {
  std::int64_t from = 0, to = 0;
  bool decays = false;
};

/// How far a replica goes in a step.
struct Rate {
  double lr = 0, decay = 0;  // learning rate; L2 coefficient of the slots that decay

  /// Adam's options for slots that decay or do not.
  kernel::Adam adam(bool decays) const { return {.lr = lr, .decay = decays ? decay : 0}; }
};

class Optimiser {
 public:
  /// Adam or SGD with momentum, as the config says. Moments start at 0.
  Optimiser(const run::TrainConfig& config, const nn::Storage& storage);

  /// One update of every replica whose `active` is true; `step` counts from 1. The gradient of a
  /// replica is scaled down to the config's clip norm first, where that is set. Returns the
  /// gradients' norms before clipping, NaN where one is not finite; a replica whose gradient is not
  /// finite is left as it was.
  std::vector<double> update(nn::Storage& storage, const std::vector<Rate>& rates,
                             std::int64_t step, const std::vector<bool>& active);
  /// The same of replica r alone; returns its norm. Different replicas may be updated at once.
  double update(nn::Storage& storage, std::int64_t r, const Rate& rate, std::int64_t step);
  /// Part of a row, its gradient times `scale`.
  void update(nn::Storage& storage, std::int64_t r, const Part& part, const Rate& rate,
              std::int64_t step, float scale);

  torch::Tensor first, second;  // (R, P) moments; `second` is empty for SGD

 private:
  run::TrainConfig config_;
};

}  // namespace scalemix::inline v0::optim
