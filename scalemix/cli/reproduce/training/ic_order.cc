// Chen et al. (2019), Rethinking the usage of batch normalization and dropout: batch normalisation then dropout
// before every layer with weights makes training more stable and faster than convolution, batch
// normalisation, ReLU. Three orders of a residual branch against the baseline. Tables are not at hand.

#include <fmt/format.h>

#include <cmath>

#include "scalemix/cli/reproduce/training/contest.h"
#include "scalemix/data/rows.h"
#include "scalemix/study/activations.h"

namespace scalemix::inline v0::cli::reproduce {

namespace {

/// Of what the last layer with weights takes, without a draw and, where the network has some, in one.
void add_dependence(const std::string& name, const std::vector<model::Model>& models,
                    const data::LabelledRows& rows, Result& result) {
  std::vector<double> correlation, information, drawn;
  for (const model::Model& model : models) {
    const auto of = [&](std::size_t samples) {
      return study::dependence(study::last_inputs(model, rows.x, rows.rows, {.samples = samples}));
    };
    const study::Dependence plain = of(0);
    correlation.push_back(plain.correlation);
    information.push_back(plain.information);
    if (!model.spec.methods.empty()) drawn.push_back(of(1).correlation / plain.correlation);
  }
  const auto row = [&](const char* what, const std::vector<double>& values) {
    const Mean mean = mean_of(values);
    result.rows.push_back({fmt::format("{}: {}", name, what), mean.value, mean.error});
  };
  row("correlation of units, its size", correlation);
  row("information between units, nats", information);
  if (!drawn.empty())
    row("correlation of a draw, in which all layers draw, over that without", drawn);
}

}  // namespace

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
  const data::LabelledRows test = data::rows_of(data, data.splits[0].test);
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
      add_dependence(fmt::format("{}, {}", prefix, contestants[i].label), scores[i].models, test,
                     result);
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
