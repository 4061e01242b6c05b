#include "scalemix/cli/prune_study.h"

#include <fmt/format.h>

#include <algorithm>

#include "scalemix/base/error.h"
#include "scalemix/predict/evaluate.h"

namespace scalemix::inline v0::cli {

PruneStudy::PruneStudy(const PruneCommand& o, const model::Model& model,
                       const data::LabelledRows& rows)
    : o_(o), rows_(rows), classes_(model.spec.task == Task::classification) {
  for (const std::string& name : o.rules) {
    const compress::Rule& row = compress::rule(name);
    compress::PruneOptions options = o.options;
    options.rule = name;
    options.per_layer = o.scope == "layer";
    options.grain = o.grain == "unit" ? compress::Grain::unit : compress::Grain::weight;
    const compress::Moments moments = moments_for(row, model);
    labels_.push_back(
        moments.estimator == "weights" ? name : fmt::format("{} ({})", name, moments.estimator));
    pruners_.emplace_back(model, moments, options);
  }
  before_ = error(model);
}

double PruneStudy::error(const model::Model& model) const {
  return (classes_ ? 100 : 1) * predict::error_of(predict::Predictor(model), rows_);
}

/// The most that --max-loss allows: percentage points, or percent of the RMSE.
double PruneStudy::allowed() const {
  return classes_ ? before_ + *o_.max_loss : before_ * (1 + *o_.max_loss / 100);
}

compress::Moments PruneStudy::moments_for(const compress::Rule& row,
                                          const model::Model& model) const {
  if (!row.variances) return compress::weights_of(model);
  if (o_.estimator == "noise") return compress::noise_moments(model);
  if (o_.estimator == "spread") return compress::spread_moments(model);
  const bool asked = o_.estimator == "posterior",
             found = o_.estimator == "auto" && compress::has_posterior(model);
  return asked || found ? compress::posterior_moments(model) : laplace(model);
}

compress::Moments PruneStudy::laplace(const model::Model& model) const {
  const std::size_t n = std::min(o_.laplace_rows, rows_.rows), width = rows_.x.size() / rows_.rows;
  return compress::laplace_moments(model, std::span(rows_.x).first(n * width), n,
                                   {.training_rows = rows_.rows, .seed = o_.options.seed});
}

/// The sparsest network of a rule whose error is allowed: halving between the first of a few points
/// that is not and the last that is.
std::optional<model::Model> PruneStudy::within_loss(std::size_t rule) const {
  const compress::Pruner& pruner = pruners_[rule];
  const auto fits = [&](double s) { return error(pruner.at_sparsity(s)) <= allowed(); };
  double good = -1, bad = pruner.most();
  for (const double s : {0.0, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995}) {
    if (s >= pruner.most()) break;
    if (!fits(s)) {
      bad = s;
      break;
    }
    good = s;
  }
  if (good < 0) return {};
  for (int i = 0; i < 8; ++i) {
    const double middle = (good + bad) / 2;
    (fits(middle) ? good : bad) = middle;
  }
  return pruner.at_sparsity(good);
}

std::pair<model::Model, std::size_t> PruneStudy::choose() const {
  std::optional<model::Model> best;
  std::size_t rule = 0;
  double least = 0;
  for (std::size_t r = 0; r < rules(); ++r) {
    std::optional<model::Model> one;
    if (o_.max_loss) one = within_loss(r);
    if (o_.sparsity) one = pruners_[r].at_sparsity(*o_.sparsity);
    if (o_.threshold) one = pruners_[r].at_threshold(*o_.threshold);
    if (!one) continue;
    const double cost = o_.max_loss ? -compress::sparsity_of(*one) : error(*one);
    if (best && cost >= least) continue;
    best = std::move(one);
    rule = r;
    least = cost;
  }
  if (!best) throw ConfigError(fmt::format("no rule keeps the loss within {:g}", *o_.max_loss));
  return {std::move(*best), rule};
}

}  // namespace scalemix::inline v0::cli
