#include "scalemix/predict/sparsity.h"

#include <algorithm>

#include "scalemix/model/layer_kind.h"
#include "scalemix/model/noise_tensors.h"

namespace scalemix::inline v0::predict {

std::vector<float> deterministic_weights(const model::Model& model, const model::Layer& layer) {
  const model::Noise* noise = model::drawn_noise(layer);
  if (!noise || !model::noise_kind(noise->kind).stand_in) {
    return model.tensors.at(layer.name + ".weight").floats();
  }
  const model::NoiseTensors at(model, layer, *noise);
  std::vector<float> out(at.weights());
  at.kind().stand_in(at.at(), out.data());
  return out;
}

std::vector<LayerSparsity> sparsity(const model::Model& model) {
  std::vector<LayerSparsity> out;
  model::for_each_layer(model.spec, [&](const model::Layer& layer, const model::Shape&) {
    if (!model::has_weights(layer)) return;
    const std::vector<float> w = deterministic_weights(model, layer);
    const auto zeros = static_cast<std::size_t>(std::count(w.begin(), w.end(), 0.0f));
    out.push_back({layer.name, w.size(), w.size() - zeros});
  });
  return out;
}

}  // namespace scalemix::inline v0::predict
