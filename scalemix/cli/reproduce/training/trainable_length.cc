// Huang et al. (2020), figure 7: how long a tanh network with dropout may be and still train, over
// sigma_w2 and length, against 6 xi_c and 12 min(xi_1, xi_c). Published: width 400, batch 1000, SGD
// 0.003 for 2000 to 10000 steps; value: accuracy on the last training batches. Reduced: narrower,
// fewer and larger steps.

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "scalemix/cli/reproduce/common.h"
#include "scalemix/cli/reproduce/training/trainee.h"
#include "scalemix/run/progress.h"
#include "scalemix/signal/depth_scale.h"

namespace scalemix::inline v0::cli::reproduce {
namespace {

constexpr double kBias = 0.05;

struct Sizes {
  std::size_t width, batch, steps;
  double lr;
  std::vector<double> sigma_w2;
  std::vector<std::size_t> lengths;
};

Sizes sizes_of(const Effort& effort) {
  const Sizes quick{50, 50, 150, 0.05, {1.0, 1.76, 4.0}, {3, 12, 48}};
  const Sizes reduced{
      100, 100, 300, 0.05, {1.0, 1.4, 1.76, 2.0, 2.5, 3.0, 4.0}, {5, 10, 20, 30, 45, 70, 100}};
  Sizes full{400, 1000, 3000, 0.003, spaced(1, 4, 31), {}};
  for (std::size_t l = 10; l <= 250; l += 10) full.lengths.push_back(l);
  return effort.pick(quick, reduced, full);
}

signal::DepthScales scales_of(double sigma_w2, double drop) {
  signal::SimulatedLayer one = layer("tanh", drop > 0 ? dropout(1 - drop) : "", sigma_w2);
  one.sigma_b2 = kBias;
  return *signal::propagation(one.network()).scales;
}

/// Deepest length up to which all trained to at least half of the best, between grid points by
/// where the accuracy crosses it.
double boundary(const std::vector<std::size_t>& lengths, const std::vector<double>& learned) {
  const double half = *std::max_element(learned.begin(), learned.end()) / 2;
  for (std::size_t i = 0; i < learned.size(); ++i) {
    if (learned[i] >= half) continue;
    if (i == 0) return static_cast<double>(lengths[0]);
    const double share = (learned[i - 1] - half) / (learned[i - 1] - learned[i]);
    return std::exp(std::log(lengths[i - 1]) +
                    share * std::log(static_cast<double>(lengths[i]) / lengths[i - 1]));
  }
  return static_cast<double>(lengths.back());
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

/// How much better than guessing; 0 if it diverged.
double learned(const Trained& t) { return t.diverged ? 0 : std::max(0.0, 0.9 - t.last_error()); }

}  // namespace

Result trainable_length(const Effort& effort) {
  const Sizes sizes = sizes_of(effort);
  const std::vector<double> drops =
      effort.pick<std::vector<double>>({0.02}, {0, 0.02}, {0, 0.01, 0.02, 0.05});
  Trainee trainee(effort.pick<std::size_t>(3000, 20000, 60000), 1000);
  run::Progress progress("network", drops.size() * sizes.sigma_w2.size() * sizes.lengths.size(),
                         effort.quiet);
  Result result;
  double done = 0;
  for (const double drop : drops) {
    report::HeatMap map{"1 - error - 0.1", sizes.sigma_w2};
    for (const std::size_t l : sizes.lengths) map.y.push_back(static_cast<double>(l));
    map.z.resize(map.x.size() * map.y.size());
    report::Series six{"6 xi_c", sizes.sigma_w2}, twelve{"12 min(xi_1, xi_c)", sizes.sigma_w2};
    report::Series found{"found", sizes.sigma_w2, {}, {}, report::Style::both};
    std::vector<double> ratio, six_ratio;
    for (std::size_t j = 0; j < sizes.sigma_w2.size(); ++j) {
      std::vector<double> column;
      for (std::size_t i = 0; i < sizes.lengths.size(); ++i) {
        const Training training{
            .model = fmt::format("mlp:{}x{},tanh", sizes.width, sizes.lengths[i]),
            .method = drop > 0 ? dropout(1 - drop) : "none",
            .sigma_w2 = sizes.sigma_w2[j],
            .sigma_b2 = kBias,
            .optimiser = "sgd",
            .lr = sizes.lr,
            .batch = sizes.batch,
            .steps = sizes.steps,
            .seed = effort.seed};
        column.push_back(learned(trainee.run(training)));
        map.z[i * map.x.size() + j] = column.back();
        progress.update(++done, "");
      }
      const signal::DepthScales xi = scales_of(sizes.sigma_w2[j], drop);
      const double rule = 12 * std::min(xi.gradient, xi.correlation);
      six.y.push_back(6 * xi.correlation);
      twelve.y.push_back(rule);
      found.y.push_back(boundary(sizes.lengths, column));
      const auto reach = static_cast<double>(sizes.lengths.back());
      if (rule < reach) ratio.push_back(found.y.back() / rule);
      if (six.y.back() < reach) six_ratio.push_back(found.y.back() / six.y.back());
    }
    const std::string what = fmt::format("p {:g}", drop);
    result.rows.push_back({what + ": median length over 12 min(xi_1, xi_c)",
                           median(ratio),
                           {},
                           0.97,
                           0.5,
                           "released heat maps: 0.64 - 1.19"});
    // Where a length ends: away from the line chi_1 = 1 sooner than on it.
    const auto best = std::max_element(found.y.begin(), found.y.end()) - found.y.begin();
    result.rows.push_back({what + ": sigma_w2 of the longest trainable network",
                           sizes.sigma_w2[static_cast<std::size_t>(best)],
                           {},
                           1.78,
                           0.8,
                           "longest xi_c, theory"});
    result.rows.push_back({what + ": median length over 6 xi_c",
                           median(six_ratio),
                           {},
                           1.15,
                           0.5,
                           "released heat maps: 1.06 - 1.40"});
    report::Panel panel{fmt::format("p = {:g}", drop),
                        {"sigma_w2"},
                        {"length", true, map.y.front() * 0.8, map.y.back() * 1.2},
                        {six, twelve, found}};
    panel.heat = map;
    result.figure.panels.push_back(panel);
  }
  progress.finish(done, "");
  result.figure.title = fmt::format("tanh, sigma_b2 = 0.05, on {}", trainee.data());
  result.notes = {
      fmt::format("{}; width {}, batch {}, SGD {:g}, {} steps; published: width 400, batch 1000, "
                  "SGD 0.003, 2000 to 10000 steps",
                  trainee.data(), sizes.width, sizes.batch, sizes.lr, sizes.steps),
      "a length counts as trained while held-out accuracy less chance is at least half of the best "
      "at its sigma_w2"};
  return result;
}

}  // namespace scalemix::inline v0::cli::reproduce
