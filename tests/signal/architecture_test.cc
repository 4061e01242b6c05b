#include "scalemix/signal/architecture.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <stdexcept>

#include "tests/signal/networks.h"

namespace scalemix::signal {
namespace {

using test::network;

TEST(ResidualGrowth, IsTheTrajectorysOwn) {
  Network net = network("leaky_relu:slope=0.2", "bernoulli:p=0.2", 1.5);
  net.branch = 0.3;
  const double q = variance_trajectory(net, 1, 40).q.back();
  EXPECT_NEAR(*residual_growth(net, 40) / q, 1, 1e-12);
  // A branch that is not scaled: 1 + 1 / 2 a layer.
  EXPECT_NEAR(*residual_growth(network("relu", "", 1), 10), std::pow(1.5, 10), 1e-9);
  EXPECT_FALSE(residual_growth(network("tanh", "", 1), 3));
  EXPECT_EQ(*residual_growth(network("relu", "half_cauchy", 1), 3),
            std::numeric_limits<double>::infinity());
}

TEST(BranchScale, GivesTheGrowthAskedFor) {
  for (const char* phi : {"relu", "leaky_relu:slope=0.3", "linear"}) {
    for (const double growth : {1.0, 2.0, std::exp(1.0), 1e6}) {
      Network net = network(phi, "gaussian:alpha=0.5", 1.3);
      net.branch = branch_scale(net, 50, growth);
      EXPECT_NEAR(*residual_growth(net, 50) / growth, 1, 1e-12) << phi << " " << growth;
    }
  }
}

// a = sqrt(2 / (sigma_w2 mu2 depth)) keeps growth below e.
TEST(BranchScale, IsNearTheRuleOfThumbForGrowthE) {
  const Network net = network("relu", "bernoulli:p=0.2", 1.5);
  const double thumb = std::sqrt(2 / (1.5 * 1.25 * 1000));
  const double exact = *branch_scale(net, 1000, std::exp(1.0));
  EXPECT_GT(exact, thumb);
  EXPECT_NEAR(exact / thumb, 1, 3e-4);
}

TEST(BranchScale, BoundsActivationsOfSlopeOne) {
  Network net = network("tanh", "bernoulli:p=0.2", 1.5, 0);
  net.branch = branch_scale(net, 30, 4);
  EXPECT_LT(variance_trajectory(net, 0.5, 30).q.back(), 4 * 0.5);
}

TEST(BranchScale, IsEmptyOrRefusedAtTheEdges) {
  EXPECT_FALSE(branch_scale(network("relu", "", 0), 10, 2));
  EXPECT_FALSE(branch_scale(network("relu", "half_cauchy", 1), 10, 2));
  EXPECT_THROW(branch_scale(network("relu", "", 1), 0, 2), std::domain_error);
  EXPECT_THROW(branch_scale(network("relu", "", 1), 10, 0.5), std::domain_error);
}

TEST(ConvFanIn, CountsTheWindow) { EXPECT_EQ(conv_fan_in(3, 16), 144u); }

// pi / (pi - 1) without noise: Yang et al. (2019). With noise mu2 pi / (mu2 pi - 1).
TEST(BatchNormGrowth, OfReluIsTheKnownConstant) {
  const Activation relu = Activation::parse("relu");
  EXPECT_NEAR(batch_norm_growth(relu, {}), M_PI / (M_PI - 1), 1e-14);
  EXPECT_NEAR(batch_norm_growth(relu, {}), 1.467, 5e-4);
  const auto dropout = [](double p) {
    return multiplicative(law::AnyLaw::parse("bernoulli:p=" + std::to_string(p)));
  };
  for (const double p : {0.1, 0.5}) {
    const double mu2 = 1 / (1 - p);
    EXPECT_NEAR(batch_norm_growth(relu, dropout(p)), mu2 * M_PI / (mu2 * M_PI - 1), 1e-14);
  }
  EXPECT_NEAR(batch_norm_growth(relu, multiplicative(law::AnyLaw::parse("half_cauchy"))), 1, 1e-15);
}

// Relu at q = 1: E phi'^2 = E phi^2 = 1/2, E phi = 1 / sqrt(2 pi). What is added has mean 0, so it
// stands in the variance that batch normalisation divides by and nowhere else.
TEST(BatchNormGrowth, OfAdditiveNoiseDividesByItsVarianceToo) {
  const Activation relu = Activation::parse("relu");
  for (const double s2 : {0.0, 0.3, 2.0}) {
    EXPECT_NEAR(batch_norm_growth(relu, {.additive = true, .s2 = s2}),
                0.5 / (0.5 + s2 - 0.5 / M_PI), 1e-14)
        << s2;
  }
}

TEST(BatchNormGrowth, OfALinearNetworkIsOneAndOthersIsMore) {
  for (const ActivationRow& row : activations()) {
    const double growth = batch_norm_growth(Activation::parse(row.name), {});
    if (row.name == "linear") {
      EXPECT_NEAR(growth, 1, 1e-15);
    } else {
      EXPECT_GT(growth, 1) << row.name;  // Poincare: Var phi <= E phi'^2
    }
  }
}

}  // namespace
}  // namespace scalemix::signal
