#include "scalemix/torch/init/critical.h"

#include <ATen/CPUGeneratorImpl.h>
#include <gmock/gmock.h>

#include "scalemix/torch/op/words.h"
#include "tests/torch/op_check.h"

namespace scalemix {
namespace {

using namespace op_check;
using ::testing::HasSubstr;

TEST(CriticalTest, TheVarianceIsThatOfThePaper) {
  EXPECT_DOUBLE_EQ(op::critical_variance("relu", "none"), 2);
  // mu2 = 1 / (1 - p): sigma_w^2 = 2 (1 - p).
  EXPECT_NEAR(op::critical_variance("relu", "bernoulli:p=0.4"), 1.2, 1e-12);
  EXPECT_NEAR(op::critical_variance("relu", "gaussian:alpha=0.25"), 1.6, 1e-12);
}

TEST(CriticalTest, WeightsHaveThatVarianceOverTheFanIn) {
  torch::manual_seed(5);
  for (const std::vector<int64_t>& shape :
       {std::vector<int64_t>{200, 300}, std::vector<int64_t>{50, 12, 5, 5}}) {
    const at::Tensor w = at::empty(shape);
    EXPECT_TRUE(init::critical_(w, "relu", "bernoulli:p=0.5").is_same(w));
    const double fan_in = w.numel() / w.size(0), n = w.numel();
    // Mean and variance of n normal numbers, five standard deviations.
    EXPECT_NEAR(w.mean().item<double>(), 0, 5 * std::sqrt(1 / fan_in / n));
    EXPECT_NEAR(w.var().item<double>() * fan_in, 1, 5 * std::sqrt(2 / n));
  }
}

/// Mean square of what leaves `depth` layers of ReLU with dropout, over that of what enters.
double growth(double p, int depth, const std::string& law) {
  torch::manual_seed(7);
  const torch::NoGradGuard no_grad;
  at::Tensor x = at::randn({64, 500});
  const double before = x.square().mean().item<double>();
  for (int layer = 0; layer < depth; ++layer) {
    const at::Tensor w = init::critical_(at::empty({500, 500}), "relu", law);
    x = at::linear(at::dropout(layer ? x.relu() : x, p, true), w);
  }
  return x.square().mean().item<double>() / before;
}

TEST(CriticalTest, ADeepNetworkNeitherExplodesNorVanishes) {
  // The first layer, whose input is not rectified, doubles the variance: 2 (1 - p) / (1 - p).
  const double kept = growth(0.5, 20, "bernoulli:p=0.5");
  EXPECT_GT(kept, 0.5);
  EXPECT_LT(kept, 8);
  EXPECT_GT(growth(0.5, 20, "none"), 1e4);  // weights that ignore the noise
}

TEST(CriticalTest, FillsALeafWithoutAGradientFromTheGivenGenerator) {
  torch::nn::Linear layer(4, 3);
  at::Generator generator = at::make_generator<at::CPUGeneratorImpl>(9),
                again = at::make_generator<at::CPUGeneratorImpl>(9);
  init::critical_(layer->weight, "tanh", "none", generator);
  EXPECT_TRUE(layer->weight.requires_grad() && layer->weight.is_leaf());
  const at::Tensor w = init::critical_(at::empty({3, 4}), "tanh", "none", again);
  EXPECT_TRUE(same_bits(layer->weight.detach(), w));
}

TEST(CriticalTest, SaysWhyThereIsNone) {
  const auto message = [](const at::Tensor& w, const std::string& activation,
                          const std::string& law) {
    return message_of([&] { init::critical_(w, activation, law); });
  };
  const at::Tensor w = at::empty({3, 4});
  EXPECT_THAT(message(w, "relu", "half_cauchy"),
              HasSubstr("critical_: relu with noise half_cauchy has no critical initialisation: "));
  EXPECT_THAT(message(w, "rellu", "none"), HasSubstr("did you mean 'relu'?"));
  EXPECT_THAT(message(at::empty({3}), "relu", "none"),
              HasSubstr("critical_: expected w of at least 2 dimensions, got 1"));
  EXPECT_THAT(message(w.to(at::kLong), "relu", "none"),
              HasSubstr("critical_: expected w of a real floating type, got int64"));
}

}  // namespace
}  // namespace scalemix
