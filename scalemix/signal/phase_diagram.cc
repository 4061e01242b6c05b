#include "scalemix/signal/phase_diagram.h"

#include <cmath>
#include <limits>

#include "scalemix/base/parallel.h"

namespace scalemix::inline v0::signal {
namespace {

Phase phase_of(const Propagation& at) {
  if (!at.slopes) return Phase::none;
  const double slope = at.slopes->gradient;
  if (std::abs(slope - 1) <= kNeutral) return Phase::critical;
  return slope < 1 ? Phase::vanishing : Phase::exploding;
}

std::vector<PhasePoint> points_of(const Network& net, const PhaseGrid& grid) {
  std::vector<PhasePoint> points;
  const auto add = [&](Network at, std::optional<double> p) {
    for (const double sigma_w2 : grid.sigma_w2) {
      at.sigma_w2 = sigma_w2;
      at.check();
      points.push_back({at, p, {}, Phase::none});
    }
  };
  Network at = net;
  for (const double p : grid.p) {
    at.noise = multiplicative(law::AnyLaw::make("bernoulli", std::vector<double>{p}));
    add(at, p);
  }
  if (!grid.p.empty()) return points;
  for (const double sigma_b2 : grid.sigma_b2) {
    at.sigma_b2 = sigma_b2;
    add(at, {});
  }
  return points;
}

}  // namespace

std::string_view name(Phase phase) {
  switch (phase) {
    case Phase::vanishing:
      return "vanishing";
    case Phase::critical:
      return "critical";
    case Phase::exploding:
      return "exploding";
    case Phase::none:
      return "none";
  }
  return "none";
}

std::optional<double> critical_sigma_w2(const Network& net, double lo, double hi, double q0) {
  Network at = net;
  // Less than 1 below the line; where the variance has no end, on the other side of it.
  const auto excess = [&](double sigma_w2) {
    at.sigma_w2 = sigma_w2;
    const auto point = operating_point(at, variance_fixed_point(at, q0));
    return point ? chi_gradient(point->net, point->q) - 1 : std::numeric_limits<double>::infinity();
  };
  if (excess(lo) > 0 || excess(hi) < 0) return std::nullopt;
  while (hi - lo > 1e-12 * hi) {
    const double middle = lo + (hi - lo) / 2;
    if (middle == lo || middle == hi) break;
    (excess(middle) < 0 ? lo : hi) = middle;
  }
  return std::abs(excess(hi)) < 1e-6 ? std::optional(hi) : std::nullopt;
}

std::vector<PhasePoint> phase_diagram(const Network& net, const PhaseGrid& grid, double q0) {
  std::vector<PhasePoint> points = points_of(net, grid);
  parallel_tiles(points.size(), [&](std::size_t i) {
    points[i].at = propagation(points[i].net, q0);
    points[i].phase = phase_of(points[i].at);
  });
  return points;
}

}  // namespace scalemix::inline v0::signal
