#include "scalemix/compress/plain.h"

#include <algorithm>
#include <exception>

#include "scalemix/model/architecture.h"
#include "scalemix/model/layer_kind.h"
#include "scalemix/model/method.h"
#include "scalemix/model/noise_tensors.h"
#include "scalemix/predict/sparsity.h"

namespace scalemix::inline v0::compress {
namespace {

using model::Layer;
using model::Model;
using model::Noise;

/// Whether the weights of a deterministic pass are all that is kept of it.
bool goes(const Noise& noise) {
  const model::NoiseKind& kind = model::noise_kind(noise.kind);
  return !kind.draws() || (kind.stand_in && kind.tensors);
}

/// Whether a method's word is about noise that goes and no other.
bool word_goes(const std::string& word, Task task) {
  model::Spec probe = model::architecture("mlp:4-4", {{4}, task, 2});
  try {
    model::apply_method(probe, word);
  } catch (const std::exception&) {
    return false;  // a word for images, or for another task: its noise is on what layers take
  }
  bool any = false, all = true;
  model::for_each_layer(probe, [&](Layer& layer) {
    for (const Noise& noise : layer.noise) any = true, all = all && goes(noise);
  });
  return any && all;
}

/// What a deterministic pass makes of ones where the noise acts.
std::vector<float> factors(const model::NoiseTensors& tensors, std::size_t numbers) {
  const model::NoiseKind& kind = tensors.kind();
  model::At at = tensors.at();
  std::vector<float> out(numbers, 1.0f), prepared(kind.prepared ? kind.prepared(at.use) : 0);
  at.rows = 1;
  at.prepared = prepared.data();
  if (kind.prepare) kind.prepare(at);
  kind.centre(at, out.data());
  return out;
}

}  // namespace

std::vector<float> plain_weights(const Model& model, const Layer& layer) {
  std::vector<float> w = predict::deterministic_weights(model, layer);
  const Noise* noise = model::drawn_noise(layer);
  if (!noise || !goes(*noise) || !model::noise_kind(noise->kind).centre) return w;
  const model::NoiseTensors tensors(model, layer, *noise);
  const std::size_t row = w.size() / layer.out;
  if (model::noise_place(*noise, layer) == model::Where::before_bias) {
    const std::size_t numbers = model::elements(tensors.at().use.shape);
    const std::vector<float> f = factors(tensors, numbers);
    for (std::size_t e = 0; e < w.size(); ++e) w[e] *= f[e / row * (numbers / layer.out)];
  } else {
    const std::size_t numbers = model::elements(tensors.at().use.in);
    const std::vector<float> f = factors(tensors, numbers);
    // A weight's input, or its channel's first number: noise on windows is the channel's.
    const std::size_t each = row / layer.in, inner = numbers / layer.in;
    for (std::size_t e = 0; e < w.size(); ++e) w[e] *= f[e % row / each * inner];
  }
  return w;
}

Model plain(Model model) {
  const Model before = model;
  model::for_each_layer(model.spec, [&](Layer& layer) {
    if (std::none_of(layer.noise.begin(), layer.noise.end(), goes)) return;
    const std::string weight = layer.name + ".weight";
    model.tensors.at(weight) =
        model::Tensor::of(model.tensors.at(weight).shape, plain_weights(before, layer));
    for (const Noise& noise : layer.noise) {
      if (!goes(noise)) continue;
      const model::NoiseKind& kind = model::noise_kind(noise.kind);
      if (!kind.tensors) continue;
      for (const model::LayerTensor& t : kind.tensors(noise, layer)) {
        model.tensors.erase(layer.name + "." + t.name);
      }
    }
    std::erase_if(layer.noise, goes);
  });
  std::erase_if(model.spec.methods,
                [&](const std::string& word) { return word_goes(word, model.spec.task); });
  return model;
}

}  // namespace scalemix::inline v0::compress
