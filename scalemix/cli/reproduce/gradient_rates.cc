// Huang et al. (2020), figure 3: squared gradients of one input, and products of the gradients of
// two, change from layer to layer by the same factor chi_1.

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "scalemix/cli/reproduce/huang.h"
#include "scalemix/run/progress.h"
#include "scalemix/signal/depth_scale.h"

namespace scalemix::inline v0::cli::reproduce {
namespace {

using signal::SimulatedGradient;

/// Decay rates a layer: theory, g_aa and |g_ab| as fitted in the paper.
struct Published {
  const char* activation;
  double keep, theory;
  const char *same, *absolute;
};

constexpr Published kPublished[] = {
    {"linear", 0.6, 0.8333, "0.8336", "0.8328"},    {"linear", 0.8, 0.6250, "0.6253", "0.6249"},
    {"relu", 0.7, 0.7143, "0.7121", "0.7119"},      {"relu", 0.9, 0.5556, "0.5549", "0.5544"},
    {"tanh", 0.6, 1.0696, "1.0687", "1.0681"},      {"tanh", 0.8, 0.9454, "0.9440", "0.9439"},
    {"tanh", 1.0, 0.8464, "0.8463", "0.8461"},      {"hard_tanh", 0.6, 1.3755, "1.3774", "1.3718"},
    {"hard_tanh", 0.8, 1.1927, "1.1923", "1.1922"}, {"hard_tanh", 1.0, 1.0597, "1.0602", "1.0583"}};

/// Layers whose gradients are fitted: behind those where the variance settles, before those where
/// the loss is felt.
struct Window {
  std::size_t first, last;
};
Window window(const signal::Network& net, std::size_t depth) {
  const double xi = propagation(net).scales->gradient;
  const auto skip =
      static_cast<std::size_t>(std::clamp(4 * xi, 5.0, 0.4 * static_cast<double>(depth)));
  return {std::max<std::size_t>(depth / 8, 5), depth - skip};
}

/// The factor a layer, backwards, of a metric: exp of minus the slope of its logarithm.
Mean fitted_rate(const std::vector<signal::Simulated>& groups, Metric metric,
                 const Window& window) {
  return jackknife(groups.size(), [&](std::optional<std::size_t> left_out) {
    std::vector<double> x, y;
    for (std::size_t l = window.first; l <= window.last; ++l) {
      x.push_back(static_cast<double>(l));
      y.push_back(std::log(moments(groups, l, metric, left_out).mean));
    }
    return std::exp(-fit_line(x, y).slope);
  });
}

report::Series curve(const std::string& label, const std::vector<signal::Simulated>& groups,
                     Metric metric) {
  report::Series out{label};
  for (std::size_t l = 1; l <= groups[0].gradients.size(); ++l) {
    out.x.push_back(static_cast<double>(l));
    out.y.push_back(moments(groups, l, metric, {}).mean);
  }
  return out;
}

void add_rows(const Published& p, const std::vector<signal::Simulated>& groups,
              std::vector<Row>& rows) {
  const signal::Network net = huang_layer(p.activation, p.keep).network();
  const double chi = chi_gradient(net, *variance_fixed_point(net).value);
  const Window fitted = window(net, groups[0].gradients.size());
  const std::string label = fmt::format("{}, keep {:g}", p.activation, p.keep);
  rows.push_back(
      own(label + ": chi_1, theory", {chi}, p.theory, 0, "arithmetic with figure 3's settings"));
  rows.back().tolerance = 5e-5;
  rows.push_back(drawn(published(label + ": g_aa, random networks",
                                 fitted_rate(groups, &SimulatedGradient::same, fitted), p.same,
                                 "figure 3, released data")));
  rows.push_back(drawn(published(label + ": |g_ab|, random networks",
                                 fitted_rate(groups, &SimulatedGradient::absolute, fitted),
                                 p.absolute, "figure 3, released data")));
}

}  // namespace

Result gradient_rates(const Effort& effort) {
  const HuangSizes sizes = effort.pick(HuangSizes{100, 200, 24, 6}, HuangSizes{100, 400, 40, 8},
                                       HuangSizes{200, 1000, 200, 20});
  Result result;
  result.figure.title = "gradients of the weights (lines: random networks; dashed: chi_1)";
  run::Progress progress("case", std::size(kPublished), effort.quiet);
  for (std::size_t k = 0; k < std::size(kPublished); ++k) {
    const Published& p = kPublished[k];
    const std::vector<signal::Simulated> groups =
        huang_groups(huang_layer(p.activation, p.keep), sizes, effort, k);
    add_rows(p, groups, result.rows);
    if (result.figure.panels.empty() || result.figure.panels.back().title != p.activation) {
      result.figure.panels.push_back(
          {p.activation, {"layer"}, {"mean over weights and networks", true}, {}, {}});
    }
    auto& series = result.figure.panels.back().series;
    series.push_back(
        curve(fmt::format("g_aa, keep {:g}", p.keep), groups, &SimulatedGradient::same));
    series.push_back(
        curve(fmt::format("|g_ab|, keep {:g}", p.keep), groups, &SimulatedGradient::absolute));
    report::Series theory{"", series.end()[-2].x, {}, {}, report::Style::dashed, "#000000"};
    const std::size_t middle = theory.x.size() / 2;
    for (const double l : theory.x) {
      theory.y.push_back(series.end()[-2].y[middle] * std::pow(p.theory, theory.x[middle] - l));
    }
    series.push_back(theory);
    progress.update(static_cast<double>(k + 1), "");
  }
  progress.finish(static_cast<double>(std::size(kPublished)), "");
  result.notes = {huang_note(sizes)};
  return result;
}

}  // namespace scalemix::inline v0::cli::reproduce
