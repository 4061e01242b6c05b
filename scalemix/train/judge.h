// Scores of the networks of a stack on rows that they are not trained on, without noise.
#pragma once

#include <vector>

#include "scalemix/engine/program.h"
#include "scalemix/train/batches.h"
#include "scalemix/train/stack.h"

namespace scalemix::inline v0::train {

class Judge {
 public:
  /// All must outlive it.
  Judge(const model::Spec& spec, const Store& store, const Batches& batches);

  /// Mean nll and mean error (misclassified, or squared error in standardised units).
  struct Score {
    double nll = 0, error = 0;
  };
  /// Of replica r; `log_precision` (outputs) of its regression, or null: as its values have it.
  Score score(std::size_t r, const float* log_precision);

 private:
  Score of_rows(std::size_t rows, const float* log_precision, float* outputs);

  Task task_;
  const Store& store_;
  const Batches& batches_;
  engine::Program program_;
  engine::Schedule schedule_;
  std::vector<float> memory_, prepared_, targets_;
  std::vector<std::int64_t> labels_;
};

}  // namespace scalemix::inline v0::train
