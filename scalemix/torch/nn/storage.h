// Flat storage of a stack of networks: one row a replica, all trained numbers in a row beside each
// other.
//
//   values, gradients (R, P)   the slots that decay first, then the rest
//   buffers           (R, Q)   running statistics, not trained
//
// So an optimiser is one pass over a row, a replica's norm is a row's norm, a checkpoint is three
// tensors, and a module's parameter is a view.
#pragma once

#include <torch/torch.h>

#include <map>
#include <string>
#include <vector>

#include "scalemix/model/spec.h"

namespace scalemix::inline v0::nn {

struct Slot {
  std::string name;  // "linear1.weight"
  model::Shape shape;
  bool trained = true;
  bool decays = false;  // weights do, biases and scales do not
  std::int64_t offset = 0, count = 0;
};

class Storage {
 public:
  /// The slots of every layer of a spec, and output.log_precision for a regression.
  Storage(const model::Spec& spec, std::int64_t replicas);

  std::int64_t replicas() const { return values.size(0); }
  const std::vector<Slot>& slots() const { return slots_; }
  /// Columns [0, decaying()) of `values` are those that decay.
  std::int64_t decaying() const { return decaying_; }

  /// The (R, shape...) view of a slot, a leaf that requires grad where it is trained. Throws
  /// std::invalid_argument for an unknown name.
  torch::Tensor view(const std::string& name) const;
  bool has(const std::string& name) const { return index_.count(name) != 0; }

  /// Writes the gradient of a scalar into `gradients`; a slot it does not depend on gets 0.
  void differentiate(const torch::Tensor& objective);

  torch::Tensor values, gradients, buffers;

 private:
  void add(Slot slot);
  void place();
  void make_views();

  std::vector<Slot> slots_;
  std::map<std::string, std::size_t> index_;
  std::map<std::string, torch::Tensor> views_;
  std::vector<torch::Tensor> trained_, gradient_views_;  // in the order of the trained slots
  std::int64_t decaying_ = 0;
};

}  // namespace scalemix::inline v0::nn
