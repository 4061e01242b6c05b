#include "scalemix/metric/regression.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>
#include <stdexcept>
#include <vector>

namespace scalemix::metric {
namespace {

const std::vector<double> kY = {1, 2, 3, 6};
const std::vector<double> kMean = {1, 4, 2, 5};  // errors 0, -2, 1, 1

TEST(Regression, ErrorsAreWorkedOutByHand) {
  EXPECT_DOUBLE_EQ(rmse(kY, kMean), std::sqrt(6.0 / 4));
  EXPECT_DOUBLE_EQ(mae(kY, kMean), 1.0);
  EXPECT_DOUBLE_EQ(r2(kY, kMean), 1 - 6.0 / 14);  // y has mean 3, squares 4 + 1 + 0 + 9
}

TEST(Regression, PerfectAndConstantPredictionsHaveRSquaredOneAndZero) {
  EXPECT_DOUBLE_EQ(r2(kY, kY), 1);
  EXPECT_DOUBLE_EQ(r2(kY, std::vector<double>(4, 3.0)), 0);
}

TEST(Regression, RSquaredOfConstantTargetsIsNotANumber) {
  // 0.1 is not exact in binary, so its mean differs from it by rounding: the answer must not depend
  // on that.
  EXPECT_TRUE(std::isnan(r2(std::vector<double>(7, 0.1), std::vector<double>(7, 0.2))));
}

TEST(Regression, GaussianLogLikelihoodIsTheLogDensity) {
  const std::vector<double> y = {0, 3}, mean = {0, 1}, variance = {1, 4};
  const double first = -0.5 * std::log(2 * std::numbers::pi);
  const double second = -0.5 * std::log(8 * std::numbers::pi) - 0.5;
  EXPECT_NEAR(gaussian_log_likelihood(y, mean, variance), (first + second) / 2, 1e-15);
}

TEST(Regression, OneDrawGivesTheGaussianLogLikelihood) {
  const double precision = 2.5;
  EXPECT_NEAR(mc_log_likelihood(kY, kMean, precision),
              gaussian_log_likelihood(kY, kMean, std::vector<double>(4, 1 / precision)), 1e-14);
}

TEST(Regression, DrawsAreMixedPerRowNotJointly) {
  // Two rows, two draws: each row is hit by one draw and missed by the other.
  const std::vector<double> y = {0, 0}, draws = {0, 1, 1, 0};
  const double density = (1 + std::exp(-0.5)) / 2 / std::sqrt(2 * std::numbers::pi);
  EXPECT_NEAR(mc_log_likelihood(y, draws, 1), std::log(density), 1e-15);
}

TEST(Regression, DrawsFarFromTheTargetDoNotUnderflow) {
  const std::vector<double> y = {0}, draws = {1000, 1001};
  const double expected =
      -5e5 + std::log1p(std::exp(-1000.5)) - std::log(2.0) - 0.5 * std::log(2 * std::numbers::pi);
  EXPECT_NEAR(mc_log_likelihood(y, draws, 1), expected, 1e-9);
}

TEST(Regression, CoverageCountsTheEndsAsInside) {
  const std::vector<double> y = {0, 1, 2, 3}, lower = {0, 0, 3, 4}, upper = {1, 1, 4, 5};
  EXPECT_DOUBLE_EQ(interval_coverage(y, lower, upper), 0.5);
}

TEST(Regression, EmptyOrUnequalSpansAreRefused) {
  const std::vector<double> none, one = {1}, two = {1, 2};
  EXPECT_THROW(rmse(none, none), std::invalid_argument);
  EXPECT_THROW(rmse(one, two), std::invalid_argument);
  EXPECT_THROW(mae(none, none), std::invalid_argument);
  EXPECT_THROW(mae(one, two), std::invalid_argument);
  EXPECT_THROW(r2(none, none), std::invalid_argument);
  EXPECT_THROW(r2(two, one), std::invalid_argument);
  EXPECT_THROW(gaussian_log_likelihood(none, none, none), std::invalid_argument);
  EXPECT_THROW(gaussian_log_likelihood(two, two, one), std::invalid_argument);
  EXPECT_THROW(mc_log_likelihood(none, none, 1), std::invalid_argument);
  EXPECT_THROW(mc_log_likelihood(one, none, 1), std::invalid_argument);
  EXPECT_THROW(mc_log_likelihood(two, std::vector<double>(3), 1), std::invalid_argument);
  EXPECT_THROW(interval_coverage(none, none, none), std::invalid_argument);
  EXPECT_THROW(interval_coverage(two, two, one), std::invalid_argument);
  EXPECT_THROW(gaussian_crps(two, two, one), std::invalid_argument);
  EXPECT_THROW(gaussian_crps(two, one, two), std::invalid_argument);
  EXPECT_THROW(quantile_loss(two, one, 0.5), std::invalid_argument);
}

TEST(Regression, VariancesAndPrecisionsMustBePositive) {
  const std::vector<double> one = {1};
  EXPECT_THROW(gaussian_log_likelihood(one, one, std::vector<double>{0}), std::domain_error);
  EXPECT_THROW(gaussian_log_likelihood(one, one, std::vector<double>{std::nan("")}),
               std::domain_error);
  EXPECT_THROW(gaussian_crps(one, one, std::vector<double>{0}), std::domain_error);
  EXPECT_THROW(mc_log_likelihood(one, one, 0), std::domain_error);
  EXPECT_THROW(mc_log_likelihood(one, one, -1), std::domain_error);
}

TEST(Regression, NanPredictionsGiveNanRatherThanAGoodScore) {
  const std::vector<double> y = {1, 2}, bad = {1, std::nan("")};
  EXPECT_TRUE(std::isnan(rmse(y, bad)));
  EXPECT_TRUE(std::isnan(mae(y, bad)));
  EXPECT_TRUE(std::isnan(r2(y, bad)));
  EXPECT_TRUE(std::isnan(mc_log_likelihood(y, bad, 1)));
  EXPECT_TRUE(std::isnan(gaussian_crps(y, bad, std::vector<double>{1, 1})));
  EXPECT_TRUE(std::isnan(gaussian_crps(y, y, bad)));
  EXPECT_TRUE(std::isnan(quantile_loss(y, bad, 0.5)));
}

// Goldens: the integral of (F(t) - [t >= y])^2 by scipy.integrate.quad, to 1e-13.
TEST(Regression, CrpsIsTheIntegralOfTheSquaredDifference) {
  const auto crps = [](double y, double mean, double sd) {
    return gaussian_crps(std::vector<double>{y}, std::vector<double>{mean},
                         std::vector<double>{sd * sd});
  };
  EXPECT_NEAR(crps(1, 0, 1), 0.6024413576276163, 1e-12);
  EXPECT_NEAR(crps(-2, 1, 0.5), 2.717905208382479, 1e-12);
  EXPECT_NEAR(crps(3, 3, 2), 0.46738995451021814, 1e-12);
  EXPECT_NEAR(crps(5, 3, 1e-9), 2, 1e-8);  // of a point it is the distance
  const std::vector<double> variance = {1, 0.25};
  EXPECT_NEAR(gaussian_crps(std::vector<double>{1, -2}, std::vector<double>{0, 1}, variance),
              (0.6024413576276163 + 2.717905208382479) / 2, 1e-12);
}

// Goldens: scikit-learn 1.9.1, mean_pinball_loss.
TEST(Regression, QuantileLossWeighsBothSides) {
  const std::vector<double> y = {1, 2, 3}, q = {1.5, 1, 3};
  EXPECT_NEAR(quantile_loss(y, q, 0.05), 0.175, 1e-14);
  EXPECT_NEAR(quantile_loss(y, q, 0.95), 0.325, 1e-14);
  EXPECT_NEAR(quantile_loss(y, q, 0.5), mae(y, q) / 2, 1e-14);
  for (const double level : {0.0, 1.0, -0.1, std::nan("")}) {
    EXPECT_THROW(quantile_loss(y, q, level), std::domain_error);
  }
}

}  // namespace
}  // namespace scalemix::metric
