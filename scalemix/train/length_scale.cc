#include "scalemix/train/length_scale.h"

#include <fmt/format.h>

#include <cmath>

#include "scalemix/base/error.h"
#include "scalemix/model/initial_weights.h"

namespace scalemix::inline v0::train {
namespace {

double rate_before(const model::WeightSite& site) {
  const std::optional<double> p = signal::dropout_rate(site.noise);
  if (p) return *p;
  throw ConfigError(fmt::format("length_scale: the noise before {} is not dropout (bernoulli)",
                                site.layer->name));
}

}  // namespace

double length_scale_decay(const model::Spec& spec, double length, double target_scale,
                          std::size_t rows) {
  constexpr double kRounding = 1e-12;
  const std::vector<model::WeightSite> sites = model::weight_sites(spec);
  const double p = rate_before(sites.front());
  for (const model::WeightSite& site : sites) {
    if (std::abs(rate_before(site) - p) < kRounding) continue;
    throw ConfigError(fmt::format(
        "length_scale: needs one dropout rate before all layers with weights, got {:g} before {} "
        "and {:g} before {}; input= gives the first layer's",
        p, sites.front().layer->name, rate_before(site), site.layer->name));
  }
  const double scaled = length * target_scale;
  return scaled * scaled * (1 - p) / (2 * static_cast<double>(rows));
}

}  // namespace scalemix::inline v0::train
