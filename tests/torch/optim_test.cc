// The update rules' trajectories beside PyTorch's: the same small network, the same gradients' function,
// 100 steps in float32.

#include "scalemix/optim/rule.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "tests/torch/op_check.h"

namespace scalemix {
namespace {

using op_check::spread;
using Tensors = std::vector<at::Tensor>;
using Optimizer = std::unique_ptr<torch::optim::Optimizer>;

constexpr int kSteps = 100;
constexpr double kDecay = 0.02;

/// Weights and biases of 5 -> 7 -> 3.
Tensors start() {
  Tensors all{spread({7, 5}, at::kFloat, -0.8, 0.9), spread({7}, at::kFloat, -0.1, 0.2, 2),
              spread({3, 7}, at::kFloat, -0.7, 0.6, 3), spread({3}, at::kFloat, -0.3, 0.1, 4)};
  for (at::Tensor& t : all) t = t.contiguous().clone().requires_grad_();
  return all;
}

/// Puts the gradients of a step's batch where autograd puts them.
void differentiate(const Tensors& w, int step) {
  const at::Tensor x = spread({16, 5}, at::kFloat, -1.5, 1.5, step % 4),
                   y = spread({16, 3}, at::kFloat, -1, 1, 7 + step % 4);
  for (const at::Tensor& t : w) t.mutable_grad().reset();
  const at::Tensor hidden = torch::tanh(torch::linear(x, w[0], w[1]));
  torch::mse_loss(torch::linear(hidden, w[2], w[3]), y).backward();
}

Tensors theirs(Optimizer optimizer, Tensors w) {
  for (int step = 0; step < kSteps; ++step) {
    differentiate(w, step);
    optimizer->step();
  }
  return w;
}

Tensors ours(const std::string& word, double lr, bool decays) {
  const optim::Rule& rule = optim::rule(word);
  const std::vector<double> own = optim::rule_values(word);
  Tensors w = start();
  std::vector<std::vector<std::vector<float>>> arrays;
  for (const at::Tensor& t : w) {
    arrays.emplace_back(rule.arrays.size(),
                        std::vector<float>(static_cast<std::size_t>(t.numel())));
  }
  for (int step = 0; step < kSteps; ++step) {
    differentiate(w, step);
    for (std::size_t i = 0; i < w.size(); ++i) {
      const at::Tensor g = w[i].grad().contiguous();
      optim::Piece piece{.count = static_cast<std::size_t>(w[i].numel()),
                         .g = g.data_ptr<float>(),
                         .w = w[i].data_ptr<float>(),
                         .decays = decays};
      for (std::size_t a = 0; a < arrays[i].size(); ++a) piece.arrays[a] = arrays[i][a].data();
      rule.update({.lr = lr, .decay = decays ? kDecay : 0, .own = own},
                  static_cast<std::uint64_t>(step) + 1, piece);
    }
  }
  return w;
}

struct Case {
  const char* word;
  double lr;
  std::function<Optimizer(const Tensors&, double lr, double decay)> make;
};

Case sgd(const char* word, double momentum, bool nesterov) {
  return {word, 0.05, [=](const Tensors& w, double lr, double decay) -> Optimizer {
            return std::make_unique<torch::optim::SGD>(
                w, torch::optim::SGDOptions(lr).momentum(momentum).nesterov(nesterov).weight_decay(
                       decay));
          }};
}

Case rmsprop(const char* word, double alpha, double momentum) {
  return {word, 1e-3, [=](const Tensors& w, double lr, double decay) -> Optimizer {
            return std::make_unique<torch::optim::RMSprop>(
                w, torch::optim::RMSpropOptions(lr).alpha(alpha).momentum(momentum).weight_decay(
                       decay));
          }};
}

std::vector<Case> cases() {
  return {sgd("sgd:momentum=0", 0, false),
          sgd("sgd", 0.9, false),
          sgd("sgd:nesterov=on", 0.9, true),
          sgd("sgd:momentum=0.5,nesterov=on", 0.5, true),
          rmsprop("rmsprop", 0.99, 0),
          rmsprop("rmsprop:alpha=0.9,momentum=0.8", 0.9, 0.8),
          {"adam", 2e-3,
           [](const Tensors& w, double lr, double decay) -> Optimizer {
             return std::make_unique<torch::optim::Adam>(
                 w, torch::optim::AdamOptions(lr).weight_decay(decay));
           }},
          {"adamw", 2e-3, [](const Tensors& w, double lr, double decay) -> Optimizer {
             return std::make_unique<torch::optim::AdamW>(
                 w, torch::optim::AdamWOptions(lr).weight_decay(decay));
           }}};
}

TEST(OptimTrajectory, OfAHundredStepsIsThatOfPyTorch) {
  for (const Case& c : cases()) {
    for (const bool decays : {false, true}) {
      SCOPED_TRACE(testing::Message() << c.word << (decays ? " with decay" : ""));
      const Tensors from = start();
      Tensors w = start();
      w = theirs(c.make(w, c.lr, decays ? kDecay : 0), w);
      const Tensors mine = ours(c.word, c.lr, decays);
      for (std::size_t i = 0; i < w.size(); ++i) {
        const double moved = (w[i] - from[i]).abs().max().item<double>();
        const double apart = (w[i] - mine[i]).abs().max().item<double>();
        EXPECT_GT(moved, 0.02) << i;
        EXPECT_LT(apart, 1e-5 * w[i].abs().max().item<double>()) << i;
      }
    }
  }
}

}  // namespace
}  // namespace scalemix
