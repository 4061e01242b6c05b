// A noise's row applied to the tensors of a model in a file: for whoever looks at a model without
// running it.
#pragma once

#include <vector>

#include "scalemix/model/model_file.h"
#include "scalemix/model/noise.h"

namespace scalemix::inline v0::model {

class NoiseTensors {
 public:
  /// The layer must be of the model; the noise must be the layer's.
  NoiseTensors(const Model& model, const Layer& layer, const Noise& noise);

  const NoiseKind& kind() const { return *use_.kind; }
  std::size_t weights() const { return w_.size(); }
  /// For penalty, stand_in, log_alpha and readings.
  At at() const;
  /// What a deterministic pass makes of one row where the noise acts; nothing where its kind has no
  /// centre.
  void centre(float* row) const;

 private:
  NoiseUse use_;
  std::vector<float> w_;
  std::vector<std::vector<float>> own_;
};

}  // namespace scalemix::inline v0::model
