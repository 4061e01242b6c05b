// A stack in training: R networks of one spec, each on its own rows.
//
// The objective of replica r on a batch of B of its N training rows is
//
//   mean_b nll + penalty_r * weight(epoch) * (sum of the layers' penalties) / N
//
// so learning rates and clipping do not scale with N; N times it, at penalty and weight 1, is the
// negative bound in nats. Learning rate, penalty factor and weight decay are the replica's own.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "scalemix/model/model_file.h"
#include "scalemix/train/mask.h"
#include "scalemix/train/plan.h"
#include "scalemix/train/spread.h"
#include "scalemix/train/store.h"

namespace scalemix::inline v0::train {

/// A number of each replica.
using PerReplica = std::vector<double>;

/// Where a stack stands; with the arrays of its store, all that a checkpoint needs.
struct State {
  std::int64_t epoch = 0, step = 0;  // finished epochs, finished steps
  std::size_t row = 0;               // rows done in the running epoch
  PerReplica nll_sum, penalty;       // of the running epoch: sum over rows; last value, nats
  PerReplica first_nll;              // of the first step, for the divergence guard
  PerReplica best_score;             // validation score of the best epoch
  std::vector<std::int64_t> best_epoch;
  std::vector<bool> active;                    // false: stopped early
  std::vector<float> best_values, best_state;  // empty before there are some
  std::vector<float> average;                  // running mean of the values, where one is kept
  SpreadSums spread = {};                      // where it is gathered
};

/// Validation scores, deterministic pass.
struct Scores {
  PerReplica nll;    // mean over rows, nats; standardised units
  PerReplica error;  // share of rows misclassified, or RMSE in target units
};

/// What an epoch came to, of each replica.
struct EpochReport {
  std::int64_t epoch = 0, step = 0;   // finished ones
  std::vector<std::size_t> replicas;  // their places in the plan
  PerReplica nll;                     // mean over training rows, noise on
  PerReplica lr = {};
  PerReplica penalty = {};    // nats; empty without one
  double penalty_weight = 0;  // of the warm-up
  PerReplica sparsity = {};   // share of weights switched off; empty where none can be
  // Regression with a learned precision: nats per row by which it misses the best one for the
  // epoch's errors; else empty.
  PerReplica precision_gap = {};
  Scores validation = {};  // empty without validation rows
};

class Stepper;
class Batches;
class Judge;

class Stack {
 public:
  /// `members`: places of the plan's replicas that train together; data and plan must outlive the
  /// stack. Throws as resolve() and Batches do.
  Stack(const data::Dataset& data, const Plan& plan, std::vector<std::size_t> members);
  ~Stack();

  /// One optimiser step on the next rows of the running epoch. Throws Diverged.
  void step();
  bool epoch_done() const;
  /// Ends the epoch: scores, best weights, early stopping.
  EpochReport end_epoch();
  bool done() const;
  /// Puts the weights in place that the model gets: the best where early stopping kept them, the
  /// running mean where that is kept.
  void settle();
  /// To be called when somebody else wrote the weights.
  void values_changed();

  /// The trained model of a member (its place in this stack).
  model::Model model(std::size_t member) const;
  const std::vector<std::size_t>& members() const { return members_; }
  std::size_t replicas() const { return members_.size(); }
  std::size_t rows() const;
  const Plan& plan() const { return plan_; }
  /// Share of the weights that are switched off; empty where no noise of the network does that.
  PerReplica sparsity() const;

  Scores validate();
  /// How it steps, chosen by network, batch and data, never by R (Stepper::path).
  std::string path() const;
  /// Whether products leave zeros out.
  bool sparse() const;

  Store& store() { return store_; }
  State state;

 private:
  void set_rates(double epoch);
  void record(const PerReplica& nll, std::size_t rows);
  void keep_best(const Scores& scores);
  void follow_average();
  /// Share of the training that is done with so many more rows.
  double progress(std::size_t more) const;
  Scores judge_epoch();
  bool learns_precision() const {
    return plan_.spec.task == Task::regression && given_precision_.empty();
  }
  PerReplica precision_gap(const PerReplica& nll) const;

  const data::Dataset& data_;
  const Plan& plan_;
  std::vector<std::size_t> members_;
  RateSchedule schedule_;
  Store store_;
  Mask mask_;
  std::unique_ptr<Batches> batches_;
  std::unique_ptr<Spread> spread_;
  PerReplica length_decay_;             // weight decay from a length-scale
  std::vector<float> given_precision_;  // (R) log, standardised; empty where it is learned
  std::unique_ptr<Stepper> stepper_;
  std::unique_ptr<Judge> judge_;    // made when it is first asked
  std::vector<optim::Rate> rates_;  // of the running step
  PerReplica penalty_weight_;       // of the running step, over the number of training rows
};

}  // namespace scalemix::inline v0::train
