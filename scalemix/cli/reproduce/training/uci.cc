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
  const auto seeds = static_cast<std::size_t>(config.seeds);
  std::vector<predict::Evaluation> evaluations(plan.replicas.size());  // of a split all its seeds
  const predict::EvaluateOptions options{.samples = static_cast<std::size_t>(config.samples),
                                         .seed = config.seed};
  train::Callbacks callbacks;
  callbacks.epoch = [&](const train::EpochReport& report) {
    if (epochs) epochs(static_cast<double>(report.epoch));
  };
  callbacks.end = [&](const train::Stack& stack) {
    parallel_tiles(stack.replicas(), [&](std::size_t r) {
      const std::size_t number = stack.members()[r];
      const predict::Predictor predictor(stack.model(r));
      const auto rows = data::rows_of(plan.data, plan.replicas[number].split.test);
      evaluations[number] = predict::evaluate({&predictor}, rows, options);
    });
  };
  train::run(plan.data, plan, callbacks);
  const auto means = [&](const char* metric) {
    std::vector<double> out(evaluations.size() / seeds);
    for (std::size_t i = 0; i < evaluations.size(); ++i) {
      out[i / seeds] += evaluations[i].at(metric) / static_cast<double>(seeds);
    }
    return out;
  };
  return {means("mc_rmse"), means("mc_log_likelihood"), means("mc_draw_mae")};
}

}  // namespace scalemix::inline v0::cli::reproduce
