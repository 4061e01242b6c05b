// How far the weights move about in the last part of a training: the variance of each over its steps,
// which compress/moments.h takes for that of a posterior.
//
// At most about a thousand steps are looked at, in equal distances, so that it costs next to nothing.
//
// Source: Mandt, Hoffman & Blei (2017), Stochastic gradient descent as approximate Bayesian inference;
// Maddox et al. (2019) take such moments for prediction
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "scalemix/train/store.h"

namespace scalemix::inline v0::train {

/// What is gathered; part of a checkpoint.
struct SpreadSums {
  std::vector<float> mean, square;  // (R, W) of the weights: mean, sum of squares about it
  std::vector<std::int64_t> count;  // (R) of steps

  bool empty() const { return count.empty(); }
};

class Spread {
 public:
  /// Of the last `share` of `steps` steps; 0: of none.
  Spread(double share, std::int64_t steps, const model::Spec& spec, const Store& store);

  /// Zeros where it gathers, else nothing.
  SpreadSums start(std::size_t replicas) const;
  /// After step `step` (from 1) of the replicas that are active.
  void follow(const Store& store, std::int64_t step, const std::vector<bool>& active,
              SpreadSums& sums) const;
  /// Variances under the tensors' names; nothing of a replica that was seen less than twice.
  std::map<std::string, model::Tensor> of(std::size_t replica, const SpreadSums& sums) const;

 private:
  struct Part {
    std::string name;  // of the tensor
    model::Shape shape;
    std::size_t offset, count;  // in a row of values
  };
  std::vector<Part> parts_;
  std::size_t weights_ = 0;  // W
  std::int64_t after_ = 0, every_ = 1;
};

}  // namespace scalemix::inline v0::train
