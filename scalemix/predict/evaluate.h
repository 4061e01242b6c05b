// How good trained networks are on labelled rows: one network, or several as an ensemble.
//
// classification, deterministic     error accuracy balanced_accuracy f1 auroc average_precision nll brier ece
//                 Monte-Carlo       the same as mc_error ...; epistemic aleatoric
//                 no network        baseline_error baseline_nll
// regression,     deterministic     rmse mae r2 log_likelihood crps quantile_loss_05 quantile_loss_95
//                                   coverage_90
//                 Monte-Carlo       the same as mc_rmse ...; mc_draw_mae epistemic_sd aleatoric_sd
//                 no network        baseline_rmse baseline_mae
//
// Everything is in the user's units: targets as they stand in the data, likelihoods in nats per row.
// An ensemble of M networks with T draws each is a mixture of M T equal parts: class probabilities
// are averaged, and the log-likelihood is
//
//   mean_n log 1/(M T) sum_{m,t} N(y_n; draw_{m,t,n}, 1 / precision_m)
//
// (one part without draws for M = 1 is the plain Gaussian). coverage_90 is the share of rows inside
// the central 90 % interval of the normal with the mixture's mean and variance; 0.9 is right. crps and the
// quantile losses are of that normal, too. What is measured class by class is explained in
// metric/by_class.h. The baselines know nothing of the inputs, but the answers of these very rows: the most
// frequent class, the classes' frequencies; the mean of the targets, their median. A network that is not
// better has learned nothing.
// mc_draw_mae is the mean of |y - draw|, over draws and rows: of single stochastic predictions, not of
// their mean. `epistemic` and `aleatoric` are means over rows of the two parts of the predictive entropy, in
// nats; `epistemic_sd` and `aleatoric_sd` means of the standard deviations of the mean over draws
// and of the noise.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <utility>
#include <vector>

#include "scalemix/data/rows.h"
#include "scalemix/predict/predictor.h"

namespace scalemix::inline v0::predict {

struct EvaluateOptions {
  std::size_t samples = 0;  // Monte-Carlo draws; 0: the deterministic metrics alone
  std::uint64_t seed = 0;   // of the draws; every network reads the same streams
  // Of a regression's noise, in 1 / target units squared, in place of what the networks have; 0: theirs.
  double precision = 0;
};

/// What networks say of each row, as one mixture.
struct RowPredictions {
  // Classification: mean probabilities (N, C); entropy of them, and the part of it that draws differ by
  // (mutual information), (N), nats.
  std::vector<double> p = {}, total = {}, epistemic = {};
  // Regression: mean and variance of the mixture (N), noise included.
  std::vector<double> mean = {}, variance = {};
};

struct Evaluation {
  std::size_t rows = 0;
  std::vector<std::pair<std::string, double>> metrics;  // in the order of the list above
  RowPredictions said = {};                             // by the draws, where there are some

  /// Throws std::invalid_argument if there is no metric of that name.
  double at(const std::string& name) const;
  /// {"rows": N, "error": ..., ...}; a number that is not finite (r2 of constant targets) is null.
  nlohmann::ordered_json to_json() const;
};

/// Of rows with answers or without. Throws as evaluate() does, but for answers.
RowPredictions predict_rows(const std::vector<const predict::Predictor*>& models,
                            const data::LabelledRows& rows, const EvaluateOptions& options = {});

/// The first metric alone, for those who ask it of many networks: share of wrong answers of the deterministic
/// network, or its RMSE. Throws as evaluate() does.
double error_of(const predict::Predictor& model, const data::LabelledRows& rows);

/// Rows are computed in blocks, so memory does not grow with rows times draws. Throws
/// std::invalid_argument without networks, without rows, for rows without answers, for another
/// width than the networks', for networks of different tasks or outputs, and for a regression with
/// several targets; std::domain_error for a precision that is negative or not finite.
Evaluation evaluate(const std::vector<const predict::Predictor*>& models,
                    const data::LabelledRows& rows, const EvaluateOptions& options = {});

}  // namespace scalemix::inline v0::predict
