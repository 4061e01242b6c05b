// The weights a deterministic pass uses, and how many of them are left. Which weight is zero is
// decided in one place: the row of the layer's noise (model/noise.h, stand_in).
#pragma once

#include <string>
#include <vector>

#include "scalemix/model/model_file.h"

namespace scalemix::inline v0::predict {

/// weight's shape, flat. The layer must have weights, and be of the model, whose tensors fit the
/// spec.
std::vector<float> deterministic_weights(const model::Model& model, const model::Layer& layer);

struct LayerSparsity {
  std::string name;
  std::size_t weights = 0, nonzero = 0;
};

/// One entry per layer with weights, in execution order; biases are not counted.
std::vector<LayerSparsity> sparsity(const model::Model& model);

}  // namespace scalemix::inline v0::predict
