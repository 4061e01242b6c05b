// Molchanov, Ashukha & Vetrov (2017), additive noise: with the parameters (w, sigma2) gradients are less noisy
// than with (w, alpha), and weights are switched off within the first epochs, where (w, alpha) needs fifty.

#include <fmt/format.h>

#include "scalemix/cli/reproduce/training/contest.h"

namespace scalemix::inline v0::cli::reproduce {

Result variance_reduction(const Effort& effort) {
  run::TrainConfig base;
  base.model = effort.pick<const char*>("mlp:20", "mlp:300-100", "mlp:300-100");
  base.seed = effort.seed;
  base.seeds = contest_seeds(effort, 3);
  base.samples = 0;
  base.schedule = "constant";
  base.warmup_start = 0;
  base.warmup = 5;
  const data::Dataset data =
      contest_data("mnist", effort.pick<std::size_t>(200, 10000, 60000), 10000);
  Result result;
  report::Panel panel{"MNIST, mlp:300-100", {"epochs"}, {"share of weights switched off"}};
  std::vector<std::vector<double>> last(2);
  for (const int epochs : effort.pick<std::vector<int>>({1, 2}, {10, 40}, {10, 50, 200})) {
    base.epochs = epochs;
    const std::vector<Contestant> contestants{
        contestant("(w, sigma2)", "svdo:init=-8", base),
        contestant("(w, alpha)", "vdo_b:alpha=free,kl=molchanov,p=0.0003", base)};
    const std::string prefix = fmt::format("{} epochs", epochs);
    const std::vector<Scores> scores = hold_all(contestants, data, prefix, effort, result);
    for (std::size_t i = 0; i < 2; ++i) {
      const Mean off = mean_of(scores[i].sparsity);
      result.rows.push_back(
          {fmt::format("{}, {}: share switched off", prefix, contestants[i].label), off.value,
           off.error});
    }
    result.claims.push_back(smaller_claim(
        fmt::format("{}: (w, alpha) switches fewer weights off than (w, sigma2)", prefix),
        scores[1].sparsity, scores[0].sparsity));
  }
  result.figure.title = "additive and multiplicative parameters";
  result.notes = {fmt::format(
      "{} rows, Adam 0.001, penalty in full after 5 epochs; alpha starts at exp(-8), sigma2 at exp(-8)",
      data.splits[0].train.size())};
  return result;
}

}  // namespace scalemix::inline v0::cli::reproduce
