// The noise op and SvdoLinear in one's own LibTorch module: inputs that say nothing are forgotten.
#include <iostream>

#include "scalemix/torch/nn/svdo.h"
#include "scalemix/torch/op/noise.h"

int main() {
  torch::manual_seed(1);
  scalemix::nn::SvdoLinear layer(20, 1);
  torch::optim::Adam adam(layer->parameters(), torch::optim::AdamOptions(0.02));
  const auto x = torch::randn({1, 500, 20}), y = 2 * x.narrow(2, 0, 1);  // one input of twenty
  const auto seed = torch::ones({1}, torch::kLong), alpha = torch::full({1}, 0.01, torch::kDouble);
  for (int step = 0; step < 1000; ++step) {
    adam.zero_grad();
    const auto z = scalemix::op::noise(x, seed, "gaussian", alpha, "unit", "multiply", 7, step);
    const auto nll = (layer(z) - y).square().mean() / 2;  // of a Gaussian with variance 1
    (nll + layer->penalty() / 500).backward();
    adam.step();
  }
  const int kept = layer->kept().sum().item<int>();
  std::cout << kept << " of 20 weights kept\n";
  return kept < 5 && layer->kept()[0][0].item<bool>() ? 0 : 1;
}
