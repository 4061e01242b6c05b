#include "scalemix/cli/reproduce/training/uci.h"

#include <fmt/format.h>

#include <cmath>

#include "scalemix/base/number_text.h"
#include "scalemix/base/parallel.h"
#include "scalemix/data/registry.h"
#include "scalemix/predict/evaluate.h"
#include "scalemix/run/plan.h"
#include "scalemix/train/tune.h"

namespace scalemix::inline v0::cli::reproduce {
namespace {

/// What the test rows of a replica give: at its own precision, and at others.
struct Tested {
  predict::Evaluation own;
  std::vector<double> log_likelihood_at;
};

/// Trains the replicas of a plan and tests each.
std::vector<Tested> tested(const data::Dataset& data, const train::Plan& plan, int samples,
                           const std::vector<double>& precisions, const Epochs& epochs) {
  std::vector<Tested> out(plan.replicas.size());
  const predict::EvaluateOptions options{.samples = static_cast<std::size_t>(samples),
                                         .seed = plan.options.seed};
  train::Callbacks callbacks;
  callbacks.epoch = [&](const train::EpochReport& report) {
    if (epochs) epochs(static_cast<double>(report.epoch));
  };
  callbacks.end = [&](const train::Stack& stack) {
    parallel_tiles(stack.replicas(), [&](std::size_t r) {
      const std::size_t number = stack.members()[r];
      const predict::Predictor predictor(stack.model(r));
      const auto rows = data::rows_of(data, plan.replicas[number].split.test);
      out[number].own = predict::evaluate({&predictor}, rows, options);
      for (const double precision : precisions) {
        predict::EvaluateOptions at = options;
        at.precision = precision;
        out[number].log_likelihood_at.push_back(
            predict::evaluate({&predictor}, rows, at).at("mc_log_likelihood"));
      }
    });
  };
  train::run(data, plan, callbacks);
  return out;
}

/// Of each split the mean over its seeds, which are neighbours.
UciScores scores_of(const std::vector<Tested>& tests, std::size_t seeds, std::size_t precisions) {
  const auto means = [&](const auto& of) {
    std::vector<double> out(tests.size() / seeds);
    for (std::size_t i = 0; i < tests.size(); ++i) {
      out[i / seeds] += of(tests[i]) / static_cast<double>(seeds);
    }
    return out;
  };
  const auto metric = [&](const char* name) {
    return means([&](const Tested& test) { return test.own.at(name); });
  };
  UciScores out{metric("mc_rmse"), metric("mc_log_likelihood"), metric("mc_draw_mae")};
  for (std::size_t k = 0; k < precisions; ++k) {
    out.log_likelihood_at.push_back(
        means([&](const Tested& test) { return test.log_likelihood_at[k]; }));
  }
  return out;
}

}  // namespace

bool uci_is_here(const std::string& name) {
  return data::locate(data::named_set(name)).has_value();
}

UciScores uci_scores(const run::TrainConfig& config, const Epochs& epochs,
                     const std::vector<double>& precisions) {
  const run::Plan plan = run::make_plan(config);
  return scores_of(tested(plan.data, plan, config.samples, precisions, epochs),
                   static_cast<std::size_t>(config.seeds), precisions.size());
}

UciScores uci_tuned_scores(run::TrainConfig config, const std::vector<double>& rates,
                           const Epochs& epochs) {
  std::vector<run::Plan> plans;
  std::vector<double> best, precision;  // of each replica: score; precision
  std::vector<std::size_t> chosen;      // of each replica: place of the rate
  double before = 0;
  const auto within = [&](double epoch) {
    if (epochs) epochs(before + epoch);
  };
  config.precision = "tuned";
  for (std::size_t i = 0; i < rates.size(); ++i) {
    config.method = {fmt::format("bernoulli:p={0},input={0}", rates[i])};
    plans.push_back(run::make_plan(config));
    const run::Plan& plan = plans.back();
    train::Callbacks callbacks;
    callbacks.epoch = [&](const train::EpochReport& report) {
      within(static_cast<double>(report.epoch));
    };
    const train::Tuning tuning =
        train::tune_precision(plan.data, plan, static_cast<std::size_t>(config.samples), callbacks);
    before += config.epochs;
    best.resize(plan.replicas.size(), -std::numeric_limits<double>::infinity());
    precision.resize(best.size());
    chosen.resize(best.size());
    for (std::size_t r = 0; r < best.size(); ++r) {
      const std::size_t k = tuning.best[r];
      if (!(tuning.score[r][k] > best[r])) continue;
      best[r] = tuning.score[r][k];
      precision[r] = tuning.grid[r][k];
      chosen[r] = i;
    }
  }
  std::vector<Tested> tests(best.size());
  for (std::size_t i = 0; i < plans.size(); ++i) {
    train::Plan part{plans[i].options, plans[i].spec, {}};
    part.options.precision.clear();
    std::vector<std::size_t> members;
    for (std::size_t r = 0; r < best.size(); ++r) {
      if (chosen[r] != i) continue;
      part.options.precision += (members.empty() ? "" : ",") + shortest_number(precision[r]);
      part.replicas.push_back(plans[i].replicas[r]);
      members.push_back(r);
    }
    if (members.empty()) continue;
    std::vector<Tested> of_part = tested(plans[i].data, part, config.samples, {}, within);
    for (std::size_t m = 0; m < members.size(); ++m) tests[members[m]] = std::move(of_part[m]);
    before += config.epochs;
  }
  return scores_of(tests, static_cast<std::size_t>(config.seeds), 0);
}

}  // namespace scalemix::inline v0::cli::reproduce
