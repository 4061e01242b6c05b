// Optimisers over a stack's flat storage: one fused pass a replica, no tape.
#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <vector>

#include "scalemix/run/config.h"
#include "scalemix/torch/nn/storage.h"

namespace scalemix::inline v0::optim {

class Optimiser {
 public:
  /// Adam or SGD with momentum, as the config says. Moments start at 0.
  Optimiser(const run::TrainConfig& config, const nn::Storage& storage);

  /// One update of every replica whose `active` is true, at learning rate `lr`; `step` counts
  /// from 1. The gradient of a replica is scaled down to the config's clip norm first, where that
  /// is set. Returns the gradients' norms before clipping, NaN where one is not finite; a replica
  /// whose gradient is not finite is left as it was.
  std::vector<double> update(nn::Storage& storage, double lr, std::int64_t step,
                             const std::vector<bool>& active);

  torch::Tensor first, second;  // (R, P) moments; `second` is empty for SGD

 private:
  void update_row(nn::Storage& storage, std::int64_t r, double lr, std::int64_t step, float scale);

  run::TrainConfig config_;
};

}  // namespace scalemix::inline v0::optim
