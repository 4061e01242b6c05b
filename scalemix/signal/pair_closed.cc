#include "scalemix/signal/pair_closed.h"

#include <algorithm>
#include <boost/math/quadrature/gauss.hpp>
#include <boost/math/special_functions/owens_t.hpp>
#include <cmath>
#include <numbers>

#include "scalemix/law/standard_normal.h"

namespace scalemix::inline v0::signal {
namespace {

using kernel::ref::PairMoments;
using law::standard_normal_cdf;
using law::standard_normal_pdf;
using std::numbers::pi;

double upper(double x) { return standard_normal_cdf(-x); }

double owens_t(double h, double a) {
  using Fast = boost::math::policies::policy<boost::math::policies::promote_double<false>>;
  return boost::math::owens_t(h, a, Fast());
}

/// L and its integral over r, for a, b > 0; lost = 1 - r, s = sqrt(1 - r^2).
struct Corner {
  double probability, integral;
};
Corner corner(double a, double b, double r, double lost, double s) {
  if (std::max(a, b) > 38) return {0, 0};
  if (s == 0) {
    if (r < 0) return {0, 0};
    const double far = std::max(a, b), l = upper(far);
    const double near = std::min(a, b);
    return {l, (1 + a * b) * l - near * standard_normal_pdf(far)};
  }
  const double along_a = ((b - a) + a * lost) / s, along_b = ((a - b) + b * lost) / s;
  const double l = (upper(a) + upper(b)) / 2 - owens_t(a, along_a / a) - owens_t(b, along_b / b);
  const double density = standard_normal_pdf(a) * standard_normal_pdf(along_a) / s;
  return {l, (r + a * b) * l + s * s * density - b * standard_normal_pdf(a) * upper(along_a) -
                 a * standard_normal_pdf(b) * upper(along_b)};
}

/// Mills' ratio int_0^inf e^(-r^2 / 2 - x r) dr, x >= 0.
double mills(double x) {
  if (x < 5)
    return std::exp(x * x / 2) * std::sqrt(pi / 2) * std::erfc(x * std::numbers::sqrt2 / 2);
  // Laplace's continued fraction; at 5 forty steps are more than doubles show.
  double tail = x;
  for (int n = 40; n > 0; --n) tail = x + n / tail;
  return 1 / tail;
}

/// int r e^(-r^2 / 2 - x r) dr
double radial_first(double x) { return 1 - x * mills(x); }
/// int r^2 e^(-r^2 / 2 - x r) dr, by Mills' ratio
double radial_second(double x, double ratio) { return ratio * (1 + x * x) - x; }

/// int r e^(-r^2 / 2) (1 - e^-ar) (1 - e^-br) dr
double both_negative(double a, double b) {
  if (a + b > 0.5) {
    return radial_first(a + b) - radial_first(a) - radial_first(b) + 1;
  }
  // The series, whose terms do not cancel: (a + b)^n - a^n - b^n by recurrence.
  double sum = 0, difference = 0, power_a = 1, power_b = 1, sign = 1, factorial = 1;
  double radial[2] = {std::sqrt(pi / 2), 1};  // int r^m e^(-r^2 / 2) for the last even and odd m
  for (int n = 2; n < 24; ++n) {
    difference = (a + b) * difference + a * b * (power_a + power_b);
    power_a *= a;
    power_b *= b;
    factorial *= n;
    radial[(n + 1) % 2] *= n;
    sum += sign * radial[(n + 1) % 2] * difference / factorial;
    sign = -sign;
  }
  return sum;
}

/// Adds the integrals of f over [lo, hi] of a sector [0, width] in panels as wide as the radius'
/// integral allows: it changes where scale times the angle is of order 1 from the sector's ends.
template <class F>
void over_sector(double lo, double hi, double width, double scale, PairMoments& sum, const F& f) {
  const double middle = (lo + hi) / 2, half = (hi - lo) / 2;
  if ((hi - lo) * scale > 4 + 1.5 * scale * std::min(lo, width - hi) && middle > lo) {
    over_sector(lo, middle, width, scale, sum, f);
    return over_sector(middle, hi, width, scale, sum, f);
  }
  using Rule = boost::math::quadrature::gauss<double, 20>;
  for (std::size_t i = 0; i < Rule::abscissa().size(); ++i) {
    const double step = half * Rule::abscissa()[i], weight = half * Rule::weights()[i];
    for (const double x : {middle - step, middle + step}) {
      const PairMoments at = f(x);
      sum.product += weight * at.product;
      sum.slope_product += weight * at.slope_product;
    }
  }
}

}  // namespace

PairMoments hard_tanh_moments(const Pair& pair) {
  const double r1 = std::sqrt(pair.q1), r2 = std::sqrt(pair.q2);
  if (r1 == 0 || r2 == 0) return {0, 1 - 2 * (r1 > 0 ? upper(1 / r1) : r2 > 0 ? upper(1 / r2) : 0)};
  const double a = 1 / r1, b = 1 / r2, s = pair.sine();
  const Corner same = corner(a, b, pair.c, pair.one_minus_c, s),
               opposite = corner(a, b, -pair.c, 1 + pair.c, s);
  const double inside = 1 - 2 * upper(a) - 2 * upper(b);
  return {r1 * r2 * (pair.c * inside + 2 * (same.integral - opposite.integral)),
          inside + 2 * (same.probability + opposite.probability)};
}

PairMoments elu_moments(const Pair& pair) {
  const double r1 = std::sqrt(pair.q1), r2 = std::sqrt(pair.q2), scale = std::max(r1, r2);
  const double angle = pair.angle(), sine = pair.sine();
  PairMoments sum{0, 0};
  over_sector(0, pi - angle, pi - angle, scale, sum, [&](double x) {
    const double a = r1 * std::sin(x), b = r2 * std::sin(x + angle);
    return PairMoments{both_negative(a, b), radial_first(a + b)};
  });
  over_sector(0, angle, angle, scale, sum, [&](double x) {
    const double a = r1 * std::sin(x), b = r2 * std::sin(angle - x), flat = std::sqrt(pi / 2);
    const double ma = mills(a), mb = mills(b);
    return PairMoments{a * (radial_second(b, mb) - flat) + b * (radial_second(a, ma) - flat),
                       2 - a * ma - b * mb};
  });
  const double straight = r1 * r2 * (sine + (pi - angle) * pair.c);
  return {(sum.product + straight) / (2 * pi), (sum.slope_product + pi - angle) / (2 * pi)};
}

}  // namespace scalemix::inline v0::signal
