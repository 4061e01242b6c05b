// A stack in training: R networks of one spec, each on its own rows, as one set of batched
// products.
//
// The objective of replica r on a batch of B of its N training rows is
//
//   mean_b nll + penalty_r * weight(epoch) * (sum of the layers' penalties) / N
//
// so learning rates and clipping do not scale with N; N times it, at penalty and weight 1, is the
// negative bound in nats. Learning rate, penalty factor and weight decay are the replica's own.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "scalemix/torch/nn/network.h"
#include "scalemix/torch/optim/optimiser.h"
#include "scalemix/torch/train/batches.h"
#include "scalemix/torch/train/planned.h"

namespace scalemix::inline v0::train {

/// A number a replica.
using PerReplica = std::vector<double>;

/// Where a stack stands; with the tensors of network and optimiser, all that a checkpoint needs.
struct State {
  std::int64_t epoch = 0, step = 0;  // finished epochs, finished steps
  std::size_t row = 0;               // rows done in the running epoch
  PerReplica nll_sum, penalty;       // of the running epoch: sum over rows; last value, nats
  PerReplica first_nll;              // of the first step, for the divergence guard
  PerReplica best_score;             // validation score of the best epoch
  std::vector<std::int64_t> best_epoch;
  std::vector<bool> active;  // false: stopped early
  torch::Tensor best_values, best_buffers;
};

/// Validation scores, deterministic pass.
struct Scores {
  PerReplica nll;    // mean over rows, nats; standardised units
  PerReplica error;  // share of rows misclassified, or RMSE in target units
};

class Stack {
 public:
  /// `members`: indices of the plan's replicas that train together; `plan` must outlive the stack.
  Stack(const Plan& plan, std::vector<std::size_t> members);

  /// One optimiser step on the next rows of the running epoch. Throws Diverged.
  void step();
  bool epoch_done() const { return state.row >= batches_.train_rows(); }
  /// Ends the epoch: scores, best weights, early stopping; returns the line for the log.
  nlohmann::json end_epoch();
  bool done() const;
  /// Puts the best weights back where early stopping kept them.
  void restore_best();

  /// To be called when somebody else wrote the weights.
  void values_changed();

  /// The trained model of a member (its place in this stack).
  model::Model model(std::size_t member) const;
  const std::vector<std::size_t>& members() const { return members_; }
  std::size_t replicas() const { return members_.size(); }
  std::size_t rows() const { return batches_.train_rows(); }
  /// Share of the weights under a posterior that count as zero, a replica; empty without a
  /// posterior.
  PerReplica sparsity() const;

  Scores validate();
  /// How it steps, chosen by network, batch and data, never by R: "tape", or PlannedStep::path().
  std::string path() const;
  /// Whether its first products leave out the zeros of the data.
  bool sparse() const;

  nn::Network& network() { return network_; }
  optim::Optimiser& optimiser() { return optimiser_; }
  State state;

 private:
  torch::Tensor objective(const Batch& batch);
  PerReplica step_with_tape(std::size_t count);
  PerReplica step_planned(std::size_t count);
  void set_rates(double epoch);
  void record(const PerReplica& nll, std::size_t rows);
  void keep_best(const Scores& scores);
  torch::Tensor log_precision() const;
  std::vector<const Replica*> replicas_of(const Plan& plan) const;
  std::vector<std::uint64_t> seeds_of(const Plan& plan) const;

  const Plan& plan_;
  std::vector<std::size_t> members_;
  Batches batches_;
  nn::Network network_;
  optim::Optimiser optimiser_;
  std::vector<Settings> settings_;        // of each replica
  std::vector<optim::Rate> rates_;        // of the running step
  PerReplica penalty_weight_;             // of the running step, over the number of training rows
  torch::Tensor given_precision_;         // (R, 1) log, standardised; undefined where it is learned
  std::unique_ptr<PlannedStep> planned_;  // null: a layer has no node, steps go through autograd
};

/// Groups a plan's replicas into stacks: those whose numbers of rows agree train together.
std::vector<std::vector<std::size_t>> group(const Plan& plan);

}  // namespace scalemix::inline v0::train
