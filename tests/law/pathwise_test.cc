// Slopes of draws and multipliers against central differences of the quantile, for every law whose
// parameters can be learned; a law that becomes one adds no test code.

#include "scalemix/law/pathwise.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "scalemix/law/any_law.h"
#include "scalemix/random/stream.h"
#include "tests/law/cases.h"

namespace scalemix::law {
namespace {

const std::vector<double> kUniforms = {0x1p-24, 1e-4, 0.02,     0.3,        0.5,
                                       0.75,    0.98, 1 - 1e-4, 1 - 0x1p-24};

std::vector<std::string> pathwise_specs(const std::vector<std::string>& specs) {
  std::vector<std::string> chosen;
  for (const std::string& spec : specs) {
    if (AnyLaw::parse(spec).pathwise()) chosen.push_back(spec);
  }
  return chosen;
}

/// The law with parameter i moved by `step`.
AnyLaw moved(const AnyLaw& law, std::size_t i, double step) {
  std::vector<double> values(law.values().begin(), law.values().end());
  values[i] += step;
  return AnyLaw::make(law.row().name, values);
}

double multiplier(const AnyLaw& law, double u) {
  return law.quantile(u) / (law.normalised() ? law.mean() : 1);
}

/// d f / d parameter i by central differences of fourth order.
template <class F>
double difference(const AnyLaw& law, std::size_t i, const F& f) {
  const double h = 1e-3 * std::max(0.1, std::abs(law.values()[i]));
  const auto two = [&](double step) { return f(moved(law, i, step)) - f(moved(law, i, -step)); };
  return (8 * two(h) - two(2 * h)) / (12 * h);
}

class PathwiseLaw : public testing::TestWithParam<std::string> {
 protected:
  const AnyLaw law = AnyLaw::parse(GetParam());
};
INSTANTIATE_TEST_SUITE_P(Laws, PathwiseLaw,
                         testing::ValuesIn(pathwise_specs(test::ordinary_specs())),
                         [](const auto& info) { return test::test_name(info.param); });

TEST_P(PathwiseLaw, SlopesAreThoseOfTheQuantileAndOfTheMultiplier) {
  for (std::size_t i = 0; i < law.values().size(); ++i) {
    for (const double u : kUniforms) {
      SCOPED_TRACE(testing::Message() << "parameter " << i << ", u = " << u);
      const double z = law.quantile(u), m = multiplier(law, u);
      const double draw = difference(law, i, [&](const AnyLaw& l) { return l.quantile(u); });
      EXPECT_NEAR(law.quantile_slope(i, u), draw, 1e-8 * (1 + std::abs(z) + std::abs(draw)));
      const double slope = difference(law, i, [&](const AnyLaw& l) { return multiplier(l, u); });
      EXPECT_NEAR(law.multiplier_slope(i, u), slope, 1e-8 * (1 + std::abs(m) + std::abs(slope)));
    }
  }
}

/// kTableError for a table and eight times float's rounding for sums and products.
void expect_draws(const Sampler& sampler, const std::function<double(double)>& slope) {
  const double scale = std::max(std::abs(slope(0.25)), std::abs(slope(0.75)));
  for (const std::uint32_t word : {0u, 0x00FF1234u, 0x40000000u, 0x7FFFFFFFu, 0x80000000u,
                                   0xA0012345u, 0xFF000000u, 0xFFFFFFFFu}) {
    const double expected = slope(uniform_of(word));
    EXPECT_NEAR(sampler(word), expected, 3e-6 * std::max(std::abs(expected), scale)) << word;
  }
}

TEST_P(PathwiseLaw, CompiledSlopesDrawInTheSameWords) {
  for (std::size_t i = 0; i < law.values().size(); ++i) {
    SCOPED_TRACE(i);
    expect_draws(law.raw_slopes(i), [&](double u) { return law.quantile_slope(i, u); });
    expect_draws(law.multiplier_slopes(i), [&](double u) { return law.multiplier_slope(i, u); });
  }
}

TEST(Pathwise, LawsWithAnExplicitTransformAreLearnedAndTheOthersRefuse) {
  std::vector<std::string_view> learned;
  for (const LawRow& row : laws()) {
    const AnyLaw law = AnyLaw::make(row.name, test::defaults(row));
    if (law.pathwise()) {
      learned.push_back(row.name);
    } else {
      EXPECT_THROW(law.quantile_slope(0, 0.5), std::invalid_argument) << row.name;
      EXPECT_THROW(law.multiplier_slope(0, 0.5), std::invalid_argument) << row.name;
      EXPECT_THROW(law.raw_slopes(0), std::invalid_argument) << row.name;
      EXPECT_THROW(law.multiplier_slopes(0), std::invalid_argument) << row.name;
    }
  }
  EXPECT_THAT(learned,
              testing::UnorderedElementsAre("gaussian", "uniform", "lognormal", "logistic_normal",
                                            "laplace", "rayleigh", "half_cauchy"));
}

TEST(Pathwise, SlopesAtTheEndsOfTheRangesAreDrawnOrRefused) {
  for (const std::string& spec : pathwise_specs(test::extreme_specs())) {
    const AnyLaw law = AnyLaw::parse(spec);
    for (std::size_t i = 0; i < law.values().size(); ++i) {
      SCOPED_TRACE(spec);
      if (!std::isfinite(law.quantile_slope(i, 0.25))) {
        EXPECT_THROW(law.raw_slopes(i), std::domain_error);
        continue;
      }
      expect_draws(law.raw_slopes(i), [&](double u) { return law.quantile_slope(i, u); });
      expect_draws(law.multiplier_slopes(i), [&](double u) { return law.multiplier_slope(i, u); });
    }
  }
}

TEST(Pathwise, TheMultiplierOfRayleighDoesNotMoveWithTheScale) {
  for (const char* spec : {"rayleigh:scale=1e-30", "rayleigh:scale=0.3", "rayleigh:scale=1e30"}) {
    const AnyLaw law = AnyLaw::parse(spec);
    EXPECT_EQ(law.multiplier_slopes(0)(0x12345678u), 0) << spec;
    EXPECT_EQ(law.multiplier_slope(0, 0.2), 0) << spec;
  }
}

TEST(Pathwise, AConstantLawSaysThatItsParameterCannotBeLearned) {
  try {
    AnyLaw::parse("gaussian:alpha=0").multiplier_slopes(0);
    FAIL() << "an infinite slope was drawn";
  } catch (const std::domain_error& error) {
    EXPECT_STREQ(error.what(), "gaussian: alpha must be positive to be learned, got 0");
  }
}

TEST(Pathwise, AParameterThatIsNotThereIsRefused) {
  EXPECT_THROW(AnyLaw::parse("gaussian").quantile_slope(1, 0.5), std::invalid_argument);
}

}  // namespace
}  // namespace scalemix::law
