// Where a network's tensors lie in flat storage: one row per replica, all trained numbers side by
// side, the state (running statistics) in a row of its own.
//
//   values (R, P)   the slots that decay, then the rest       state (R, Q)
//
// So an optimiser is one pass over a row, a replica's norm is a row's norm, a checkpoint is two
// tensors, and a node's weights are an offset.
#pragma once

#include <map>
#include <span>
#include <string>
#include <vector>

#include "scalemix/model/model_file.h"
#include "scalemix/model/spec.h"

namespace scalemix::inline v0::engine {

struct Slot {
  std::string name;  // "linear1.weight"
  model::LayerTensor tensor;
  std::size_t offset = 0, count = 0;  // in a row of values, or of state
};

class Layout {
 public:
  /// The tensors of every layer, and output.log_precision of a regression.
  explicit Layout(const model::Spec& spec);

  const std::vector<Slot>& slots() const { return slots_; }
  std::size_t values() const { return values_; }  // P
  std::size_t state() const { return state_; }    // Q
  /// Throws std::invalid_argument for an unknown name.
  const Slot& at(const std::string& name) const;

  /// Every slot's initial value into a row of values and one of state.
  void start(float* values, float* state) const;
  /// A model's tensors into a row of values and one of state; all must be there.
  void read(const model::Model& model, float* values, float* state) const;
  /// Those of a model's tensors that have the name and the shape of a slot; returns their names.
  std::vector<std::string> take(const model::Model& model, float* values, float* state) const;
  /// The tensors of a row under their names in the model file.
  std::map<std::string, model::Tensor> tensors(const float* values, const float* state) const;

 private:
  void add(const std::string& layer, const model::LayerTensor& tensor);
  void place();

  std::vector<Slot> slots_;
  std::map<std::string, std::size_t> index_;
  std::size_t values_ = 0, state_ = 0;
};

}  // namespace scalemix::inline v0::engine
