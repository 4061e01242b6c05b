// Gaussian moments by quadrature. Every activation changes on a scale of order 1 around u = 0 and
// is simple farther out, while the Gaussian changes on the scale sqrt q: panels are fine near the
// first and as wide as the second allows.
//
// Pairs are taken along their sum and difference: u1 = sqrt(q1) (a x + b y), u2 = sqrt(q2) (a x - b
// y) with a, b = sqrt((1 +- c) / 2) and x, y independent. Then kinks of phi(u1) phi(u2) in x stand
// at known places for each y, the inner integral has its kinks in y where two of them meet, and as
// c goes to 1 it becomes constant in y. For c < 0 the second input is mirrored.
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "scalemix/base/quadrature.h"
#include "scalemix/law/standard_normal.h"
#include "scalemix/signal/moments.h"

namespace scalemix::inline v0::signal::by_quadrature {
namespace {

using law::standard_normal_pdf;

constexpr double kTail = 9;    // beyond it lies 2e-19 of the mass
constexpr double kWidest = 6;  // of a panel, in standard deviations

/// Places in (-kTail, kTail) where an integrand has to be split, in order, with both ends.
class Splits {
 public:
  void add(double place) {
    if (!(std::abs(place) < kTail)) return;
    std::size_t i = count_++;
    for (; places_[i - 1] > place; --i) places_[i] = places_[i - 1];
    places_[i] = place;
  }
  /// From `from`, one of the places or an end, on.
  template <class Fine, class F>
  double integrate(const Fine& fine, const F& f, double from = -kTail) const {
    double sum = 0;
    for (std::size_t i = 0; i + 1 < count_; ++i) {
      if (places_[i] >= from) sum += scalemix::integrate(places_[i], places_[i + 1], fine, f);
    }
    return sum;
  }

 private:
  std::array<double, 12> places_ = {-kTail, kTail};
  std::size_t count_ = 2;
};

/// How an activation changes: one over the scale on which it does, and whether it goes on so far
/// from 0.
struct Shape {
  double sharp;
  bool periodic;
  explicit Shape(const Activation& phi)
      : sharp(phi.name() == "erf" ? phi.parameter() : 1), periodic(phi.name() == "sine") {}

  /// Whether a panel resolves phi(root (z - centre)): its width in u is at most 3 there and grows
  /// with the distance, which keeps the poles of tanh, at i pi / 2, well outside the rule's ellipse
  /// of convergence.
  bool resolved(double lo, double hi, double centre, double root) const {
    const double distance = periodic ? 0 : std::max({lo - centre, centre - hi, 0.0});
    return hi - lo <= kWidest && (hi - lo) * root * sharp <= 3 + 2 * distance * root * sharp;
  }
};

/// E f(sqrt(q) z)
template <class F>
double expectation(const Activation& phi, double q, const F& f) {
  const double root = std::sqrt(q);
  const Shape shape(phi);
  Splits splits;
  splits.add(0);
  for (const double kink : phi.kinks()) {
    if (kink != 0) splits.add(kink / root);
  }
  return splits.integrate([&](double lo, double hi) { return shape.resolved(lo, hi, 0, root); },
                          [&](double z) { return f(root * z) * standard_normal_pdf(z); });
}

/// E f(u1, u2) for c >= 0; mirror is -1 if u2 stands for minus the second input.
template <class F>
double pair_expectation(const Activation& phi, const Pair& pair, double mirror, const F& f) {
  const double lost = mirror < 0 ? 1 + pair.c : pair.one_minus_c;  // 1 - |c|
  const double a = std::sqrt(1 - lost / 2), b = std::sqrt(lost / 2);
  const double r1 = std::sqrt(pair.q1), r2 = std::sqrt(pair.q2), apart = b * (r1 + r2);
  const Shape shape(phi);
  const auto along_sum = [&](double y) {
    Splits splits;
    const double centre = b * y / a;  // u1 = 0 at -centre, u2 = 0 at centre
    splits.add(-centre);
    if (centre != 0) splits.add(centre);
    for (const double kink : phi.kinks()) {
      if (kink == 0) continue;
      splits.add(kink / (r1 * a) - centre);
      splits.add(mirror * kink / (r2 * a) + centre);
    }
    const auto fine = [&](double lo, double hi) {
      return shape.resolved(lo, hi, -centre, a * r1) && shape.resolved(lo, hi, centre, a * r2);
    };
    return standard_normal_pdf(y) * splits.integrate(fine, [&](double x) {
      return f(r1 * (a * x + b * y), r2 * (a * x - b * y)) * standard_normal_pdf(x);
    });
  };
  Splits splits;
  splits.add(0);
  for (const double k1 : phi.kinks()) {
    for (const double k2 : phi.kinks()) {
      const double meet = (k1 / r1 - mirror * k2 / r2) / (2 * b);
      if (meet != 0) splits.add(meet);
    }
  }
  const auto fine = [&](double lo, double hi) { return shape.resolved(lo, hi, 0, apart); };
  // With equal variances, turning y round only swaps the two inputs.
  if (pair.q1 == pair.q2 && mirror > 0) return 2 * splits.integrate(fine, along_sum, 0);
  return splits.integrate(fine, along_sum);
}

double mirror_of(const Pair& pair) { return pair.c < 0 ? -1 : 1; }

}  // namespace

double mean(const Activation& phi, double q) {
  if (phi.row().odd) return 0;
  return expectation(phi, q, [&](double u) { return phi.value(u); });
}

double second(const Activation& phi, double q) {
  return expectation(phi, q, [&](double u) { return phi.value(u) * phi.value(u); });
}

double fourth(const Activation& phi, double q) {
  return expectation(phi, q, [&](double u) { return std::pow(phi.value(u), 4); });
}

double second_beyond(const Activation& phi, double q) {
  const ActivationRow& row = phi.row();
  return expectation(phi, q, [&](double u) {
    const double value = phi.value(u);
    if (u <= 0 || !row.above_line) return value * value;
    return row.above_line(phi.parameter(), u) * (value + row.line * u);
  });
}

double slope_second(const Activation& phi, double q) {
  return expectation(phi, q, [&](double u) { return phi.slope(u) * phi.slope(u); });
}

double second_rate(const Activation& phi, double q) {
  if (!phi.row().slope_jumps) {
    return expectation(phi, q, [&](double u) {
      return phi.slope(u) * phi.slope(u) + phi.value(u) * phi.curvature(u);
    });
  }
  // By parts once: E[(phi^2)' u] / (2 q), which needs no derivative of a slope that jumps. Such
  // activations change at u = 0 alone or are straight there, so q = 0 is the limit q -> 0.
  const double at = std::max(q, 1e-12);
  const auto f = [&](double u) { return phi.value(u) * phi.slope(u) * u / at; };
  return expectation(phi, at, f);
}

double product(const Activation& phi, const Pair& pair) {
  const double m = mirror_of(pair);
  return pair_expectation(phi, pair, m,
                          [&](double u, double v) { return phi.value(u) * phi.value(m * v); });
}

double slope_product(const Activation& phi, const Pair& pair) {
  const double m = mirror_of(pair);
  return pair_expectation(phi, pair, m,
                          [&](double u, double v) { return phi.slope(u) * phi.slope(m * v); });
}

double gap(const Activation& phi, double q, double one_minus_c) {
  const Pair pair = Pair::near_one(q, q, one_minus_c);
  const double m = mirror_of(pair);
  return pair_expectation(phi, pair, m, [&](double u, double v) {
    const double difference = phi.value(u) - phi.value(m * v);
    return difference * difference / 2;
  });
}

}  // namespace scalemix::inline v0::signal::by_quadrature
