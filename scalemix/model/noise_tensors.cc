#include "scalemix/model/noise_tensors.h"

#include "scalemix/model/layer_kind.h"

namespace scalemix::inline v0::model {

namespace {

/// The shape that reaches a layer of the model.
Shape input_of(const Model& model, const Layer& layer) {
  Shape out;
  for_each_layer(model.spec, [&](const Layer& other, const Shape& in) {
    if (other.name == layer.name) out = in;
  });
  return out;
}

}  // namespace

NoiseTensors::NoiseTensors(const Model& model, const Layer& layer, const Noise& noise)
    : use_(noise_use(noise, layer, input_of(model, layer))) {
  if (has_weights(layer)) w_ = model.tensors.at(layer.name + ".weight").floats();
  if (!use_.kind->tensors) return;
  for (const LayerTensor& tensor : use_.kind->tensors(noise, layer)) {
    own_.push_back(model.tensors.at(layer.name + "." + tensor.name).floats());
  }
}

At NoiseTensors::at() const {
  At out{.use = use_, .w = w_.empty() ? nullptr : w_.data()};
  // Nothing that is called on it writes them.
  for (std::size_t i = 0; i < own_.size(); ++i) out.own[i] = const_cast<float*>(own_[i].data());
  return out;
}

void NoiseTensors::centre(float* row) const {
  if (!kind().centre) return;
  At one = at();
  std::vector<float> prepared(kind().prepared ? kind().prepared(use_) : 0);
  one.rows = 1;
  one.prepared = prepared.data();
  if (kind().prepare) kind().prepare(one);
  kind().centre(one, row);
}

}  // namespace scalemix::inline v0::model
