#include "scalemix/cli/reproduce/training/uci.h"

#include <cmath>

#include "scalemix/base/parallel.h"
#include "scalemix/data/registry.h"
#include "scalemix/predict/evaluate.h"
#include "scalemix/run/plan.h"
#include "scalemix/train/fit.h"

namespace scalemix::inline v0::cli::reproduce {

bool uci_is_here(const std::string& name) {
  return data::locate(data::named_set(name)).has_value();
}

UciScores uci_scores(const run::TrainConfig& config, const std::function<void(double)>& epochs) {
  const run::Plan plan = run::make_plan(config);
  const std::size_t splits = plan.replicas.size();
  UciScores scores{std::vector<double>(splits), std::vector<double>(splits),
                   std::vector<double>(splits)};
  const predict::EvaluateOptions options{.samples = static_cast<std::size_t>(config.samples),
                                         .seed = config.seed};
  train::Callbacks callbacks;
  callbacks.epoch = [&](const train::EpochReport& report) {
    if (epochs) epochs(static_cast<double>(report.epoch));
  };
  callbacks.end = [&](const train::Stack& stack) {
    parallel_tiles(stack.replicas(), [&](std::size_t r) {
      const std::size_t split = stack.members()[r];
      const predict::Predictor predictor(stack.model(r));
      const auto rows = data::rows_of(plan.data, plan.replicas[split].split.test);
      const predict::Evaluation evaluation = predict::evaluate({&predictor}, rows, options);
      scores.rmse[split] = evaluation.at("mc_rmse");
      scores.log_likelihood[split] = evaluation.at("mc_log_likelihood");
      scores.mae_of_draws[split] = evaluation.at("mc_draw_mae");
    });
  };
  train::run(plan.data, plan, callbacks);
  return scores;
}

}  // namespace scalemix::inline v0::cli::reproduce
