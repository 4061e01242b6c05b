// What `prune` looks at: rules with their estimators on labelled rows, and the network that a choice names.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "scalemix/cli/models.h"
#include "scalemix/cli/options.h"
#include "scalemix/compress/prune.h"
#include "scalemix/data/rows.h"

namespace scalemix::inline v0::cli {

struct PruneCommand {
  ModelOptions model;
  RowOptions rows;
  std::string part = "auto", estimator = "auto", grain = "weight", scope = "global",
              store = "float32", out, plot, csv;
  std::vector<std::string> rules;
  std::vector<double> points{0, 0.5, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99};
  std::optional<double> sparsity, max_loss, threshold;
  std::size_t laplace_rows = 2000;
  compress::PruneOptions options;
  bool keep_units = false, json = false, quiet = false;
  int threads = 0;

  bool chooses() const { return sparsity || max_loss || threshold; }
};

/// What the rules look at, and how well a pruned network does.
class PruneStudy {
 public:
  /// All must outlive it. Throws ConfigError as the pruners and the estimators do.
  PruneStudy(const PruneCommand& o, const model::Model& model, const data::LabelledRows& rows);

  std::size_t rules() const { return pruners_.size(); }
  /// The rule, with the estimator that it looks at.
  const std::string& label(std::size_t r) const { return labels_[r]; }
  const compress::Pruner& pruner(std::size_t r) const { return pruners_[r]; }
  double before() const { return before_; }
  const char* what() const { return classes_ ? "error, %" : "RMSE"; }

  /// Percent of wrong answers, or the root mean squared error; deterministic.
  double error(const model::Model& model) const;
  /// The network that the options choose, of the rule that does best there, and that rule. Throws
  /// ConfigError where no rule can.
  std::pair<model::Model, std::size_t> choose() const;

 private:
  compress::Moments moments_for(const compress::Rule& row, const model::Model& model) const;
  compress::Moments laplace(const model::Model& model) const;
  double allowed() const;
  std::optional<model::Model> within_loss(std::size_t rule) const;

  const PruneCommand& o_;
  const data::LabelledRows& rows_;
  bool classes_;
  std::vector<std::string> labels_;
  std::vector<compress::Pruner> pruners_;
  double before_ = 0;
};

}  // namespace scalemix::inline v0::cli
