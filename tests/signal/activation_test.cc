#include "scalemix/signal/activation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <stdexcept>
#include <string>

#include "scalemix/base/error.h"
#include "scalemix/kernel/activation.h"
#include "scalemix/model/spec.h"

namespace scalemix::signal {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

TEST(Activation, IsTheFunctionThatKernelsRun) {
  for (const ActivationRow& row : activations()) {
    const Activation phi = Activation::parse(row.name);
    const auto kernel =
        kernel::find_activation(row.name == "linear" ? "identity" : std::string(row.name));
    ASSERT_TRUE(kernel) << row.name;
    for (double x = -6; x <= 6; x += 0.37) {
      const double value = kernel::ref::activate(*kernel, phi.parameter(), x);
      const double slope = kernel::ref::activate_slope(*kernel, phi.parameter(), x);
      EXPECT_NEAR(phi.value(x), value, 1e-15 * (1 + std::abs(value))) << row.name << " at " << x;
      EXPECT_NEAR(phi.slope(x), slope, 1e-14) << row.name << " at " << x;
    }
    for (const double x : {-1.0, 0.0, 1.0}) {
      EXPECT_NEAR(phi.slope(x), kernel::ref::activate_slope(*kernel, phi.parameter(), x), 1e-15)
          << row.name << " at " << x;
    }
  }
}

TEST(Activation, StaysBelowItsTangentWhereItsRowSaysSo) {
  for (const ActivationRow& row : activations()) {
    const Activation phi = Activation::parse(row.name);
    const double slope = std::max(std::abs(phi.slope(1e-9)), std::abs(phi.slope(-1e-9)));
    bool below = true;
    for (double x = -20; x <= 20; x += 0.01) {
      below = below && std::abs(phi.value(x)) <= slope * std::abs(x) * (1 + 1e-12) + 1e-15;
    }
    EXPECT_EQ(row.below_tangent, below) << row.name;
  }
}

TEST(Activation, IsItsLineAndWhatItsRowAddsAbove) {
  for (const ActivationRow& row : activations()) {
    const Activation phi = Activation::parse(row.name);
    if (!row.above_line) {
      EXPECT_TRUE(phi.negative_slope() || std::abs(phi.value(1e6)) <= 1) << row.name;
      continue;
    }
    for (const double x : {0.01, 0.5, 2.0, 7.0}) {
      EXPECT_NEAR(row.above_line(phi.parameter(), x), phi.value(x) - row.line * x, 1e-15 * x)
          << row.name;
    }
    EXPECT_EQ(phi.value(1e6), row.line * 1e6) << row.name;
    EXPECT_LE(std::abs(phi.value(-1e6)), 2) << row.name;
  }
}

TEST(Activation, HasEveryActivationThatKernelsHave) {
  EXPECT_EQ(activations().size(), kernel::activations().size());
}

TEST(Activation, HasSlopeAndCurvatureThatAreItsDerivatives) {
  const double h = 1e-4;
  for (const ActivationRow& row : activations()) {
    const Activation phi = Activation::parse(row.name);
    for (double x = -5.05; x < 5; x += 0.3) {
      const double slope = (phi.value(x + h) - phi.value(x - h)) / (2 * h);
      const double curvature = (phi.slope(x + h) - phi.slope(x - h)) / (2 * h);
      EXPECT_NEAR(phi.slope(x), slope, 1e-7) << row.name << " at " << x;
      EXPECT_NEAR(phi.curvature(x), curvature, 1e-7) << row.name << " at " << x;
    }
  }
}

TEST(Activation, IsOddWhereItsRowSaysSo) {
  for (const ActivationRow& row : activations()) {
    const Activation phi = Activation::parse(row.name);
    EXPECT_EQ(phi.value(-0.7) == -phi.value(0.7), row.odd) << row.name;
  }
}

TEST(Activation, KeepsItsTailsFinite) {
  for (const ActivationRow& row : activations()) {
    const Activation phi = Activation::parse(row.name);
    for (const double x : {-1e4, 1e4}) {
      EXPECT_TRUE(std::isfinite(phi.value(x)) && std::isfinite(phi.slope(x)) &&
                  std::isfinite(phi.curvature(x)))
          << row.name << " at " << x;
    }
  }
}

TEST(Activation, SaysItsSpecInFull) {
  EXPECT_EQ(Activation::parse("relu").spec(), "relu");
  EXPECT_EQ(Activation::parse("leaky_relu").spec(), "leaky_relu:slope=0.01");
  EXPECT_EQ(Activation::parse("leaky_relu:slope=0.10").spec(), "leaky_relu:slope=0.1");
  EXPECT_EQ(Activation::parse("erf:b=2").spec(), "erf:b=2");
}

TEST(Activation, DefaultsToTheSlopeThatLayersHave) {
  EXPECT_EQ(Activation::parse("leaky_relu").parameter(), model::Layer{}.slope);
}

TEST(Activation, KnowsWhichAreTwoStraightLines) {
  EXPECT_EQ(Activation::parse("relu").negative_slope(), 0);
  EXPECT_EQ(Activation::parse("linear").negative_slope(), 1);
  EXPECT_EQ(Activation::parse("leaky_relu:slope=0.3").negative_slope(), 0.3);
  EXPECT_EQ(Activation::parse("hard_tanh").negative_slope(), std::nullopt);
}

TEST(Activation, NamesTheNearestForAnUnknownWord) {
  EXPECT_THAT([] { Activation::parse("rellu"); },
              ThrowsMessage<ConfigError>(HasSubstr("unknown activation 'rellu', did you mean "
                                                   "'relu'? (known: relu, leaky_relu")));
  EXPECT_THAT([] { Activation::parse("leaky_relu:slpoe=1"); },
              ThrowsMessage<ConfigError>(HasSubstr("did you mean 'slope'?")));
  EXPECT_THAT([] { Activation::parse("erf:b=x"); },
              ThrowsMessage<ConfigError>("erf: b must be a number, got 'x'"));
  EXPECT_THAT([] { Activation::parse("erf:b=1,b=2"); },
              ThrowsMessage<ConfigError>("erf: b is given twice"));
  EXPECT_THROW(Activation::parse("relu:slope=1"), ConfigError);
  EXPECT_THROW(Activation::parse("relu:"), ConfigError);
  EXPECT_THROW(Activation::parse(""), ConfigError);
  EXPECT_THROW(Activation::parse("erf:b=0"), std::domain_error);
}

}  // namespace
}  // namespace scalemix::signal
