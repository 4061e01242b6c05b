// Ops of torch that know no replica axis, applied to one replica after the other: the same path
// whatever their number, so that a replica of a stack equals its single run.
#pragma once

#include <torch/torch.h>

#include <vector>

namespace scalemix::inline v0::nn {

template <class F>
torch::Tensor each_replica(std::int64_t replicas, F&& f) {
  if (replicas == 1) return f(0).unsqueeze(0);
  std::vector<torch::Tensor> parts;
  for (std::int64_t r = 0; r < replicas; ++r) parts.push_back(f(r));
  return torch::stack(parts);
}

}  // namespace scalemix::inline v0::nn
