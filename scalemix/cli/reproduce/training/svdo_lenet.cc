// Molchanov, Ashukha & Vetrov (2017), the table of LeNet-300-100: 1.92 % error with one weight in 68. As
// their program does, weights that count as zero are zero while training too (clip=on), means start at
// N(0, 0.01^2), the learning rate falls to 0 over the second half. Theirs: 200 epochs of all 60 000 rows,
// one training; pixels less their means.

#include <fmt/format.h>

#include "scalemix/cli/reproduce/training/contest.h"
#include "scalemix/predict/sparsity.h"

namespace scalemix::inline v0::cli::reproduce {

Result svdo_lenet_300_100(const Effort& effort) {
  run::TrainConfig config = contest_base(effort, "mlp:300-100", effort.pick(2, 40, 200));
  config.method = {"svdo:clip=on"};
  config.init = "normal:0.01";
  config.seeds = contest_seeds(effort, 3);
  const data::Dataset data =
      contest_data("mnist", effort.pick<std::size_t>(300, 60000, 60000), 10000);
  Result result;
  const Scores scores = hold_all({{"svdo", config}}, data, "mnist", effort, result).front();
  const char* from = "the paper's table";
  std::vector<std::vector<double>> zeros(3);  // of each layer, percent
  std::vector<double> error, fewer;
  for (std::size_t k = 0; k < scores.models.size(); ++k) {
    const auto layers = predict::sparsity(scores.models[k]);
    for (std::size_t l = 0; l < zeros.size(); ++l) {
      const auto weights = static_cast<double>(layers[l].weights);
      zeros[l].push_back(100 * (1 - static_cast<double>(layers[l].nonzero) / weights));
    }
    error.push_back(100 * scores.error[k]);
    fewer.push_back(1 / std::max(1 - scores.sparsity[k], 1e-6));
  }
  result.rows.push_back(published("test error, %", mean_of(error), "1.92", from));
  result.rows.push_back(published("weights over those left", mean_of(fewer), "68", from));
  constexpr const char* kZeros[] = {"98.9", "97.2", "62.0"};
  for (std::size_t l = 0; l < zeros.size(); ++l) {
    result.rows.push_back(
        published(fmt::format("zeros of layer {}, %", l + 1), mean_of(zeros[l]), kZeros[l], from));
  }
  report::Panel panel{"weights at zero", {"layer"}, {"%"}};
  report::Series ours{"ours", {1, 2, 3}, {}, {}, report::Style::points};
  for (const std::vector<double>& of_layer : zeros) {
    ours.y.push_back(mean_of(of_layer).value);
    ours.error.push_back(mean_of(of_layer).error);
  }
  panel.series = {ours, {"published", {1, 2, 3}, {98.9, 97.2, 62.0}, {}, report::Style::points}};
  result.figure.panels.push_back(panel);
  result.claims = {{"the test error is at most 1.92 %", below(interval_of(error), 1.925),
                    text_of(interval_of(error))},
                   {"at least 68 times fewer weights are left", above(interval_of(fewer), 67.5),
                    text_of(interval_of(fewer))}};
  result.figure.title = "sparse variational dropout on LeNet-300-100";
  result.notes = {
      fmt::format("{} rows of {}, {} epochs, Adam 0.001, {}, --init normal:0.01",
                  data.splits[0].train.size(), data.name, config.epochs, config.method.front()),
      "fewer weights than published count as a miss of the published number, as more do"};
  return result;
}

}  // namespace scalemix::inline v0::cli::reproduce
