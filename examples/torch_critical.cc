// Critical weights in one's own LibTorch module: twenty layers, dropout, and the signal arrives.
#include <torch/torch.h>

#include <iostream>

#include "scalemix/torch/init/critical.h"

struct Net : torch::nn::SequentialImpl {
  explicit Net(const char* noise) {
    for (int i = 0; i < 20; ++i) {
      torch::nn::Linear layer(torch::nn::LinearOptions(400, 400).bias(false));
      scalemix::init::critical_(layer->weight, "relu", noise);
      extend(*torch::nn::Sequential(layer, torch::nn::ReLU(), torch::nn::Dropout(0.4)));
    }
  }
};

int main() {
  torch::manual_seed(1);
  const torch::Tensor x = torch::randn({64, 400});
  const double aware = Net("bernoulli:p=0.4").forward(x).square().mean().item<double>();
  const double he = Net("none").forward(x).square().mean().item<double>();
  std::cout << "mean square after 20 layers: critical " << aware << ", He " << he << "\n";
  return aware > 0.1 && aware < 10 && he > 1e3 ? 0 : 1;
}
