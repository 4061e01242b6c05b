// Molchanov, Ashukha & Vetrov, the workshop version (2016): variational dropout with a rate for every weight of a
// linear model is automatic relevance determination. MNIST: accuracy 0.926 with 69.8 % of the weights off.

#include <fmt/format.h>

#include "scalemix/cli/reproduce/training/contest.h"

namespace scalemix::inline v0::cli::reproduce {

Result linear_models(const Effort& effort) {
  run::TrainConfig base = contest_base(effort, "linear", effort.pick(2, 60, 200));
  base.seeds = contest_seeds(effort, 3);
  const data::Dataset data =
      contest_data("mnist", effort.pick<std::size_t>(500, 60000, 60000), 10000);
  const std::vector<Contestant> contestants{contestant("plain", "none", base),
                                            contestant("VD-ARD", "svdo", base)};
  Result result;
  const std::vector<Scores> scores = hold_all(contestants, data, "mnist", effort, result);
  std::vector<double> right;
  for (const double error : scores[1].error) right.push_back(1 - error);
  result.rows.push_back(
      published("VD-ARD: accuracy", mean_of(right), "0.926", "the workshop's poster"));
  result.rows.push_back(published("VD-ARD: share of weights off", mean_of(scores[1].sparsity),
                                  "0.698", "the workshop's poster"));
  result.claims = {
      smaller_claim("VD-ARD errs less than the plain model", scores[1].error, scores[0].error)};
  result.figure.title = "a linear model";
  result.notes = {
      fmt::format("{} epochs, Adam 0.001; the poster's protocol is not at hand", base.epochs)};
  return result;
}

}  // namespace scalemix::inline v0::cli::reproduce
