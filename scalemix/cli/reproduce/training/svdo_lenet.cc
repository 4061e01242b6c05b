// Molchanov, Ashukha & Vetrov (2017), the table of the two LeNets: LeNet-300-100 errs by 1.92 % with one
// weight in 68, LeNet-5 (convolutions of 20 and 50 channels, 500 units) by 0.75 % with one in 280. As their
// program does, weights that count as zero are zero while training too (clip=on). The learning rate falls to
// 0 over the second half, of LeNet-5 from the start. Theirs: 200 epochs of all 60 000 rows, one training;
// pixels less their means. Means start at N(0, 0.01^2) here; those of their convolutions start at
// Glorot's uniform scale.

#include <fmt/format.h>

#include "scalemix/cli/reproduce/training/contest.h"
#include "scalemix/predict/sparsity.h"

namespace scalemix::inline v0::cli::reproduce {
namespace {

constexpr int kPublishedEpochs = 200;

/// A row of their table, as it is written there.
struct Published {
  const char* network;
  const char *error, *fewer;       // percent; weights over those left
  std::vector<const char*> zeros;  // of each layer, percent
};

double number(const char* text) { return std::stod(text); }

/// Over the models; percent.
struct Found {
  std::vector<double> error, zeros, fewer;
  std::vector<std::vector<double>> layers;  // zeros of each
};

Found found_in(const Scores& scores) {
  Found out;
  for (std::size_t k = 0; k < scores.models.size(); ++k) {
    const auto layers = predict::sparsity(scores.models[k]);
    out.layers.resize(layers.size());
    for (std::size_t l = 0; l < layers.size(); ++l) {
      const auto weights = static_cast<double>(layers[l].weights);
      out.layers[l].push_back(100 * (1 - static_cast<double>(layers[l].nonzero) / weights));
    }
    out.error.push_back(100 * scores.error[k]);
    out.zeros.push_back(100 * scores.sparsity[k]);
    out.fewer.push_back(1 / std::max(1 - scores.sparsity[k], 1e-6));
  }
  return out;
}

report::Panel panel_of(const Found& found, const Published& theirs) {
  report::Panel panel{"weights at zero", {"layer"}, {"%"}};
  report::Series ours{"ours", {}, {}, {}, report::Style::points},
      published{"published", {}, {}, {}, report::Style::points};
  for (std::size_t l = 0; l < theirs.zeros.size(); ++l) {
    const Mean mean = mean_of(found.layers[l]);
    ours.x.push_back(static_cast<double>(l + 1));
    ours.y.push_back(mean.value);
    ours.error.push_back(mean.error);
    published.x.push_back(static_cast<double>(l + 1));
    published.y.push_back(number(theirs.zeros[l]));
  }
  panel.series = {ours, published};
  return panel;
}

/// Trains and compares; each line says how long where that is not as long as theirs.
Result compared(const run::TrainConfig& config, const Published& theirs, const Effort& effort) {
  const data::Dataset data =
      contest_data("mnist", effort.pick<std::size_t>(300, 60000, 60000), 10000);
  Result result;
  const Found found = found_in(hold_all({{"svdo", config}}, data, "mnist", effort, result).front());
  const std::string when =
      config.epochs < kPublishedEpochs
          ? fmt::format(" after {} of {} epochs", config.epochs, kPublishedEpochs)
          : "";
  const char* from = "the paper's table";
  result.rows.push_back(
      published("test error, %" + when, mean_of(found.error), theirs.error, from));
  result.rows.push_back(
      published("weights over those left" + when, mean_of(found.fewer), theirs.fewer, from));
  for (std::size_t l = 0; l < theirs.zeros.size(); ++l) {
    result.rows.push_back(published(fmt::format("zeros of layer {}, %{}", l + 1, when),
                                    mean_of(found.layers[l]), theirs.zeros[l], from));
  }
  const Mean zeros = mean_of(found.zeros);
  result.rows.push_back({"zeros of all layers, %" + when, zeros.value, zeros.error});
  result.figure.panels.push_back(panel_of(found, theirs));
  result.claims = {{fmt::format("the test error is at most {} %{}", theirs.error, when),
                    below(interval_of(found.error), number(theirs.error) + 0.005),
                    text_of(interval_of(found.error))},
                   {fmt::format("at least {} times fewer weights are left{}", theirs.fewer, when),
                    above(interval_of(found.fewer), number(theirs.fewer) - 0.5),
                    text_of(interval_of(found.fewer))}};
  result.figure.title = fmt::format("sparse variational dropout on {}", theirs.network);
  result.notes = {
      fmt::format("{} rows of {}, {} epochs (published: {}), {} seeds, Adam 0.001, {}, --init {}",
                  data.splits[0].train.size(), data.name, config.epochs, kPublishedEpochs,
                  config.seeds, config.method.front(), config.init),
      "fewer weights than published count as a miss of the published number, as more do"};
  return result;
}

}  // namespace

Result svdo_lenet_300_100(const Effort& effort) {
  run::TrainConfig config = contest_base(effort, "mlp:300-100", effort.pick(2, 80, 200));
  config.method = {"svdo:clip=on"};
  config.init = "normal:0.01";
  config.seeds = contest_seeds(effort, 3);
  return compared(config, {"LeNet-300-100", "1.92", "68", {"98.9", "97.2", "62.0"}}, effort);
}

Result svdo_lenet5(const Effort& effort) {
  run::TrainConfig config = contest_base(effort, "lenet5", effort.pick(1, 10, 200));
  config.method = {"svdo:clip=on"};
  config.init = "normal:0.01";
  config.schedule = "poly:power=1";
  config.seeds = contest_seeds(effort, effort.pick<std::size_t>(2, 1, 3));
  return compared(config, {"LeNet-5", "0.75", "280", {"67", "98", "99.8", "95"}}, effort);
}

}  // namespace scalemix::inline v0::cli::reproduce
