#include "scalemix/signal/fractional.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <stdexcept>

#include "scalemix/base/number_text.h"
#include "scalemix/law/any_law.h"

namespace scalemix::signal {
namespace {

const Activation kRelu = Activation::parse("relu"), kLinear = Activation::parse("linear");

struct Golden {
  double m, s, relu, relu_expansion, linear, linear_expansion, dropout, dropout_expansion;
};
// m sigma^2: lgamma and log-sum-exp in double (scipy), an independent program.
constexpr Golden kGoldens[] = {
    {64, 0.5, 2.06054751, 2.05859375, 1.01181819, 1.01171875, 1.06989756, 1.06445312},
    {64, 1.0, 2.03982445, 2.03906250, 1.00784278, 1.00781250, 1.04510370, 1.04296875},
    {64, 1.5, 2.01965057, 2.01953125, 1.00390356, 1.00390625, 1.02186224, 1.02148437},
    {256, 1.0, 2.00981257, 2.00976562, 1.00195503, 1.00195312, 1.01087023, 1.01074219},
    {1024, 1.0, 2.00244433, 2.00244141, 1.00048840, 1.00048828, 1.00269347, 1.00268555}};

TEST(FractionalVariance, MatchesAnIndependentProgram) {
  const NoiseMoments half = multiplicative(law::AnyLaw::parse("bernoulli:p=0.5"));
  for (const Golden& g : kGoldens) {
    const auto m = static_cast<std::size_t>(g.m);
    EXPECT_NEAR(*fractional_variance(kRelu, 0, m, g.s) * g.m, g.relu, 6e-9);
    EXPECT_NEAR(*fractional_variance(kLinear, 0, m, g.s) * g.m, g.linear, 6e-9);
    EXPECT_NEAR(*fractional_variance(kRelu, 0.5, m, g.s) * g.m, g.dropout, 6e-9);
    EXPECT_NEAR(*fractional_variance_expansion(kRelu, {}, m, g.s) * g.m, g.relu_expansion, 6e-9);
    EXPECT_NEAR(*fractional_variance_expansion(kLinear, {}, m, g.s) * g.m, g.linear_expansion,
                6e-9);
    EXPECT_NEAR(*fractional_variance_expansion(kRelu, half, m, g.s) * g.m, g.dropout_expansion,
                6e-9);
  }
}

TEST(FractionalVariance, IsTheCriticalOneForSecondMoments) {
  for (const std::size_t m : {1u, 2u, 37u, 4096u}) {
    EXPECT_NEAR(*fractional_variance(kRelu, 0, m, 2) * static_cast<double>(m), 2, 1e-12);
    EXPECT_NEAR(*fractional_variance(kLinear, 0, m, 2) * static_cast<double>(m), 1, 1e-12);
    EXPECT_NEAR(*fractional_variance(kRelu, 0.3, m, 2) * static_cast<double>(m), 1.4, 1e-12);
    EXPECT_NEAR(*fractional_variance(kLinear, 0.3, m, 2) * static_cast<double>(m), 0.7, 1e-12);
  }
}

TEST(FractionalVariance, MeetsItsExpansionAtLargeFanIn) {
  const NoiseMoments noise = multiplicative(law::AnyLaw::parse("bernoulli:p=0.25"));
  for (const Activation& phi : {kRelu, kLinear}) {
    for (const double s : {0.3, 1.0, 1.7}) {
      const double exact = *fractional_variance(phi, 0.25, 1000000, s);
      EXPECT_NEAR(*fractional_variance_expansion(phi, noise, 1000000, s) / exact, 1, 1e-10);
    }
  }
}

TEST(FractionalVarianceExpansion, OfLeakyReluLiesBetweenReluAndLinear) {
  const Activation same = Activation::parse("leaky_relu:slope=1");
  EXPECT_DOUBLE_EQ(*fractional_variance_expansion(same, {}, 64, 0.5),
                   *fractional_variance_expansion(kLinear, {}, 64, 0.5));
  EXPECT_NEAR(*fractional_variance_expansion(same, {}, 64, 0.5) * 64, 1.0117, 5e-5);
  const Activation none = Activation::parse("leaky_relu:slope=0");
  EXPECT_DOUBLE_EQ(*fractional_variance_expansion(none, {}, 64, 0.5),
                   *fractional_variance_expansion(kRelu, {}, 64, 0.5));
}

Activation leaky(double slope) {
  return Activation::parse("leaky_relu:slope=" + shortest_number(slope));
}

// The Laplace transform's integral, against the sum over binomials: a tiny away from 0 and from 1.
TEST(FractionalVariance, OfLeakyReluMeetsReluAndLinear) {
  for (const double p : {0.0, 0.4}) {
    for (const double s : {0.05, 0.2, 0.7, 1.0, 1.5, 1.99}) {
      for (const std::size_t m : {3u, 64u, 5000u}) {
        const double relu = *fractional_variance(kRelu, p, m, s);
        const double linear = *fractional_variance(kLinear, p, m, s);
        // Where every unit is off, however small a slope counts.
        const double dead = std::pow((1 + p) / 2, static_cast<double>(m));
        EXPECT_NEAR(*fractional_variance(leaky(1e-40), p, m, s) / relu, 1, 1e-11 + 2 / s * dead);
        EXPECT_NEAR(*fractional_variance(leaky(1 - 1e-13), p, m, s) / linear, 1, 1e-11);
      }
    }
  }
}

TEST(FractionalVariance, OfLeakyReluMeetsItsExpansion) {
  for (const double a : {0.01, 0.3, 0.5, 3.0}) {
    for (const double s : {0.5, 1.0, 1.9, 2.0}) {
      const double exact = *fractional_variance(leaky(a), 0.2, 100000, s);
      const NoiseMoments noise = multiplicative(law::AnyLaw::parse("bernoulli:p=0.2"));
      EXPECT_NEAR(*fractional_variance_expansion(leaky(a), noise, 100000, s) / exact, 1, 1e-8) << a;
    }
  }
}

TEST(FractionalVariance, IsEmptyWhereItIsNotKnown) {
  EXPECT_FALSE(fractional_variance(Activation::parse("tanh"), 0, 10, 1));
  EXPECT_FALSE(fractional_variance_expansion(Activation::parse("tanh"), {}, 10, 1));
  const NoiseMoments horseshoe = multiplicative(law::AnyLaw::parse("half_cauchy"));
  EXPECT_FALSE(fractional_variance_expansion(kRelu, horseshoe, 10, 1));
  EXPECT_FALSE(fractional_variance_expansion(kRelu, {.additive = true, .s2 = 1}, 10, 1));
}

TEST(FractionalVariance, RefusesWhatIsOutOfRange) {
  EXPECT_THROW(fractional_variance(kRelu, 0, 10, 0), std::domain_error);
  EXPECT_THROW(fractional_variance(kRelu, 0, 10, 2.1), std::domain_error);
  EXPECT_THROW(fractional_variance(kRelu, 1, 10, 1), std::domain_error);
  EXPECT_THROW(fractional_variance(kRelu, 0, 0, 1), std::invalid_argument);
}

}  // namespace
}  // namespace scalemix::signal
