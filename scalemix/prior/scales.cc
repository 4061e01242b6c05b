#include "scalemix/prior/scales.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "scalemix/base/check.h"

namespace scalemix::inline v0::prior {
namespace {

constexpr int kMostRounds = 1000;     // of coordinate updates
constexpr double kSteepest = 0.9999;  // slope up to which a secant is taken
constexpr double kStays = 1e-13;      // relative change of what the rounds see of their scales

}  // namespace

Scales::Scales(HyperPrior hyper, Group group, const Weights& weights)
    : Groups(group, weights), hyper_(std::move(hyper)) {
  if (group == Group::both && !hyper_.row().minus_log) {
    fail<std::domain_error>("scales", "row times matrix needs a hyper-prior with a density",
                            hyper_.word());
  }
}

Scales::Modes Scales::update(const std::vector<double>& m) const {
  Modes modes;
  modes.scale2.resize(groups());
  update(m, modes);
  const auto d = static_cast<double>(size());
  for (std::size_t g = 0; g < groups(); ++g) {
    const double own2 = modes.scale2[g] / modes.layer2;
    modes.cost += hyper_.cost(d, m[g] / modes.layer2, own2);
  }
  if (group() != Group::both) return modes;
  const auto all = d * static_cast<double>(groups());
  modes.cost +=
      all / 2 * std::log(modes.layer2) + hyper_.row().minus_log(hyper_.values(), modes.layer2);
  return modes;
}

void Scales::update(const std::vector<double>& m, Modes& modes) const {
  check(m.size() == groups(), "scales", "expected a second moment for every group");
  if (group() == Group::both) return update_both(m, modes);
  const auto d = static_cast<double>(size());
  for (std::size_t g = 0; g < groups(); ++g) modes.scale2[g] = hyper_.scale2(d, m[g]);
}

/// The modes of all rows where the layer's scale is `layer2`, and then the layer's mode, which is
/// returned. `seen` is what the rounds see of both: the sum of m over their products.
double Scales::round(const std::vector<double>& m, double layer2, Modes& modes,
                     double& seen) const {
  const auto d = static_cast<double>(size()), all = d * static_cast<double>(groups());
  double scaled = 0;  // the rows' moments in their own scales
  for (std::size_t g = 0; g < groups(); ++g) {
    modes.scale2[g] = hyper_.scale2(d, m[g] / layer2);
    scaled += m[g] / modes.scale2[g];
  }
  const double layer = hyper_.scale2(all, scaled);
  seen = scaled / layer;
  return layer;
}

/// Rounds of coordinate updates, hastened by the secant through the last two: in x = log layer2 they
/// are x -> F(x) with a slope below 1.
void Scales::update_both(const std::vector<double>& m, Modes& modes) const {
  double x = 0, last_x = 0, last_f = 0, last_seen = 0;
  for (int i = 0; i < kMostRounds; ++i) {
    double seen = 0;
    modes.layer2 = round(m, std::exp(x), modes, seen);
    const double f = std::log(modes.layer2), slope = (f - last_f) / (x - last_x);
    // Under an improper hyper-prior only the products of the two scales settle.
    const bool stays = i > 0 && std::abs(seen - last_seen) <= kStays * seen;
    if (std::abs(f - x) <= kStays * std::max(1.0, std::abs(x)) || stays) break;
    last_x = std::exchange(x, i > 0 && slope < kSteepest ? x + (f - x) / (1 - slope) : f);
    last_f = f;
    last_seen = seen;
  }
  for (double& scale2 : modes.scale2) scale2 *= modes.layer2;
}

}  // namespace scalemix::inline v0::prior
