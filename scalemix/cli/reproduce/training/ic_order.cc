// Chen et al. (2019), Rethinking the usage of batch normalization and dropout: batch normalisation then dropout
// before every layer with weights makes training more stable and faster than convolution, batch
// normalisation, ReLU. Three orders of a residual branch against the baseline. Tables are not at hand.

#include <fmt/format.h>

#include <cmath>

#include "scalemix/cli/reproduce/training/contest.h"

namespace scalemix::inline v0::cli::reproduce {

Result ic_order(const Effort& effort) {
  run::TrainConfig base;
  base.model = "resnet:1";
  base.seed = effort.seed;
  base.seeds = contest_seeds(effort);
  base.samples = 0;
  base.batch = 64;
  const data::Dataset data = contest_data("mnist", effort.pick<std::size_t>(100, 500, 10000),
                                          effort.pick<std::size_t>(100, 1000, 10000));
  Result result;
  // A short training, where speed counts, and a longer one.
  for (const int epochs : effort.pick<std::vector<int>>({1}, {2, 6}, {2, 30})) {
    base.epochs = epochs;
    const std::vector<Contestant> contestants{contestant("baseline", "none", base),
                                              contestant("A: ReLU, IC, conv", "ic:order=a", base),
                                              contestant("B: IC, conv, ReLU", "ic:order=b", base),
                                              contestant("C: conv, ReLU, IC", "ic:order=c", base)};
    const std::string prefix = fmt::format("{} epochs", epochs);
    const std::vector<Scores> scores = hold_all(contestants, data, prefix, effort, result);
    for (std::size_t i = 1; i < scores.size(); ++i) {
      result.claims.push_back(smaller_claim(
          fmt::format("{}: {} errs less than the baseline", prefix, contestants[i].label),
          scores[i].error, scores[0].error));
    }
    for (std::size_t i = 0; i < scores.size(); ++i) {
      const Mean mean = mean_of(scores[i].error);
      result.rows.push_back(
          {fmt::format("{}, {}: spread of the error over seeds (sd)", prefix, contestants[i].label),
           mean.error * std::sqrt(static_cast<double>(scores[i].error.size()))});
    }
  }
  result.figure.title = "independent components before convolutions";
  result.notes = {
      fmt::format(
          "resnet:1, {} rows of {}, Adam 0.001; CIFAR with ResNet-110 is a matter of days here",
          data.splits[0].train.size(), data.name),
      "which letter has which order is from readers' notes"};
  return result;
}

}  // namespace scalemix::inline v0::cli::reproduce
