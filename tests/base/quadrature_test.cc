#include "scalemix/base/quadrature.h"

#include <gtest/gtest.h>

#include <cmath>

namespace scalemix {
namespace {

const auto kUnit = [](double lo, double hi) { return hi - lo <= 1; };

TEST(GaussPanel, IsExactForPolynomialsUpToDegree39) {
  EXPECT_NEAR(gauss_panel(0, 1, [](double x) { return std::pow(x, 39); }) * 40, 1, 1e-14);
  EXPECT_GT(std::abs(gauss_panel(-1, 1, [](double x) { return std::pow(x, 40); }) * 41 / 2 - 1),
            1e-13);
}

TEST(Integrate, HalvesPanelsUntilTheyAreFine) {
  int calls = 0;
  const double value = integrate(0, 8, kUnit, [&](double x) { return ++calls, std::exp(-x); });
  EXPECT_NEAR(value, 1 - std::exp(-8), 1e-15);
  EXPECT_EQ(calls, 8 * 20);
}

TEST(Integrate, IsZeroOverNothing) {
  const auto one = [](double) { return 1.0; };
  EXPECT_EQ(integrate(2, 2, kUnit, one), 0);
  EXPECT_EQ(integrate(3, 2, kUnit, one), 0);
  EXPECT_EQ(integrate(0, NAN, kUnit, one), 0);
}

TEST(Integrate, EndsWhereNoNumberLiesBetween) {
  const auto never = [](double, double) { return false; };
  const double hi = std::nextafter(1.0, 2.0);
  EXPECT_EQ(integrate(1, hi, never, [](double) { return 1.0; }), hi - 1);
}

}  // namespace
}  // namespace scalemix
