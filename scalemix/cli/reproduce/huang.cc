#include "scalemix/cli/reproduce/huang.h"

#include <fmt/format.h>

namespace scalemix::inline v0::cli::reproduce {

signal::SimulatedLayer huang_layer(const std::string& activation, double keep) {
  const double sigma_w2 = activation == "linear" ? 0.5 : activation == "relu" ? 1 : 1.4;
  signal::SimulatedLayer out = layer(activation, dropout(keep), sigma_w2);
  out.sigma_b2 = 0.1;
  return out;
}

std::vector<signal::Simulated> huang_groups(const signal::SimulatedLayer& layer,
                                            const HuangSizes& sizes, const Effort& effort,
                                            std::uint64_t k) {
  signal::SimulateOptions o;
  signal::SimulatedLayer one = layer;
  one.width = o.inputs = sizes.width;
  o.layers = signal::stack(one, sizes.depth);
  o.layers[0].activation = signal::Activation::parse("linear");
  o.layers[0].law.reset();
  o.nets = sizes.nets / sizes.groups;
  o.backward = true;
  std::vector<signal::Simulated> out;
  for (std::size_t g = 0; g < sizes.groups; ++g) {
    o.seed = effort.seed_of(1000 * k + g);
    out.push_back(simulate(o));
  }
  return out;
}

Moments moments(const std::vector<signal::Simulated>& groups, std::size_t l, Metric metric,
                std::optional<std::size_t> left_out) {
  std::vector<const signal::Estimate*> used;
  for (std::size_t g = 0; g < groups.size(); ++g) {
    if (g != left_out) used.push_back(&(groups[g].gradients[l - 1].*metric));
  }
  const auto n = static_cast<double>(used.size());
  Moments out{0, 0};
  for (const signal::Estimate* e : used) out.mean += e->mean / n;
  for (const signal::Estimate* e : used) {  // groups are of one size
    out.variance += (e->sd * e->sd + (e->mean - out.mean) * (e->mean - out.mean)) / n;
  }
  return out;
}

std::string huang_note(const HuangSizes& sizes) {
  return fmt::format(
      "depth {}, width {}, {} networks; standard errors by leaving out each of {} groups of "
      "networks",
      sizes.depth, sizes.width, sizes.nets, sizes.groups);
}

}  // namespace scalemix::inline v0::cli::reproduce
