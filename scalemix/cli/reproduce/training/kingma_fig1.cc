// Kingma, Salimans & Welling (2015), figure 1: test error on MNIST over the width of the layers, for no dropout,
// binary and Gaussian dropout, variational dropout A, A2 (a third of the divergence) and B. The figure's
// numbers are read off to 0.02 %; ours at --full have its rows, three layers and the widths of the figure.

#include <fmt/format.h>

#include "scalemix/cli/reproduce/training/contest.h"

namespace scalemix::inline v0::cli::reproduce {
namespace {

struct Curve {
  const char *label, *method;
  double at_100, at_250, at_500;  // per cent, of the figure
};
constexpr Curve kCurves[] = {{"no dropout", "none", 1.44, 1.30, 1.21},
                             {"binary", "bernoulli:p=0.5,input=0.2", 2.16, 1.39, 1.22},
                             {"Gaussian A", "gaussian:alpha=1,input=0.25", 2.40, 1.42, 1.18},
                             {"variational A", "vdo_a:p=0.5,input=0.2", 1.42, 1.26, 1.12},
                             {"variational A2", "vdo_a2:p=0.5,input=0.2", 1.50, 1.21, 1.06},
                             {"variational B", "vdo_b:p=0.3,share=unit", 1.58, 1.37, 1.29}};

}  // namespace

Result kingma_fig1(const Effort& effort) {
  const bool full = effort.size == Size::full;
  run::TrainConfig base;
  base.epochs = effort.pick(2, 20, 100);
  base.seed = effort.seed;
  base.seeds = full ? 3 : contest_seeds(effort);
  base.samples = 0;
  const data::Dataset data =
      contest_data("mnist", effort.pick<std::size_t>(200, 2000, 60000), 10000);
  Result result;
  for (const int width : effort.pick<std::vector<int>>({16}, {100, 250}, {100, 250, 500})) {
    base.model = fmt::format("mlp:{0}-{0}-{0}", width);
    std::vector<Contestant> contestants;
    for (const Curve& c : kCurves) contestants.push_back(contestant(c.label, c.method, base));
    const std::string prefix = fmt::format("width {}", width);
    const std::vector<Scores> scores = hold_all(contestants, data, prefix, effort, result);
    for (std::size_t i = 0; full && i < scores.size(); ++i) {
      const double figure = width == 100   ? kCurves[i].at_100
                            : width == 250 ? kCurves[i].at_250
                                           : kCurves[i].at_500;
      Mean mean = mean_of(scores[i].error);
      mean.value *= 100, mean.error *= 100;
      result.rows.push_back(
          published_range(fmt::format("{}, {}: error, per cent", prefix, kCurves[i].label), mean,
                          figure - 0.02, figure + 0.02, "figure 1, read off"));
    }
    result.claims.push_back(smaller_claim(prefix + ": variational A errs less than binary dropout",
                                          scores[3].error, scores[1].error));
    result.claims.push_back(smaller_claim(prefix + ": variational A errs less than Gaussian A",
                                          scores[3].error, scores[2].error));
  }
  result.figure.title = "variational dropout over widths";
  result.notes = {fmt::format(
      "{} rows, {} epochs, Adam 0.001, deterministic predictions; the paper stops early on held-out "
      "rows and says neither how alphas are shared nor trained",
      data.splits[0].train.size(), base.epochs)};
  return result;
}

}  // namespace scalemix::inline v0::cli::reproduce
