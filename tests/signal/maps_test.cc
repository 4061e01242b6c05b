#include "scalemix/signal/maps.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <stdexcept>

#include "tests/signal/networks.h"

namespace scalemix::signal {
namespace {

using test::network;
using test::with_additive;

void expect_variances(const Network& net, double q0, const std::vector<double>& want,
                      double error) {
  const VarianceTrajectory path = variance_trajectory(net, q0, want.size() - 1);
  ASSERT_EQ(path.q.size(), want.size()) << path.ended;
  for (std::size_t l = 0; l < want.size(); ++l) EXPECT_NEAR(path.q[l], want[l], error) << l;
}

// Pretorius et al. (2018), figure 2: tanh at sigma_w = 1 and relu at He's, both from q = 4.
TEST(VarianceTrajectory, OfTanhDecaysSlowly) {
  expect_variances(network("tanh", "", 1), 4,
                   {4, .6353, .3137, .2034, .1491, .1171, .0962, .0815, .0706, .0622, .0556, .0502,
                    .0458, .0421, .0389},
                   5e-5);
}

TEST(VarianceTrajectory, OfTanhWithAdditiveNoiseSettles) {
  expect_variances(with_additive("tanh", 1, 1), 4, {4, 1.6353, 1.4839, 1.4663, 1.4642, 1.4639},
                   5e-5);
}

TEST(VarianceTrajectory, OfReluWithAdditiveNoiseGrowsByTwiceItsVariance) {
  expect_variances(with_additive("relu", 1, 2), 4, {4, 6, 8, 10, 12, 14}, 1e-12);
}

// Pretorius et al. (2018), figure 3: off-critical by the factors of its captions, 15 layers; growth
// by 40-digit arithmetic.
TEST(VarianceTrajectory, OfReluGrowsOrShrinksGeometrically) {
  struct Case {
    const char* law;
    double sigma_w, growth;  // sigma_w over the critical one
  };
  for (const Case& c : {Case{"bernoulli:p=0.4", 1.15, 66.211771956784593},
                        {"bernoulli:p=0.4", 0.85, 7.6307595947894878e-3},
                        {"gaussian:alpha=0.0625", 1.25, 807.79356694631609},
                        {"gaussian:alpha=0.0625", 0.75, 1.7858209017001473e-4}}) {
    const double mu2 = law::AnyLaw::parse(c.law).mu2();
    const Network net = network("relu", c.law, c.sigma_w * c.sigma_w * 2 / mu2);
    const double q = variance_trajectory(net, 4, 15).q.back();
    EXPECT_NEAR(q / 4 / c.growth, 1, 1e-12) << c.law << " " << c.sigma_w;
  }
}

TEST(VarianceMap, IsInfiniteWithAnInfiniteSecondMoment) {
  EXPECT_EQ(variance_map(network("relu", "half_cauchy", 1), 1),
            std::numeric_limits<double>::infinity());
  EXPECT_EQ(variance_map(network("relu", "half_cauchy", 0), 1), 0);
}

TEST(VarianceTrajectory, EndsWhereNumbersDo) {
  const VarianceTrajectory path = variance_trajectory(network("relu", "half_cauchy", 1), 1, 5);
  EXPECT_EQ(path.q.size(), 1u);
  EXPECT_EQ(path.ended, "the variance is inf at layer 1, out of range");
  EXPECT_LT(variance_trajectory(network("relu", "", 20), 1, 1000).q.size(), 1001u);
  EXPECT_LT(trajectory(network("relu", "", 20), Pair::at(1, 1, 0.5), 1000).layers.size(), 1001u);
}

TEST(Trajectory, OfDepthZeroIsTheInput) {
  const Trajectory path = trajectory(network("tanh", "", 1), Pair::at(2, 3, 0.4), 0);
  ASSERT_EQ(path.layers.size(), 1u);
  EXPECT_EQ(path.layers[0].q2, 3);
  EXPECT_EQ(variance_trajectory(network("tanh", "", 1), 2, 0).q, std::vector<double>{2});
}

TEST(Trajectory, ReachesAMillionLayersOnceNothingChanges) {
  const Trajectory path =
      trajectory(network("tanh", "bernoulli:p=0.1", 2, 0.05), Pair::at(1, 1, 0.9), 1000000);
  ASSERT_EQ(path.layers.size(), 1000001u) << path.ended;
  EXPECT_NEAR(path.layers.back().q1, 0.870421981, 1e-9);
  EXPECT_NEAR(path.layers.back().c, 0.286397183, 1e-9);
}

TEST(Trajectory, WithoutWeightsForgetsTheInput) {
  const Trajectory path = trajectory(network("relu", "", 0, 0.3), Pair::at(1, 5, 0.1), 2);
  EXPECT_EQ(path.layers[1].q1, 0.3);
  EXPECT_EQ(path.layers[1].c, 1);
  EXPECT_EQ(trajectory(network("relu", "", 0), Pair::at(1, 1, 0.1), 3).layers.back().q1, 0);
}

TEST(CovarianceMap, LeavesNoiseOutOfTwoInputs) {
  const Pair pair = Pair::at(0.7, 1.9, 0.3);
  for (const char* law : {"bernoulli:p=0.3", "gaussian:alpha=1"}) {
    EXPECT_EQ(covariance_map(network("gelu", law, 1.4, 0.1), pair),
              covariance_map(network("gelu", "", 1.4, 0.1), pair));
  }
  EXPECT_NEAR(covariance_map(network("gelu", "normal", 1.4, 0.1), pair), 0.1, 1e-16);
}

// c' = (c + (sin t - t cos t) / pi) / mu2 at the critical point; Pretorius et al. (2018).
TEST(CorrelationMap, OfReluIsTheClosedForm) {
  const Network net = network("relu", "bernoulli:p=0.2", 1.6);
  for (const double c : {-0.9, 0.0, 0.3, 0.8, 1.0}) {
    const double t = std::acos(c), bend = (std::sin(t) - t * std::cos(t)) / M_PI;
    EXPECT_NEAR(correlation_map(net, 3, c), (c + bend) / 1.25, 1e-14) << c;
  }
}

TEST(PairMap, KeepsTheDigitsOfCorrelationsNearOne) {
  const Network net = network("tanh", "", 1.3, 0.2);
  const double q = 0.6, e = 1e-14;
  const double slope = 1.3 * slope_second(net.activation, q) * q / variance_map(net, q);
  EXPECT_NEAR(pair_map(net, Pair::near_one(q, q, e)).one_minus_c / e, slope, 1e-4);
}

TEST(PairMap, IsTheSameOnBothSidesOfItsSwitch) {
  for (const char* phi : {"tanh", "relu", "silu", "hard_tanh"}) {
    Network residual = network(phi, "bernoulli:p=0.2", 1.3, 0.2);
    residual.branch = 0.7;
    for (const Network& net :
         {network(phi, "bernoulli:p=0.2", 1.3, 0.2), residual, with_additive(phi, 0.4, 1.3, 0.2),
          network(phi, "normal", 1.3, 0.2)}) {
      const Pair next = pair_map(net, Pair::at(0.8, 0.8, 0.7));
      const double c = covariance_map(net, Pair::at(0.8, 0.8, 0.7)) / variance_map(net, 0.8);
      EXPECT_NEAR(next.c, c, 1e-14) << phi;
    }
  }
}

// A simulation's theory: width 1000, sigma_w2 = 1.5, sigma_b2 = 0.05, a^2 = 0.3, dropout 0.2.
TEST(Trajectory, OfAResidualReluGrows) {
  Network net = network("relu", "bernoulli:p=0.2", 1.5, 0.05);
  net.branch = std::sqrt(0.3);
  const Trajectory path = trajectory(net, Pair::at(1, 1, 0.3), 12);
  EXPECT_NEAR(path.layers[1].q1, 1.296, 5e-4);
  EXPECT_NEAR(path.layers[4].q1, 2.785, 5e-4);
  EXPECT_NEAR(path.layers[8].q1, 7.596, 5e-4);
  EXPECT_NEAR(path.layers[12].q1, 20.56, 5e-3);
}

TEST(Network, RefusesWhatIsNoVariance) {
  EXPECT_THROW(network("relu", "", -1).check(), std::domain_error);
  EXPECT_THROW(network("relu", "", 1, NAN).check(), std::domain_error);
  EXPECT_THROW(variance_trajectory(network("relu", "", INFINITY), 1, 3), std::domain_error);
  Network net = network("relu", "", 1);
  net.branch = -0.5;
  EXPECT_THROW(trajectory(net, Pair::at(1, 1, 0), 3), std::domain_error);
}

}  // namespace
}  // namespace scalemix::signal
