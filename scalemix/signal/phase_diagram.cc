#include "scalemix/signal/phase_diagram.h"

#include <cmath>

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

std::vector<PhasePoint> phase_diagram(const Network& net, const PhaseGrid& grid, double q0) {
  std::vector<PhasePoint> points = points_of(net, grid);
  parallel_tiles(points.size(), [&](std::size_t i) {
    points[i].at = propagation(points[i].net, q0);
    points[i].phase = phase_of(points[i].at);
  });
  return points;
}

}  // namespace scalemix::inline v0::signal
