// Priors on groups of weights against closed forms of multivariate densities, against the density of
// one weight, and by what densities integrate to.

#include "scalemix/prior/joint.h"

#include <gtest/gtest.h>

#include <boost/math/special_functions/bessel.hpp>
#include <cmath>
#include <numbers>
#include <numeric>
#include <string>
#include <vector>

#include "scalemix/base/quadrature.h"

namespace scalemix::prior {
namespace {

constexpr double kPi = std::numbers::pi;
const std::vector<std::size_t> kDimensions{1, 2, 10, 2500};

void expect_point(const PenaltyTable::Point& got, double penalty, double slope,
                  const std::string& what) {
  EXPECT_NEAR(got.penalty, penalty, 1e-9 * (1 + std::abs(penalty))) << what;
  EXPECT_NEAR(got.slope, slope, 1e-9 * std::abs(slope)) << what;
}

/// Radii around that of a typical vector of d numbers of size s.
std::vector<double> radii(std::size_t d, double s) {
  std::vector<double> out;
  for (const double factor : {1e-3, 0.1, 0.7, 1.0, 3.0, 100.0}) {
    out.push_back(factor * s * std::sqrt(static_cast<double>(d)));
  }
  return out;
}

// Kotz & Nadarajah (2004), Multivariate t distributions, 1.1.
TEST(Joint, InverseGammaVariancesGiveTheMultivariateT) {
  const double nu = 3, s = 0.2;
  const Prior prior = Prior::parse("student_t:nu=3,scale=0.2");
  for (const std::size_t d : kDimensions) {
    const auto n = static_cast<double>(d);
    for (const double r : radii(d, s)) {
      const double penalty = std::lgamma(nu / 2) - std::lgamma((nu + n) / 2) +
                             n / 2 * std::log(nu * kPi * s * s) +
                             (nu + n) / 2 * std::log1p(r * r / (nu * s * s));
      expect_point(joint_penalty(prior, d, r), penalty, (nu + n) * r / (nu * s * s + r * r),
                   "d " + std::to_string(d) + ", r " + std::to_string(r));
    }
  }
}

// Exponential variances: Kotz, Kozubowski & Podgorski (2001), The Laplace distribution, 5.2.
TEST(Joint, RayleighNoiseGivesTheMultivariateLaplace) {
  const Prior prior = Prior::parse("laplace:scale=0.5");
  const double b = 0.5;  // variances have the mean 2 b^2
  for (const std::size_t d : {std::size_t{1}, std::size_t{2}, std::size_t{10}}) {
    const double half = static_cast<double>(d) / 2, order = std::abs(1 - half);
    const auto density = [&](double r) {
      return std::pow(2 * kPi, -half) / (2 * b * b) * 2 * std::pow(r * b, 1 - half) *
             boost::math::cyl_bessel_k(order, r / b);
    };
    for (const double r : {0.01, 0.3, 1.0, 5.0, 40.0}) {
      // d log K_n(x) / dx = -K_{n-1} / K_n - n / x, and log density = (1 - half) log r + log K.
      const double x = r / b, n = 1 - half;
      const double ratio =
          boost::math::cyl_bessel_k(std::abs(n - 1), x) / boost::math::cyl_bessel_k(order, x);
      expect_point(joint_penalty(prior, d, r), -std::log(density(r)), ratio / b,
                   "d " + std::to_string(d) + ", r " + std::to_string(r));
    }
  }
}

TEST(Joint, OneScaleIsTheNormal) {
  const Prior prior = Prior::parse("normal:scale=0.3");
  for (const std::size_t d : kDimensions) {
    const auto n = static_cast<double>(d);
    for (const double r : radii(d, 0.3)) {
      expect_point(joint_penalty(prior, d, r),
                   n / 2 * std::log(2 * kPi * 0.09) + r * r / (2 * 0.09), r / 0.09,
                   std::to_string(d));
    }
  }
}

TEST(Joint, OfOneWeightItIsThePrior) {
  for (const law::LawRow& law : law::laws()) {
    const Prior prior = Prior::induced(law::AnyLaw::parse(law.name), 0.7);
    for (const double size : {1e-4, 0.1, 1.0, 4.0}) {
      const double v = size * prior.median_size();
      const PenaltyTable::Point got = joint_penalty(prior, 1, v);
      const std::string what = std::string(law.name) + " at " + std::to_string(v);
      EXPECT_NEAR(got.penalty, -prior.log_density(v), 2e-8 * (1 + std::abs(got.penalty))) << what;
      EXPECT_NEAR(got.slope, prior.slope(v), 1e-7 * std::abs(prior.slope(v)) + 1e-12) << what;
    }
  }
}

/// The integral of the density over all of d dimensions.
double mass(const Prior& prior, std::size_t d) {
  const double half = static_cast<double>(d) / 2;
  const double log_sphere = std::log(2.0) + half * std::log(kPi) - std::lgamma(half);
  const double size = prior.median_size() * std::sqrt(static_cast<double>(d));
  double sum = 0;
  constexpr double kStep = 0.5;
  for (double t = std::log(size) - 22; t < std::log(size) + 20; t += kStep) {
    sum += gauss_panel(t, t + kStep, [&](double x) {
      const double r = std::exp(x);
      return std::exp(log_sphere + static_cast<double>(d) * x - joint_penalty(prior, d, r).penalty);
    });
  }
  return sum;
}

TEST(Joint, DensitiesIntegrateToOneLessTheAtom) {
  for (const char* word :
       {"horseshoe", "induced:gaussian:alpha=0.25", "induced:uniform:half_width=1",
        "induced:lognormal", "spike_slab", "generalised_hyperbolic"}) {
    const Prior prior = Prior::parse(word);
    for (const std::size_t d : {std::size_t{3}, std::size_t{50}}) {
      // Beyond e^20 medians half-Cauchy tails hold 1e-9.
      EXPECT_NEAR(mass(prior, d), 1 - prior.atom(), 1e-6) << word << " in " << d;
    }
  }
}

TEST(Joint, ALayersPenaltyIsTheSumOverItsGroups) {
  const Prior prior = Prior::parse("horseshoe:scale=0.1");
  const Weights shape{.out = 4, .in = 3, .window = 2};
  std::vector<float> w(shape.count());
  for (std::size_t i = 0; i < w.size(); ++i) w[i] = 0.05f * static_cast<float>(i) - 0.4f;
  for (const Group group : {Group::row, Group::filter, Group::matrix}) {
    const Groups groups(group, shape);
    const Joint joint(prior, groups);
    std::vector<double> squares(groups.groups());
    for (std::size_t e = 0; e < w.size(); ++e) squares[groups.group_of(e)] += double(w[e]) * w[e];
    double want = 0;
    for (const double s : squares) {
      want += joint_penalty(prior, groups.size(), std::sqrt(s)).penalty;
    }
    EXPECT_NEAR(joint.penalty(w.data()), want, 1e-5 * (1 + std::abs(want)));
    std::vector<float> dw(w.size());
    joint.slope(w.data(), 2, dw.data());
    for (std::size_t e = 0; e < w.size(); ++e) {
      const double r = std::sqrt(squares[groups.group_of(e)]);
      EXPECT_NEAR(dw[e], 2 * joint_penalty(prior, groups.size(), r).slope * w[e] / r,
                  1e-4 * std::abs(dw[e]) + 1e-7);
    }
  }
}

TEST(Joint, AGroupOfZerosHasNoSlope) {
  const Joint joint(Prior::parse("horseshoe"), Groups(Group::row, {.out = 3, .in = 2}));
  const std::vector<float> w{0, 1, 0, 2, 0, 3};
  std::vector<float> dw(6);
  joint.slope(w.data(), 1, dw.data());
  for (const std::size_t e : {0, 2, 4}) EXPECT_EQ(dw[e], 0) << e;
  for (const std::size_t e : {1, 3, 5}) EXPECT_GT(dw[e], 0) << e;
  EXPECT_TRUE(std::isfinite(joint.penalty(w.data())));
}

TEST(Joint, ALayerWithoutWeightsHasNoGroups) {
  EXPECT_THROW(Groups(Group::row, {}), std::domain_error);
}

}  // namespace
}  // namespace scalemix::prior
