#include "scalemix/torch/nn/svdo.h"

#include <gmock/gmock.h>

#include <cmath>
#include <sstream>

#include "scalemix/kernel/reparam.h"
#include "scalemix/kernel/variational.h"
#include "scalemix/torch/op/draws.h"
#include "scalemix/torch/op/svdo_linear.h"
#include "tests/torch/op_check.h"

namespace scalemix {
namespace {

using namespace op_check;
using ::testing::HasSubstr;

const nn::DrawOptions kDraws{.seed = 11, .stream = 5};

nn::SvdoLinear dense(bool bias = true) {
  return nn::SvdoLinear(6, 4, nn::SvdoOptions().bias(bias).draws(kDraws));
}

/// Means and variances on both sides of the threshold.
void set(const nn::SvdoWeights& layer) {
  const torch::NoGradGuard no_grad;
  layer.weight.copy_(spread(layer.weight.sizes(), at::kFloat, 0.1, 1));
  layer.log_sigma2.copy_(spread(layer.weight.sizes(), at::kFloat, -6, 6, 3));
  if (layer.bias.defined()) layer.bias.copy_(spread(layer.bias.sizes(), at::kFloat, -1, 1, 5));
}

TEST(SvdoLinearModuleTest, IsTheOpWithoutTheReplicaAxisOneDrawACall) {
  for (const bool bias : {true, false}) {
    nn::SvdoLinear layer = dense(bias);
    set(*layer);
    const at::Tensor x = spread({3, 2, 6}, at::kFloat);
    for (int64_t step = 0; step < 3; ++step) {
      const auto [y, penalty] = op::svdo_linear(
          x.reshape({1, 6, 6}), layer->weight.unsqueeze(0), layer->log_sigma2.unsqueeze(0),
          bias ? layer->bias.unsqueeze(0) : at::Tensor(), seeds({11}), 5, step);
      EXPECT_TRUE(same_bits(layer(x), y.reshape({3, 2, 4}))) << step;
      EXPECT_EQ(layer->penalty().item<double>(), penalty.item<double>());
    }
  }
}

TEST(SvdoLinearModuleTest, EvalUsesTheMeansOfTheWeightsThatAreKept) {
  nn::SvdoLinear layer = dense();
  set(*layer);
  layer->eval();
  const at::Tensor kept = layer->kept(), w = layer->weight.detach() * kept;
  EXPECT_GT(kept.sum().item<int64_t>(), 0);
  EXPECT_LT(kept.sum().item<int64_t>(), kept.numel());
  for (int64_t i = 0; i < kept.numel(); ++i) {
    const double wi = layer->weight.flatten()[i].item<double>();
    const double la =
        kernel::ref::log_alpha_free(wi, layer->log_sigma2.flatten()[i].item<double>());
    EXPECT_EQ(kept.flatten()[i].item<bool>(), la < 3) << la;
  }
  const at::Tensor x = spread({3, 6}, at::kFloat);
  EXPECT_TRUE(close(layer(x), at::linear(x, w, layer->bias), 1e-6));
  EXPECT_EQ(layer->draws.draw.item<int64_t>(), 0);
}

TEST(SvdoLinearModuleTest, ThePenaltyIsSummedInNatsAndHasAGradient) {
  nn::SvdoLinear layer = dense();
  set(*layer);
  double expected = 0;
  for (int64_t i = 0; i < 24; ++i) {
    const double la = kernel::ref::log_alpha_free(layer->weight.flatten()[i].item<double>(),
                                                  layer->log_sigma2.flatten()[i].item<double>());
    expected += kernel::ref::svdo_penalty(std::clamp(la, -8.0, 8.0));
  }
  const at::Tensor penalty = layer->penalty();
  EXPECT_EQ(penalty.scalar_type(), at::kDouble);
  EXPECT_EQ(penalty.dim(), 0);
  EXPECT_NEAR(penalty.item<double>(), expected, 2e-6 * expected);
  penalty.backward();
  EXPECT_GT(layer->weight.grad().norm().item<double>(), 0);
  EXPECT_GT(layer->log_sigma2.grad().norm().item<double>(), 0);
}

TEST(SvdoLinearModuleTest, TrainsWithTorchsOptimisersAndForgetsAnInputThatSaysNothing) {
  torch::manual_seed(1);
  nn::SvdoLinear layer(2, 1, nn::SvdoOptions().draws(kDraws).init_log_sigma2(-4));
  torch::optim::Adam adam(layer->parameters(), torch::optim::AdamOptions(0.05));
  const at::Tensor x = spread({64, 2}, at::kFloat), y = x.narrow(1, 0, 1) * 2;
  for (int step = 0; step < 600; ++step) {
    adam.zero_grad();
    const at::Tensor nll = (layer(x) - y).square().mean() / (2 * 0.01);
    (nll + layer->penalty() / 64).backward();
    adam.step();
  }
  EXPECT_NEAR(layer->weight[0][0].item<double>(), 2, 0.05);
  EXPECT_TRUE(layer->kept()[0][0].item<bool>());
  EXPECT_FALSE(layer->kept()[0][1].item<bool>());
}

TEST(SvdoLinearModuleTest, IsSavedWithItsSeedAndItsCounter) {
  const at::Tensor x = spread({3, 6}, at::kFloat);
  nn::SvdoLinear layer = dense();
  layer(x);
  std::stringstream file;
  torch::save(layer, file);
  nn::SvdoLinear loaded(6, 4, nn::SvdoOptions().draws({.stream = 5}));
  torch::load(loaded, file);
  EXPECT_TRUE(same_bits(loaded(x), layer(x)));
}

/// y (N, O, H', W') of a convolution by loops in double, of x (N, C, H, W) and w (O, C, k, k).
at::Tensor loops(const at::Tensor& x, const at::Tensor& w, int64_t stride, int64_t padding) {
  const int64_t side = (x.size(2) + 2 * padding - w.size(2)) / stride + 1;
  const at::Tensor y = at::zeros({x.size(0), w.size(0), side, side}, at::kDouble);
  const auto xa = x.accessor<double, 4>(), wa = w.accessor<double, 4>();
  auto ya = y.accessor<double, 4>();
  const auto at_place = [&](int64_t n, int64_t o, int64_t i, int64_t j) {
    double sum = 0;
    for (int64_t c = 0; c < x.size(1); ++c) {
      for (int64_t a = 0; a < w.size(2); ++a) {
        for (int64_t b = 0; b < w.size(3); ++b) {
          const int64_t row = i * stride + a - padding, column = j * stride + b - padding;
          if (row < 0 || row >= x.size(2) || column < 0 || column >= x.size(3)) continue;
          sum += wa[o][c][a][b] * xa[n][c][row][column];
        }
      }
    }
    return sum;
  };
  for (int64_t k = 0; k < y.numel(); ++k) {
    const int64_t j = k % side, i = k / side % side, o = k / (side * side) % w.size(0),
                  n = k / (side * side * w.size(0));
    ya[n][o][i][j] = at_place(n, o, i, j);
  }
  return y;
}

TEST(SvdoConv2dModuleTest, EqualsTheReferenceInDouble) {
  nn::SvdoConv2d layer(
      nn::SvdoConv2dOptions(2, 3, 3).stride(2).padding(1).svdo(nn::SvdoOptions().draws(kDraws)));
  set(*layer);
  const at::Tensor x = spread({4, 2, 5, 5}, at::kDouble);
  const at::Tensor mean = loops(x, layer->weight.detach().to(at::kDouble), 2, 1) +
                          layer->bias.detach().to(at::kDouble).view({1, 3, 1, 1});
  const at::Tensor var = loops(x.square(), layer->log_sigma2.detach().to(at::kDouble).exp(), 2, 1);
  const at::Tensor expected = at::empty_like(mean);
  kernel::ref::reparam(op::standard_normal(), Stream{11, 5, 0},
                       kernel::Site{.rows = 4, .columns = 27}, mean.data_ptr<double>(),
                       var.data_ptr<double>(), expected.data_ptr<double>());
  EXPECT_TRUE(close(layer(x.to(at::kFloat)), expected, 2e-6));
  EXPECT_EQ(layer->draws.draw.item<int64_t>(), 1);
}

TEST(SvdoConv2dModuleTest, GradientsAgreeWithFiniteDifferences) {
  nn::SvdoConv2d layer(nn::SvdoConv2dOptions(2, 2, 2).svdo(nn::SvdoOptions().draws(kDraws)));
  layer->to(at::kDouble);
  const Map f = [&](const Tensors& in) {
    layer->weight.set_data(in[1].detach());
    layer->draws.draw.zero_();
    return Tensors{layer(in[0])};
  };
  const Tensors in = {spread({2, 2, 3, 3}, at::kDouble),
                      spread({2, 2, 2, 2}, at::kDouble, -1, 1, 3)};
  const at::Tensor x = in[0].clone().requires_grad_(true);
  weigh(f({x, in[1]})).backward();
  const Tensors expected = differences(f, in);
  EXPECT_TRUE(close(x.grad(), expected[0], 1e-7));
  EXPECT_TRUE(close(layer->weight.grad(), expected[1], 1e-7));
}

TEST(SvdoConv2dModuleTest, EvalUsesTheMeansOfTheWeightsThatAreKept) {
  nn::SvdoConv2d layer(
      nn::SvdoConv2dOptions(4, 6, 3).groups(2).svdo(nn::SvdoOptions().bias(false)));
  set(*layer);
  layer->eval();
  const at::Tensor x = spread({2, 4, 5, 5}, at::kFloat);
  const at::Tensor w = layer->weight.detach() * layer->kept();
  EXPECT_TRUE(close(
      layer(x), at::conv2d(x, w, at::Tensor(), {1, 1}, at::IntArrayRef({0, 0}), {1, 1}, 2), 1e-6));
  EXPECT_FALSE(layer->bias.defined());
}

TEST(SvdoConv2dModuleTest, WrongShapesAreRefused) {
  nn::SvdoConv2d layer(2, 3, 3);
  EXPECT_THAT(message_of([&] {
                layer(at::ones({2, 5, 5}));
              }),
              HasSubstr("SvdoConv2d: expected x of shape (N, C, H, W), got [2, 5, 5]"));
  EXPECT_THAT(message_of([] { nn::SvdoConv2d(nn::SvdoConv2dOptions(3, 4, 3).groups(2)); }),
              HasSubstr("in_channels must be divisible by groups"));
}

}  // namespace
}  // namespace scalemix
