// Fixed points of the variance against what a long iteration of the map does, in long double and
// by other formulas than the library's.
//
// The whole grid takes a quarter of an hour or more and stands behind --gtest_also_run_disabled_tests.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <string>

#include "scalemix/signal/critical.h"
#include "tests/signal/networks.h"

namespace scalemix::signal {
namespace {

using Real = long double;
constexpr Real kPi = std::numbers::pi_v<Real>;

/// The integral of f over u > 0 against the density of N(0, q), f even and analytic, nothing
/// beyond `reach`: the trapezoid rule.
template <class F>
Real half_expectation(Real q, Real spacing, Real reach, const F& f) {
  const Real root = std::sqrt(q), h = std::min(spacing, root / 4);
  const Real end = std::min(reach, 13 * root);
  Real sum = f(Real(0)) / 2;
  for (Real u = h; u < end; u += h) sum += f(u) * std::exp(-u * u / (2 * q));
  return sum * h / (root * std::sqrt(2 * kPi));
}

Real tanh_second(Real q) {
  if (q == 0) return 0;
  if (q < 4) {
    return 2 * half_expectation(q, 0.125L, 100, [](Real u) { return std::pow(std::tanh(u), 2); });
  }
  return 1 - 2 * half_expectation(q, 0.125L, 25, [](Real u) { return std::pow(std::cosh(u), -2); });
}

Real silu_second(Real q) {
  if (q == 0) return 0;
  const auto lost = [](Real u) { return std::pow(u / std::cosh(u / 2), 2) / 2; };
  return q / 2 - half_expectation(q, 0.25L, 60, lost);
}

/// exp(x^2) erfc(x) for x >= 0
Real scaled_erfc(Real x) {
  if (x < 8) return std::exp(x * x) * std::erfc(x);
  Real term = 1, sum = 0;
  for (int n = 1; n < 60; ++n) {
    sum += term;
    term *= -(2 * n - 1) / (2 * x * x);
  }
  return sum / (x * std::sqrt(kPi));
}

/// E (exp(u) - 1)^2 over u < 0, by its series in sqrt(q) where q is small.
Real elu_below(Real q) {
  if (q > 0.05L) {
    return (1 + scaled_erfc(std::sqrt(2 * q))) / 2 - scaled_erfc(std::sqrt(q / 2));
  }
  Real sum = 0;
  for (int k = 2; k < 40; ++k) {
    const Real moment = std::pow(2 * q, k / Real(2)) * std::tgamma((k + 1) / Real(2)) / 2;
    sum += (k % 2 ? -1 : 1) * (std::pow(Real(2), k) - 2) / std::tgamma(Real(k + 1)) * moment;
  }
  return sum / std::sqrt(kPi);
}

Real hard_tanh_second(Real q) {
  if (q == 0) return 0;
  const Real edge = 1 / std::sqrt(q);
  const Real outside = std::erfc(edge / std::sqrt(Real(2)));
  return q * (1 - outside - 2 * edge * std::exp(-edge * edge / 2) / std::sqrt(2 * kPi)) + outside;
}

Real gelu_second(Real q) {
  if (q == 0) return 0;
  const Real d = std::sqrt(1 + 2 * q);
  return q / 2 + q * (2 * q / ((1 + q) * d) - std::atan(d / q)) / (2 * kPi);
}

/// E phi^2
Real second_of(const Activation& phi, Real q) {
  const Real a = phi.parameter();
  if (phi.name() == "relu") return q / 2;
  if (phi.name() == "linear") return q;
  if (phi.name() == "leaky_relu") return (1 + a * a) / 2 * q;
  if (phi.name() == "erf") return 2 / kPi * std::asin(2 * a * a * q / (1 + 2 * a * a * q));
  if (phi.name() == "tanh") return tanh_second(q);
  if (phi.name() == "hard_tanh") return hard_tanh_second(q);
  if (phi.name() == "sigmoid") return (1 + tanh_second(q / 4)) / 4;
  if (phi.name() == "gelu") return gelu_second(q);
  if (phi.name() == "silu") return silu_second(q);
  if (phi.name() == "elu") return q / 2 + elu_below(q);
  if (phi.name() == "selu") {
    const Real scale = 1.0507009873554804934193349852946L,
               below = 1.7580993408473768599402175208123L;
    return scale * scale * q / 2 + below * below * elu_below(q);
  }
  if (phi.name() == "sine") return -std::expm1(-2 * q) / 2;
  ADD_FAILURE() << "no map of " << phi.name();
  return 0;
}

class LongMap {
 public:
  LongMap(const Network& net, Real sigma_w2) : net_(net), gain_(sigma_w2 * Real(net.noise.mu2)) {}

  Real operator()(Real q) const { return gain_ * second_of(net_.activation, q) + net_.sigma_b2; }
  Real step(Real q) const { return (*this)(q)-q; }
  Real slope(Real q) const { return 1 + (step(q * 1.0001L) - step(q)) / (q * 0.0001L); }
  /// Whether each step between lo and hi goes up (or each goes down).
  bool keeps_going(Real lo, Real hi, bool up) const {
    return all_between(lo, hi, [up](Real, Real step) { return up ? step > 0 : step < 0; });
  }
  /// By more than the rounding of mu2 can bring.
  bool goes_up_between(Real lo, Real hi) const {
    return !all_between(lo, hi, [](Real q, Real step) { return step <= 1e-15L * q; });
  }

 private:
  template <class Holds>
  bool all_between(Real lo, Real hi, const Holds& holds) const {
    constexpr int kPlaces = 64;
    for (int i = 0; i <= kPlaces; ++i) {
      const Real q = lo * std::pow(hi / lo, Real(i) / kPlaces);
      if (!holds(q, step(q))) return false;
    }
    return true;
  }

  const Network& net_;
  Real gain_;
};

/// Where `layers` iterations from 1 end.
Real iterate(const LongMap& map, long layers) {
  Real q = 1;
  for (long i = 0; i < layers; ++i) {
    const Real next = map(q);
    if (next == q || !(next < 1e300L)) return next;
    q = next;
  }
  return q;
}

/// A point is right if the iteration has come there or, where it is slow, if it is on its way with
/// nothing in between, and is driven back from beyond: the step is looked at, which at a large
/// variance can be anything where q' / q is 1 to all digits.
void expect_point(const LongMap& map, Real q, Real end, long layers, const std::string& at) {
  const Real near = 1e-9L;
  EXPECT_TRUE(map.keeps_going(q * (1 + near), q * 4, false)) << at << ": runs away above " << q;
  EXPECT_TRUE(map.keeps_going(q / 4, q * (1 - near), true)) << at << ": dies below " << q;
  if (std::abs(end / q - 1) <= near) return;
  EXPECT_GT(map.slope(q), 1 - 40.0L / layers)
      << at << ": the iteration ended at " << end << ", not " << q;
  const bool up = end < q;
  EXPECT_TRUE(up ? map.keeps_going(end, q * (1 - near), true)
                 : map.keeps_going(q * (1 + near), end, false))
      << at << ": something lies between " << end << " and " << q;
}

void expect_agreement(const Network& net, Real sigma_w2, long layers, const std::string& at) {
  const LongMap map(net, sigma_w2);
  const FixedPoint q = variance_fixed_point(net);
  const Real end = iterate(map, layers);
  switch (q.kind) {
    case Fixed::point:
      return expect_point(map, *q.value, end, layers, at);
    case Fixed::every:
      EXPECT_NEAR(double(end), 1, 1e-15 * double(layers)) << at;  // mu2 is rounded
      return;
    case Fixed::zero:
      EXPECT_LT(end, 0.1L) << at;
      EXPECT_TRUE(end < 1e-8L || map.step(end) < 0) << at << ": stands still at " << end;
      EXPECT_FALSE(end > 1e-8L && map.goes_up_between(1e-9L, end)) << at;
      return;
    case Fixed::none:
      EXPECT_FALSE(q.reason.empty());
      EXPECT_GT(end, 1) << at;
      EXPECT_TRUE(map.keeps_going(1, std::clamp(end, 1e12L, 1e15L), true)) << at;
  }
}

/// The sigma_w2 at which something changes: slope 1, and a rate of 1 far out.
std::vector<Real> lines_of(const Network& net) {
  std::vector<Real> lines;
  const Critical critical = critical_initialisation(net);
  if (critical.sigma_w2) lines.push_back(*critical.sigma_w2);
  if (critical.unstable) lines.push_back(*critical.unstable);
  if (const double far = far_rate(net.activation)) {
    lines.push_back(1 / (Real(net.noise.mu2) * Real(far)));
  }
  if (lines.empty()) lines.push_back(1 / Real(net.noise.mu2));
  return lines;
}

struct Grid {
  std::vector<const char*> laws;
  std::vector<Real> around;  // times the critical sigma_w2
  long layers;
};

void expect_agreement_over(const Grid& grid) {
  std::size_t networks = 0;
  for (const ActivationRow& row : activations()) {
    for (const char* law : grid.laws) {
      for (const double sigma_b2 : {0.0, 0.05, 1.0}) {
        for (const Real line : lines_of(test::network(row.name, law, 1, sigma_b2))) {
          for (const Real share : grid.around) {
            const Network net = test::network(row.name, law, double(line * share), sigma_b2);
            // Exactly on the line the long map is too: a rounded rate is no rate of 1.
            const Real sigma_w2 = share == 1 ? line : Real(net.sigma_w2);
            expect_agreement(net, sigma_w2, grid.layers,
                             std::string(row.name) + " " + law + " sigma_b2 " +
                                 std::to_string(sigma_b2) + " sigma_w2 " +
                                 std::to_string(net.sigma_w2));
            ++networks;
          }
        }
      }
    }
  }
  testing::Test::RecordProperty("networks", static_cast<int>(networks));
}

TEST(LongIteration, EndsAtTheFixedPointOrShowsThatThereIsNone) {
  expect_agreement_over({{"", "lognormal:sigma=0.4"}, {0.5L, 0.99L, 1, 1.01L, 1.5L}, 3000});
}

TEST(LongIteration, DISABLED_EndsThereOnTheWholeGrid) {
  expect_agreement_over({{"", "bernoulli:p=0.1", "gaussian:alpha=0.25", "lognormal:sigma=0.4"},
                         {0.25L, 0.5L, 0.9L, 0.99L, 0.9999L, 1, 1.0001L, 1.01L, 1.1L, 1.5L, 3},
                         1000000});
}

// Below 1 nothing of hard_tanh is cut off but the tail: at sigma_w2 = 1 the variance shrinks by
// about exp(-1 / (2 q)) per layer, which no double tells from 0 long before it is.
TEST(LongIteration, OfHardTanhAtOneGoesToZero) {
  EXPECT_EQ(variance_fixed_point(test::network("hard_tanh", "", 1)).kind, Fixed::zero);
  EXPECT_EQ(variance_fixed_point(test::network("hard_tanh", "", 1.0001)).kind, Fixed::point);
}

// The variance of elu grows by 1 per layer where half of it is kept: 2 E (exp(u) - 1)^2 over u < 0.
TEST(LongIteration, OfEluAtTwoIsOneVariancePerLayer) {
  const Network net = test::network("elu", "", 2);
  EXPECT_EQ(variance_fixed_point(net).kind, Fixed::none);
  EXPECT_EQ(variance_fixed_point(net).reason,
            "the variance grows without end from q = 1, in the end by 1 per layer");
  const LongMap map(net, 2);
  EXPECT_NEAR(double(map.step(1e10L)), 1, 1e-4);
  for (const double q : {1e-6, 0.3, 7.0, 1e5, 1e10}) {
    EXPECT_NEAR(variance_step(net, q), double(map.step(q)), 1e-12 + 1e-18 * q) << q;
  }
}

TEST(VarianceStep, IsTheMapsForEveryActivation) {
  for (const ActivationRow& row : activations()) {
    const Network net = test::network(row.name, "gaussian:alpha=0.25", 1.3, 0.1);
    const LongMap map(net, Real(net.sigma_w2));
    for (const double q : {1e-3, 0.2, 1.0, 30.0, 1e4}) {
      EXPECT_NEAR(variance_map(net, q) / double(map(q)), 1, 1e-13) << row.name << " " << q;
      EXPECT_NEAR(variance_step(net, q), double(map.step(q)), 1e-14 * (1 + q)) << row.name << q;
    }
  }
}

}  // namespace
}  // namespace scalemix::signal
