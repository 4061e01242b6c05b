#include "scalemix/predict/evaluate.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <numeric>
#include <span>

#include "scalemix/base/check.h"
#include "scalemix/law/standard_normal.h"
#include "scalemix/metric/by_class.h"
#include "scalemix/metric/classification.h"
#include "scalemix/metric/regression.h"
#include "scalemix/metric/uncertainty.h"

namespace scalemix::inline v0::predict {
namespace {

constexpr std::size_t kDrawsAtATime = std::size_t{1} << 21;  // network outputs in memory
constexpr std::size_t kLeastRows = 64, kMostRows = 8192;     // of a block
constexpr double kCoverage = 0.9;

/// A network of the ensemble, and what turns its outputs into the user's units.
struct Member {
  predict::Context context;
  double target_mean, target_scale;
  double variance = 0;        // of the noise, regression
  std::vector<float> output;  // (T, block rows, outputs)

  Member(const predict::Predictor& predictor, double precision)
      : context(predictor),
        target_mean(predictor.preprocessing().target_mean),
        target_scale(predictor.preprocessing().target_scale) {
    if (predictor.spec().task != Task::regression) return;
    if (precision > 0) {
      variance = 1 / precision;
      return;
    }
    const float lp = predictor.model().tensors.at("output.log_precision").floats()[0];
    variance = std::exp(-static_cast<double>(lp)) * target_scale * target_scale;
  }
};

/// The networks on the rows, a block at a time.
class Ensemble {
 public:
  Ensemble(const std::vector<const predict::Predictor*>& models, const data::LabelledRows& rows,
           double precision)
      : rows_(rows), width_(models[0]->width()), outputs_(models[0]->outputs()) {
    for (const predict::Predictor* predictor : models) members_.emplace_back(*predictor, precision);
  }

  /// Calls f(row) for every row, in order, with the outputs of its block ready.
  template <class F>
  void for_each_row(const EvaluateOptions& options, F&& f) {
    draws_ = std::max<std::size_t>(options.samples, 1);
    const std::size_t block =
        std::clamp(kDrawsAtATime / (draws_ * outputs_ * members_.size()), kLeastRows, kMostRows);
    for (first_ = 0; first_ < rows_.rows; first_ += block) {
      count_ = std::min(block, rows_.rows - first_);
      const std::span<const float> x(rows_.x.data() + first_ * width_, count_ * width_);
      for (Member& m : members_) {
        predict::predict_outputs(
            m.context, x, count_,
            {.samples = options.samples, .seed = options.seed, .row0 = first_, .block = 0},
            m.output);
      }
      for (std::size_t n = first_; n < first_ + count_; ++n) f(n);
    }
  }

  std::vector<Member>& members() { return members_; }
  std::size_t draws() const { return draws_; }
  std::size_t outputs() const { return outputs_; }
  /// The outputs of a draw for a row of the block.
  const float* outputs_of(const Member& member, std::size_t draw, std::size_t row) const {
    return &member.output[(draw * count_ + row - first_) * outputs_];
  }

 private:
  const data::LabelledRows& rows_;
  std::size_t width_, outputs_;
  std::vector<Member> members_;
  std::size_t draws_ = 1, first_ = 0, count_ = 0;
};

void append_softmax(const float* logits, std::size_t classes, std::vector<double>& out) {
  const double most = *std::max_element(logits, logits + classes);
  double sum = 0;
  const std::size_t first = out.size();
  for (std::size_t c = 0; c < classes; ++c) {
    out.push_back(std::exp(logits[c] - most));
    sum += out.back();
  }
  for (std::size_t c = first; c < out.size(); ++c) out[c] /= sum;
}

struct Classified {
  std::vector<double> p;                // (N, C)
  std::vector<double> total, mutual;    // (N): entropy, and mutual information of label and draw
  double epistemic = 0, aleatoric = 0;  // means over rows, nats
};

Classified classify(Ensemble& ensemble, const data::LabelledRows& rows,
                    const EvaluateOptions& options) {
  const std::size_t classes = ensemble.outputs();
  Classified out;
  out.p.assign(rows.rows * classes, 0);
  std::vector<double> draws;
  ensemble.for_each_row(options, [&](std::size_t n) {
    draws.clear();
    for (const Member& m : ensemble.members()) {
      for (std::size_t t = 0; t < ensemble.draws(); ++t) {
        append_softmax(ensemble.outputs_of(m, t, n), classes, draws);
      }
    }
    const double share = static_cast<double>(classes) / static_cast<double>(draws.size());
    for (std::size_t i = 0; i < draws.size(); ++i) {
      out.p[n * classes + i % classes] += draws[i] * share;
    }
    const metric::DrawUncertainty u = metric::draw_uncertainty(draws, classes);
    out.total.push_back(u.total);
    out.mutual.push_back(u.epistemic);
    out.epistemic += u.epistemic / static_cast<double>(rows.rows);
    out.aleatoric += u.aleatoric / static_cast<double>(rows.rows);
  });
  return out;
}

void add_classification(const std::string& prefix, const Classified& c,
                        const data::LabelledRows& rows, Evaluation& out) {
  out.metrics.emplace_back(prefix + "error", metric::error_rate(c.p, rows.label));
  out.metrics.emplace_back(prefix + "accuracy", metric::accuracy(c.p, rows.label));
  out.metrics.emplace_back(prefix + "balanced_accuracy",
                           metric::balanced_accuracy(c.p, rows.label));
  out.metrics.emplace_back(prefix + "f1", metric::f1(c.p, rows.label));
  out.metrics.emplace_back(prefix + "auroc", metric::class_auroc(c.p, rows.label));
  out.metrics.emplace_back(prefix + "average_precision",
                           metric::class_average_precision(c.p, rows.label));
  out.metrics.emplace_back(prefix + "nll", metric::nll(c.p, rows.label));
  out.metrics.emplace_back(prefix + "brier", metric::brier(c.p, rows.label));
  out.metrics.emplace_back(prefix + "ece", metric::calibration_error(c.p, rows.label));
}

void add_class_baseline(const data::LabelledRows& rows, Evaluation& out) {
  std::map<std::int32_t, double> counts;
  for (const std::int32_t k : rows.label) ++counts[k];
  const auto all = static_cast<double>(rows.label.size());
  double most = 0, entropy = 0;
  for (const auto& [label, count] : counts) {
    most = std::max(most, count);
    entropy -= count / all * std::log(count / all);
  }
  out.metrics.emplace_back("baseline_error", 1 - most / all);
  out.metrics.emplace_back("baseline_nll", entropy);
}

struct Regressed {
  std::vector<double> mean, variance;         // (N): of the mixture
  double log_likelihood = 0;                  // mean over rows
  double draw_mae = 0;                        // mean |y - draw| over rows and draws
  double epistemic_sd = 0, aleatoric_sd = 0;  // means over rows
};

double log_mean_exp(std::span<const double> v) {
  const double most = *std::max_element(v.begin(), v.end());
  if (std::isinf(most)) return most;
  double sum = 0;
  for (const double x : v) sum += std::exp(x - most);
  return most + std::log(sum / static_cast<double>(v.size()));
}

Regressed regress(Ensemble& ensemble, const data::LabelledRows& rows,
                  const EvaluateOptions& options) {
  Regressed out;
  const double count = static_cast<double>(rows.rows);
  double noise = 0;
  for (const Member& m : ensemble.members()) {
    noise += m.variance / static_cast<double>(ensemble.members().size());
  }
  std::vector<double> draws, all, density;
  ensemble.for_each_row(options, [&](std::size_t n) {
    const double y = rows.y.empty() ? 0 : rows.y[n];
    all.clear();
    density.clear();
    for (const Member& m : ensemble.members()) {
      draws.clear();
      for (std::size_t t = 0; t < ensemble.draws(); ++t) {
        draws.push_back(*ensemble.outputs_of(m, t, n) * m.target_scale + m.target_mean);
      }
      density.push_back(metric::mc_log_likelihood({&y, 1}, draws, 1 / m.variance));
      all.insert(all.end(), draws.begin(), draws.end());
    }
    const double parts = static_cast<double>(all.size());
    const double mean = std::accumulate(all.begin(), all.end(), 0.0) / parts;
    double spread = 0;
    for (const double d : all) {
      spread += (d - mean) * (d - mean) / parts;
      out.draw_mae += std::abs(y - d) / parts / count;
    }
    out.mean.push_back(mean);
    out.variance.push_back(spread + noise);
    out.log_likelihood += log_mean_exp(density) / count;
    out.epistemic_sd += std::sqrt(spread) / count;
    out.aleatoric_sd += std::sqrt(noise) / count;
  });
  return out;
}

RowPredictions said(Classified c) {
  return {.p = std::move(c.p), .total = std::move(c.total), .epistemic = std::move(c.mutual)};
}
RowPredictions said(Regressed r) {
  return {.mean = std::move(r.mean), .variance = std::move(r.variance)};
}

/// Of every row's normal.
std::vector<double> quantiles(const Regressed& r, double level) {
  const double z = law::standard_normal_quantile(level);
  std::vector<double> out;
  for (std::size_t n = 0; n < r.mean.size(); ++n) {
    out.push_back(r.mean[n] + z * std::sqrt(r.variance[n]));
  }
  return out;
}

void add_regression(const std::string& prefix, const Regressed& r, const data::LabelledRows& rows,
                    Evaluation& out) {
  const std::vector<double> y(rows.y.begin(), rows.y.end());
  out.metrics.emplace_back(prefix + "rmse", metric::rmse(y, r.mean));
  out.metrics.emplace_back(prefix + "mae", metric::mae(y, r.mean));
  out.metrics.emplace_back(prefix + "r2", metric::r2(y, r.mean));
  out.metrics.emplace_back(prefix + "log_likelihood", r.log_likelihood);
  out.metrics.emplace_back(prefix + "crps", metric::gaussian_crps(y, r.mean, r.variance));
  constexpr double kLow = (1 - kCoverage) / 2;
  const std::vector<double> lower = quantiles(r, kLow), upper = quantiles(r, 1 - kLow);
  out.metrics.emplace_back(prefix + "quantile_loss_05", metric::quantile_loss(y, lower, kLow));
  out.metrics.emplace_back(prefix + "quantile_loss_95", metric::quantile_loss(y, upper, 1 - kLow));
  out.metrics.emplace_back(prefix + "coverage_90", metric::interval_coverage(y, lower, upper));
}

void add_number_baseline(const data::LabelledRows& rows, Evaluation& out) {
  std::vector<double> y(rows.y.begin(), rows.y.end());
  const std::vector<double> mean(y.size(), metric::mean_and_error(y).mean);
  out.metrics.emplace_back("baseline_rmse", metric::rmse(y, mean));
  const auto middle = y.begin() + static_cast<std::ptrdiff_t>(y.size() / 2);
  std::nth_element(y.begin(), middle, y.end());
  const std::vector<double> median(y.size(), *middle);
  out.metrics.emplace_back("baseline_mae", metric::mae(y, median));
}

void check_fit(const std::vector<const predict::Predictor*>& models, const data::LabelledRows& rows,
               bool answers) {
  constexpr const char* kWho = "evaluate";
  check(!models.empty(), kWho, "no networks");
  check(rows.rows > 0, kWho, "no rows");
  check(rows.labelled || !answers, kWho, "the rows have no answers to compare with");
  const predict::Predictor& first = *models[0];
  for (const predict::Predictor* m : models) {
    check(m->spec().task == first.spec().task && m->width() == first.width() &&
              m->outputs() == first.outputs(),
          kWho, "the networks of an ensemble must have the same task, inputs and outputs");
  }
  check(
      rows.x.size() == rows.rows * first.width(), kWho,
      fmt::format("expected {} numbers per row, got {}", first.width(), rows.x.size() / rows.rows));
  const bool regression = first.spec().task == Task::regression;
  check(!answers || (regression ? rows.y.size() : rows.label.size()) == rows.rows, kWho,
        regression ? "the network is a regression; expected a number for every row"
                   : "the network is a classification; expected a class for every row");
  check(!regression || first.outputs() == 1, kWho,
        fmt::format("expected a network with one target, got {}", first.outputs()));
}

}  // namespace

double Evaluation::at(const std::string& name) const {
  for (const auto& [key, value] : metrics) {
    if (key == name) return value;
  }
  throw std::invalid_argument("evaluation: no metric '" + name + "'");
}

nlohmann::ordered_json Evaluation::to_json() const {
  nlohmann::ordered_json json = {{"rows", rows}};
  for (const auto& [name, value] : metrics) {
    json[name] = std::isfinite(value) ? nlohmann::ordered_json(value) : nlohmann::ordered_json();
  }
  return json;
}

RowPredictions predict_rows(const std::vector<const predict::Predictor*>& models,
                            const data::LabelledRows& rows, const EvaluateOptions& options) {
  check_fit(models, rows, false);
  Ensemble ensemble(models, rows, options.precision);
  if (models[0]->spec().task == Task::classification)
    return said(classify(ensemble, rows, options));
  return said(regress(ensemble, rows, options));
}

double error_of(const predict::Predictor& model, const data::LabelledRows& rows) {
  check_fit({&model}, rows, true);
  const RowPredictions said = predict_rows({&model}, rows);
  if (model.spec().task == Task::classification) return metric::error_rate(said.p, rows.label);
  return metric::rmse(std::vector<double>(rows.y.begin(), rows.y.end()), said.mean);
}

Evaluation evaluate(const std::vector<const predict::Predictor*>& models,
                    const data::LabelledRows& rows, const EvaluateOptions& options) {
  check_fit(models, rows, true);
  if (!(options.precision >= 0) || std::isinf(options.precision)) {
    fail<std::domain_error>("evaluate", "precision must be positive", options.precision);
  }
  check(options.precision == 0 || models[0]->spec().task == Task::regression, "evaluate",
        "a precision is of a regression");
  Ensemble ensemble(models, rows, options.precision);
  Evaluation out{rows.rows, {}};
  const EvaluateOptions deterministic{0, options.seed};
  const bool draws = options.samples > 0;
  if (models[0]->spec().task == Task::classification) {
    Classified c = classify(ensemble, rows, deterministic);
    add_classification("", c, rows, out);
    if (draws) {
      c = classify(ensemble, rows, options);
      add_classification("mc_", c, rows, out);
      out.metrics.emplace_back("epistemic", c.epistemic);
      out.metrics.emplace_back("aleatoric", c.aleatoric);
    }
    add_class_baseline(rows, out);
    out.said = said(std::move(c));
  } else {
    Regressed r = regress(ensemble, rows, deterministic);
    add_regression("", r, rows, out);
    if (draws) {
      r = regress(ensemble, rows, options);
      add_regression("mc_", r, rows, out);
      out.metrics.emplace_back("mc_draw_mae", r.draw_mae);
      out.metrics.emplace_back("epistemic_sd", r.epistemic_sd);
      out.metrics.emplace_back("aleatoric_sd", r.aleatoric_sd);
    }
    add_number_baseline(rows, out);
    out.said = said(std::move(r));
  }
  return out;
}

}  // namespace scalemix::inline v0::predict
