// A phase diagram: fixed points and depth scales over a grid of networks that differ in sigma_w2
// and in sigma_b2 or the drop probability.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "scalemix/signal/depth_scale.h"

namespace scalemix::inline v0::signal {

/// By the slope `gradient` at q*: squared gradients vanish or explode with depth, or neither
/// (within kNeutral). none: there is no point to take it at.
enum class Phase { vanishing, critical, exploding, none };
std::string_view name(Phase phase);

struct PhasePoint {
  Network net;
  std::optional<double> p;  // dropout's, where the grid runs over it
  Propagation at;
  Phase phase;
};

struct PhaseGrid {
  std::vector<double> sigma_w2;
  std::vector<double> sigma_b2;  // each of these, or
  std::vector<double> p;         // of these if there are any: dropout in place of the net's noise
};

/// The sigma_w2 in [lo, hi] at which the slope `gradient` of the net at q* crosses 1, found by
/// bisection to 1e-12 of it; empty if the slope does not cross 1 between lo and hi or jumps over it
/// (where q* ends). The net's own sigma_w2 is not looked at.
std::optional<double> critical_sigma_w2(const Network& net, double lo, double hi, double q0 = 1);

/// Row by row: sigma_w2 runs fastest. Threads over points. Throws std::domain_error for values out
/// of range.
std::vector<PhasePoint> phase_diagram(const Network& net, const PhaseGrid& grid, double q0 = 1);

}  // namespace scalemix::inline v0::signal
