#include "scalemix/prior/variance.h"

#include <algorithm>
#include <boost/math/distributions/beta.hpp>
#include <boost/math/distributions/exponential.hpp>
#include <boost/math/distributions/gamma.hpp>
#include <boost/math/distributions/inverse_gamma.hpp>
#include <boost/math/distributions/non_central_chi_squared.hpp>

#include "tests/prior/cases.h"

namespace scalemix::prior::test {
namespace {

using boost::math::cdf;
using boost::math::pdf;

class EveryLaw : public testing::TestWithParam<std::string> {
 protected:
  const law::AnyLaw law = law::AnyLaw::parse(GetParam());
};
INSTANTIATE_TEST_SUITE_P(Laws, EveryLaw, testing::ValuesIn(law::test::ordinary_specs()), test_name);

/// Compares density and distribution of lambda^2 with a law of Boost's.
template <class Distribution>
void expect_variance(const char* spec, const Distribution& law, double unit = 1) {
  const law::AnyLaw noise = law::AnyLaw::parse(spec);
  for (const double x : {0.01, 0.1, 0.5, 1.0, 2.0, 7.0, 20.0}) {
    const double exact = pdf(law, x / unit) / unit;
    EXPECT_NEAR(variance_density(noise, x), exact, 1e-11 * exact + 1e-300) << spec << " " << x;
    EXPECT_NEAR(variance_within(noise, x), cdf(law, x / unit), 1e-12) << spec << " " << x;
  }
}

// scale-mixtures.md 3.1, column "variance prior".
TEST(VariancePrior, HasItsName) {
  expect_variance("rayleigh:scale=1.5",
                  boost::math::exponential_distribution<>(1 / (2 * 1.5 * 1.5)));
  expect_variance("inverse_nakagami:shape=3,omega=0.5",
                  boost::math::inverse_gamma_distribution<>(3, 6));
  expect_variance("normal:scale=2", boost::math::gamma_distribution<>(0.5, 8));
  // N(1, a): lambda^2 / a is noncentral chi^2 with one degree of freedom, noncentrality 1 / a.
  for (const double a : {0.25, 1.0, 3.0}) {
    expect_variance(("gaussian:alpha=" + std::to_string(a)).c_str(),
                    boost::math::non_central_chi_squared_distribution<>(1, 1 / a), a);
  }
}

// Half-Cauchy(1): lambda^2 is beta prime (1/2, 1/2) and kappa Beta(1/2, 1/2).
TEST(VariancePrior, OfHalfCauchyIsBetaPrime) {
  const law::AnyLaw law = law::AnyLaw::parse("half_cauchy");
  const boost::math::beta_distribution<> half(0.5, 0.5);
  for (const double x : {1e-3, 0.2, 1.0, 5.0, 1e3}) {
    EXPECT_NEAR(variance_density(law, x), 1 / (M_PI * std::sqrt(x) * (1 + x)),
                1e-13 * variance_density(law, x));
  }
  for (const double kappa : {0.001, 0.1, 0.5, 0.7, 0.99}) {
    EXPECT_NEAR(shrinkage_density(law, kappa), pdf(half, kappa), 1e-12 * pdf(half, kappa));
    EXPECT_NEAR(shrinkage_within(law, kappa), cdf(half, kappa), 1e-13);
  }
  EXPECT_NEAR(mean_shrinkage(law), 0.5, 1e-9);
}

TEST_P(EveryLaw, HasAShrinkageProfileOfMassOne) {
  double mass = 0, mean = 0;
  if (single_values(law)) {
    const double only = law.quantile(0.5);
    if (!law.row().discrete) {
      EXPECT_NEAR(mean_shrinkage(law), 1 / (1 + only * only), 1e-14);
      EXPECT_EQ(shrinkage_within(law, 0.99), 1);
      EXPECT_EQ(shrinkage_within(law, 0.01), 0);
      return;
    }
    for (double z = 0; z < 200; ++z) {
      mass += law.pdf(z);
      mean += law.pdf(z) / (1 + z * z);
    }
    // The profile steps at kappa = 1 / (1 + z^2), and counts the step itself.
    EXPECT_NEAR(shrinkage_within(law, 0.5) - shrinkage_within(law, 0.4999999), law.pdf(1), 1e-12);
    EXPECT_NEAR(shrinkage_density(law, 0.5), law.pdf(1), 1e-15);
  } else {
    // In t = ln(kappa / (1 - kappa)) = -2 ln |lambda| the ends, where densities may be infinite, are
    // far away; inside, densities jump or are infinite at lambda = 1 and at the ends of uniform's.
    std::vector<double> ends = {-80, 0, 30};
    if (law.row().name == "uniform") {
      const double b = law.values()[0];
      ends.insert(ends.end(), {-2 * std::log(1 + b), b == 1 ? 0 : -2 * std::log(std::abs(1 - b))});
    }
    std::sort(ends.begin(), ends.end());
    for (std::size_t i = 0; i + 1 < ends.size(); ++i) {
      const auto fine = [&](double lo, double hi) {
        const double away = std::min(lo - ends[i], ends[i + 1] - hi);
        return hi - lo < std::min(1.0, away) || hi - lo < 1e-10;
      };
      const auto sum = [&](double power) {
        return integrate(ends[i], ends[i + 1], fine, [&](double t) {
          const double kappa = 1 / (1 + std::exp(-t)), other = 1 / (1 + std::exp(t));
          return shrinkage_density(law, kappa) * kappa * other * std::pow(kappa, power);
        });
      };
      mass += sum(0);
      mean += sum(1);
    }
  }
  // Beyond t = 30 kappa is 1 to double's digits: what is left is the mass of |lambda| < 3e-7.
  const double beyond = single_values(law) ? 0 : within(law, std::exp(-15));
  EXPECT_NEAR(mass + beyond, 1, 2e-5);
  EXPECT_NEAR(mean + beyond, mean_shrinkage(law), 2e-5);
}

TEST_P(EveryLaw, CountsShrinkageAsItsDensityDoes) {
  if (single_values(law)) return;
  for (const double kappa : {0.21, 0.43, 0.71, 0.93}) {
    const double step = 1e-5 * (1 - kappa);
    const double density =
        (shrinkage_within(law, kappa + step) - shrinkage_within(law, kappa - step)) / (2 * step);
    EXPECT_NEAR(shrinkage_density(law, kappa), density, 1e-5 * (1 + density)) << kappa;
  }
}

// Of the multiplier z / E z: lambda = scale z.
TEST(VariancePrior, TakesAScale) {
  const law::AnyLaw one = law::AnyLaw::parse("rayleigh:scale=1");
  const law::AnyLaw three = law::AnyLaw::parse("rayleigh:scale=3");
  for (const double x : {0.1, 0.4, 0.8}) {
    EXPECT_NEAR(variance_density(one, x, 3), variance_density(three, x), 1e-15);
    EXPECT_NEAR(variance_within(one, x, 3), variance_within(three, x), 1e-15);
    EXPECT_NEAR(shrinkage_density(one, x, 3), shrinkage_density(three, x), 1e-13);
    EXPECT_NEAR(shrinkage_within(one, x, 3), shrinkage_within(three, x), 1e-15);
  }
  EXPECT_NEAR(mean_shrinkage(one, 3), mean_shrinkage(three), 1e-12);
  const law::AnyLaw drop = law::AnyLaw::parse("bernoulli:p=0.5");
  EXPECT_EQ(variance_density(drop, 4, 2), 0.5);
  EXPECT_EQ(shrinkage_within(drop, 0.2, 2), 0.5);
}

TEST(VariancePrior, RefusesWhatIsNoVarianceAndNoKappa) {
  const law::AnyLaw law = law::AnyLaw::parse("gamma");
  for (const double bad : {0.0, -1.0, std::nan("")}) {
    EXPECT_THROW(variance_density(law, bad), std::domain_error) << bad;
    EXPECT_THROW(shrinkage_density(law, bad), std::domain_error) << bad;
  }
  EXPECT_THROW(shrinkage_density(law, 1), std::domain_error);
  EXPECT_THROW(shrinkage_within(law, 2), std::domain_error);
  EXPECT_EQ(variance_within(law, -1), 0);
}

}  // namespace
}  // namespace scalemix::prior::test
