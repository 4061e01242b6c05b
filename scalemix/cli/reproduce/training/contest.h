// Several ways of training on the same seeds and rows, for entries that ask which is better.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "scalemix/cli/reproduce/common.h"
#include "scalemix/data/dataset.h"
#include "scalemix/data/rows.h"
#include "scalemix/model/model_file.h"
#include "scalemix/run/config.h"

namespace scalemix::inline v0::cli::reproduce {

struct Contestant {
  std::string label;
  run::TrainConfig config;
};
/// With a method's word alone, where the rest is the contest's.
Contestant contestant(std::string label, std::string method, const run::TrainConfig& base);

/// Of each seed, or split, on test rows; Monte-Carlo numbers where the network draws.
struct Scores {
  std::vector<double> error;  // share that is wrong, or RMSE
  std::vector<double> log_likelihood, ece, sparsity;
  std::vector<double> train_error;  // deterministic, on the training rows
  std::vector<model::Model> models;
};

/// A named set, or the glyphs where it is not on this machine, cut to its first rows.
data::Dataset contest_data(const std::string& name, std::size_t train_rows, std::size_t test_rows);

/// Of images in classes, the rows of the first division alone, training rows first: plans copy their data,
/// and an entry of many trainings makes many.
data::Dataset used_rows(data::Dataset data);

/// Trains all replicas of the config in a stack and scores them. `epoch(share done)` is called as epochs
/// end. `train_errors`: wanted too.
Scores hold(const run::TrainConfig& config, const data::Dataset& data,
            const std::function<void(double)>& epoch = {}, bool train_errors = false);

/// "a is better than b": whether the first numbers are smaller, by a paired t test at 5 %, and if that is
/// not resolved, the difference that would have been seen with probability 0.8.
Claim smaller_claim(std::string sentence, const std::vector<double>& a,
                    const std::vector<double>& b);

/// Several such claims made together: with Holm's correction of their p, which decides.
struct Compared {
  std::string sentence;
  std::vector<double> a, b;
};
std::vector<Claim> smaller_claims(const std::vector<Compared>& all);

/// All contestants on one set of data, with rows of their errors and log-likelihoods, named after
/// `prefix`; progress is counted from `done`.
std::vector<Scores> hold_all(const std::vector<Contestant>& contestants, const data::Dataset& data,
                             const std::string& prefix, const Effort& effort, Result& result,
                             bool train_errors = false);

/// Of each model, how well its predictive entropy tells the rows of another set from its own: AUROC.
/// `samples`: draws; 0: deterministic.
std::vector<double> entropy_auroc(const std::vector<model::Model>& models,
                                  const data::LabelledRows& own, const data::LabelledRows& other,
                                  std::size_t samples);

/// Seeds of an entry: ten, or `least`, or as many as are asked for.
int contest_seeds(const Effort& effort, std::size_t least = 10);

/// What the contestants of an entry share. `samples`: draws of predictions.
run::TrainConfig contest_base(const Effort& effort, const char* model, int epochs, int samples = 0);

}  // namespace scalemix::inline v0::cli::reproduce
