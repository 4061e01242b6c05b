// Molchanov, Ashukha & Vetrov (2017), a poster to Variational dropout sparsifies deep neural networks: trained on
// labels drawn at random, a network with dropout learns them by heart (training accuracy 100 %); with sparse
// variational dropout it learns nothing (10 %) and all its weights are switched off.

#include <fmt/format.h>

#include "scalemix/cli/reproduce/training/contest.h"
#include "scalemix/random/stream.h"

namespace scalemix::inline v0::cli::reproduce {

Result random_labels(const Effort& effort) {
  data::Dataset data = contest_data("mnist", effort.pick<std::size_t>(200, 2000, 60000), 2000);
  const Stream stream{effort.seed, stream_id(Purpose::generate, 7), 0};
  const auto classes = static_cast<double>(data.classes.size());
  for (std::size_t i = 0; i < data.label.size(); ++i) {
    data.label[i] = static_cast<std::int32_t>(stream.uniform(i) * classes);
  }
  run::TrainConfig base =
      contest_base(effort, effort.pick<const char*>("mlp:20", "mlp:500-300", "mlp:500-300"),
                   effort.pick(2, 200, 200));
  base.seeds = contest_seeds(effort, 3);
  const std::vector<Contestant> contestants{contestant("dropout", "bernoulli:p=0.2", base),
                                            contestant("SparseVD", "svdo", base)};
  Result result;
  const std::vector<Scores> scores =
      hold_all(contestants, data, "random labels", effort, result, true);
  const char* from = "the poster";
  for (std::size_t i = 0; i < 2; ++i) {
    std::vector<double> right;
    for (const double error : scores[i].train_error) right.push_back(1 - error);
    result.rows.push_back(
        published_range(fmt::format("{}: training accuracy", contestants[i].label), mean_of(right),
                        i == 0 ? 0.995 : 0.095, i == 0 ? 1 : 0.105, from));
  }
  result.rows.push_back(published_range("SparseVD: share of weights switched off",
                                        mean_of(scores[1].sparsity), 0.995, 1, from));
  result.claims = {smaller_claim("dropout errs less on its training rows than SparseVD",
                                 scores[0].train_error, scores[1].train_error)};
  result.figure.title = "random labels";
  result.notes = {fmt::format(
      "{}, {} rows whose labels are drawn, {} epochs; the poster prints 100 % and 10 %, with all of the "
      "training set",
      base.model, data.splits[0].train.size(), base.epochs)};
  return result;
}

}  // namespace scalemix::inline v0::cli::reproduce
