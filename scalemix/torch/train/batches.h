// Mini-batches of a stack: every replica its own rows in its own order, standardised as they are
// gathered.
#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <span>
#include <vector>

#include "scalemix/torch/train/plan.h"

namespace scalemix::inline v0::train {

struct Batch {
  torch::Tensor x;       // (R, B, shape...) float, standardised
  torch::Tensor target;  // (R, B) int64 classes, or (R, B, 1) float standardised targets
  std::int64_t rows() const { return x.size(1); }
};

class Batches {
 public:
  /// `replicas` have the same number of training rows, and of validation rows.
  Batches(const data::Dataset& data, std::vector<const Replica*> replicas);

  /// Rows [first, first + count) of the training order of an epoch.
  Batch train(std::int64_t epoch, std::size_t first, std::size_t count);
  /// The same of replica r alone, into memory: x (count, width), and the targets (count) of the
  /// task. Of several replicas at once after begin(epoch).
  void begin(std::int64_t epoch);
  void fill(std::size_t r, std::size_t first, std::size_t count, float* x, std::int64_t* labels,
            float* targets) const;
  /// What a row of zeros of the data becomes: x (width).
  void ground(std::size_t r, float* x) const;
  /// Rows [first, first + count) of the validation rows.
  Batch validation(std::size_t first, std::size_t count);

  std::size_t train_rows() const { return replicas_.front()->split.train.size(); }
  std::size_t validation_rows() const { return replicas_.front()->split.validation.size(); }

 private:
  using Rows = std::span<const std::uint32_t>;
  Batch gather(const std::vector<Rows>& rows);
  void fill(std::size_t r, Rows rows, float* x, std::int64_t* labels, float* targets) const;
  void shuffle(std::int64_t epoch);

  const data::Dataset& data_;
  std::vector<const Replica*> replicas_;
  std::vector<std::vector<std::uint32_t>> order_;  // (R, N) rows in the order of `epoch_`
  std::int64_t epoch_ = -1;
};

}  // namespace scalemix::inline v0::train
