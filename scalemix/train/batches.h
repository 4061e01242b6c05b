// Mini-batches of a stack: every replica its own rows in its own order, standardised as they are
// gathered.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "scalemix/data/augment.h"
#include "scalemix/train/plan.h"

namespace scalemix::inline v0::train {

class Batches {
 public:
  /// `replicas` have the same number of training rows, and of validation rows. `least`: rows that a
  /// batch must have; a rest of fewer joins the batch before it. Throws std::invalid_argument if
  /// there are fewer training rows than that.
  Batches(const data::Dataset& data, std::vector<const Replica*> replicas, std::size_t batch,
          std::size_t least, data::Augment augment = {});

  std::size_t train_rows() const { return replicas_.front()->split.train.size(); }
  std::size_t validation_rows() const { return replicas_.front()->split.validation.size(); }
  /// Rows of the largest batch, and of the one that begins with row `first` of an epoch.
  std::size_t most() const;
  std::size_t count(std::size_t first) const;
  /// Rows of a batch as it was asked for.
  std::size_t batch() const { return batch_; }

  /// Shuffles for an epoch (1, 2, ... replays: it does nothing for the one at hand).
  void begin(std::int64_t epoch);
  /// Rows [first, first + count) of replica r's order: x (count, width), and the targets (count) of
  /// the task; with a teacher (Dataset::soft) labels are numbers of rows. From several threads at once after begin().
  void train(std::size_t r, std::size_t first, std::size_t count, float* x, std::int64_t* labels,
             float* targets) const;
  /// The same of its validation rows.
  void validation(std::size_t r, std::size_t first, std::size_t count, float* x,
                  std::int64_t* labels, float* targets) const;
  const data::Dataset& data() const { return data_; }
  /// What a row of zeros of the data becomes: x (width).
  void ground(std::size_t r, float* x) const;

 private:
  using Rows = std::span<const std::uint32_t>;
  /// Images of an epoch, each changed for itself, standardised: x (rows, width).
  void fill_changed(std::size_t r, Rows rows, float* x) const;
  void answers(std::size_t r, Rows rows, std::int64_t* labels, float* targets) const;
  /// Of training rows, where there is a teacher: the row's number for its label, the teacher's target.
  void soft_answers(std::size_t r, Rows rows, std::int64_t* labels, float* targets) const;
  void fill(std::size_t r, Rows rows, float* x) const;

  const data::Dataset& data_;
  std::vector<const Replica*> replicas_;
  std::size_t batch_, least_;
  data::Augment augment_;
  std::vector<std::vector<std::uint32_t>> order_;  // (R, N) rows in the order of `epoch_`
  std::int64_t epoch_ = -1;
};

}  // namespace scalemix::inline v0::train
