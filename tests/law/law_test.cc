// Every law of laws.inc passes every test here; a new law adds no test code.

#include "scalemix/law/law.h"

#include <gtest/gtest.h>

#include <boost/math/quadrature/tanh_sinh.hpp>
#include <boost/math/special_functions/gamma.hpp>
#include <cmath>
#include <limits>
#include <map>
#include <stdexcept>

#include "scalemix/law/laws.h"
#include "scalemix/law/standard_normal.h"
#include "scalemix/random/stream.h"
#include "tests/law/cases.h"

namespace scalemix::law {
namespace {

using test::discrete;

class EveryLaw : public testing::TestWithParam<std::string> {
 protected:
  const AnyLaw law = AnyLaw::parse(GetParam());
};
class OrdinaryLaw : public EveryLaw {};

INSTANTIATE_TEST_SUITE_P(Laws, EveryLaw, testing::ValuesIn(test::extreme_specs()),
                         [](const auto& info) { return test::test_name(info.param); });
INSTANTIATE_TEST_SUITE_P(Laws, OrdinaryLaw, testing::ValuesIn(test::ordinary_specs()),
                         [](const auto& info) { return test::test_name(info.param); });

TEST(LawTable, HasEveryLawOfTheContract) {
  std::vector<std::string_view> names;
  for (const LawRow& row : laws()) names.push_back(row.name);
  for (const std::string_view name :
       {"bernoulli", "gaussian", "uniform", "beta", "laplace", "poisson", "lognormal", "gamma",
        "rayleigh", "inverse_nakagami", "half_cauchy", "logistic_normal", "normal"}) {
    EXPECT_NE(std::ranges::find(names, name), names.end()) << name;
  }
}

TEST(LawTable, SaysWhatEachLawAndParameterIs) {
  for (const LawRow& row : laws()) {
    EXPECT_FALSE(row.summary.empty()) << row.name;
    EXPECT_FALSE(row.source.empty()) << row.name;
    for (const Parameter& p : row.parameters) EXPECT_FALSE(p.meaning.empty()) << row.name;
  }
}

struct NoLaw {
  static constexpr std::string_view kName = "none";
};
static_assert(!NoiseLaw<NoLaw>);
static_assert(LocationScale<Gaussian> && LocationScale<Normal> && !LocationScale<Gamma>);
static_assert(kIsDiscrete<Poisson> && !kIsDiscrete<Gamma>);

// cdf(quantile(u)) >= u, and no smaller z will do.
TEST_P(EveryLaw, QuantileIsTheSmallestValueWhoseCdfReachesU) {
  for (int i = 1; i < 64; ++i) {
    const double u = i / 64.0, z = law.quantile(u);
    const double below = z - 1e-9 * std::abs(z) - 1e-300;
    const double rounded_up = z + 4 * std::numeric_limits<double>::epsilon() * std::abs(z);
    EXPECT_GE(law.cdf(rounded_up), u - 1e-9) << "u = " << u;
    EXPECT_LE(law.cdf(below), u + 1e-6) << "u = " << u;
  }
}

TEST_P(OrdinaryLaw, CdfAfterQuantileGivesUBackInTheTails) {
  if (discrete(law)) {
    EXPECT_EQ(law.cdf(law.quantile(0x1p-24)), law.pdf(law.quantile(0x1p-24)));
    return;
  }
  for (const double u : {0x1p-24, 1e-5, 1e-3, 0.3, 0.5, 0.7, 1 - 1e-3, 1 - 1e-5, 1 - 0x1p-24}) {
    const double tail = std::min(u, 1 - u), z = law.quantile(u);
    const double rounding = 4 * std::numeric_limits<double>::epsilon() * std::abs(z) * law.pdf(z);
    EXPECT_NEAR(law.cdf(z), u, 1e-8 * tail + 1e-15 + rounding) << "u = " << u;
  }
}

TEST_P(OrdinaryLaw, QuantileAfterCdfGivesZBack) {
  if (discrete(law)) {
    for (const double u : {0.01, 0.2, 0.5, 0.8, 0.99}) {
      EXPECT_EQ(law.quantile(law.cdf(law.quantile(u)) - 1e-12), law.quantile(u)) << "u = " << u;
    }
    return;
  }
  for (const double u : {0.01, 0.2, 0.5, 0.8, 0.99}) {
    const double z = law.quantile(u);
    EXPECT_NEAR(law.quantile(law.cdf(z)), z, 1e-9 * (1 + std::abs(z))) << "u = " << u;
  }
}

TEST_P(EveryLaw, QuantileNeverFalls) {
  double last = -std::numeric_limits<double>::infinity();
  for (int i = 0; i < 1024; ++i) {
    const double z = law.quantile((i + 0.5) / 1024);
    EXPECT_GE(z, last) << i;
    last = z;
  }
}

TEST_P(EveryLaw, QuantileIsFiniteAtTheFirstAndLastUniform) {
  EXPECT_TRUE(std::isfinite(law.quantile(0x1p-24)));
  EXPECT_TRUE(std::isfinite(law.quantile(1 - 0x1p-24)));
}

TEST_P(EveryLaw, CdfGoesFromZeroToOne) {
  const double infinity = std::numeric_limits<double>::infinity();
  EXPECT_EQ(law.cdf(-1e300), 0);
  EXPECT_EQ(law.cdf(-infinity), 0);
  EXPECT_EQ(law.cdf(infinity), 1);
  double last = 0;
  for (const double z :
       {1e-300, 1e-100, 1e-10, 1e-3, 1.0, 1e3, 1e4, 1e5, 1e6, 1e10, 1e100, 1e300}) {
    EXPECT_GE(law.cdf(z), last) << z;
    EXPECT_GE(law.pdf(z), 0) << z;
    last = law.cdf(z);
  }
}

TEST_P(OrdinaryLaw, DensityIntegratesToDifferencesOfTheCdf) {
  if (discrete(law)) {
    double sum = 0;
    for (int z = 0; z <= 12; ++z) {
      sum += law.pdf(z);
      EXPECT_NEAR(sum, law.cdf(z), 1e-12) << "z = " << z;
      EXPECT_EQ(law.pdf(z + 0.5), 0);
    }
    return;
  }
  boost::math::quadrature::tanh_sinh<double> integrate;
  for (const auto& [from, to] : {std::pair{0.02, 0.2}, {0.2, 0.5}, {0.5, 0.8}, {0.8, 0.99}}) {
    const double area = integrate.integrate([&](double z) { return law.pdf(z); },
                                            law.quantile(from), law.quantile(to));
    EXPECT_NEAR(area, to - from, 1e-9) << from << " to " << to;
  }
}

/// E z^n as the integral of quantile(u)^n over (0, 1), u = Phi(x) so that both tails are resolved.
double moment(const AnyLaw& law, int n) {
  const double step = 1.0 / 256;
  double sum = 0;
  for (double x = -8; x <= 8; x += step) {
    const double u = standard_normal_cdf(x);
    if (u < 1) sum += std::pow(law.quantile(u), n) * standard_normal_pdf(x);
  }
  return sum * step;
}

TEST_P(OrdinaryLaw, MomentsAreThoseOfTheQuantile) {
  const double mean = law.mean(), divisor = law.normalised() ? mean : 1;
  const double tolerance =
      discrete(law) ? 5e-3 : 2e-5;  // a step falls between two nodes of the rule
  if (std::isfinite(mean)) {
    EXPECT_NEAR(moment(law, 1), mean, tolerance * (mean + (mean == 0)));
  }
  if (std::isfinite(law.mu2())) {
    EXPECT_NEAR(moment(law, 2) / std::pow(divisor, 2), law.mu2(), tolerance * law.mu2());
  }
  if (std::isfinite(law.mu3()) && law.mu4() < 1e3) {
    EXPECT_NEAR(moment(law, 3) / std::pow(divisor, 3), law.mu3(),
                5 * tolerance * (law.mu3() + (law.mu3() == 0)));
  }
  if (std::isfinite(law.mu4()) && law.mu4() < 1e3) {
    EXPECT_NEAR(moment(law, 4) / std::pow(divisor, 4), law.mu4(), 10 * tolerance * law.mu4());
  }
}

TEST_P(EveryLaw, MomentsObeyJensen) {
  const double mu2 = law.mu2(), mu4 = law.mu4();
  if (law.normalised()) {
    EXPECT_GE(mu2, 1 - 1e-12);
  }
  if (std::isfinite(mu4)) {
    EXPECT_GE(mu4, mu2 * mu2 * (1 - 1e-12));
  }
}

/// 200 bins of equal probability by the cdf; the statistic must not exceed the quantile at 1 -
/// 1e-6.
TEST_P(OrdinaryLaw, DrawsPassChiSquareAtOneInAMillion) {
  const Stream stream{20240229, 3, 1};
  const std::size_t n = 100000, bins = discrete(law) ? 0 : 200;
  std::map<double, double> count, expected;
  for (std::size_t i = 0; i < n; ++i) {
    const double z = law.raw()(stream.word(i));
    count[bins ? std::min(std::floor(law.cdf(z) * bins), bins - 1.0) : std::round(z)] += 1;
  }
  for (std::size_t b = 0; b < (bins ? bins : 60); ++b) {
    const double value = static_cast<double>(b);
    expected[value] = n * (bins ? 1.0 / bins : law.pdf(value));
  }
  double statistic = 0, rest = 0, rest_expected = 0;
  int cells = 0;
  for (const auto& [value, e] : expected) {
    if (e < 10) {  // cells too small for the approximation go together
      rest += count[value];
      rest_expected += e;
      continue;
    }
    statistic += std::pow(count[value] - e, 2) / e;
    ++cells;
  }
  if (rest_expected >= 10) {
    statistic += std::pow(rest - rest_expected, 2) / rest_expected;
    ++cells;
  }
  if (cells < 2) {
    EXPECT_EQ(law.quantile(0.1), law.quantile(0.9));  // a constant has nothing to test
    return;
  }
  EXPECT_LT(statistic, 2 * boost::math::gamma_q_inv((cells - 1) / 2.0, 1e-6)) << cells << " cells";
}

TEST(LawParameters, RefuseValuesBelowAboveAndNotFinite) {
  const double infinity = std::numeric_limits<double>::infinity();
  for (const LawRow& row : laws()) {
    for (std::size_t i = 0; i < row.parameters.size(); ++i) {
      const Parameter& p = row.parameters[i];
      std::vector<double> bad = {std::nan(""), infinity, -infinity, std::nextafter(p.lo, -infinity),
                                 std::nextafter(p.hi, infinity)};
      if (p.lo_open) bad.push_back(p.lo);
      if (p.hi_open) bad.push_back(p.hi);
      for (const double value : bad) {
        std::vector<double> values = test::defaults(row);
        values[i] = value;
        EXPECT_THROW(AnyLaw::make(row.name, values), std::domain_error)
            << row.name << " " << p.name << " = " << value;
      }
    }
  }
}

TEST(LawParameters, DefaultsAndEndsAreInRange) {
  for (const std::string& spec : test::extreme_specs())
    EXPECT_NO_THROW(AnyLaw::parse(spec)) << spec;
}

TEST(LawParameters, AnErrorNamesLawParameterRangeAndValue) {
  try {
    AnyLaw::parse("bernoulli:p=1");
    FAIL() << "p = 1 was accepted";
  } catch (const std::domain_error& e) {
    EXPECT_STREQ(e.what(), "bernoulli: p must be in [0, 1), got 1");
  }
}

TEST(LawParameters, AWrongNumberOfThemIsRefused) {
  EXPECT_THROW(AnyLaw::make("beta", std::vector<double>{1}), std::invalid_argument);
  EXPECT_THROW(AnyLaw::make("gamma", std::vector<double>{1, 2}), std::invalid_argument);
}

TEST(LawValues, MatchReferenceNumbers) {
  EXPECT_DOUBLE_EQ(AnyLaw::parse("bernoulli:p=0.2").mean(), 0.8);
  EXPECT_DOUBLE_EQ(AnyLaw::parse("bernoulli:p=0.2").mu2(), 1.25);
  EXPECT_DOUBLE_EQ(AnyLaw::parse("beta:a=3,b=3").mu2(), 1 + 1.0 / 7);
  EXPECT_NEAR(AnyLaw::parse("logistic_normal:mu=1,sigma=1").mean(), 0.6967346701436296, 1e-12);
  EXPECT_NEAR(AnyLaw::parse("logistic_normal:mu=2,sigma=1.5").mean(), 0.8099465031913363, 1e-12);
  EXPECT_NEAR(AnyLaw::parse("logistic_normal:mu=2,sigma=1.5").mu2(), 1.0565054929229147, 1e-12);
  EXPECT_DOUBLE_EQ(AnyLaw::parse("uniform:half_width=1").mu2(), 4.0 / 3);
  EXPECT_DOUBLE_EQ(AnyLaw::parse("half_cauchy:scale=2").quantile(0.5), 2);
  // inverse Nakagami with m = 1: z = 1 / sqrt(exponential), P(z <= 1) = exp(-1).
  EXPECT_DOUBLE_EQ(AnyLaw::parse("inverse_nakagami:shape=1").cdf(1), std::exp(-1));
  EXPECT_NEAR(AnyLaw::parse("normal").quantile(0.975), 1.959963984540054, 1e-14);
}

/// The formula for the log, which AnyLaw takes where the density is below all numbers.
template <class L>
void expect_log_density(const AnyLaw& any) {
  const L law(any.values());
  for (double u = 0.001; u < 1; u += 0.037) {
    const double z = law.quantile(u);
    EXPECT_NEAR(law.log_pdf(z), std::log(law.pdf(z)), 1e-12 * (1 + std::abs(law.log_pdf(z))))
        << any.spec() << " at " << z;
  }
}

TEST(LawLogDensity, IsTheLogOfTheDensity) {
  for (const std::string& spec : test::ordinary_specs()) {
    const AnyLaw law = AnyLaw::parse(spec);
    for_each_law([&]<class L>(std::type_identity<L>) {
      if (law.row().name == L::kName) expect_log_density<L>(law);
    });
  }
}

TEST(LawLogDensity, IsThereWhereTheDensityIsBelowAllNumbers) {
  EXPECT_DOUBLE_EQ(AnyLaw::parse("rayleigh:scale=1").log_pdf(100), std::log(100) - 5000);
  EXPECT_NEAR(AnyLaw::parse("normal:scale=2").log_pdf(200),
              -5000 - std::log(2 * std::sqrt(2 * M_PI)), 1e-9);
  EXPECT_DOUBLE_EQ(AnyLaw::parse("laplace:alpha=2").log_pdf(2001), -2000 - std::log(2));
  // exp(-x) of an inverse gamma variance, x = shape / (omega z^2) = 2000: 2 x^2 e^-x / z.
  EXPECT_NEAR(AnyLaw::parse("inverse_nakagami:shape=2").log_pdf(std::sqrt(1e-3)),
              std::log(2) + 2 * std::log(2000) - 2000 - std::log(1e-3) / 2, 1e-9);
  EXPECT_EQ(AnyLaw::parse("uniform:half_width=0.5").log_pdf(3),
            -std::numeric_limits<double>::infinity());
}

TEST(LawCentre, IsOneWhereTheMeanIsAndTheMedianWhereItIsNot) {
  EXPECT_EQ(AnyLaw::parse("gamma").centre(), 1);
  EXPECT_EQ(AnyLaw::parse("bernoulli").centre(), 1);
  EXPECT_DOUBLE_EQ(AnyLaw::parse("half_cauchy:scale=3").centre(), 3);
  EXPECT_NEAR(AnyLaw::parse("normal").centre(), 0, 1e-15);
  EXPECT_FALSE(AnyLaw::parse("half_cauchy").normalised());
  EXPECT_FALSE(AnyLaw::parse("inverse_nakagami:shape=0.5").normalised());
  EXPECT_TRUE(AnyLaw::parse("inverse_nakagami:shape=0.51").normalised());
}

TEST(ConstantLaws, AreOneEverywhere) {
  for (const char* spec :
       {"bernoulli:p=0", "gaussian:alpha=0", "laplace:alpha=0", "uniform:half_width=0"}) {
    const AnyLaw law = AnyLaw::parse(spec);
    for (const double u : {0x1p-24, 0.3, 1 - 0x1p-24}) EXPECT_EQ(law.quantile(u), 1) << spec;
    for (const std::uint32_t word : {0u, 1u << 31, 0xffffffffu}) {
      EXPECT_EQ(law.multiplier()(word), 1.0f) << spec;
    }
    EXPECT_EQ(law.mu2(), 1) << spec;
    EXPECT_EQ(law.cdf(1), 1) << spec;
    EXPECT_EQ(law.cdf(0.999), 0) << spec;
  }
}

}  // namespace
}  // namespace scalemix::law
