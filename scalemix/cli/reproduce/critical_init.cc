// Pretorius et al. (2018), figures 2 and 3: what one layer and fifteen do to the variance. Additive
// noise lets it grow with every layer; multiplicative noise keeps it at sigma_w2 = 2 / mu2, lets it
// explode above and vanish below.

#include <fmt/format.h>

#include <cmath>

#include "scalemix/cli/reproduce/common.h"
#include "scalemix/run/progress.h"

namespace scalemix::inline v0::cli::reproduce {
namespace {

using signal::Simulated;
using signal::SimulatedLayer;
using signal::SimulateOptions;

constexpr std::size_t kDepth = 15;
constexpr double kStart = 4;  // q0 of the dynamics

/// A value that the paper's settings give: q at a layer over `over`. The paper prints none.
struct Expected {
  std::size_t at;
  double value, half_unit;  // half a unit of its last digit
};

struct Case {
  std::string label;
  SimulatedLayer layer;
  std::vector<Expected> expected;
  bool growth = false;  // expected is q / q0
  std::uint64_t seed = 0;
};

SimulatedLayer additive(const char* activation, double sigma_w2) {
  SimulatedLayer out = layer(activation, "normal:scale=1", sigma_w2);
  out.additive = true;
  return out;
}

/// Figure 2: no noise, and additive noise of variance 1.
std::vector<Case> figure_2() {
  return {
      {"tanh", layer("tanh", "", 1), {{1, 0.6353, 5e-5}, {5, 0.1171, 5e-5}, {14, 0.0389, 5e-5}}},
      {"tanh + N(0, 1)", additive("tanh", 1), {{1, 1.6353, 5e-5}, {4, 1.4642, 5e-5}}},
      {"relu", layer("relu", "", 2), {{15, 4, 0}}},
      {"relu + N(0, 1)", additive("relu", 2), {{1, 6, 0}, {5, 14, 0}}}};
}

/// Figure 3: sigma_w over the critical one is 1 / 0.85 / 1.15 for dropout, 1 / 0.75 / 1.25 for
/// Gaussian noise.
std::vector<Case> figure_3() {
  const double dropped = 2 * 0.6, gauss = 2 / 1.0625;
  const std::string drop_law = dropout(0.6), gauss_law = gaussian(0.25);
  const auto over = [](double critical, double factor) { return critical * factor * factor; };
  return {
      {"dropout, critical", layer("relu", drop_law, dropped), {{15, 1, 0}}, true},
      {"dropout, above", layer("relu", drop_law, over(dropped, 1.15)), {{15, 66.21, 5e-3}}, true},
      {"dropout, below", layer("relu", drop_law, over(dropped, 0.85)), {{15, 7.63e-3, 5e-6}}, true},
      {"Gauss, critical", layer("relu", gauss_law, gauss), {{15, 1, 0}}, true},
      {"Gauss, above", layer("relu", gauss_law, over(gauss, 1.25)), {{15, 807.8, 0.05}}, true},
      {"Gauss, below", layer("relu", gauss_law, over(gauss, 0.75)), {{15, 1.786e-4, 5e-8}}, true}};
}

struct Sizes {
  std::size_t width, nets, pairs, points, map_nets;
};

Simulated run(const Case& c, std::size_t depth, double q0, std::size_t nets, const Sizes& sizes) {
  SimulateOptions o;
  SimulatedLayer one = c.layer;
  one.width = sizes.width;
  o.layers = signal::stack(one, depth);
  o.inputs = sizes.width;
  o.q0 = q0;
  o.pairs = sizes.pairs;
  o.nets = nets;
  o.seed = c.seed;
  return simulate(o);
}

/// (a) of a figure: one layer, from many variances.
void add_map(const Case& c, const Sizes& sizes, report::Panel& panel) {
  report::Series theory{c.label}, points{"", {}, {}, {}, report::Style::points};
  for (const double q0 : spaced(0, 15, 31)) {
    theory.x.push_back(q0);
    theory.y.push_back(variance_map(c.layer.network(), q0));
  }
  for (const double q0 : spaced(0.5, 15, sizes.points)) {
    const auto q = run(c, 1, q0, sizes.map_nets, sizes).layers[1].q1;
    points.x.push_back(q0);
    points.y.push_back(q.mean);
    points.error.push_back(q.sd);
  }
  panel.series.push_back(theory);
  panel.series.push_back(points);
}

/// (b) of a figure: fifteen layers from variance 4, and the rows of the table.
void add_dynamics(const Case& c, const Sizes& sizes, report::Panel& panel, std::vector<Row>& rows) {
  const std::vector<double> theory = variance_trajectory(c.layer.network(), kStart, kDepth).q;
  const Simulated simulated = run(c, kDepth, kStart, sizes.nets, sizes);
  const double unit = c.growth ? kStart : 1;
  const char* what = c.growth ? "growth" : "q";
  for (const Expected& p : c.expected) {
    Row row = own(fmt::format("{}: {} after {} layers, theory", c.label, what, p.at),
                  {theory[p.at] / unit}, p.value, 1e-12, "arithmetic with the figure's settings");
    row.tolerance += p.half_unit;
    rows.push_back(row);
  }
  const signal::Estimate& last = simulated.layers[kDepth].q1;
  rows.push_back(own(fmt::format("{}: {} after {} layers, simulation", c.label, what, kDepth),
                     {last.mean / unit, last.error / unit}, theory[kDepth] / unit, 0.01, "theory"));
  report::Series line{c.label}, points{"", {}, {}, {}, report::Style::points};
  for (std::size_t l = 0; l <= kDepth; ++l) {
    const double at = static_cast<double>(l);
    line.x.push_back(at);
    line.y.push_back(theory[l]);
    points.x.push_back(at);
    points.y.push_back(simulated.layers[l].q1.mean);
    points.error.push_back(simulated.layers[l].q1.sd);
  }
  panel.series.push_back(line);
  panel.series.push_back(points);
}

/// A simulation has the colour of its theory, which stands before it.
void pair_colours(report::Panel& panel) {
  static const char* kColours[] = {"#0072b2", "#d55e00", "#009e73",
                                   "#cc79a7", "#b8860b", "#7b3294"};
  for (std::size_t i = 0; i < panel.series.size(); ++i) {
    panel.series[i].colour = kColours[i / 2 % std::size(kColours)];
  }
}

}  // namespace

Result critical_init(const Effort& effort) {
  const Sizes sizes =
      effort.pick(Sizes{100, 40, 8, 3, 2}, Sizes{500, 40, 10, 7, 10}, Sizes{1000, 50, 25, 30, 50});
  Result result;
  result.figure = {"variance: theory (lines), random networks (mean and sd over networks)", {}, 2};
  const std::vector<std::vector<Case>> figures = {figure_2(), figure_3()};
  run::Progress progress("case", figures[0].size() + figures[1].size(), effort.quiet);
  double done = 0;
  for (std::size_t f = 0; f < figures.size(); ++f) {
    const std::string number = fmt::format("figure {}", f + 2);
    report::Panel map{number + "a: one layer", {"variance in"}, {"variance out", false, 0.0, 16.0}};
    report::Panel dynamics{number + "b: fifteen layers", {"layer"}, {"variance", true}};
    for (Case c : figures[f]) {
      c.seed = effort.seed_of(static_cast<std::uint64_t>(done));
      add_map(c, sizes, map);
      add_dynamics(c, sizes, dynamics, result.rows);
      progress.update(++done, c.label);
    }
    pair_colours(map);
    pair_colours(dynamics);
    result.figure.panels.push_back(map);
    result.figure.panels.push_back(dynamics);
  }
  progress.finish(done, "");
  result.notes = {fmt::format("width {}, {} networks, {} inputs each; published: 1000, 50, 50",
                              sizes.width, sizes.nets, 2 * sizes.pairs)};
  return result;
}

}  // namespace scalemix::inline v0::cli::reproduce
