// How far one random network of finite width is from the theory's limit: to first order in
// 1 / width, the scatter of q1, q2 and the covariance of a pair of inputs.
//
//   S' = J S J^T + sigma_w2^2 / fan_in Cov(A^2, B^2, A B),   A = phi(u1) z1, B = phi(u2) z2
//
// J: derivatives of the maps. To S come the Gaussian fluctuations of the layer's own units,
// 2 q^2 / width for q. Piecewise linear activations without bias scatter as log_variance of
// finite_width.h says; others forget. Simulations are held against this.
//
// Source: derived here. Additive noise is taken as normal. Moments by a grid, to about 1 %.
#pragma once

#include <optional>
#include <vector>

#include "scalemix/signal/simulate.h"

namespace scalemix::inline v0::signal {

/// Standard deviations over networks, of one input (pair) each.
struct Scatter {
  double log_q = 0, c = 0;
};

/// One for layer 0 and every layer that expected() reaches with q > 0. Empty where mu4 is infinite
/// or a layer has a branch, whose layers share fluctuations.
std::optional<std::vector<Scatter>> scatter(const SimulateOptions& options);

/// What a simulation's means may differ by from expected(): four standard errors, and as much as
/// the log of a mean differs from a mean of logs, or a ratio of means from a mean of ratios.
struct Tolerance {
  double log_q = 0, c = 0;
};
Tolerance tolerance(const Scatter& scatter, std::size_t nets);

}  // namespace scalemix::inline v0::signal
