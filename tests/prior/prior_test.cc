#include "scalemix/prior/prior.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <boost/math/special_functions/expint.hpp>
#include <limits>

#include "scalemix/base/error.h"
#include "tests/prior/cases.h"

namespace scalemix::prior::test {
namespace {

using testing::HasSubstr;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

INSTANTIATE_TEST_SUITE_P(Priors, EveryPrior, testing::ValuesIn(words()), test_name);
INSTANTIATE_TEST_SUITE_P(Priors, NamedPrior, testing::ValuesIn(named_words()), test_name);

TEST_P(EveryPrior, IntegratesToAllThatIsNotTheAtom) {
  EXPECT_NEAR(integral(prior, [&](double v) { return prior.density(v); }), 1 - prior.atom(), 1e-8);
}

// Closed form against nodes: scale-mixtures.md 3.1, the table of noise and marginal.
TEST_P(NamedPrior, IsTheMixtureThatItsRecipeMakes) {
  for (const double v : sizes(prior, 1e-10, 60, 1.7)) {
    const Bend bend = prior.mixture().at(v);
    EXPECT_NEAR(bend.log_density, prior.log_density(v), 1e-11 * (1 + v / prior.median_size())) << v;
    EXPECT_NEAR(bend.slope, prior.slope(v), 1e-9 * prior.slope(v)) << v;
  }
}

TEST_P(NamedPrior, IsWhatItsLawInduces) {
  const Prior back = Prior::induced(prior.law(), prior.sigma0());
  EXPECT_EQ(back.name(), prior.word());
  EXPECT_EQ(back.density(0.3), prior.density(0.3));
  const Prior read = Prior::parse(back.word());
  EXPECT_EQ(read.name(), prior.word());
  EXPECT_EQ(read.word(), back.word());
}

TEST_P(EveryPrior, HasTheSlopeOfItsPenalty) {
  for (const double v : sizes(prior, 1e-6, 40, 2.3)) {
    const double step = 1e-4 * v;
    const double by_difference =
        (prior.log_density(v - step) - prior.log_density(v + step)) / (2 * step);
    EXPECT_NEAR(prior.slope(v), by_difference, 1e-6 * prior.slope(v) + 1e-8 / v) << v;
    EXPECT_EQ(prior.slope(-v), -prior.slope(v));
    EXPECT_EQ(prior.log_density(-v), prior.log_density(v));
    const Bend bend = prior.mixture().at(v);
    const double curvature =
        (prior.mixture().at(v + step).slope - prior.mixture().at(v - step).slope) / (2 * step);
    EXPECT_NEAR(bend.curvature, curvature, 1e-5 * (std::abs(curvature) + bend.slope / v)) << v;
  }
  EXPECT_EQ(prior.slope(0), 0);
}

TEST_P(EveryPrior, HasACdfWhoseSlopeIsTheDensity) {
  EXPECT_NEAR(prior.cdf(-1e300), 0, 1e-13);
  EXPECT_NEAR(prior.cdf(1e300), 1, 1e-13);
  EXPECT_NEAR(prior.cdf(0) - prior.cdf(-1e-300), prior.atom(), 1e-12);
  for (const double v : sizes(prior, 0.01, 4, 3)) {
    const double step = 1e-4 * v;
    EXPECT_NEAR((prior.cdf(v + step) - prior.cdf(v - step)) / (2 * step), prior.density(v),
                1e-6 * prior.density(v));
    EXPECT_NEAR(prior.cdf(v) - prior.cdf(-v), prior.within(v), 1e-12);
    EXPECT_NEAR(prior.cdf(v) + prior.cdf(-v), 1, 1e-12);
  }
  EXPECT_NEAR(prior.within(prior.median_size()), (1 + prior.atom()) / 2, 1e-6);
}

// var = sigma0^2 E z^2 and kurtosis = 3 E z^4 / (E z^2)^2, by the moments of the law, against the
// integral of the density.
TEST_P(EveryPrior, HasTheMomentsOfItsDensity) {
  if (std::isinf(prior.variance())) {
    // Then the integral grows with where it stops.
    const double far = prior.median_size() * 1e6;
    EXPECT_GT(far * far * far * prior.density(far), prior.median_size() * prior.median_size());
    return;
  }
  const double variance = integral(prior, [&](double v) { return v * v * prior.density(v); });
  EXPECT_NEAR(prior.variance(), variance, 1e-8 * variance);
  if (std::isinf(prior.kurtosis())) {
    const double far = prior.median_size() * 1e6;
    EXPECT_GT(std::pow(far, 5) * prior.density(far), variance * variance);
    return;
  }
  const double fourth = integral(prior, [&](double v) { return v * v * v * v * prior.density(v); });
  EXPECT_NEAR(prior.kurtosis(), fourth / variance / variance, 1e-7 * prior.kurtosis());
}

/// sqrt(n) times the largest difference of the cdf and the share of draws, at 400 of the draws.
double kolmogorov_smirnov(const Prior& prior, std::size_t n, std::uint64_t seed) {
  std::vector<float> w = draws(prior, n, seed);
  std::sort(w.begin(), w.end());
  double worst = 0;
  for (int i = 1; i < 400; ++i) {
    const float v = w[n * static_cast<std::size_t>(i) / 400];
    const auto below = std::lower_bound(w.begin(), w.end(), v) - w.begin();
    const auto upto = std::upper_bound(w.begin(), w.end(), v) - w.begin();
    const double count = static_cast<double>(n), cdf = prior.cdf(v);
    const double before = v == 0 ? cdf - prior.atom() : cdf;
    worst = std::max({worst, std::abs(static_cast<double>(upto) / count - cdf),
                      std::abs(static_cast<double>(below) / count - before)});
  }
  return worst * std::sqrt(static_cast<double>(n));
}

// Fails by chance once in 10^6: 2 exp(-2 x^2).
constexpr double kKolmogorov = 2.7;

TEST_P(EveryPrior, IsTheDistributionOfNoiseTimesWeight) {
  EXPECT_LT(kolmogorov_smirnov(prior, 200000, 11), kKolmogorov);
}
TEST_P(NamedPrior, DISABLED_IsTheDistributionOfTenMillionDraws) {
  EXPECT_LT(kolmogorov_smirnov(prior, 10000000, 12), kKolmogorov);
}

// By mpmath, 20 digits: exp(x) E1(x) / sqrt(2 pi^3), x = w^2 / 2; K0(w) / pi.
TEST(PriorValues, AreThosePublished) {
  const Prior horseshoe = Prior::parse("horseshoe");
  EXPECT_NEAR(horseshoe.density(1), 0.11719790339752410, 1e-15);
  EXPECT_NEAR(horseshoe.log_density(0.001), 0.57048042214268146, 1e-13);
  EXPECT_NEAR(horseshoe.log_density(1000), -15.186033796452402, 1e-12);
  const Prior k0 = Prior::parse("generalised_hyperbolic");
  EXPECT_NEAR(k0.density(1), 0.13401624101699427, 1e-15);
  EXPECT_NEAR(k0.log_density(1000), -1004.3729411102607, 1e-10);
  // Continuous where one formula takes over from another.
  EXPECT_NEAR(horseshoe.slope(std::sqrt(60) * (1 + 1e-12)),
              horseshoe.slope(std::sqrt(60) * (1 - 1e-12)), 1e-11);
  EXPECT_NEAR(k0.slope(50 * (1 + 1e-12)), k0.slope(50 * (1 - 1e-12)), 1e-11);
}

TEST(PriorValues, HaveTheirLimitsAtZeroAndFarOut) {
  EXPECT_EQ(Prior::parse("horseshoe").log_density(0), kInfinity);
  EXPECT_EQ(Prior::parse("generalised_hyperbolic").log_density(0), kInfinity);
  EXPECT_DOUBLE_EQ(Prior::parse("laplace:scale=0.5").density(0), 1);
  EXPECT_NEAR(Prior::parse("spike_slab:p=0.3,scale=2").density(0), 0.7 / (2 * std::sqrt(2 * M_PI)),
              1e-15);
  // E 1 / z of the law decides: infinite where z has a density at 0.
  for (const char* law : {"uniform:half_width=1", "gaussian:alpha=0.5", "half_cauchy",
                          "gamma:shape=1", "gamma:shape=0.5", "beta:a=0.5,b=2", "laplace"}) {
    EXPECT_TRUE(Prior::induced(law::AnyLaw::parse(law)).peak_is_infinite()) << law;
    EXPECT_EQ(Prior::induced(law::AnyLaw::parse(law)).density(0), kInfinity) << law;
  }
  for (const char* law : {"uniform:half_width=0.5", "gamma:shape=2", "beta:a=2,b=0.5", "lognormal",
                          "rayleigh", "bernoulli", "poisson", "gaussian:alpha=0"}) {
    EXPECT_FALSE(Prior::induced(law::AnyLaw::parse(law)).peak_is_infinite()) << law;
  }
  // gamma: E 1 / z = shape / (shape - 1).
  EXPECT_NEAR(Prior::parse("induced:gamma:shape=4,sigma0=2").density(0),
              4.0 / 3 / (2 * std::sqrt(2 * M_PI)), 1e-12);
  for (const double w : {1e3, 1e6, 1e9}) {
    EXPECT_NEAR(w * Prior::parse("horseshoe").slope(w), 2, 10 / w);
    EXPECT_NEAR(w * Prior::parse("student_t:nu=3").slope(w), 4, 20 / w);
    EXPECT_NEAR(Prior::parse("generalised_hyperbolic:scale=2").slope(w), 0.5, 1 / w);
    EXPECT_EQ(Prior::parse("laplace:scale=2").slope(w), 0.5);
  }
}

TEST(PriorValues, HaveTheVariancesAndKurtosesOfTheirNames) {
  EXPECT_NEAR(Prior::parse("laplace:scale=3").variance(), 18, 1e-13);
  EXPECT_NEAR(Prior::parse("laplace").kurtosis(), 6, 1e-13);
  EXPECT_NEAR(Prior::parse("student_t:nu=5,scale=2").variance(), 4 * 5.0 / 3, 1e-12);
  EXPECT_NEAR(Prior::parse("student_t:nu=5").kurtosis(), 9, 1e-12);
  EXPECT_EQ(Prior::parse("student_t:nu=4").kurtosis(), kInfinity);
  EXPECT_EQ(Prior::parse("student_t:nu=2").variance(), kInfinity);
  EXPECT_EQ(Prior::parse("horseshoe").variance(), kInfinity);
  EXPECT_NEAR(Prior::parse("generalised_hyperbolic:scale=3").variance(), 9, 1e-13);
  EXPECT_NEAR(Prior::parse("generalised_hyperbolic").kurtosis(), 9, 1e-13);
  EXPECT_NEAR(Prior::parse("spike_slab:p=0.75,scale=2").variance(), 1, 1e-13);
  EXPECT_NEAR(Prior::parse("spike_slab:p=0.75").kurtosis(), 12, 1e-13);
  EXPECT_EQ(Prior::parse("spike_slab:p=0.75").atom(), 0.75);
}

// Uniform noise on [lo, hi]: (E1(v^2 / 2 hi^2) - E1(v^2 / 2 lo^2)) / (4 b sqrt(2 pi)), derived.
TEST(Induced, ByUniformNoiseIsADifferenceOfExponentialIntegrals) {
  const Prior prior = Prior::parse("induced:uniform:half_width=0.5,sigma0=1");
  const auto e1 = [](double v, double s) { return boost::math::expint(1, v * v / (2 * s * s)); };
  for (const double v : {1e-3, 0.1, 1.0, 3.0, 10.0, 20.0}) {
    const double exact = (e1(v, 1.5) - e1(v, 0.5)) / (2 * std::sqrt(2 * M_PI));
    // A jump of the law's density is closed in to 1e-10 of an e-fold.
    EXPECT_NEAR(prior.density(v), exact, (1e-10 + 3e-10 * v * v) * exact) << v;
  }
}

TEST(Induced, OfTheMultiplierIsThatOfZOverItsMean) {
  const law::AnyLaw rayleigh = law::AnyLaw::parse("rayleigh:scale=3");
  const Prior prior = Prior::of_multiplier(rayleigh, 2);
  EXPECT_NEAR(prior.variance(), 4 * rayleigh.mu2(), 1e-12);
  EXPECT_NEAR(prior.sigma0(), 2 / rayleigh.mean(), 1e-15);
  const law::AnyLaw normal = law::AnyLaw::parse("normal:scale=3");  // mean 0: z itself
  EXPECT_EQ(Prior::of_multiplier(normal, 2).sigma0(), 2);
  EXPECT_NEAR(Prior::of_multiplier(law::AnyLaw::parse("bernoulli:p=0.5"), 1).variance(), 2, 1e-14);
}

// ---------------------------------------------------------------------------- penalty and slope

TEST_P(EveryPrior, HasAPenaltyInFloatThatIsThatInDouble) {
  for (const double v : sizes(prior, 1e-5, 100, 1.13)) {
    for (const float w : {static_cast<float>(v), static_cast<float>(-v)}) {
      const double exact = -prior.log_density(w), slope = prior.slope(w);
      EXPECT_NEAR(prior.penalty(1, &w), exact, 1e-6 * std::max(1.0, std::abs(exact))) << w;
      float dw = 0;
      prior.slope(1, &w, 1, &dw);
      EXPECT_NEAR(dw, slope, 1e-6 * std::abs(slope)) << w;
    }
  }
}

TEST_P(EveryPrior, SumsPenaltiesAndAddsWeightedSlopes) {
  const float unit = static_cast<float>(prior.median_size());
  const std::vector<float> w = {unit, -2 * unit, 0.5f * unit, -unit};
  std::vector<float> dw = {1, 2, 3, 4};
  const double sum = prior.penalty(4, w.data());
  double each = 0;
  for (const float& x : w) each += prior.penalty(1, &x);
  EXPECT_DOUBLE_EQ(sum, each);
  prior.slope(4, w.data(), 0.25f, dw.data());
  for (std::size_t i = 0; i < 4; ++i) {
    const double expected = 1.0 + static_cast<double>(i) + 0.25 * prior.slope(w[i]);
    EXPECT_NEAR(dw[i], expected, 2e-6 * std::abs(expected) + 1e-6 * std::abs(prior.slope(w[i])));
  }
  EXPECT_EQ(prior.penalty(0, nullptr), 0);
}

TEST_P(EveryPrior, IsFiniteAndStillAtZero) {
  const float zero = 0;
  float dw = 7;
  EXPECT_TRUE(std::isfinite(prior.penalty(1, &zero)));
  prior.slope(1, &zero, 3, &dw);
  EXPECT_EQ(dw, 7);
}

// Below its least |w| the table is a parabola: value and slope stay one function.
TEST(PenaltyInFloat, RoundsThePoleOff) {
  const Prior prior = Prior::parse("horseshoe");
  const auto penalty = [&](double w) {
    const float x = static_cast<float>(w);
    return prior.penalty(1, &x);
  };
  const auto slope = [&](double w) {
    const float x = static_cast<float>(w);
    float dw = 0;
    prior.slope(1, &x, 1, &dw);
    return static_cast<double>(dw);
  };
  const double edge = std::exp2(std::floor(std::log2(std::tan(M_PI / 8))) - 20);
  EXPECT_NEAR(slope(edge), prior.slope(edge), 1e-6 * prior.slope(edge));
  EXPECT_NEAR(slope(edge / 4), prior.slope(edge) / 4, 1e-6 * prior.slope(edge));
  EXPECT_NEAR(slope(-edge / 4), -slope(edge / 4), 1e-9);
  EXPECT_NEAR((penalty(edge / 2) - penalty(edge / 4)) / (edge / 4), slope(edge * 3 / 8),
              1e-4 * prior.slope(edge));
  EXPECT_NEAR(penalty(edge) - penalty(edge * 0.9999), 0, 1e-4);
  EXPECT_LT(penalty(0), penalty(edge));
}

// ---------------------------------------------------------------------------- words

TEST(PriorWord, IsCanonical) {
  EXPECT_EQ(Prior::parse("laplace").word(), "laplace:scale=1");
  EXPECT_EQ(Prior::parse("student_t:scale=2").word(), "student_t:nu=4,scale=2");
  EXPECT_EQ(Prior::parse("induced:half_cauchy").word(), "induced:half_cauchy:scale=1,sigma0=1");
  EXPECT_EQ(Prior::parse("induced:gamma:shape=2,sigma0=0.5").word(),
            "induced:gamma:shape=2,sigma0=0.5");
  EXPECT_EQ(Prior::parse("induced:gamma,sigma0=0.5").word(), "induced:gamma:shape=4,sigma0=0.5");
  EXPECT_EQ(Prior::parse("induced:rayleigh:scale=0.5,sigma0=2").name(), "laplace:scale=1");
  EXPECT_EQ(Prior::parse("induced:inverse_nakagami:shape=2,omega=4").name(),
            "student_t:nu=4,scale=0.5");
  EXPECT_EQ(Prior::parse("induced:gaussian:alpha=0,sigma0=2").name(), "normal:scale=2");
  EXPECT_EQ(Prior::parse("induced:gaussian:alpha=0.1").name(), "");
}

template <class E>
std::string refusal(const std::string& word) {
  try {
    Prior::parse(word);
  } catch (const E& error) {
    return error.what();
  }
  ADD_FAILURE() << word << " was accepted";
  return "";
}

TEST(PriorWord, IsRefusedWithTheReason) {
  EXPECT_THAT(refusal<ConfigError>("laplac"),
              HasSubstr("unknown prior 'laplac', did you mean 'lap"));
  EXPECT_THAT(refusal<ConfigError>("laplace:b=1"), HasSubstr("unknown parameter 'b'"));
  EXPECT_THAT(refusal<ConfigError>("induced"), HasSubstr("expected the word of a law"));
  EXPECT_THAT(refusal<ConfigError>("induced:gama"), HasSubstr("did you mean 'gamma'"));
  EXPECT_THAT(refusal<ConfigError>("induced:gamma,sigma0=x"), HasSubstr("sigma0 must be a number"));
  EXPECT_THAT(refusal<std::domain_error>("laplace:scale=0"), HasSubstr("scale must be in"));
  EXPECT_THAT(refusal<std::domain_error>("induced:gamma,sigma0=0"), HasSubstr("sigma0 must be in"));
  EXPECT_THAT(refusal<std::domain_error>("induced:gamma,sigma0=nan"), HasSubstr("got nan"));
  for (const double sigma0 : {0.0, -1.0, std::nan(""), kInfinity}) {
    EXPECT_THROW(Prior::induced(law::AnyLaw::parse("gamma"), sigma0), std::domain_error);
  }
}

}  // namespace
}  // namespace scalemix::prior::test
