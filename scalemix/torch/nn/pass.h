// What one trip through a network is for: whose noise, which draw, training or not.
#pragma once

#include <torch/torch.h>

#include <string>
#include <vector>

#include "scalemix/random/stream.h"

namespace scalemix::inline v0::nn {

/// A layer's term of the objective: nats a replica, summed over the layer's weights.
struct Penalty {
  std::string layer;
  torch::Tensor value;  // (R) double
};

struct Pass {
  torch::Tensor seed;  // (R) int64
  Purpose purpose = Purpose::train;
  std::int64_t draw = 0;  // training step or Monte-Carlo sample
  std::int64_t row0 = 0;  // position of the first row in the global batch
  bool train = true;      // batch statistics, posterior unmasked, penalties collected
  bool noisy = true;      // draw noise; false: the deterministic network

  std::vector<Penalty> penalties;  // filled by the layers on the way

  std::int64_t stream(std::uint32_t site) const { return stream_id(purpose, site); }
};

}  // namespace scalemix::inline v0::nn
