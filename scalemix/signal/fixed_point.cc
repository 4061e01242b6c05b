#include "scalemix/signal/fixed_point.h"

#include <algorithm>
#include <boost/math/tools/minima.hpp>
#include <boost/math/tools/toms748_solve.hpp>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numbers>

#include "scalemix/base/check.h"
#include "scalemix/base/number_text.h"
#include "scalemix/signal/closed_form.h"
#include "scalemix/signal/slope.h"

namespace scalemix::inline v0::signal {
namespace {

FixedPoint none(std::string reason) { return {Fixed::none, {}, std::move(reason)}; }
FixedPoint zero(std::string reason) { return {Fixed::zero, 0, std::move(reason), 1}; }

constexpr double kSmallest = 1e-14, kLargest = 1e30;  // where a scan gives up

/// q* of x for x > 0, a x for x < 0: the map is q -> rate q + floor.
FixedPoint straight_fixed_point(const Network& net, double a) {
  const double rate = net.gain() * (1 + a * a) / 2, floor = net.floor();
  const std::string by = rounded_number(rate);
  if (std::abs(rate - 1) <= kNeutral) {
    if (floor == 0) return {Fixed::every, 1, "every variance is fixed: the layer's rate is 1", 0};
    return none("the variance grows by " + rounded_number(floor) + " per layer");
  }
  if (rate > 1) return none("the variance grows by a factor of " + by + " per layer");
  if (floor == 0) return zero("the variance shrinks by a factor of " + by + " per layer");
  return {Fixed::point, floor / (1 - rate)};
}

/// The root of variance_step between lo and hi, of different signs there.
double refine(const Network& net, double lo, double hi) {
  std::uintmax_t steps = 200;
  const auto [a, b] =
      boost::math::tools::toms748_solve([&](double q) { return variance_step(net, q); }, lo, hi,
                                        boost::math::tools::eps_tolerance<double>(), steps);
  return (a + b) / 2;
}

/// A scan's last place: the step there has not changed its sign since the start.
struct Place {
  double q;
  bool nears;  // whether the step shrinks farther on
};

/// The first of two crossings that lie between two places, where the step comes down to the other
/// side of 0 and back; empty if it does not.
std::optional<double> dip(const Network& net, const Place& from, const Place& to, bool grows) {
  if (!from.nears || to.nears) return std::nullopt;
  const auto size = [&](double q) { return (grows ? 1 : -1) * variance_step(net, q); };
  const auto [lo, hi] = std::minmax(from.q, to.q);
  const auto [q, least] =
      boost::math::tools::brent_find_minima(size, lo, hi, std::numeric_limits<double>::digits / 2);
  if (least > 0) return std::nullopt;
  return least == 0 ? q : refine(net, std::min(from.q, q), std::max(from.q, q));
}

/// The nearest crossing from q0 on, going by a factor that itself grows; empty if none within
/// range. A crossing is a sign change of the layer's own step, so that a variance which grows by 1
/// per layer has none however large it is.
std::optional<double> scan(const Network& net, double q0, bool up) {
  const bool grows = variance_step(net, q0) > 0;
  const auto place = [&](double q) {
    return Place{q, (chi_variance(net, q) < 1) == (grows == up)};
  };
  Place before = place(q0);
  double factor = 1.2;
  while (up ? before.q < kLargest : before.q > kSmallest) {
    const Place after = place(up ? before.q * factor : before.q / factor);
    const double moved = variance_step(net, after.q);
    if (moved == 0) return after.q;
    if ((moved > 0) != grows) {
      return refine(net, std::min(before.q, after.q), std::max(before.q, after.q));
    }
    if (const auto q = dip(net, before, after, grows)) return q;
    before = after;
    factor = std::min(factor * 1.01, 4.0);
  }
  return std::nullopt;
}

/// How a variance grows once it is large: ", in the end by 1 per layer".
std::string growth(const Network& net) {
  const double rate = net.gain() * far_rate(net.activation);
  if (std::abs(rate - 1) <= kNeutral) {
    return ", in the end by " + rounded_number(variance_step(net, kLargest)) + " per layer";
  }
  return rate > 1 ? ", in the end by a factor of " + rounded_number(rate) + " per layer" : "";
}

FixedPoint growing(const Network& net, double q0) {
  if (const auto q = scan(net, q0, true)) return {Fixed::point, *q};
  std::string reason =
      "the variance grows without end from q = " + rounded_number(q0) + growth(net);
  if (const auto edge = scan(net, q0, false)) {
    reason += " (there is an unstable fixed point at " + rounded_number(*edge) + ")";
  }
  return none(std::move(reason));
}

/// Whether the variance goes to 0 from everywhere, however slowly: it does where the map's tangent
/// at 0 has slope 1 at most and the map lies below it.
bool dies_out(const Network& net) {
  return net.activation.row().below_tangent && net.floor() == 0 &&
         net.gain() * std::pow(net.activation.slope(0), 2) <= 1 + kNeutral;
}

FixedPoint shrinking(const Network& net, double q0) {
  if (const auto q = scan(net, q0, false)) return {Fixed::point, *q};
  if (variance_map(net, 0) > 0) return {Fixed::point, refine(net, 0, kSmallest)};
  return zero("the variance shrinks towards 0");
}

FixedPoint correlation(double one_minus_c) {
  return {Fixed::point, 1 - one_minus_c, {}, one_minus_c};
}

/// x -> x instead of an activation that is linear near 0, where the variance has gone.
Network linear_limit(Network net) {
  net.activation = Activation::parse("linear");
  return net;
}

/// c* at the variance q: the root of drive + kept(e) - e, e = 1 - c, where kept is what the map
/// leaves of e.
FixedPoint pair_fixed_point(const Network& net, double q) {
  const double scale = net.sigma_w2 / variance_map(net, q);
  const double drive = scale * (net.noise.alpha() * second(net.activation, q) + net.noise.s2);
  const double share = scale * net.noise.mean * net.noise.mean;
  const auto slope = [&](double e) {
    return share * q * slope_product(net.activation, Pair::near_one(q, q, e));
  };
  if (drive == 0 && net.sigma_b2 == 0 && net.activation.name() == "linear") {
    return {Fixed::every, 1, "every correlation is fixed: the map is the identity", 0};
  }
  if (drive == 0 && slope(0) <= 1 + kNeutral) return correlation(0);
  double e = 1;
  for (int i = 0; i < 200; ++i) {
    const double moved = drive + share * gap(net.activation, q, e);
    const double after = std::clamp(e - (moved - e) / (slope(e) - 1), 0.0, 1.0);
    if (after >= e || e - after <= 1e-15 * e) break;  // monotone but for rounding
    e = after;
  }
  return correlation(e);
}

}  // namespace

std::string_view name(Fixed kind) {
  switch (kind) {
    case Fixed::point:
      return "point";
    case Fixed::every:
      return "every";
    case Fixed::zero:
      return "zero";
    case Fixed::none:
      return "none";
  }
  return "none";
}

FixedPoint variance_fixed_point(const Network& net, double q0) {
  net.check();
  check_positive("signal", "the start variance q0", q0);
  if (!net.noise.finite()) return none("the noise's second moment is infinite");
  if (net.branch && *net.branch > 0) {
    if (variance_map(net, q0) > q0) return none("a residual block only adds variance");
    return {Fixed::every, 1, "the branch adds nothing", 0};
  }
  if (net.branch) return {Fixed::every, 1, "the branch scale is 0", 0};
  if (const auto a = net.activation.negative_slope()) return straight_fixed_point(net, *a);
  if (dies_out(net)) return zero("the variance shrinks towards 0");
  const double step = variance_step(net, q0);
  if (step == 0) return {Fixed::point, q0};
  return step > 0 ? growing(net, q0) : shrinking(net, q0);
}

std::optional<Operating> operating_point(const Network& net, const FixedPoint& q) {
  if (net.branch || !net.noise.finite()) return std::nullopt;
  if (q.kind == Fixed::point) return Operating{net, *q.value};
  const bool straight = net.activation.negative_slope().has_value();
  if (net.sigma_w2 == 0 || (q.kind == Fixed::none && !straight)) return std::nullopt;
  Network limit = straight ? net : linear_limit(net);
  if (q.kind == Fixed::none) limit.sigma_b2 = limit.noise.s2 = 0;  // nothing beside a large q
  if (!straight) limit.sigma_w2 *= std::pow(net.activation.slope(0), 2);
  return Operating{limit, 1};
}

FixedPoint correlation_fixed_point(const Network& given, double q0) {
  const auto at = operating_point(given, variance_fixed_point(given, q0));
  if (!at) {
    if (!given.noise.finite()) return none("the noise's second moment is infinite");
    if (given.branch) return none("correlations of a residual network drift with its variance");
    if (given.sigma_w2 == 0) return none("without weights and biases nothing is left to correlate");
    return none("the variance has no fixed point, and the correlation map no limit");
  }
  return pair_fixed_point(at->net, at->q);
}

double critical_angle(double excess) {
  if (!(excess >= 0)) fail<std::domain_error>("critical_angle", "excess must be >= 0", excess);
  constexpr double kRight = std::numbers::pi / 2;
  if (std::isinf(excess)) return kRight;
  // sin t - t cos t - excess cos t rises from -excess at 0 to 1 at pi/2.
  const auto f = [&](double t) { return sine_minus_chord(t) - excess * std::cos(t); };
  double lo = 0, hi = kRight, t = std::min(std::cbrt(3 * excess), 1.0);
  for (int i = 0; i < 200; ++i) {
    const double value = f(t);
    (value > 0 ? hi : lo) = t;
    double after = t - value / ((t + excess) * std::sin(t));
    if (!(after > lo && after < hi)) after = (lo + hi) / 2;
    if (std::abs(after - t) <= 1e-16 * t) break;
    t = after;
  }
  return t;
}

}  // namespace scalemix::inline v0::signal
