// Where variances and correlations end in a deep network, or why they end nowhere.
//
//   q*   the variance that a start value flows to under variance_map
//   c*   the correlation that every pair of inputs flows to at that variance
//
// Not having one is an ordinary answer: the variance of a relu network is fixed at every q when
// sigma_w2 mu2 = 2, and otherwise grows or shrinks for good.
#pragma once

#include <optional>
#include <string>

#include "scalemix/signal/maps.h"

namespace scalemix::inline v0::signal {

enum class Fixed {
  point,  // value is what others flow to
  every,  // each value stays where it is; value is 1 as a matter of form
  zero,   // shrinks towards 0
  none    // grows without end, or is infinite at once
};
std::string_view name(Fixed kind);  // "point", ...

struct FixedPoint {
  Fixed kind = Fixed::none;
  std::optional<double> value = {};  // empty if none
  std::string reason = {};           // one sentence; empty for an ordinary point
  double one_minus = 0;              // 1 - value, of a correlation: keeps its digits

  bool exists() const { return kind != Fixed::none; }
};

/// q* from the start q0 > 0: in closed form for piecewise linear activations, else by a scan from
/// q0 in the direction in which the variance moves, then to full precision. Relative error 1e-12
/// (1e-15 / (1 - slope of the map) where that is larger).
FixedPoint variance_fixed_point(const Network& net, double q0 = 1);

/// c* of the pair map at q = q*, by Newton's method on 1 - c from c = 0, which converges from one
/// side because the map is convex. Where the variance grows or vanishes the map's limit is taken
/// (q drops out for piecewise linear activations; others are linear near 0), and none is answered
/// if it has none. c* = 1 without noise if the map's slope there is at most 1.
FixedPoint correlation_fixed_point(const Network& net, double q0 = 1);

/// The variance at which correlation maps and slopes are to be taken: q* where it is a point; where
/// q drops out of the map or it has a limit, a network and a variance that stand for it.
struct Operating {
  Network net;
  double q;
};
std::optional<Operating> operating_point(const Network& net, const FixedPoint& q);

/// theta in [0, pi/2] with tan theta - theta = excess >= 0, by Newton's method; well conditioned
/// for small excess, where theta is near (3 excess)^(1/3). cos theta is c* of relu (excess = pi
/// (mu2 - 1)) and leaky_relu (excess = pi (mu2 - 1) (1 + a^2) / (1 - a)^2) at critical
/// initialisation. Throws std::domain_error if the excess is negative or NaN.
double critical_angle(double excess);

}  // namespace scalemix::inline v0::signal
