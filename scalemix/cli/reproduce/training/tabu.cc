// Ma et al. (2019), Dropout with tabu strategy: on MNIST and Fashion-MNIST, "improves the performance of
// standard dropout". No number of the paper is at hand. Tabu at p drops p / (1 + p) of the units, so that the
// fair controls are dropout at p and at p / (1 + p).

#include <fmt/format.h>

#include "scalemix/cli/reproduce/training/contest.h"

namespace scalemix::inline v0::cli::reproduce {

Result tabu(const Effort& effort) {
  run::TrainConfig base =
      contest_base(effort, effort.pick<const char*>("mlp:20", "mlp:300-300", "mlp:1024-1024"),
                   effort.pick(2, 30, 60));
  const std::vector<Contestant> contestants{
      contestant("none", "none", base),
      contestant("dropout 1/2", "bernoulli:p=0.5", base),
      contestant("dropout 1/3", "bernoulli:p=0.3333333333", base),
      contestant("tabu 1/2", "tabu:p=0.5", base),
      contestant("tabu 1/2, scaled by 1 / (1 - p)", "tabu:p=0.5,scale=standard", base),
      contestant("curriculum to 1/2", "bernoulli:p=0.5@curriculum:gamma=0.01", base)};
  Result result;
  for (const char* name : {"mnist", "fashion-mnist"}) {
    const data::Dataset data = contest_data(name, effort.pick<std::size_t>(200, 2000, 60000),
                                            effort.pick<std::size_t>(200, 10000, 10000));
    const std::vector<Scores> scores = hold_all(contestants, data, name, effort, result);
    result.claims.push_back(
        smaller_claim(fmt::format("{}: tabu at 1/2 errs less than dropout at 1/2", name),
                      scores[3].error, scores[1].error));
    result.claims.push_back(smaller_claim(
        fmt::format("{}: tabu at 1/2 errs less than dropout at 1/3, as many units", name),
        scores[3].error, scores[2].error));
  }
  result.figure.title = "tabu dropout and its controls";
  result.notes = {
      fmt::format("{}, Adam 0.001, {} epochs, deterministic predictions", base.model, base.epochs),
      "the paper's numbers are not at hand"};
  return result;
}

}  // namespace scalemix::inline v0::cli::reproduce
