#include "scalemix/cli/reproduce/training/contest.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "scalemix/cli/evaluate_uncertainty.h"
#include "scalemix/compress/prune.h"
#include "scalemix/data/registry.h"
#include "scalemix/data/rows.h"
#include "scalemix/metric/paired.h"
#include "scalemix/predict/evaluate.h"
#include "scalemix/run/plan.h"
#include "scalemix/run/progress.h"
#include "scalemix/train/fit.h"

namespace scalemix::inline v0::cli::reproduce {
namespace {

/// Of Monte-Carlo draws where there are some.
double metric_of(const predict::Evaluation& e, const std::string& name) {
  for (const auto& [key, value] : e.metrics) {
    if (key == "mc_" + name) return value;
  }
  return e.at(name);
}

void score(const model::Model& model, const run::Plan& plan, const data::Split& split,
           bool train_errors, Scores& out) {
  const predict::Predictor predictor(model);
  const bool classes = model.spec.task == Task::classification;
  const predict::Evaluation e = predict::evaluate(
      {&predictor}, data::rows_of(plan.data, split.test),
      {.samples = static_cast<std::size_t>(plan.config.samples), .seed = plan.config.seed});
  out.error.push_back(metric_of(e, classes ? "error" : "rmse"));
  out.log_likelihood.push_back(classes ? -metric_of(e, "nll") : metric_of(e, "log_likelihood"));
  if (classes) out.ece.push_back(metric_of(e, "ece"));
  out.sparsity.push_back(compress::sparsity_of(model));
  if (train_errors) {
    out.train_error.push_back(predict::error_of(predictor, data::rows_of(plan.data, split.train)));
  }
  out.models.push_back(model);
}

}  // namespace

Contestant contestant(std::string label, std::string method, const run::TrainConfig& base) {
  Contestant out{std::move(label), base};
  out.config.method = {std::move(method)};
  return out;
}

data::Dataset contest_data(const std::string& name, std::size_t train_rows, std::size_t test_rows) {
  const bool here = data::locate(data::named_set(name)).has_value();
  data::Dataset data = data::open(here ? name : "glyphs");
  if (!here) data.name = "glyphs, since " + name + " is not on this machine";
  data::Split& split = data.splits.at(0);
  split.train.resize(std::min(train_rows, split.train.size()));
  split.test.resize(std::min(test_rows, split.test.size()));
  return data;
}

data::Dataset used_rows(data::Dataset data) {
  data::Split& split = data.splits.at(0);
  const std::size_t width = data.width();
  std::vector<float> x;
  std::vector<std::int32_t> labels;
  for (std::vector<std::uint32_t>* part : {&split.train, &split.test}) {
    for (std::uint32_t& row : *part) {
      const auto first = data.x.begin() + static_cast<std::ptrdiff_t>(row * width);
      x.insert(x.end(), first, first + static_cast<std::ptrdiff_t>(width));
      labels.push_back(data.label[row]);
      row = static_cast<std::uint32_t>(labels.size() - 1);
    }
  }
  data.x = std::move(x);
  data.label = std::move(labels);
  data.splits = {split};
  return data;
}

Scores hold(const run::TrainConfig& config, const data::Dataset& data,
            const std::function<void(double)>& epoch, bool train_errors) {
  const run::Plan plan = run::make_plan(config, data);
  Scores out;
  train::Callbacks callbacks;
  callbacks.epoch = [&](const train::EpochReport& report) {
    if (epoch) epoch(static_cast<double>(report.epoch) / plan.config.epochs);
  };
  callbacks.end = [&](const train::Stack& stack) {
    for (std::size_t m = 0; m < stack.replicas(); ++m) {
      score(stack.model(m), plan, plan.replicas[stack.members()[m]].split, train_errors, out);
    }
  };
  train::run(plan.data, plan, callbacks);
  return out;
}

Claim smaller_claim(std::string sentence, const std::vector<double>& a,
                    const std::vector<double>& b) {
  const std::string means =
      fmt::format("{:.4g} against {:.4g}", mean_of(a).value, mean_of(b).value);
  if (a.size() < 2) return {std::move(sentence), std::nullopt, means + ", once"};
  const metric::PairedTest test = metric::paired_t(a, b);
  Claim out{std::move(sentence), std::nullopt,
            fmt::format("{} over {} seeds, p = {:.2g}", means, a.size(), test.p)};
  if (test.p < 0.05) {
    out.holds = test.mean < 0;
  } else {
    out.because += fmt::format("; a difference of {:.2g} would have been seen",
                               metric::detectable(test.error, a.size()));
  }
  return out;
}

std::vector<Claim> smaller_claims(const std::vector<Compared>& all) {
  std::vector<double> p;
  for (const Compared& c : all) {
    if (c.a.size() > 1) p.push_back(metric::paired_t(c.a, c.b).p);
  }
  const std::vector<double> corrected = metric::holm(p);
  std::vector<Claim> out;
  std::size_t tested = 0;
  for (const Compared& c : all) {
    Claim claim = smaller_claim(c.sentence, c.a, c.b);
    if (c.a.size() > 1) {
      const double holm = corrected[tested++];
      if (holm >= 0.05) claim.holds = std::nullopt;
      claim.because += fmt::format("; Holm {:.2g}", holm);
    }
    out.push_back(std::move(claim));
  }
  return out;
}

std::vector<Scores> hold_all(const std::vector<Contestant>& contestants, const data::Dataset& data,
                             const std::string& prefix, const Effort& effort, Result& result,
                             bool train_errors) {
  run::Progress progress("training", contestants.size(), effort.quiet);
  std::vector<Scores> out;
  report::Panel panel{prefix, {"method"}, {data.task == Task::regression ? "RMSE" : "test error"}};
  for (const Contestant& c : contestants) {
    const auto done = static_cast<double>(out.size());
    result.seeds = std::max(result.seeds, static_cast<std::size_t>(c.config.seeds));
    out.push_back(hold(
        c.config, data, [&](double share) { progress.update(done + share, c.label); },
        train_errors));
    const Mean error = mean_of(out.back().error), ll = mean_of(out.back().log_likelihood);
    const char* what = data.task == Task::regression ? "RMSE" : "test error";
    result.rows.push_back(
        {fmt::format("{}, {}: {}", prefix, c.label, what), error.value, error.error});
    if (std::isfinite(ll.value)) {  // a label of probability 0 makes it infinite
      result.rows.push_back(
          {fmt::format("{}, {}: log-likelihood", prefix, c.label), ll.value, ll.error});
    }
    panel.series.push_back(
        {c.label, {done + 1}, {error.value}, {error.error}, report::Style::points});
  }
  progress.finish(static_cast<double>(contestants.size()), "");
  result.figure.panels.push_back(panel);
  return out;
}

std::vector<double> entropy_auroc(const std::vector<model::Model>& models,
                                  const data::LabelledRows& own, const data::LabelledRows& other,
                                  std::size_t samples) {
  std::vector<double> out;
  for (const model::Model& model : models) {
    const predict::Predictor predictor(model);
    const auto said = [&](const data::LabelledRows& rows) {
      return predict::predict_rows({&predictor}, rows, {.samples = samples, .seed = 1});
    };
    out.push_back(ood_json(said(own), said(other))["predictive_entropy"]["auroc"]);
  }
  return out;
}

int contest_seeds(const Effort& effort, std::size_t least) {
  return effort.size == Size::quick ? 2 : static_cast<int>(std::max(least, effort.seeds));
}

run::TrainConfig contest_base(const Effort& effort, const char* model, int epochs, int samples) {
  run::TrainConfig out;
  out.model = model;
  out.epochs = epochs;
  out.seed = effort.seed;
  out.seeds = contest_seeds(effort);
  out.samples = samples;
  return out;
}

}  // namespace scalemix::inline v0::cli::reproduce
