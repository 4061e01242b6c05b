// A stack's training step: forward, loss, backward and update of one replica after the other. It
// allocates nothing.
//
// Nothing waits for a batch: the update, which no longer reads the last one, gathers the next into
// its place, as further work of the same parallel loop. A step gathers at its start only what it
// does not find: the first batch of an epoch, and all of them where gradients are clipped.
//
// The learned precision of a regression's noise has its optimum in closed form, the inverse of the
// mean squared error, and follows it: in step t = 1, 2, ... the variance moves to the batch's error by
// a share max(1 / t, 1 / 50), so it starts as the residual variance of the first batch.
//
// With S draws for each row (objective.h) a batch is S copies of its rows, one after the other, which
// the network sees as one batch; copy s of row n has row number s times the batch, plus n.
//
// Small networks are cheaper to train whole on one thread than to spread: their replicas share the
// threads. Large ones take the threads one after the other. Which, is decided by the network and
// the batch alone, so a replica's bits do not depend on how many stand beside it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "scalemix/train/batches.h"
#include "scalemix/train/objective.h"
#include "scalemix/train/update.h"

namespace scalemix::inline v0::train {

/// What one step is about.
struct StepInput {
  std::int64_t step = 0, epoch = 0;                     // finished ones
  std::size_t first = 0, count = 0;                     // rows of the epoch's order
  double progress = 0;                                  // share of the training that is done
  const std::vector<optim::Rate>* rates = nullptr;      // (R)
  const std::vector<double>* penalty_weight = nullptr;  // (R), over the number of training rows
  bool wants_penalty = false;                           // its value, beside its gradient
  const std::vector<bool>* active = nullptr;            // (R): others are left as they are
};

/// What came of it, of each replica.
struct StepOutput {
  std::vector<double> nll, penalty;  // nats; penalty only where it was asked for
  std::vector<double> norm;          // of the gradient; not finite where a gradient is not
};

class Stepper {
 public:
  /// All must outlive it. `seeds` (R); `given_precision` (R) or empty: the log precision is learned.
  /// `mask`: or null, if no weights are held at zero.
  Stepper(const model::Spec& spec, Store& store, Batches& batches, std::vector<std::uint64_t> seeds,
          std::vector<float> given_precision, const FitOptions& options, bool sparse_data,
          const Mask* mask = nullptr);

  /// To be called when somebody else wrote the weights.
  void prepare();
  const StepOutput& run(const StepInput& input);
  /// How a replica trains: "one thread per replica" or "all threads per replica", then
  /// ", sparse data", ", sparse gradients" and ", sparse weights" where products leave out the zeros of
  /// those.
  std::string path() const;
  bool sparse() const { return program_.sparse() || program_.sparse_gradients() || mask_; }
  /// Floats of memory beside the store.
  std::size_t memory() const { return memory_.size() + prepared_.size(); }
  const engine::Program& program() const { return program_; }

 private:
  /// Which batch: rows of a replica's order of an epoch.
  struct BatchKey {
    std::size_t replica = 0;
    std::int64_t epoch = 0;
    std::size_t first = 0, count = 0;
    bool operator==(const BatchKey&) const = default;
  };

  void run_replica(const StepInput& input, std::size_t r, std::size_t lane);
  engine::Frame frame(std::size_t r);
  /// What the batch's lane needs after it; no row if that is of another epoch.
  BatchKey after(BatchKey batch) const;
  /// Rows [first, last) of a batch, to their place in its lane's memory.
  void gather(const BatchKey& batch, std::size_t first, std::size_t last);
  double loss(std::size_t r, std::size_t lane, std::size_t rows);
  double likelihood(std::size_t r, std::size_t lane, std::size_t rows);
  /// Of the rows of a lane, from the outputs; null where all are 1.
  const float* weights(std::size_t r, std::size_t lane, std::size_t rows);
  const float* log_precision(std::size_t r) const;
  bool learns_precision() const { return task_ == Task::regression && given_precision_.empty(); }
  void follow_errors(std::size_t r, std::int64_t step);
  double penalty(const engine::Frame& frame) const;
  float* memory(std::size_t lane) { return memory_.data() + lane * schedule_.floats(); }

  Task task_;
  Store& store_;
  Batches& batches_;
  std::vector<std::uint64_t> seeds_;
  std::vector<float> given_precision_;
  std::size_t samples_;
  const Objective objective_;
  const Mask* mask_;
  engine::Program program_;
  engine::Schedule schedule_;
  Update update_;
  std::size_t lanes_;
  std::size_t log_precision_ = 0;  // offset, of a regression
  bool small_;
  std::vector<float> memory_;         // (lanes, schedule's)
  std::vector<BatchKey> held_;        // (lanes) what lies in memory
  std::vector<std::int64_t> labels_;  // (lanes, batch)
  std::vector<float> targets_;        // (lanes, batch)
  std::vector<float> weights_;        // (lanes, batch) and room as large, where objectives weigh
  std::vector<float> prepared_;       // (R, program's)
  std::vector<float> ground_;         // (R, width) of sparse data, else empty
  StepOutput output_;
};

}  // namespace scalemix::inline v0::train
