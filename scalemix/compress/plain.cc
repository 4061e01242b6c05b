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

}  // namespace

std::vector<float> plain_weights(const Model& model, const Layer& layer) {
  std::vector<float> w = predict::deterministic_weights(model, layer);
  const Noise* noise = model::drawn_noise(layer);
  if (!noise || !goes(*noise) || !model::noise_kind(noise->kind).centre) return w;
  const model::NoiseTensors tensors(model, layer, *noise);
  const bool behind = model::noise_place(*noise, layer) == model::Where::before_bias;
  // What it makes of ones: a factor for each number of an output, or of an input; noise on windows is the
  // channel's, whose first number stands for all.
  std::vector<float> f(model::elements(behind ? tensors.at().use.shape : tensors.at().use.in),
                       1.0f);
  tensors.centre(f.data());
  const std::size_t row = w.size() / layer.out, each = row / layer.in,
                    inner = f.size() / (behind ? layer.out : layer.in);
  for (std::size_t e = 0; e < w.size(); ++e) {
    w[e] *= f[(behind ? e / row : e % row / each) * inner];
  }
  return w;
}

Model plain(Model model) {
  const Model before = model;
  model.spread.clear();
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
