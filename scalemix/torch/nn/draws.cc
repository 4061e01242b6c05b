#include "scalemix/torch/nn/draws.h"

#include <limits>

namespace scalemix::inline v0::nn {

void Draws::reset(torch::nn::Module& module, const DrawOptions& options) {
  stream = options.stream;
  const torch::Tensor number =
      options.seed ? torch::full({1}, *options.seed, torch::kLong)
                   : torch::randint(std::numeric_limits<std::int64_t>::max(), {1}, torch::kLong);
  seed = module.register_buffer("seed", number);
  draw = module.register_buffer("draw", torch::zeros({}, torch::kLong));
}

Draws Draws::copy() const {
  Draws result = *this;
  result.seed = seed.clone();
  result.draw = draw.clone();
  return result;
}

void Draws::restore(const Draws& before) {
  seed.set_data(before.seed.to(seed.device()));
  draw.set_data(before.draw.to(draw.device()));
}

}  // namespace scalemix::inline v0::nn
