// A stack's training step on raw memory: forward, loss, backward and update of one replica after
// the other, without a tape or a tensor. Its objective is that of stack.h; it allocates nothing.
//
// Nothing waits for a batch: Adam's update, which no longer reads the last one, gathers the next
// into its place, as further work of the same parallel loop. A step gathers at its start only what
// it does not find: the first batch of an epoch, and all where the update goes in parts (SGD,
// clipping).
//
// Small networks are cheaper to train whole on one thread than to spread: their replicas share the
// threads. Large ones take the threads one after the other. Which, is decided by the network and
// the batch alone, so a replica's bits do not depend on how many stand beside it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "scalemix/torch/nn/network.h"
#include "scalemix/torch/optim/optimiser.h"
#include "scalemix/torch/step/program.h"
#include "scalemix/torch/train/batches.h"

namespace scalemix::inline v0::train {

/// What one step is about.
struct StepInput {
  std::int64_t step = 0, epoch = 0;                     // finished ones
  std::size_t first = 0, count = 0;                     // rows of the epoch's order
  const std::vector<optim::Rate>* rates = nullptr;      // (R)
  const std::vector<double>* penalty_weight = nullptr;  // (R), over the number of training rows
  bool wants_penalty = false;                           // its value, beside its gradient
  const std::vector<bool>* active = nullptr;            // (R)
};

/// What came of it, a replica.
struct StepOutput {
  std::vector<double> nll, penalty;  // nats; penalty only where it was asked for
  std::vector<double> norm;          // of the gradient; not finite where a gradient is not
};

class PlannedStep {
 public:
  /// Nothing if a layer has no node. All must outlive it. `given_precision` (R) or empty: the log
  /// precision is learned.
  static std::unique_ptr<PlannedStep> make(const Plan& plan, Batches& batches, nn::Network& network,
                                           optim::Optimiser& optimiser,
                                           std::vector<float> given_precision);

  /// To be called when somebody else wrote the weights.
  void prepare();
  const StepOutput& run(const StepInput& input);
  /// How a replica trains: "planned, a thread a replica", or "planned, all threads a replica";
  /// behind it ", sparse data" and ", sparse gradients" where products leave out the zeros of
  /// those.
  std::string path() const;
  bool sparse() const { return program_.sparse() || program_.sparse_gradients(); }

 private:
  PlannedStep(const Plan& plan, Batches& batches, nn::Network& network, optim::Optimiser& optimiser,
              std::vector<float> given_precision, step::Program program);

  /// Which batch: rows of a replica's order of an epoch.
  struct BatchKey {
    std::size_t replica = 0;
    std::int64_t epoch = 0;
    std::size_t first = 0, count = 0;
    bool operator==(const BatchKey&) const = default;
  };

  void run_replica(const StepInput& input, std::size_t r, std::size_t lane);
  /// What the batch's lane needs after it; no row if that is of another epoch.
  BatchKey after(BatchKey batch) const;
  /// Rows [first, last) of a batch, to their place in its lane's memory.
  void gather(const BatchKey& batch, std::size_t first, std::size_t last);
  double loss(std::size_t r, std::size_t lane, std::size_t rows, float* outputs, float* doutputs);
  double penalty(std::size_t r) const;
  double update(const StepInput& input, std::size_t r);
  double update_fused(const StepInput& input, const BatchKey& batch);
  /// Numbers [first, last) of what is updated: the posteriors' weights, then the rest. Returns the
  /// sum of the gradients' squares.
  double update_numbers(const StepInput& input, std::size_t r, std::size_t first, std::size_t last);
  float* values(std::size_t r) const {
    return network_.storage().values.data_ptr<float>() + r * parameters_;
  }
  float* gradients(std::size_t r) const {
    return network_.storage().gradients.data_ptr<float>() + r * parameters_;
  }
  float* sigma2(std::size_t r) { return sigma2_.data() + r * program_.variances(); }
  void prepare(std::size_t r);
  void find_rest();

  const Plan& plan_;
  Batches& batches_;
  nn::Network& network_;
  optim::Optimiser& optimiser_;
  std::vector<float> given_precision_;
  step::Program program_;
  std::size_t replicas_, parameters_, lanes_;
  std::size_t log_precision_ = 0;  // offset, for a regression
  bool small_, fused_;
  std::vector<optim::Part> rest_;     // what no posterior owns
  std::size_t updated_ = 0;           // weights under a posterior, and the rest
  std::vector<float> memory_;         // (lanes, program's)
  std::vector<BatchKey> held_;        // (lanes) what lies in memory
  std::vector<std::int64_t> labels_;  // (lanes, batch)
  std::vector<float> targets_;        // (lanes, batch)
  std::vector<float> sigma2_;         // (R, program's variances)
  std::vector<float> ground_;         // (R, width) of sparse data, else empty
  StepOutput output_;
};

}  // namespace scalemix::inline v0::train
