#include "scalemix/signal/simulate.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <stdexcept>

#include "scalemix/base/parallel.h"
#include "scalemix/signal/critical.h"
#include "scalemix/signal/finite_width.h"
#include "scalemix/signal/gradient.h"
#include "tests/signal/networks.h"

namespace scalemix::signal {
namespace {

SimulatedLayer layer(std::string_view activation, std::string_view law, double sigma_w2,
                     double sigma_b2 = 0, std::size_t width = 400) {
  SimulatedLayer l{.activation = Activation::parse(activation),
                   .sigma_w2 = sigma_w2,
                   .sigma_b2 = sigma_b2,
                   .width = width};
  if (!law.empty()) l.law = law::AnyLaw::parse(law);
  return l;
}

SimulateOptions options_of(const SimulatedLayer& l, std::size_t depth, std::size_t nets,
                           std::size_t pairs) {
  return {.layers = stack(l, depth), .inputs = l.width, .pairs = pairs, .nets = nets, .seed = 20};
}

struct Critical {
  std::string_view activation, law;
};
class CriticalNetworks : public testing::TestWithParam<Critical> {};

// ln q of one input scatters by log_variance at finite width: mean within 5 standard errors, and
// the variance of 40 nets within 5 standard errors of a chi square (relative sqrt(2 / 39)).
TEST_P(CriticalNetworks, ScatterAsFiniteWidthSays) {
  const std::size_t depth = 12, nets = 40, width = 400;
  SimulatedLayer l = layer(GetParam().activation, GetParam().law, 1);
  l.sigma_w2 = critical_initialisation(l.network()).sigma_w2.value();
  const Simulated run = simulate(options_of(l, depth, nets, 4));
  const LogVariance theory = *log_variance(l.network(), 1, depth, width);
  const double variance = theory.variance + 2.0 / width;  // of the last layer's own units
  const Estimate& found = run.layers[depth].log_q.value();
  EXPECT_NEAR(found.mean, theory.mean - 1.0 / width, 5 * std::sqrt(variance / nets));
  EXPECT_NEAR(found.sd * found.sd / variance, 1, 5 * std::sqrt(2.0 / (nets - 1)));
  EXPECT_GT(found.sd, 0);
}

// 5 / width stands for what is of order 1 / width.
TEST_P(CriticalNetworks, EndAtTheTheorysCorrelation) {
  const std::size_t depth = 16;
  SimulatedLayer l = layer(GetParam().activation, GetParam().law, 1, 0, 600);
  l.sigma_w2 = critical_initialisation(l.network()).sigma_w2.value();
  const SimulateOptions options = options_of(l, depth, 12, 8);
  const Simulated run = simulate(options);
  const Trajectory theory = expected(options);
  for (const std::size_t at : {1, 4, 16}) {
    const Estimate& c = run.layers[at].c.value();
    EXPECT_NEAR(c.mean, theory.layers[at].c, 5 * c.error + 5.0 / 600) << at;
    EXPECT_LT(c.error, 0.03);
  }
}

INSTANTIATE_TEST_SUITE_P(All, CriticalNetworks,
                         testing::Values(Critical{"relu", ""}, Critical{"relu", "bernoulli:p=0.4"},
                                         Critical{"relu", "gaussian:alpha=0.25"},
                                         Critical{"leaky_relu:slope=0.25", "bernoulli:p=0.2"},
                                         Critical{"linear", "laplace:alpha=0.5"}));

// Pretorius et al. (2018): c* = 0.28390865355 of relu with dropout, keep 0.6, at the critical point
// (40-digit arithmetic, bisection). At finite width it is about 7 / width less (measured: 0.0150
// and 0.0063 at widths 500 and 1000, 80 nets).
TEST(Simulate, FindsTheFixedCorrelationOfDropout) {
  SimulateOptions options = options_of(layer("relu", "bernoulli:p=0.4", 1.2, 0, 1000), 12, 8, 20);
  for (const double c0 : {0.0, 0.9}) {
    options.c0 = c0;
    const Estimate c = simulate(options).layers.back().c.value();
    EXPECT_NEAR(c.mean, 0.28390865355 - 0.007, 5 * c.error) << c0;
    EXPECT_LT(c.error, 0.008);
  }
}

// tanh with keep 0.95, sigma_w2 = 2, sigma_b2 = 0.05: q* = 0.791392131, c* = 0.412278842 (40-digit
// arithmetic).
TEST(Simulate, FindsTheFixedPointsOfTanh) {
  const SimulateOptions options =
      options_of(layer("tanh", "bernoulli:p=0.05", 2, 0.05, 1000), 40, 6, 10);
  const SimulatedForward end = simulate(options).layers.back();
  EXPECT_NEAR(end.q1.mean, 0.791392131, 5 * end.q1.error + 0.004);
  EXPECT_NEAR(end.q2.mean, 0.791392131, 5 * end.q2.error + 0.004);
  EXPECT_NEAR(end.c->mean, 0.412278842, 0.03);
}

// Derived with the theory of residual blocks: branch^2 = 0.3, sigma_w2 = 1.5, sigma_b2 = 0.05,
// dropout 0.2, relu from q = 1: 1.296, 2.785, 7.596, 20.56 after 1, 4, 8, 12 blocks.
TEST(Simulate, FollowsAResidualNetwork) {
  SimulatedLayer l = layer("relu", "bernoulli:p=0.2", 1.5, 0.05, 1000);
  l.branch = std::sqrt(0.3);
  const SimulateOptions options = options_of(l, 12, 10, 4);
  const Simulated run = simulate(options);
  const Trajectory theory = expected(options);
  const std::pair<std::size_t, double> golden[] = {{1, 1.296}, {4, 2.785}, {8, 7.596}, {12, 20.56}};
  for (const auto& [at, q] : golden) {
    EXPECT_NEAR(theory.layers[at].q1, q, 6e-4 * q);
    EXPECT_NEAR(run.layers[at].q1.mean, q, 0.05 * q) << at;
    EXPECT_NEAR(run.layers[at].c->mean, theory.layers[at].c, 0.03) << at;
  }
}

TEST(Simulate, AddsAdditiveNoise) {
  SimulatedLayer l = layer("relu", "normal:scale=1", 2, 0, 1000);
  l.additive = true;
  SimulateOptions options = options_of(l, 5, 6, 10);
  options.q0 = 4;
  const Simulated run = simulate(options);
  for (std::size_t at = 0; at <= 5; ++at) {  // grows by 2 s2 a layer
    EXPECT_NEAR(run.layers[at].q1.mean, 4 + 2.0 * at, 0.04 * (4 + 2.0 * at)) << at;
  }
}

TEST(Simulate, TakesDataAsTheyAre) {
  SimulateOptions options = options_of(layer("tanh", "", 1.5, 0.1, 1000), 3, 4, 1);
  options.layers[0].activation = Activation::parse("linear");
  options.inputs = 3;
  options.rows = {1, 2, 2, 2, 1, -2};  // q0 = 3, c0 = 0
  const Simulated run = simulate(options);
  EXPECT_DOUBLE_EQ(run.layers[0].q1.mean, 3);
  EXPECT_DOUBLE_EQ(run.layers[0].c->mean, 0);
  EXPECT_NEAR(run.layers[1].q1.mean, 1.5 * 3 + 0.1, 0.5);
  options.rows.pop_back();
  EXPECT_THROW(simulate(options), std::invalid_argument);
}

// Huang et al. (2020): slope gradients of a linear network at its fixed point, one input.
TEST(Simulate, GradientsOfALinearNetworkMatchTheirClosedForm) {
  const std::size_t depth = 14, width = 300;
  SimulateOptions options =
      options_of(layer("linear", "bernoulli:p=0.2", 0.5, 0.1, width), depth, 60, 2);
  options.backward = true;
  options.q0 = 0.1 / (1 - 0.625);
  const Simulated run = simulate(options);
  for (std::size_t below = 0; below <= 6; ++below) {
    const LinearGradient theory = *linear_gradient(options.layers[0].network(), below).value;
    const SimulatedGradient& found = run.gradients[depth - 1 - below];
    EXPECT_NEAR(found.same.mean, theory.same, 5 * found.same.error + 0.03 * theory.same) << below;
    EXPECT_LT(found.same.error, 0.06 * theory.same) << below;
    EXPECT_NEAR(found.cross.mean, theory.cross, 5 * found.cross.error + 0.05 * theory.cross);
    EXPECT_GE(found.absolute.mean, std::abs(found.cross.mean));
  }
}

// Weights and biases of one unit: drawn from the same words they would add up to sqrt(q0) + 1, squared.
TEST(Simulate, BiasesAreNotTheWeights) {
  SimulateOptions options = options_of(layer("linear", "", 1, 1, 1), 1, 4000, 1);
  options.inputs = 1;
  EXPECT_NEAR(simulate(options).layers[1].q1.mean, 2, 0.25);
}

// A seed is a set of networks, inputs and draws for good; float32 products round by the library.
TEST(Simulate, IsTheSameForASeedInEveryVersion) {
  const Simulated run =
      simulate(options_of(layer("tanh", "bernoulli:p=0.2", 1.5, 0.1, 30), 3, 2, 2));
  EXPECT_NEAR(run.layers[0].q1.mean, 0.929143466, 1e-6);
  EXPECT_NEAR(run.layers[1].q1.mean, 0.890668323, 1e-5);
  EXPECT_NEAR(run.layers[3].q1.mean, 0.901802875, 1e-5);
  EXPECT_NEAR(run.layers[3].c->mean, 0.301277345, 1e-5);
}

// With one unit per layer a product of gradients is one number, and so is its absolute value.
TEST(Simulate, OfOneUnitTheAbsoluteProductIsTheProducts) {
  SimulateOptions options = options_of(layer("linear", "", 1, 0.1, 1), 3, 20, 1);
  options.inputs = 1;
  options.backward = true;
  const Simulated run = simulate(options);
  for (const SimulatedGradient& g : run.gradients) {
    EXPECT_GT(g.absolute.mean, 0);
    EXPECT_GE(g.absolute.mean, std::abs(g.cross.mean) * (1 - 1e-12));
  }
  options.nets = 1;
  const Simulated one = simulate(options);
  for (const SimulatedGradient& g : one.gradients) {
    EXPECT_NEAR(g.absolute.mean, std::abs(g.cross.mean), 1e-12 * g.absolute.mean);
  }
}

// Squared gradients and absolute products decay by the slope `gradient` a layer.
TEST(Simulate, GradientsDecayByTheirSlope) {
  SimulateOptions options = options_of(layer("tanh", "bernoulli:p=0.2", 1.4, 0.1, 500), 24, 20, 1);
  options.backward = true;
  const Simulated run = simulate(options);
  const auto rate = [&](auto member) {
    return std::pow((run.gradients[3].*member).mean / (run.gradients[18].*member).mean, 1.0 / 15);
  };
  const double theory = propagation(options.layers[0].network()).slopes->gradient;
  EXPECT_NEAR(rate(&SimulatedGradient::same), theory, 0.01);
  EXPECT_NEAR(rate(&SimulatedGradient::absolute), theory, 0.01);
}

// With W = 0 all that a layer passes back is what its skip does: dE/dW^l = 2 a h h^T.
TEST(Simulate, GradientsPassThroughBranches) {
  SimulatedLayer l = layer("linear", "", 0, 0, 50);
  l.branch = 0.5;
  SimulateOptions options = options_of(l, 4, 1, 1);
  options.backward = true;
  const Simulated run = simulate(options);
  const double q = (run.layers[0].q1.mean * run.layers[0].q1.mean +
                    run.layers[0].q2.mean * run.layers[0].q2.mean) /
                   2;
  for (const SimulatedGradient& g : run.gradients) EXPECT_NEAR(g.same.mean, 0.25 * 4 * q, 1e-6);
}

TEST(Simulate, GradientsHoldAtTheEdgeOfFloat) {
  SimulatedLayer l = layer("linear", "", 0, 0, 50);
  l.branch = 0.5;
  SimulateOptions options = options_of(l, 1, 1, 1);
  options.backward = true;
  options.rows.assign(100, 3e38f);  // 2 h is beyond float32
  const double h = 3e38f;
  EXPECT_NEAR(simulate(options).gradients[0].same.mean / (0.25 * 4 * std::pow(h, 4)), 1, 1e-6);
}

TEST(Simulate, GradientsDoNotUnderflow) {
  SimulateOptions options = options_of(layer("relu", "", 0.4, 0.1, 64), 400, 2, 1);
  options.backward = true;
  const Simulated run = simulate(options);  // 0.2^200, roots far below float32
  EXPECT_GT(run.gradients[200].same.mean, 1e-180);
  EXPECT_LT(run.gradients[200].same.mean, 1e-100);
}

TEST(Simulate, SaysWhereFloatEnds) {
  SimulateOptions options = options_of(layer("relu", "", 1e4, 0, 50), 25, 3, 2);
  const Simulated up = simulate(options);
  EXPECT_EQ(up.layers[25].overflowed, 12u);
  EXPECT_EQ(up.layers[25].q1.mean, std::numeric_limits<double>::infinity());
  EXPECT_EQ(up.layers[25].q1.error, 0);
  EXPECT_FALSE(up.layers[25].c.has_value());
  EXPECT_FALSE(up.layers[25].log_q.has_value());
  EXPECT_EQ(up.layers[15].overflowed, 0u);
  options.layers = stack(layer("relu", "", 1e-4, 0, 50), 30);
  const Simulated down = simulate(options);
  EXPECT_EQ(down.layers[30].underflowed, 12u);
  EXPECT_EQ(down.layers[30].q1.mean, 0);
  EXPECT_FALSE(down.layers[30].c.has_value());
  EXPECT_FALSE(down.layers[30].log_q.has_value());
}

TEST(Simulate, GradientsOfAnOverflownNetAreInfinite) {
  SimulateOptions options = options_of(layer("relu", "", 1e4, 0, 50), 25, 2, 1);
  options.backward = true;
  for (const SimulatedGradient& g : simulate(options).gradients) {
    EXPECT_EQ(g.same.mean, std::numeric_limits<double>::infinity());
    EXPECT_EQ(g.absolute.mean, std::numeric_limits<double>::infinity());
  }
}

TEST(Simulate, DoesNotDependOnThreads) {
  SimulateOptions options = options_of(layer("gelu", "gaussian:alpha=0.2", 2, 0.1, 128), 5, 3, 2);
  options.backward = true;
  const int before = threads();
  for (const std::size_t nets : {1, 3}) {
    options.nets = nets;
    set_threads(1);
    const Simulated one = simulate(options);
    set_threads(3);
    const Simulated three = simulate(options);
    set_threads(before);
    for (std::size_t at = 0; at <= 5; ++at) {
      EXPECT_EQ(one.layers[at].q1.mean, three.layers[at].q1.mean);
      EXPECT_EQ(one.layers[at].c->error, three.layers[at].c->error);
      EXPECT_EQ(one.layers[at].log_q->mean, three.layers[at].log_q->mean);
    }
    EXPECT_EQ(one.gradients[0].cross.mean, three.gradients[0].cross.mean);
  }
}

TEST(Simulate, GivesADeeperNetTheSameFirstLayers) {
  const SimulatedLayer l = layer("relu", "bernoulli:p=0.1", 1.8, 0.1, 64);
  const Simulated shallow = simulate(options_of(l, 3, 2, 1));
  const Simulated deep = simulate(options_of(l, 6, 2, 1));
  EXPECT_EQ(shallow.layers[3].q1.mean, deep.layers[3].q1.mean);
}

TEST(Simulate, OfDepthZeroIsTheInput) {
  const Simulated run = simulate(options_of(layer("relu", "", 2), 0, 2, 3));
  ASSERT_EQ(run.layers.size(), 1u);
  EXPECT_NEAR(run.layers[0].q1.mean, 1, 0.2);
}

TEST(Simulate, RefusesWhatItCannotRun) {
  SimulateOptions options = options_of(layer("relu", "", 2), 2, 0, 1);
  EXPECT_THROW(simulate(options), std::invalid_argument);
  options = options_of(layer("relu", "", -2), 2, 1, 1);
  EXPECT_THROW(simulate(options), std::domain_error);
  options = options_of(layer("relu", "", 2), 2, 1, 1);
  options.c0 = 1.5;
  EXPECT_THROW(simulate(options), std::domain_error);
  options.c0 = 0;
  options.layers[1].branch = 1;
  options.layers[1].width = 7;
  EXPECT_THROW(simulate(options), std::invalid_argument);
}

}  // namespace
}  // namespace scalemix::signal
