#include "scalemix/signal/pair_scatter.h"

#include <gtest/gtest.h>

#include <cmath>

#include "scalemix/signal/finite_width.h"

namespace scalemix::signal {
namespace {

SimulateOptions options_of(std::string_view activation, std::string_view law, double sigma_w2,
                           double sigma_b2, std::size_t width, std::size_t depth) {
  SimulatedLayer l{.activation = Activation::parse(activation),
                   .sigma_w2 = sigma_w2,
                   .sigma_b2 = sigma_b2,
                   .width = width};
  if (!law.empty()) l.law = law::AnyLaw::parse(law);
  return {.layers = stack(l, depth), .inputs = width};
}

// Beside log_variance, a closed form of its own: variance depth (6 mu4 / mu2^2 - 1) / width.
TEST(PairScatter, OfReluIsTheClosedForm) {
  for (const auto& [law, sigma_w2] :
       {std::pair{"", 2.0}, {"bernoulli:p=0.4", 1.2}, {"gaussian:alpha=0.25", 1.5}}) {
    const SimulateOptions o = options_of("relu", law, sigma_w2, 0, 300, 10);
    const auto found = scatter(o).value();
    ASSERT_EQ(found.size(), 11u);
    for (const std::size_t at : {0, 3, 10}) {
      const double variance =
          log_variance(o.layers[0].network(), 1, at, 300).value().variance + 2.0 / 300;
      EXPECT_NEAR(found[at].log_q * found[at].log_q / variance, 1, 0.02) << law << " " << at;
    }
  }
}

// Of one pair, 2000 nets: the sd of the sample is within 4 / sqrt(2 * 1999) = 6.3 % of it; the
// first order in 1 / width is good to the rest.
TEST(PairScatter, IsTheScatterOfSimulations) {
  SimulateOptions networks[] = {options_of("relu", "bernoulli:p=0.2", 1.6, 0, 300, 6),
                                options_of("tanh", "bernoulli:p=0.1", 2, 0.05, 300, 6),
                                options_of("gelu", "gaussian:alpha=0.1", 1.5, 0.2, 300, 4),
                                options_of("erf", "", 1.5, 0.05, 300, 4),
                                options_of("relu", "normal:scale=0.5", 1, 0.1, 300, 4)};
  for (SimulatedLayer& layer : networks[4].layers) layer.additive = true;
  for (SimulateOptions& o : networks) {
    o.nets = 2000;
    o.c0 = 0.3;
    const Simulated run = simulate(o);
    const auto theory = scatter(o).value();
    for (const std::size_t at : {std::size_t{0}, std::size_t{1}, o.layers.size()}) {
      EXPECT_NEAR(run.layers[at].log_q->sd / theory[at].log_q, 1, 0.08) << at;
      EXPECT_NEAR(run.layers[at].c->sd / theory[at].c, 1, 0.08) << at;
    }
  }
}

TEST(PairScatter, IsNotSaidOfBranchesAndOfInfiniteFourthMoments) {
  SimulateOptions o = options_of("relu", "", 1, 0, 50, 3);
  o.layers[1].branch = 0.5;
  EXPECT_FALSE(scatter(o).has_value());
  EXPECT_FALSE(scatter(options_of("tanh", "half_cauchy", 1, 0, 50, 2)).has_value());
}

TEST(PairScatter, ToleranceShrinksWithNets) {
  const Scatter s{.log_q = 0.1, .c = 0.02};
  EXPECT_DOUBLE_EQ(tolerance(s, 100).log_q, 0.4 * 0.1 + 0.01);
  EXPECT_DOUBLE_EQ(tolerance(s, 100).c, 0.4 * 0.02 + 0.002);
}

}  // namespace
}  // namespace scalemix::signal
