// What a user of LibTorch would write for a row of `bench`: its own modules and functions, the
// usual formulas, no tricks.

#include <torch/torch.h>

#include "scalemix/base/parallel.h"
#include "scalemix/cli/bench.h"

namespace scalemix::inline v0::cli {
namespace {

namespace F = torch::nn::functional;
using at::Tensor;
using Call = std::function<void()>;

/// Sparse variational dropout by local reparameterisation, dense or convolutional.
struct Variational : torch::nn::Module {
  explicit Variational(std::vector<std::int64_t> shape) {
    w = register_parameter("weight", 0.02 * torch::randn(shape));
    log_sigma2 = register_parameter("log_sigma2", torch::full(shape, -10.0));
    b = register_parameter("bias", torch::zeros({shape[0]}));
  }

  Tensor operator()(const Tensor& x) const {
    const auto apply = [&](const Tensor& input, const Tensor& weight, const Tensor& bias) {
      return w.dim() == 2 ? torch::linear(input, weight, bias) : torch::conv2d(input, weight, bias);
    };
    const Tensor mean = apply(x, w, b), variance = apply(x * x, log_sigma2.exp(), {});
    return mean + torch::sqrt(variance + 1e-8) * torch::randn_like(mean);
  }

  Tensor penalty() const {
    const Tensor log_alpha = (log_sigma2 - torch::log(w * w + 1e-8)).clamp(-8, 8);
    const Tensor fit = 0.63576 * torch::sigmoid(1.8732 + 1.48695 * log_alpha);
    return (0.63576 - fit + 0.5 * F::softplus(-log_alpha)).sum();
  }

  Tensor w, log_sigma2, b;
};

Call training_step(std::vector<Tensor> parameters, std::function<Tensor()> loss) {
  auto optimiser = std::make_shared<torch::optim::Adam>(std::move(parameters), 1e-3);
  return [optimiser, loss = std::move(loss)] {
    optimiser->zero_grad();
    loss().backward();
    optimiser->step();
  };
}

Tensor classes(std::int64_t rows) { return torch::randint(0, 10, {rows}, torch::kLong); }

/// `shapes` of the weights; a pool behind each convolution, relu behind all but the last.
Call svdo_step(const std::vector<std::vector<std::int64_t>>& shapes, const Tensor& x) {
  auto layers = std::make_shared<std::vector<Variational>>(shapes.begin(), shapes.end());
  std::vector<Tensor> parameters;
  for (const Variational& layer : *layers) {
    for (const Tensor& p : layer.parameters()) parameters.push_back(p);
  }
  return training_step(parameters, [layers, x, y = classes(x.size(0))] {
    Tensor h = x, penalty = torch::zeros({});
    for (const Variational& layer : *layers) {
      if (layer.w.dim() == 2) h = h.flatten(1);
      h = layer(h);
      if (&layer != &layers->back()) h = torch::relu(h);
      if (layer.w.dim() == 4) h = torch::max_pool2d(h, 2);
      penalty = penalty + layer.penalty();
    }
    return F::cross_entropy(h, y) + penalty / 60000;
  });
}

torch::nn::Sequential dropout_network(const std::vector<std::int64_t>& widths, double p) {
  torch::nn::Sequential net;
  for (std::size_t i = 0; i + 1 < widths.size(); ++i) {
    if (i > 0) {
      net->push_back(torch::nn::ReLU());
      net->push_back(torch::nn::Dropout(p));
    }
    net->push_back(torch::nn::Linear(widths[i], widths[i + 1]));
  }
  return net;
}

Call dropout_step() {
  auto net = dropout_network({784, 300, 100, 10}, 0.5);
  return training_step(net->parameters(),
                       [net, x = torch::randn({100, 784}), y = classes(100)]() mutable {
                         return F::cross_entropy(net->forward(x), y);
                       });
}

Call regression_step() {
  auto net = dropout_network({10, 50, 1}, 0.05);
  const Tensor log_precision = torch::zeros({1}, torch::requires_grad());
  std::vector<Tensor> parameters = net->parameters();
  parameters.push_back(log_precision);
  return training_step(parameters, [net, log_precision, x = torch::randn({128, 10}),
                                    y = torch::randn({128, 1})]() mutable {
    const Tensor error = y - net->forward(x);
    return ((log_precision.exp() * error * error - log_precision) / 2).mean();
  });
}

Call prediction(std::int64_t draws) {
  auto net = dropout_network({784, 300, 100, 10}, 0.5);
  net->train(draws > 1);
  return [net, x = torch::randn({1000, 784}), draws]() mutable {
    const torch::NoGradGuard guard;
    Tensor sum = torch::zeros({1000, 10});
    for (std::int64_t i = 0; i < draws; ++i) sum += torch::softmax(net->forward(x), 1);
  };
}

Call noise(const std::function<Tensor(const Tensor&)>& make) {
  return [make, x = torch::randn({1000, 1000})] { make(x); };
}

Call product(std::int64_t n) {
  return [a = torch::randn({n, n}), b = torch::randn({n, n})] { torch::mm(a, b.t()); };
}

struct Peer {
  const char* of;  // the row's group and name
  double items;    // a call's, in the unit of the row
  Call (*make)();
};

const Peer kPeers[] = {
    {"kernel noise bernoulli", 1e6,
     [] { return noise([](const Tensor& x) { return torch::dropout(x, 0.5, true); }); }},
    {"kernel noise gaussian", 1e6,
     [] { return noise([](const Tensor& x) { return x * (1 + 0.5 * torch::randn_like(x)); }); }},
    {"kernel gemm 256^3", 1, [] { return product(256); }},
    {"kernel gemm 512^3", 1, [] { return product(512); }},
    {"product 1024^3", 1, [] { return product(1024); }},
    {"predict mlp:300-100, 1000 rows", 1000, [] { return prediction(1); }},
    {"predict mlp:300-100, 1000 rows, 100 draws", 1e5, [] { return prediction(100); }},
    {"train mlp:300-100 svdo, batch 100", 1,
     [] {
       return svdo_step({{300, 784}, {100, 300}, {10, 100}}, torch::randn({100, 784}));
     }},
    {"train lenet5 svdo, batch 100", 1,
     [] {
       return svdo_step({{20, 1, 5, 5}, {50, 20, 5, 5}, {500, 800}, {10, 500}},
                        torch::randn({100, 1, 28, 28}));
     }},
    {"train mlp:300-100 bernoulli:p=0.5, batch 100", 1, dropout_step},
    {"train mlp:50 bernoulli:p=0.05, batch 128, 20 replicas", 1, regression_step},
};

}  // namespace

std::optional<BenchPeer> libtorch_peer(const std::string& name) {
  for (const Peer& peer : kPeers) {
    if (peer.of != name) continue;
    at::set_num_threads(threads());  // else LibTorch takes its own default
    return BenchPeer{peer.make(), peer.items};
  }
  return std::nullopt;
}

}  // namespace scalemix::inline v0::cli
