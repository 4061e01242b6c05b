#include "scalemix/signal/slope.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <stdexcept>

#include "scalemix/signal/fixed_point.h"
#include "tests/signal/networks.h"

namespace scalemix::signal {
namespace {

using test::network;

class EverySlope : public testing::TestWithParam<const char*> {
 protected:
  const Network net = network(GetParam(), "bernoulli:p=0.15", 1.2, 0.3);
  const FixedPoint q = variance_fixed_point(net), c = correlation_fixed_point(net);
};
INSTANTIATE_TEST_SUITE_P(Activations, EverySlope,
                         testing::Values("relu", "leaky_relu:slope=0.3", "erf", "tanh", "hard_tanh",
                                         "sigmoid", "gelu", "silu", "elu", "sine"),
                         [](const auto& info) { return "n" + std::to_string(info.index); });

TEST_P(EverySlope, OfTheVarianceIsItsMapsDerivative) {
  const double at = *q.value, h = 1e-4 * at;
  const double slope = (variance_map(net, at + h) - variance_map(net, at - h)) / (2 * h);
  EXPECT_NEAR(chi_variance(net, at), slope, 1e-8);
}

TEST_P(EverySlope, OfTheCorrelationIsItsMapsDerivative) {
  const double at = *q.value, h = 1e-4;
  const double slope =
      (correlation_map(net, at, *c.value + h) - correlation_map(net, at, *c.value - h)) / (2 * h);
  EXPECT_NEAR(chi_correlation(net, at, c.one_minus), slope, 2e-8);
}

TEST_P(EverySlope, AtOneIsTheLimitOfTheCorrelationSlope) {
  EXPECT_NEAR(chi_one(net, *q.value), chi_correlation(net, *q.value, 0), 1e-12);
}

TEST_P(EverySlope, OfTheGradientCarriesTheNoiseAndThatAtOneDoesNot) {
  EXPECT_NEAR(chi_gradient(net, *q.value) / chi_one(net, *q.value), net.noise.mu2, 1e-12);
}

TEST_P(EverySlope, OfAResidualBlockAddsToOne) {
  Network block = net;
  block.branch = 0.4;
  EXPECT_NEAR(chi_gradient(block, 2), 1 + 0.16 * chi_gradient(net, 2), 1e-14);
  EXPECT_NEAR(chi_variance(block, 2), 1 + 0.16 * chi_variance(net, 2), 1e-14);
  const double h = 1e-5;
  const double slope =
      (correlation_map(block, 2, 0.3 + h) - correlation_map(block, 2, 0.3 - h)) / (2 * h);
  EXPECT_NEAR(chi_correlation(block, 2, 0.7), slope, 1e-8);
}

TEST(Slopes, OfALinearNetworkAreItsVariances) {
  const Network net = network("linear", "bernoulli:p=0.2", 0.5, 0.1);
  const Slopes s = slopes_at(net, *variance_fixed_point(net).value, 0.3);
  EXPECT_NEAR(s.gradient, 0.625, 1e-15);
  EXPECT_NEAR(s.variance, 0.625, 1e-15);
  EXPECT_NEAR(s.one, 0.5, 1e-15);
  EXPECT_NEAR(s.correlation, 0.5, 1e-15);
}

TEST(Slopes, WithoutWeightsAreZero) {
  const Slopes s = slopes_at(network("tanh", "", 0, 1), 1, 0.5);
  EXPECT_EQ(s.gradient + s.one + s.correlation + s.variance, 0);
  EXPECT_EQ(chi_one(network("tanh", "", 0), 1), 0);
}

}  // namespace
}  // namespace scalemix::signal
