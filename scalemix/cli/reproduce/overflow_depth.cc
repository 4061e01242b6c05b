// Pretorius et al. (2018), figure 6 (a, d): the depth L* at which the variance of a relu network
// with dropout leaves float32, for initialisations beside the critical one.
//
//   L* = ln K / ln(sigma_w2 mu2 / 2) from q0 = 1,   K = float32's largest or smallest number
//
// Random networks of finite width lose a little of ln q in every layer (the mean of a logarithm is
// below the logarithm of the mean), so theirs is ln K / (ln(sigma_w2 mu2 / 2) + drift).

#include <fmt/format.h>

#include <cmath>
#include <limits>

#include "scalemix/cli/reproduce/common.h"
#include "scalemix/run/progress.h"
#include "scalemix/signal/depth_scale.h"
#include "scalemix/signal/finite_width.h"

namespace scalemix::inline v0::cli::reproduce {
namespace {

using signal::Network;
using signal::Simulated;
using signal::SimulateOptions;

constexpr double kKeep = 0.6;
constexpr double kMostLayers = 1000;
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
const double kLogLargest = std::log(double{std::numeric_limits<float>::max()});
const double kLogSmallest = std::log(double{std::numeric_limits<float>::min()});

struct Sizes {
  std::size_t width, nets, map_width;
};

struct Depth {
  double sigma_w2, expected;
};

Simulated run(double sigma_w2, std::size_t depth, std::size_t width, std::size_t nets,
              std::uint64_t seed) {
  SimulateOptions o;
  signal::SimulatedLayer one = layer("relu", dropout(kKeep), sigma_w2);
  one.width = o.inputs = width;
  o.layers = signal::stack(one, depth);
  o.nets = nets;
  o.seed = seed;
  return simulate(o);
}

Network network(double sigma_w2) { return layer("relu", dropout(kKeep), sigma_w2).network(); }

/// ln q a layer, in a wide network and with what finite width takes from it.
double wide_rate(double sigma_w2) { return std::log(network(sigma_w2).gain() / 2); }
double rate(double sigma_w2, std::size_t width) {
  return wide_rate(sigma_w2) +
         log_variance(network(sigma_w2), 1, 1, static_cast<double>(width))->mean;
}

double log_end(double rate) { return rate > 0 ? kLogLargest : kLogSmallest; }

/// Where the mean of ln q crosses the end of float32, between layers; NaN if it does not.
Mean crossing(const Simulated& simulated, double end, double rate) {
  for (std::size_t l = 1; l < simulated.layers.size(); ++l) {
    const auto &before = simulated.layers[l - 1].log_q, &here = simulated.layers[l].log_q;
    if (!before || !here) break;
    if ((here->mean - end) * rate < 0) continue;
    const double share = (end - before->mean) / (here->mean - before->mean);
    return {static_cast<double>(l) - 1 + share, here->error / std::abs(rate)};
  }
  return {kNaN, 0};
}

void add_depth(const Depth& depth, std::size_t k, const Sizes& sizes, const Effort& effort,
               report::Series& points, std::vector<Row>& rows) {
  const std::string label = fmt::format("sigma_w2 {:g}", depth.sigma_w2);
  const double layers = range_depth(network(depth.sigma_w2)).layers;
  rows.push_back(own(label + ": L*, theory", {layers}, depth.expected, 1e-6,
                     "arithmetic with figure 6's formula"));
  const double finite = rate(depth.sigma_w2, sizes.width), end = log_end(wide_rate(depth.sigma_w2));
  const double expected = end / finite;
  if (!(expected > 0 && expected < 1.5 * kMostLayers)) return;
  const Simulated simulated = run(depth.sigma_w2, static_cast<std::size_t>(1.1 * expected + 20),
                                  sizes.width, sizes.nets, effort.seed_of(k));
  const Mean at = crossing(simulated, end, finite);
  rows.push_back(own(fmt::format("{}: at width {}, random networks", label, sizes.width), at,
                     expected, 0.01, "theory at that width"));
  points.x.push_back(depth.sigma_w2);
  points.y.push_back(at.value);
  points.error.push_back(at.error);
}

/// The layer at which half of the rows have no float32 numbers left: all 0, or infinite.
double end_of_activations(const Simulated& simulated, std::size_t rows) {
  for (std::size_t l = 0; l < simulated.layers.size(); ++l) {
    const auto& layer = simulated.layers[l];
    if (2 * (layer.overflowed + layer.underflowed) >= rows) return static_cast<double>(l);
  }
  return kNaN;
}

/// ln q over initialisations and layers, blank where it has left float32.
report::HeatMap heat_map(std::size_t width, std::size_t columns, std::size_t stride,
                         const Effort& effort) {
  report::HeatMap map{"ln q", spaced(0.1, 2.5, columns), {}, {}, kLogSmallest, kLogLargest};
  const auto last = static_cast<std::size_t>(kMostLayers);
  for (std::size_t l = stride; l <= last; l += stride) map.y.push_back(static_cast<double>(l));
  map.z.assign(columns * map.y.size(), kNaN);
  for (std::size_t j = 0; j < columns; ++j) {
    const double leaves = 1.2 * range_depth(network(map.x[j])).layers + 50;
    const auto depth = static_cast<std::size_t>(std::min(leaves, kMostLayers));
    const Simulated simulated = run(map.x[j], depth, width, 2, effort.seed_of(1000 + j));
    for (std::size_t i = 0; i < map.y.size() && map.y[i] <= static_cast<double>(depth); ++i) {
      const auto& q = simulated.layers[static_cast<std::size_t>(map.y[i])].log_q;
      if (q && q->mean > kLogSmallest && q->mean < kLogLargest) map.z[i * columns + j] = q->mean;
    }
  }
  return map;
}

report::Series bound() {
  report::Series line{"L*"};
  for (const double sigma_w2 : spaced(0.1, 2.5, 241)) {
    const double layers = range_depth(network(sigma_w2)).layers;
    line.x.push_back(sigma_w2);
    line.y.push_back(std::isfinite(layers) ? layers : kNaN);
  }
  line.colour = "#d00000";
  return line;
}

/// Where activations end, rather than their variance: about 2 L* upwards, and downwards where the
/// last subnormal number is gone.
void add_ends(const Sizes& sizes, const Effort& effort, std::vector<Row>& rows) {
  const std::vector<Depth> ends = {{0.6, 300}, {1.8, 430}};
  for (std::size_t k = 0; k < ends.size(); ++k) {
    constexpr std::size_t nets = 4;
    const Simulated simulated =
        run(ends[k].sigma_w2, 520, sizes.width, nets, effort.seed_of(500 + k));
    rows.push_back(own(fmt::format("sigma_w2 {:g}: activations end at layer", ends[k].sigma_w2),
                       {end_of_activations(simulated, 2 * nets)}, ends[k].expected, 0.08,
                       "a simulation of width 1000 in NumPy, read to two digits"));
  }
}

}  // namespace

Result overflow_depth(const Effort& effort) {
  const Sizes sizes = effort.pick(Sizes{200, 4, 60}, Sizes{400, 10, 200}, Sizes{1000, 50, 1000});
  std::vector<Depth> depths = {{0.1, 35.1468},   {0.3, 63},       {0.6, 126},
                               {0.9, 303.587},   {1.0, 479.0248}, {1.1, 1003.7371},
                               {1.3, 1108.4438}, {1.5, 397.6043}, {1.8, 218.8174},
                               {2.0, 173.6852},  {2.1, 158.5424}, {2.5, 120.8809}};
  Result result;
  run::Progress progress("initialisation", depths.size() + 2, effort.quiet);
  report::Series points{
      fmt::format("random networks, width {}", sizes.width), {}, {}, {}, report::Style::points};
  for (std::size_t k = 0; k < depths.size(); ++k) {
    add_depth(depths[k], k, sizes, effort, points, result.rows);
    progress.update(static_cast<double>(k + 1), "");
  }
  add_ends(sizes, effort, result.rows);
  progress.update(static_cast<double>(depths.size() + 1), "map");
  report::Panel map{"figure 6a: ln q", {"sigma_w2"}, {"layer"}, {bound()}, {}};
  map.heat = heat_map(sizes.map_width, effort.pick<std::size_t>(7, 25, 25), 10, effort);
  report::Panel line{
      "depth at which the variance leaves float32", {"sigma_w2"}, {"layers", true, 20.0, 3000.0}};
  report::Series finite{
      fmt::format("theory, width {}", sizes.width), {}, {}, {}, report::Style::dashed};
  for (const double sigma_w2 : spaced(0.1, 2.5, 241)) {
    const double r = rate(sigma_w2, sizes.width), layers = log_end(wide_rate(sigma_w2)) / r;
    finite.x.push_back(sigma_w2);
    finite.y.push_back(layers > 0 ? layers : kNaN);
  }
  line.series = {bound(), finite, points};
  result.figure = {"dropout of 0.4, relu: critical at sigma_w2 = 1.2", {map, line}, 2};
  progress.finish(static_cast<double>(depths.size() + 2), "");
  result.notes = {fmt::format("width {}, {} networks, inputs of variance 1; published: width 1000, "
                              "the images of MNIST (6a) and "
                              "CIFAR-10 (6d), which change q0 alone",
                              sizes.width, sizes.nets),
                  "white in the map: the variance has left float32"};
  return result;
}

}  // namespace scalemix::inline v0::cli::reproduce
