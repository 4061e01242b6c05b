// Huang et al. (2020), figures 4 and 5: over layers, the variance V over networks of a gradient
// metric is a multiple of its squared mean m^2, whatever the activation and the dropout.

#include <fmt/format.h>

#include <cmath>

#include "scalemix/cli/reproduce/huang.h"
#include "scalemix/run/progress.h"

namespace scalemix::inline v0::cli::reproduce {
namespace {

using signal::Simulated;
using signal::SimulatedGradient;

struct NamedMetric {
  const char* name;
  Metric metric;
};
constexpr NamedMetric kMetrics[] = {{"g_aa", &SimulatedGradient::same},
                                    {"g_ab", &SimulatedGradient::cross},
                                    {"|g_ab|", &SimulatedGradient::absolute}};

/// The range of published slopes over dropout rates, for each metric.
struct Case {
  const char* activation;
  double keep;
  struct {
    double lo, hi;
  } published[3];
};
constexpr Case kCases[] = {{"linear", 0.8, {{1.90, 1.98}, {1.93, 2.02}, {1.93, 1.98}}},
                           {"relu", 0.8, {{1.91, 1.99}, {1.91, 1.99}, {1.91, 1.99}}},
                           {"tanh", 0.9, {{1.69, 2.21}, {1.69, 2.21}, {1.69, 2.21}}},
                           {"hard_tanh", 0.7, {{1.94, 2.09}, {1.94, 2.09}, {1.94, 2.09}}}};

std::vector<std::size_t> some_layers(std::size_t depth, std::size_t stride) {
  std::vector<std::size_t> out;
  for (std::size_t l = stride; l <= depth; l += stride) out.push_back(l);
  return out;
}

Mean slope(const std::vector<Simulated>& groups, Metric metric,
           const std::vector<std::size_t>& layers) {
  return jackknife(groups.size(), [&](std::optional<std::size_t> left_out) {
    std::vector<double> x, y;
    for (const std::size_t l : layers) {
      const Moments m = moments(groups, l, metric, left_out);
      x.push_back(std::log(std::abs(m.mean)));
      y.push_back(std::log(m.variance));
    }
    return fit_line(x, y).slope;
  });
}

void add_panel(const Case& c, const std::vector<Simulated>& groups,
               const std::vector<std::size_t>& layers, Result& result) {
  report::Panel panel{fmt::format("{}, keep {:g}", c.activation, c.keep),
                      {"|mean| over networks", true},
                      {"variance over networks", true},
                      {},
                      {}};
  for (std::size_t i = 0; i < std::size(kMetrics); ++i) {
    const auto& [name, metric] = kMetrics[i];
    const Mean fitted = slope(groups, metric, layers);
    const auto [lo, hi] = c.published[i];
    result.rows.push_back(published_range(
        fmt::format("{}, keep {:g}: slope, {}", c.activation, c.keep, name), fitted, lo, hi,
        fmt::format("figures 4-5, released data: fits from {:.2f} to {:.2f}", lo, hi)));
    report::Series dots{name, {}, {}, {}, report::Style::points};
    for (const std::size_t l : layers) {
      const Moments m = moments(groups, l, metric, {});
      dots.x.push_back(std::abs(m.mean));
      dots.y.push_back(m.variance);
    }
    panel.series.push_back(dots);
  }
  report::Series line{"V = m^2", panel.series[0].x, {}, {}, report::Style::dashed, "#888888"};
  for (const double x : line.x) line.y.push_back(x * x);
  panel.series.push_back(line);
  result.figure.panels.push_back(panel);
}

}  // namespace

Result universality(const Effort& effort) {
  const HuangSizes sizes = effort.pick(HuangSizes{200, 200, 40, 8}, HuangSizes{200, 400, 60, 10},
                                       HuangSizes{200, 500, 100, 10});
  const std::vector<std::size_t> layers = some_layers(sizes.depth, sizes.depth / 20);
  Result result;
  result.figure.title = "gradients: variance and mean over networks, a point for each layer";
  run::Progress progress("case", std::size(kCases), effort.quiet);
  for (std::size_t k = 0; k < std::size(kCases); ++k) {
    const Case& c = kCases[k];
    add_panel(c, huang_groups(huang_layer(c.activation, c.keep), sizes, effort, 100 + k), layers,
              result);
    progress.update(static_cast<double>(k + 1), c.activation);
  }
  progress.finish(static_cast<double>(std::size(kCases)), "");
  result.notes = {
      huang_note(sizes),
      "a slope of ln V over ln m, claimed to be 2; V / m^2 itself grows slowly with the distance "
      "from the output (by about depth / width), so that fits lie below 2 where gradients shrink "
      "backwards (linear, relu, tanh here), above where they grow (hard_tanh), and furthest off "
      "where m changes least (tanh)"};
  return result;
}

}  // namespace scalemix::inline v0::cli::reproduce
