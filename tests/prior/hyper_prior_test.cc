#include "scalemix/prior/hyper_prior.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/math/distributions/beta.hpp>
#include <boost/math/distributions/inverse_gamma.hpp>
#include <boost/math/distributions/normal.hpp>
#include <boost/math/tools/minima.hpp>
#include <cmath>
#include <functional>
#include <numbers>

#include "scalemix/base/error.h"

namespace scalemix::prior {
namespace {

using ::testing::HasSubstr;

/// -log p as a function of lambda, of the variable the mode is over, from libraries and the literature.
struct Known {
  const char* word;
  std::function<double(double)> minus_log;
  double most = 1e4;  // end of the range of lambda
};

const std::vector<Known>& known() {
  static const std::vector<Known> rows{
      {"flat", [](double) { return 0.0; }},
      {"log_uniform_scale", [](double l) { return std::log(l); }},
      {"log_uniform", [](double l) { return 2 * std::log(l); }},
      {"inv_gamma:a=3,b=3",
       [](double l) { return -std::log(pdf(boost::math::inverse_gamma(3, 3), l * l)); }},
      {"inv_gamma:a=0.5,b=2",
       [](double l) { return -std::log(pdf(boost::math::inverse_gamma(0.5, 2), l * l)); }},
      {"half_cauchy:scale=1",
       [](double l) { return -std::log(2 / (std::numbers::pi * (1 + l * l))); }},
      {"half_cauchy:scale=0.1",
       [](double l) { return -std::log(2 / (std::numbers::pi * 0.1 * (1 + l * l / 0.01))); }},
      {"rayleigh:scale=0.7", [](double l) { return -std::log(l / 0.49) + l * l / 0.98; }},
      {"gaussian:alpha=0.25",
       [](double l) { return -std::log(pdf(boost::math::normal(1, 0.5), l)); }, 50},
      {"gaussian:alpha=0.01",
       [](double l) { return -std::log(pdf(boost::math::normal(1, 0.1), l)); }, 4},
      {"beta:a=2,b=2",
       [](double l) { return -std::log(pdf(boost::math::beta_distribution(2., 2.), l)); }, 1},
      {"beta:a=20,b=1.5",
       [](double l) { return -std::log(pdf(boost::math::beta_distribution(20., 1.5), l)); }, 1},
      {"beta:a=1,b=1", [](double) { return 0.0; }, 1},
  };
  return rows;
}

double cost(const Known& k, double d, double m, double l) {
  return d * std::log(l) + m / (2 * l * l) + k.minus_log(l);
}

/// The least cost over a fine grid of log lambda, refined.
double least_scale(const Known& k, double d, double m) {
  constexpr int kPoints = 4000;
  const double lo = std::log(1e-4), hi = std::log(k.most);
  const auto f = [&](double x) { return cost(k, d, m, std::exp(x)); };
  const double step = (hi - lo) / kPoints;
  double best = lo;
  for (int i = 1; i < kPoints; ++i) {
    if (f(lo + i * step) < f(best)) best = lo + i * step;
  }
  const double refined =
      boost::math::tools::brent_find_minima(f, best - step, std::min(hi, best + step), 60).first;
  return std::exp(refined);
}

// scale-mixture notes 1.3: the table of M-steps for D of 1, 10, 50 and 2500 weights.
TEST(HyperPrior, TheModeIsTheNumericalOne) {
  for (const Known& k : known()) {
    const HyperPrior hyper = HyperPrior::parse(k.word);
    for (const double d : {1., 10., 50., 2500.}) {
      for (const double per : {0.01, 0.4, 1., 3.}) {
        const double m = per * d, l = least_scale(k, d, m);
        const ScaleMode mode = hyper.mode(d, m);
        // Where a density ends, the cost is least at the end and the search stops short of it.
        EXPECT_NEAR(std::sqrt(mode.scale2) / l, 1, 1e-6) << k.word << " d " << d << " m " << m;
        const double there = cost(k, d, m, std::min(std::sqrt(mode.scale2), k.most * (1 - 1e-12)));
        EXPECT_NEAR(mode.cost, there, 1e-9 * std::max(1., std::abs(there))) << k.word;
        EXPECT_LE(mode.cost, cost(k, d, m, l) + 1e-9 * std::abs(there)) << k.word;
      }
    }
  }
}

/// The envelope theorem: at the mode the cost moves with m as if lambda stood still.
TEST(HyperPrior, TheCostsSlopeByTheMomentIsHalfThePrecision) {
  std::vector<std::string> words{"bernoulli:p=0.5,spike=0.05", "bernoulli:p=0.1,spike=0.3"};
  for (const Known& k : known()) words.push_back(k.word);
  for (const std::string& word : words) {
    const HyperPrior hyper = HyperPrior::parse(word);
    for (const double d : {1., 10.}) {
      for (const double per : {0.02, 0.3, 2.}) {
        const double m = per * d, h = 1e-5 * m;
        const double slope = (hyper.mode(d, m + h).cost - hyper.mode(d, m - h).cost) / (2 * h);
        const double half = 1 / (2 * hyper.mode(d, m).scale2);
        EXPECT_NEAR(slope / half, 1, 2e-5) << word << " d " << d << " m " << m;
      }
    }
  }
}

// scale-mixture notes 1.3, Bernoulli scales: what the responsibilities must do.
TEST(HyperPrior, BernoulliScalesAreResponsibilities) {
  const auto r = [](double p, double spike, double d, double m) {
    const double s = HyperPrior::make("bernoulli", std::vector{p, spike}).mode(d, m).scale2;
    return (1 / s - 1 / (spike * spike)) / (1 - 1 / (spike * spike));
  };
  // By Bayes' rule on the two densities of one weight of this size.
  const double v = 0.2, on = 0.7 * std::exp(-v * v / 2),
               off = 0.3 / 0.05 * std::exp(-v * v / 2 / 0.0025);
  EXPECT_NEAR(r(0.3, 0.05, 1, v * v), on / (on + off), 1e-12);
  EXPECT_GT(r(0.3, 0.05, 4, 0.1), r(0.6, 0.05, 4, 0.1));    // falls with p
  EXPECT_LT(r(0.3, 0.05, 4, 0.01), r(0.3, 0.05, 4, 0.02));  // grows with M
  EXPECT_NEAR(r(0.3, 1 - 1e-9, 4, 0.3), 0.7, 1e-6);         // no spike: the prior's own
  EXPECT_LT(r(0.3, 1e-4, 1, 0), 1e-3);                      // an exact 0 is in the spike
  // The mixture's cost is minus the log of the two densities, without (2 pi)^-d/2.
  EXPECT_NEAR(HyperPrior::parse("bernoulli:p=0.3,spike=0.05").mode(1, v * v).cost,
              -std::log(on + off), 1e-12);
}

TEST(HyperPrior, ScalesAreNeverZero) {
  for (const HyperPriorRow& row : hyper_priors()) {
    std::vector<double> values;
    for (const Parameter& p : row.parameters) values.push_back(p.value);
    const HyperPrior hyper = HyperPrior::make(row.name, values);
    EXPECT_EQ(HyperPrior::parse(hyper.word()).word(), hyper.word());
    for (const double d : {1., 2500.}) {
      const ScaleMode mode = hyper.mode(d, 0);
      EXPECT_GE(mode.scale2, kLeastScale2) << row.name;
      EXPECT_TRUE(std::isfinite(mode.cost)) << row.name;
      EXPECT_LT(mode.scale2, hyper.mode(d, 1e3 * d).scale2) << row.name;
    }
  }
  // Without weight decay of its own a flat scale follows the weights all the way down.
  EXPECT_EQ(HyperPrior::parse("flat").mode(5, 0).scale2, kLeastScale2);
  EXPECT_DOUBLE_EQ(HyperPrior::parse("flat").mode(5, 5e-10).scale2, kLeastScale2);
  EXPECT_DOUBLE_EQ(HyperPrior::parse("flat").mode(5, 10e-10).scale2, 2e-10);
}

TEST(HyperPrior, HalfCauchyIsExactFarBelowItsScale) {
  // scale -> infinity flattens the density near 0: lambda^2 -> m / d.
  EXPECT_NEAR(HyperPrior::parse("half_cauchy:scale=1e8").mode(10, 1e-3).scale2, 1e-4, 1e-12);
}

template <class E, class F>
std::string message(const F& f) {
  try {
    f();
  } catch (const E& error) {
    return error.what();
  }
  return "no error";
}

TEST(HyperPrior, RefusesWhatIsNone) {
  EXPECT_THAT(message<ConfigError>([] { HyperPrior::parse("inv_gama"); }),
              HasSubstr("unknown hyper-prior 'inv_gama', did you mean 'inv_gamma'"));
  EXPECT_THAT(message<ConfigError>([] { HyperPrior::parse("half_cauchy:s=1"); }),
              HasSubstr("scale"));
  for (const char* word : {"inv_gamma:a=0", "inv_gamma:b=-1", "half_cauchy:scale=0", "beta:b=0.5",
                           "bernoulli:p=1", "bernoulli:spike=0", "rayleigh:scale=nan"}) {
    EXPECT_THAT(message<std::domain_error>([&] { HyperPrior::parse(word); }),
                HasSubstr("must be in"))
        << word;
  }
  const HyperPrior hyper = HyperPrior::parse("inv_gamma");
  EXPECT_THAT(message<std::domain_error>([&] { hyper.mode(0, 1); }),
              HasSubstr("expected a group of weights"));
  EXPECT_THAT(message<std::domain_error>([&] { hyper.mode(3, NAN); }), HasSubstr("second moments"));
  EXPECT_THAT(message<std::domain_error>([&] { hyper.mode(3, -1); }), HasSubstr("second moments"));
  EXPECT_THAT(message<std::domain_error>([&] { hyper.mode(3, INFINITY); }),
              HasSubstr("second moments"));
}

}  // namespace
}  // namespace scalemix::prior
