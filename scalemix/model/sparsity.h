// The weights a deterministic pass uses, and how many of them are left.
//
//   svdo         w where log_alpha < threshold, 0 elsewhere      (log_alpha: kernel/variational.h)
//   dropconnect  w times the multiplier's centre: its mean 1, or its median where it has no mean
//   plain        w
#pragma once

#include <string>
#include <vector>

#include "scalemix/model/model_file.h"

namespace scalemix::inline v0::model {

/// weight's shape, flat. The layer must be a linear or conv2d of the model, whose tensors fit the
/// spec.
std::vector<float> deterministic_weights(const Model& model, const Layer& layer);

/// The posterior variances of the weights that a svdo layer keeps, 0 for the others.
std::vector<float> kept_variances(const Model& model, const Layer& layer);

struct LayerSparsity {
  std::string name;
  std::size_t weights = 0, nonzero = 0;
};

/// One entry a linear or conv2d, in execution order; biases are not counted.
std::vector<LayerSparsity> sparsity(const Model& model);

}  // namespace scalemix::inline v0::model
