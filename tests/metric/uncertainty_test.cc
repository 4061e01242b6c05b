#include "scalemix/metric/uncertainty.h"

#include <gtest/gtest.h>

#include <cmath>
#include <stdexcept>
#include <vector>

namespace scalemix::metric {
namespace {

TEST(Entropy, IsZeroForCertaintyAndLogOfTheClassesForNone) {
  EXPECT_EQ(entropy(std::vector<double>{0, 1, 0}), 0);
  EXPECT_NEAR(entropy(std::vector<double>(5, 0.2)), std::log(5.0), 1e-15);
}

TEST(DrawUncertainty, DrawsThatDisagreeAreEpistemic) {
  // Two certain draws of different classes: nothing is aleatoric.
  const auto u = draw_uncertainty(std::vector<double>{1, 0, 0, 1}, 2);
  EXPECT_NEAR(u.total, std::log(2.0), 1e-15);
  EXPECT_EQ(u.aleatoric, 0);
  EXPECT_NEAR(u.epistemic, std::log(2.0), 1e-15);
}

TEST(DrawUncertainty, DrawsThatAgreeAreAleatoric) {
  const auto u = draw_uncertainty(std::vector<double>{0.3, 0.7, 0.3, 0.7, 0.3, 0.7}, 2);
  EXPECT_NEAR(u.aleatoric, u.total, 1e-15);
  EXPECT_GE(u.epistemic, 0);
  EXPECT_LT(u.epistemic, 1e-15);
}

TEST(DrawUncertainty, IsWorkedOutByHandForOneSureAndOneUnsureDraw) {
  const auto u = draw_uncertainty(std::vector<double>{1, 0, 0.5, 0.5}, 2);
  EXPECT_NEAR(u.total, -0.75 * std::log(0.75) - 0.25 * std::log(0.25), 1e-15);
  EXPECT_NEAR(u.aleatoric, std::log(2.0) / 2, 1e-15);
  EXPECT_NEAR(u.epistemic, u.total - u.aleatoric, 1e-15);
}

TEST(MeanError, IsTheStandardErrorOfTheMean) {
  const MeanError m = mean_and_error(std::vector<double>{2, 4, 4, 6});  // variance 8 / 3
  EXPECT_DOUBLE_EQ(m.mean, 4);
  EXPECT_DOUBLE_EQ(m.error, std::sqrt(8.0 / 3 / 4));
}

TEST(MeanError, OfOneNumberHasNoError) {
  const MeanError m = mean_and_error(std::vector<double>{3});
  EXPECT_EQ(m.mean, 3);
  EXPECT_TRUE(std::isnan(m.error));
}

TEST(Uncertainty, NothingIsRefused) {
  const std::vector<double> none, three(3, 1.0 / 3);
  EXPECT_THROW(entropy(none), std::invalid_argument);
  EXPECT_THROW(draw_uncertainty(none, 2), std::invalid_argument);
  EXPECT_THROW(draw_uncertainty(three, 0), std::invalid_argument);
  EXPECT_THROW(draw_uncertainty(three, 2), std::invalid_argument);
  EXPECT_THROW(mean_and_error(none), std::invalid_argument);
}

}  // namespace
}  // namespace scalemix::metric
