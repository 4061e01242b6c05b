#include "scalemix/compress/fold_blocks.h"

#include <algorithm>
#include <optional>

#include "scalemix/kernel/activation.h"
#include "scalemix/model/layer_kind.h"
#include "scalemix/model/noise.h"
#include "scalemix/predict/sparsity.h"

namespace scalemix::inline v0::compress {
namespace {

using model::Family;
using model::Layer;
using model::Model;

bool is_block(const Layer& layer) {
  return model::layer_kind(layer.type).family == Family::residual && layer.shortcut.empty();
}

bool is_linear(const Layer& layer) {
  return model::has_weights(layer) && !model::layer_kind(layer.type).windows && layer.bias;
}

std::vector<float> bias_of(const Model& model, const Layer& layer) {
  return model.tensors.at(layer.name + ".bias").floats();
}

/// What a block adds to every row; empty if that depends on the row.
std::optional<std::vector<float>> constant_of(const Model& model, const Layer& block) {
  if (!is_block(block)) return {};
  const auto last = std::find_if(block.branch.rbegin(), block.branch.rend(), model::has_weights);
  if (last == block.branch.rend() || !is_linear(*last)) return {};
  const std::vector<float> w = predict::deterministic_weights(model, *last);
  if (std::any_of(w.begin(), w.end(), [](float v) { return v != 0; })) return {};
  std::vector<float> c = bias_of(model, *last);
  for (auto at = last.base(); at != block.branch.end(); ++at) {
    const Layer& layer = *at;
    const auto activation = kernel::find_activation(layer.type);
    if (!activation) return {};
    kernel::activate(*activation, static_cast<float>(layer.slope), c.size(), c.data());
  }
  return c;
}

/// Whether the layer takes its input as it is.
bool takes_constant(const Layer& layer) {
  const model::Noise* noise = model::drawn_noise(layer);
  return is_linear(layer) && !(noise && model::noise_place(*noise, layer) == model::Where::input);
}

/// The layers whose biases a constant behind layer `at` goes into; empty if it cannot be carried.
std::vector<const Layer*> carriers(const std::vector<Layer>& layers, std::size_t at) {
  std::vector<const Layer*> out;
  for (std::size_t i = at + 1; i < layers.size(); ++i) {
    const Layer& layer = layers[i];
    const bool block = is_block(layer) && !layer.branch.empty();
    const Layer& first = block ? layer.branch.front() : layer;
    if (!takes_constant(first)) return {};
    out.push_back(&first);
    if (!block) return out;
  }
  return {};
}

/// bias += W c
void add_constant(Model& model, const Layer& layer, const std::vector<float>& c) {
  const std::vector<float> w = predict::deterministic_weights(model, layer);
  std::vector<float> bias = bias_of(model, layer);
  for (std::size_t o = 0; o < layer.out; ++o) {
    double sum = bias[o];
    for (std::size_t i = 0; i < layer.in; ++i)
      sum += static_cast<double>(w[o * layer.in + i]) * c[i];
    bias[o] = static_cast<float>(sum);
  }
  model.tensors.at(layer.name + ".bias") = model::Tensor::of({layer.out}, bias);
}

void erase_tensors(Model& model, const Layer& layer) {
  const std::string prefix = layer.name + ".";
  std::erase_if(model.tensors, [&](const auto& t) { return t.first.starts_with(prefix); });
  for (const std::vector<Layer>* inside : {&layer.branch, &layer.shortcut}) {
    for (const Layer& one : *inside) erase_tensors(model, one);
  }
}

}  // namespace

std::vector<std::string> blocks_off(const Model& model) {
  std::vector<std::string> out;
  for (const Layer& layer : model.spec.layers) {
    if (constant_of(model, layer)) out.push_back(layer.name);
  }
  return out;
}

Folded fold_blocks(Model model) {
  Folded out;
  model.spread.clear();
  std::vector<Layer>& layers = model.spec.layers;
  for (std::size_t i = 0; i < layers.size();) {
    const std::optional<std::vector<float>> c = constant_of(model, layers[i]);
    const bool nothing = c && std::count(c->begin(), c->end(), 0.0f) == std::ssize(*c);
    const std::vector<const Layer*> into =
        c && !nothing ? carriers(layers, i) : std::vector<const Layer*>{};
    if (into.empty() && !nothing) {
      ++i;
      continue;
    }
    for (const Layer* layer : into) add_constant(model, *layer, *c);
    erase_tensors(model, layers[i]);
    out.removed.push_back(layers[i].name);
    layers.erase(layers.begin() + static_cast<std::ptrdiff_t>(i));
  }
  out.model = std::move(model);
  return out;
}

}  // namespace scalemix::inline v0::compress
