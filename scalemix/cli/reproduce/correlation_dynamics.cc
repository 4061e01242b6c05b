// Pretorius et al. (2018), figures 4 and 5: at critical initialisation the correlation of two
// inputs goes to a c* that noise sets, at the rate chi(c*), and so over the depth xi_c.
//
// Figure 5 of the paper draws two other numbers than it says. "Simulation" is a line fitted to the
// theory's own 30 layers, with layer 30 standing for c* and rounding errors included; "theory" puts
// the mean correlation of simulated networks at layer 30 in place of c*. Where noise is weak, 30
// layers are less than 6 xi_c and the fit is too short. Here the true xi_c stands beside the
// released fit, the same fit made again, and a measurement: the slope of the correlation map of
// random networks at c*.

#include <fmt/format.h>

#include <array>
#include <cmath>

#include "scalemix/cli/reproduce/common.h"
#include "scalemix/run/progress.h"
#include "scalemix/signal/critical.h"

namespace scalemix::inline v0::cli::reproduce {
namespace {

using signal::Network;
using signal::Simulated;
using signal::SimulatedLayer;
using signal::SimulateOptions;

constexpr std::size_t kDepth = 30;
constexpr std::array<double, 3> kStarts = {0, 0.5, 0.9};
constexpr double kSecant = 0.15;  // half the distance over which a slope is measured

struct Sizes {
  std::size_t width, nets, pairs, slope_groups;  // of 2 networks
};

/// relu at its critical initialisation.
SimulatedLayer critical_layer(const std::string& law) {
  SimulatedLayer out = layer("relu", law, 1);
  out.sigma_w2 = 2 / out.network().noise.mu2;
  return out;
}

SimulateOptions options(const SimulatedLayer& one, std::size_t depth, double c0, std::size_t nets,
                        const Sizes& sizes, std::uint64_t seed) {
  SimulateOptions o;
  SimulatedLayer sized = one;
  sized.width = o.inputs = sizes.width;
  o.layers = signal::stack(sized, depth);
  o.c0 = c0;
  o.pairs = sizes.pairs;
  o.nets = nets;
  o.seed = seed;
  return o;
}

/// c of every layer from c0.
std::vector<double> theory(const Network& net, double c0, std::size_t depth) {
  std::vector<double> out;
  for (const auto& pair : trajectory(net, signal::Pair::at(1, 1, c0), depth).layers) {
    out.push_back(pair.c);
  }
  return out;
}

/// The released fit: the line through ln |c^l - c^30| of 30 layers of theory, zeros left out; mean
/// over the starts.
double released_fit(const Network& net) {
  double sum = 0;
  for (const double c0 : kStarts) {
    const std::vector<double> c = theory(net, c0, kDepth);
    std::vector<double> x, y;
    for (std::size_t l = 0; l < c.size(); ++l) {
      if (c[l] == c.back()) continue;
      x.push_back(static_cast<double>(l));
      y.push_back(std::log(std::abs(c[l] - c.back())));
    }
    sum += -1 / fit_line(x, y).slope / kStarts.size();
  }
  return sum;
}

/// xi_c from the slope of the simulated map around c*: one layer, the same networks and draws at
/// both ends.
Mean measured_xi(const SimulatedLayer& one, double c, const Sizes& sizes, std::uint64_t seed) {
  const double lo = std::max(c - kSecant, 0.0), hi = std::min(c + kSecant, 1.0);
  std::vector<double> chi;
  for (std::size_t group = 0; group < sizes.slope_groups; ++group) {
    const auto at = [&](double c0) {
      return simulate(options(one, 1, c0, 2, sizes, seed + group)).layers[1].c->mean;
    };
    chi.push_back((at(hi) - at(lo)) / (hi - lo));
  }
  const Mean mean = mean_of(chi);
  return {-1 / std::log(mean.value), mean.error / mean.value / std::pow(std::log(mean.value), 2)};
}

/// What the secant over [c - d, c + d] of the theory's map says: the measurement's own reference.
double secant_xi(const Network& net, double c) {
  const double lo = std::max(c - kSecant, 0.0), hi = std::min(c + kSecant, 1.0);
  const double chi = (correlation_map(net, 1, hi) - correlation_map(net, 1, lo)) / (hi - lo);
  return -1 / std::log(chi);
}

/// Figure 4: maps and trajectories of five noises.
struct Noise {
  std::string label, law;
  const char* published;  // c*
  const char* colour;
  std::uint64_t seed = 0;
};

void add_map(const Noise& noise, const Sizes& sizes, report::Panel& panel) {
  const SimulatedLayer one = critical_layer(noise.law);
  report::Series line{noise.label}, dots{"", {}, {}, {}, report::Style::points};
  line.colour = dots.colour = noise.colour;
  for (const double c : spaced(0, 1, 41)) {
    line.x.push_back(c);
    line.y.push_back(correlation_map(one.network(), 1, c));
  }
  for (const double c : spaced(0, 1, 11)) {
    const std::uint64_t seed = noise.seed + 100 + dots.x.size();
    const auto out = *simulate(options(one, 1, c, 12, sizes, seed)).layers[1].c;
    dots.x.push_back(c);
    dots.y.push_back(out.mean);
    dots.error.push_back(out.sd);
  }
  panel.series.insert(panel.series.end(), {line, dots});
}

/// Curve and points from one start; returns theory's and the simulation's last c.
std::pair<double, signal::Estimate> add_path(const Noise& noise, std::size_t start,
                                             const Sizes& sizes, report::Panel& panel) {
  const SimulatedLayer one = critical_layer(noise.law);
  const std::vector<double> c = theory(one.network(), kStarts[start], kDepth);
  const std::vector<signal::Estimate> simulated = pair_correlations(
      options(one, kDepth, kStarts[start], sizes.nets, sizes, noise.seed + start));
  report::Series curve{start == 0 ? noise.label : ""}, dots{"", {}, {}, {}, report::Style::points};
  curve.colour = dots.colour = noise.colour;
  for (std::size_t l = 0; l <= kDepth; ++l) {
    curve.x.push_back(static_cast<double>(l));
    curve.y.push_back(c[l]);
    if (l % 3 != 0) continue;
    dots.x.push_back(static_cast<double>(l));
    dots.y.push_back(simulated[l].mean);
    dots.error.push_back(simulated[l].sd);
  }
  panel.series.insert(panel.series.end(), {curve, dots});
  return {c[kDepth], simulated[kDepth]};
}

/// One noise of figure 4: its curves, c* beside the published one, and the mean over the three
/// starts of c after 30 layers beside theory's.
void add_noise(const Noise& noise, const Sizes& sizes, Result& result) {
  add_map(noise, sizes, result.figure.panels[0]);
  const Network net = critical_layer(noise.law).network();
  result.rows.push_back(published(noise.label + ": c*, theory",
                                  {*correlation_fixed_point(net).value}, noise.published,
                                  "figure 4b"));
  Mean simulated;
  double expected = 0, variance = 0;
  for (std::size_t start = 0; start < kStarts.size(); ++start) {
    const auto [c, last] = add_path(noise, start, sizes, result.figure.panels[1]);
    expected += c / kStarts.size();
    simulated.value += last.mean / kStarts.size();
    variance += std::pow(last.error / kStarts.size(), 2);
  }
  simulated.error = std::sqrt(variance);
  result.rows.push_back(
      own(noise.label + ": c after 30 layers, random networks", simulated, expected, 0, "theory"));
  result.rows.back().tolerance = 5.0 / static_cast<double>(sizes.width);
}

/// The slope at c* for growing noise.
void add_slopes(Result& result) {
  report::Series chi{"theory"};
  for (const double mu2 : spaced(1, 10, 91)) {
    Network net = critical_layer("").network();
    net.noise.mu2 = mu2;
    net.sigma_w2 = 2 / mu2;
    chi.x.push_back(mu2);
    chi.y.push_back(propagation(net).slopes->correlation);
  }
  result.rows.push_back(
      published("chi(c*) at mu2 = 10, theory", {chi.y.back()}, "0.05", "figure 4c"));
  result.figure.panels.push_back(
      {"figure 4c: slope at c*", {"mu2"}, {"chi(c*)", false, 0.0, 1.05}, {chi}, {}});
}

void figure_4(const Sizes& sizes, const Effort& effort, run::Progress& progress, Result& result) {
  result.figure.panels = {
      {"figure 4a: correlation map", {"c in", false, 0.0, 1.0}, {"c out", false, 0.0, 1.0}, {}, {}},
      {"figure 4b: thirty layers", {"layer"}, {"c", false, 0.0, 1.0}, {}, {}}};
  const std::vector<Noise> noises = {{"none", "", "1.00", "#555555"},
                                     {"Gauss 0.25", gaussian(0.25), "0.72", "#0072b2"},
                                     {"keep 0.8", dropout(0.8), "0.47", "#009e73"},
                                     {"keep 0.6", dropout(0.6), "0.28", "#d55e00"},
                                     {"Gauss 2", gaussian(2), "0.07", "#cc79a7"}};
  for (std::size_t k = 0; k < noises.size(); ++k) {
    Noise noise = noises[k];
    noise.seed = effort.seed_of(10 * k);
    add_noise(noise, sizes, result);
    progress.update(static_cast<double>(k + 1), noise.label);
  }
  add_slopes(result);
}

/// Figure 5: a noise and the depth scale that the released code fits.
struct Fitted {
  double parameter;
  const char* published;
};

/// The four curves of a panel of figure 5, over mu2 - 1.
struct Scales {
  report::Series truth{"true"}, released{"released fit", {}, {}, {}, report::Style::points},
      again{"that fit again", {}, {}, {}, report::Style::dashed},
      measured{"random networks", {}, {}, {}, report::Style::points};
};

void add_scale(const std::string& label, const SimulatedLayer& one, const char* released,
               const Sizes& sizes, std::uint64_t seed, Scales& scales, std::vector<Row>& rows) {
  const Network net = one.network();
  const signal::Propagation p = propagation(net);
  const double xi = p.scales->correlation, fit = released_fit(net);
  const Mean measured = measured_xi(one, *p.c.value, sizes, seed);
  rows.push_back({label + ": true xi_c", xi, {}, {}, 0, ""});
  rows.push_back(
      published(label + ": the released fit again", {fit}, released, "figure 5, released code"));
  rows.push_back(own(label + ": xi_c of random networks", measured, secant_xi(net, *p.c.value),
                     0.01, "theory, the same secant"));
  for (report::Series* s : {&scales.truth, &scales.released, &scales.again, &scales.measured}) {
    s->x.push_back(net.noise.mu2 - 1);
  }
  scales.truth.y.push_back(xi);
  scales.released.y.push_back(std::stod(released));
  scales.again.y.push_back(fit);
  scales.measured.y.push_back(measured.value);
  scales.measured.error.push_back(measured.error);
}

void figure_5(bool drops, const std::vector<Fitted>& fits, const Sizes& sizes, const Effort& effort,
              run::Progress& progress, Result& result) {
  Scales scales;
  for (std::size_t k = 0; k < fits.size(); ++k) {
    const auto& [parameter, released] = fits[k];
    const std::string label = fmt::format("{} {:g}", drops ? "keep" : "sigma", parameter);
    progress.update(static_cast<double>(5 + k + (drops ? 0 : 9)), label);
    add_scale(label, critical_layer(drops ? dropout(parameter) : gaussian(parameter)), released,
              sizes, effort.seed_of(100 + k + (drops ? 0 : 100)), scales, result.rows);
  }
  result.figure.panels.push_back({drops ? "figure 5: dropout" : "figure 5: Gaussian noise",
                                  {"mu2 - 1", true},
                                  {"xi_c", true},
                                  {scales.truth, scales.again, scales.released, scales.measured},
                                  {}});
}

}  // namespace

Result correlation_dynamics(const Effort& effort) {
  const Sizes sizes =
      effort.pick(Sizes{200, 10, 10, 16}, Sizes{1000, 12, 20, 12}, Sizes{1000, 500, 100, 25});
  const std::vector<Fitted> drops = {{0.1, "0.3361"}, {0.2, "0.4428"}, {0.3, "0.5498"},
                                     {0.4, "0.6618"}, {0.5, "0.7945"}, {0.6, "0.9627"},
                                     {0.7, "1.1893"}, {0.8, "1.5346"}, {0.9, "2.1994"}};
  const std::vector<Fitted> gauss = {
      {0.1, "4.6736"},  {0.25, "2.7634"}, {0.4, "1.8795"},  {0.55, "1.4036"}, {0.7, "1.1155"},
      {0.85, "0.9265"}, {1, "0.7945"},    {1.15, "0.7046"}, {1.3, "0.6267"},  {1.45, "0.5722"},
      {1.6, "0.5298"},  {1.75, "0.4911"}, {1.9, "0.4620"}};
  Result result;
  result.figure.title = "correlation: theory (lines), random networks (points, sd over networks)";
  run::Progress progress("case", 5 + drops.size() + gauss.size(), effort.quiet);
  figure_4(sizes, effort, progress, result);
  figure_5(true, drops, sizes, effort, progress, result);
  figure_5(false, gauss, sizes, effort, progress, result);
  progress.finish(static_cast<double>(5 + drops.size() + gauss.size()), "");
  result.notes = {
      fmt::format("width {}; after 30 layers {} networks and starts, a pair each; slopes: {} "
                  "networks, {} pairs; published: width 1000, 50 networks, 100 pairs",
                  sizes.width, sizes.nets * kStarts.size(), 2 * sizes.slope_groups, sizes.pairs),
      "figure 5 of the paper fits theory's own 30 layers with layer 30 for c*: where noise is weak "
      "that is far from the true xi_c, which the rows 'true xi_c' give"};
  return result;
}

}  // namespace scalemix::inline v0::cli::reproduce
