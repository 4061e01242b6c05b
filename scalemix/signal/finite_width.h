// How far one random network of finite width strays from the maps, which hold for infinite width.
//
// Given the layer before, pre-activations are independent N(0, q), so that q itself walks at
// random: of width m,
//
//   q' = sigma_w2 / m sum of (z_i phi(u_i))^2 + sigma_b2,   u_i ~ N(0, q)
//
// and to first order in 1 / m, with r = d ln map / d ln q and
// s = sigma_w2^2 (mu4 E phi^4 - mu2^2 (E phi^2)^2) / q'^2,
//
//   Var ln q'           = r^2 Var ln q + s / m
//   E ln q' - ln map(q) = r (E ln q - ln q) + (d r / d ln q) Var ln q / 2 - s / (2 m)
//
// Piecewise linear activations without bias have
//
//   r = 1,  s = 6 mu4 / mu2^2 (1 + a^4) / (1 + a^2)^2 - 1
//
// and so mean -depth s / (2 m), variance depth s / m: the typical q shrinks while E q does not.
// Others forget: both stay of order 1 / m.
//
// Source: derived here; Burkholz & Dubatovka (2019), Initialization of ReLUs for dynamical
// isometry, NeurIPS 32, treat relu without noise exactly.
#pragma once

#include <cstddef>
#include <optional>

#include "scalemix/signal/maps.h"

namespace scalemix::inline v0::signal {

struct LogVariance {
  double mean, variance;  // of ln q, less ln of variance_trajectory
};

/// After `depth` layers from q0. Good while variance is small beside 1. Empty with additive noise,
/// a skip, an infinite mu4, or a variance that leaves the range of double or becomes 0. Throws
/// std::domain_error unless q0 and width are positive and finite.
std::optional<LogVariance> log_variance(const Network& net, double q0, std::size_t depth,
                                        double width);

}  // namespace scalemix::inline v0::signal
