// Pair moments of hard_tanh and elu, fast enough for every pair of a matrix.
//
// hard_tanh, with a = 1 / sqrt q1, b = 1 / sqrt q2 and L(r) = P(x > a, y > b) at correlation r:
//
//   E phi' phi' = 1 - 2 Q(a) - 2 Q(b) + 2 L(c) + 2 L(-c)
//   E phi phi   = its integral over the covariance, with
//   int L dr    = (r + ab) L + (1 - r^2) p(a, b) - b p(a) Q((b - ra)/s) - a p(b) Q((a - rb)/s)
//
// L by Owen's T function. Accuracy 1e-12 + 3e-16 q of sqrt(E phi^2 E phi^2), q the larger.
//
// elu in polar coordinates: the radius in closed form by Mills' ratio, the angle by Gauss-Legendre
// panels. Accuracy 1e-12 of sqrt(E phi^2 E phi^2) for q >= 1e-8; below that 2e-17 / sqrt q.
//
// Source: Owen (1956), Tables for computing bivariate normal probabilities, Ann. Math. Statist. 27;
// Rosenbaum (1961), Moments of a truncated bivariate normal distribution, J. R. Statist. Soc. B 23.
#pragma once

#include "scalemix/kernel/gram_map.h"
#include "scalemix/signal/moments.h"

namespace scalemix::inline v0::signal {

kernel::ref::PairMoments hard_tanh_moments(const Pair& pair);
kernel::ref::PairMoments elu_moments(const Pair& pair);

}  // namespace scalemix::inline v0::signal
