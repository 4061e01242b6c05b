#include "scalemix/compress/shrink.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>

#include "scalemix/kernel/activation.h"
#include "scalemix/model/layer_kind.h"
#include "scalemix/model/noise.h"

namespace scalemix::inline v0::compress {
namespace {

using model::Family;
using model::Layer;
using model::Model;
using model::Shape;
using model::Tensor;
using Numbers = std::vector<float>;

Family family_of(const Layer& layer) { return model::layer_kind(layer.type).family; }
bool is_conv(const Layer& layer) {
  return model::has_weights(layer) && model::layer_kind(layer.type).windows;
}

/// A layer with weights, the next one, and what stands between.
struct Pair {
  std::size_t from, to;  // places in the spec
};

/// Whether a layer may stand between: what it makes of a unit depends on that unit alone.
bool passes(const Layer& layer) {
  switch (family_of(layer)) {
    case Family::activation:
    case Family::pool:
    case Family::shape:
      return true;
    case Family::norm:
      return model::layer_kind(layer.type).of_batch;
    case Family::noise:
      return !model::noise_kind(layer.noise.front().kind).tensors;
    default:
      return false;
  }
}

std::vector<Pair> pairs_of(const std::vector<Layer>& layers) {
  std::vector<Pair> out;
  std::optional<std::size_t> from;
  for (std::size_t i = 0; i < layers.size(); ++i) {
    if (model::has_weights(layers[i])) {
      const bool noisy = model::drawn_noise(layers[i]) != nullptr;
      if (from && !noisy) out.push_back({*from, i});
      from = noisy ? std::nullopt : std::optional(i);
    } else if (!passes(layers[i])) {
      from.reset();
    }
  }
  return out;
}

/// The tensors of the two layers of a pair.
class Joint {
 public:
  Joint(const Model& model, const Pair& pair)
      : model_(model),
        pair_(pair),
        a_(model.spec.layers[pair.from]),
        b_(model.spec.layers[pair.to]),
        wa_(tensor(a_, ".weight")),
        wb_(tensor(b_, ".weight")) {}

  std::size_t units() const { return a_.out; }

  /// Whether unit j may go; c: what it gives the next layer, then 0 where that does not read it.
  bool goes(std::size_t j, float& c) const {
    c = 0;
    if (unread(j)) return true;
    const std::size_t n = wa_.size() / a_.out;
    const auto first = wa_.begin() + static_cast<std::ptrdiff_t>(j * n);
    if (std::any_of(first, first + static_cast<std::ptrdiff_t>(n),
                    [](float v) { return v != 0; })) {
      return false;
    }
    const std::optional<float> constant = carried(j);
    c = constant.value_or(0);
    return constant && (c == 0 || (b_.bias && !(is_conv(b_) && b_.padding > 0)));
  }

  /// What the units that go give the biases of the next layer.
  Numbers bias(const std::vector<float>& constants) const {
    Numbers out = tensor(b_, ".bias");
    for (std::size_t o = 0; o < out.size(); ++o) {
      double sum = out[o];
      for (std::size_t j = 0; j < units(); ++j) {
        if (constants[j] == 0) continue;
        each(o, j, [&](std::size_t at) { sum += static_cast<double>(wb_[at]) * constants[j]; });
      }
      out[o] = static_cast<float>(sum);
    }
    return out;
  }

  /// The next layer's weights of the units that stay.
  Numbers next_weights(const std::vector<std::size_t>& stay) const {
    Numbers out;
    for (std::size_t o = 0; o < b_.out; ++o) {
      for (const std::size_t j : stay) each(o, j, [&](std::size_t at) { out.push_back(wb_[at]); });
    }
    return out;
  }

 private:
  Numbers tensor(const Layer& layer, const char* name) const {
    const auto found = model_.tensors.find(layer.name + name);
    return found == model_.tensors.end() ? Numbers{} : found->second.floats();
  }

  /// Calls f with the places of the next layer's weights from unit j to its unit o.
  template <class F>
  void each(std::size_t o, std::size_t j, const F& f) const {
    const std::size_t row = wb_.size() / b_.out, n = row / units();
    for (std::size_t k = 0; k < n; ++k) f(o * row + j * n + k);
  }

  bool unread(std::size_t j) const {
    bool read = false;
    for (std::size_t o = 0; o < b_.out; ++o) {
      each(o, j, [&](std::size_t at) { read = read || wb_[at] != 0; });
    }
    return !read;
  }

  /// What unit j's bias becomes on the way to the next layer; empty where that differs from draw to
  /// draw or from place to place.
  std::optional<float> carried(std::size_t j) const {
    const Numbers bias = tensor(a_, ".bias");
    float c = bias.empty() ? 0 : bias[j];
    for (std::size_t i = pair_.from + 1; i < pair_.to; ++i) {
      const Layer& layer = model_.spec.layers[i];
      switch (family_of(layer)) {
        case Family::activation:
          kernel::activate(*kernel::find_activation(layer.type), static_cast<float>(layer.slope), 1,
                           &c);
          break;
        case Family::norm: {
          const double scale =
              tensor(layer, ".weight")[j] / std::sqrt(tensor(layer, ".running_var")[j] + layer.eps);
          c = static_cast<float>((c - tensor(layer, ".running_mean")[j]) * scale +
                                 tensor(layer, ".bias")[j]);
          break;
        }
        case Family::pool:
          if (c != 0 && layer.padding > 0) return {};
          break;
        case Family::noise: {
          const model::NoiseKind& kind = model::noise_kind(layer.noise.front().kind);
          const bool times = kind.takes_law && !model::noise_signal(layer.noise.front(), layer).add;
          if (c != 0 || !times) return {};
          break;
        }
        default:
          break;
      }
    }
    return c;
  }

  const Model& model_;
  const Pair& pair_;
  const Layer &a_, &b_;
  Numbers wa_, wb_;
};

/// The slices of a tensor's first axis that stay.
void slice(Model& model, const std::string& name, const std::vector<std::size_t>& stay) {
  const auto found = model.tensors.find(name);
  if (found == model.tensors.end()) return;
  const Numbers all = found->second.floats();
  Shape shape = found->second.shape;
  const std::size_t n = all.size() / shape[0];
  Numbers out;
  for (const std::size_t j : stay) {
    const auto first = all.begin() + static_cast<std::ptrdiff_t>(j * n);
    out.insert(out.end(), first, first + static_cast<std::ptrdiff_t>(n));
  }
  shape[0] = stay.size();
  found->second = Tensor::of(shape, out);
}

/// A noise layer draws for what is left what it drew before.
void keep_columns(Layer& layer, std::size_t units, const std::vector<std::size_t>& stay) {
  if (layer.at == model::Site::layer) return;
  if (layer.columns.empty()) {
    layer.columns.resize(layer.width);
    std::iota(layer.columns.begin(), layer.columns.end(), std::int64_t{0});
  }
  const std::size_t n = layer.columns.size() / units;  // numbers of a unit
  std::vector<std::int64_t> left;
  for (const std::size_t j : stay) {
    for (std::size_t k = 0; k < n; ++k) left.push_back(layer.columns[j * n + k]);
  }
  layer.columns = std::move(left);
}

/// Takes the units out; returns how many are left.
std::size_t shrink_pair(Model& model, const Pair& pair) {
  const Joint joint(model, pair);
  const std::size_t units = joint.units();
  std::vector<std::size_t> stay;
  Numbers constants(units);
  for (std::size_t j = 0; j < units; ++j) {
    float c = 0;
    if (joint.goes(j, c) && !(stay.empty() && j + 1 == units)) {
      constants[j] = c;
    } else {
      stay.push_back(j);
    }
  }
  if (stay.size() == units) return units;
  const Numbers weights = joint.next_weights(stay), bias = joint.bias(constants);
  std::vector<Layer>& layers = model.spec.layers;
  Layer &a = layers[pair.from], &b = layers[pair.to];
  Shape shape = model.tensors.at(b.name + ".weight").shape;
  shape[1] = shape[1] / units * stay.size();
  model.tensors.at(b.name + ".weight") = Tensor::of(shape, weights);
  if (!bias.empty()) model.tensors.at(b.name + ".bias") = Tensor::of({b.out}, bias);
  slice(model, a.name + ".weight", stay);
  slice(model, a.name + ".bias", stay);
  for (std::size_t i = pair.from + 1; i < pair.to; ++i) {
    if (family_of(layers[i]) == Family::norm) {
      for (const model::LayerTensor& t : tensors(layers[i])) {
        slice(model, layers[i].name + "." + t.name, stay);
      }
      layers[i].in = stay.size();
    } else if (family_of(layers[i]) == Family::noise) {
      keep_columns(layers[i], units, stay);
    }
  }
  a.out = stay.size();
  b.in = b.in / units * stay.size();
  return stay.size();
}

}  // namespace

Shrunk shrink(Model model) {
  Shrunk out;
  const std::vector<Layer> before = model.spec.layers;
  for (bool changed = true; changed;) {
    changed = false;
    for (const Pair& pair : pairs_of(model.spec.layers)) {
      const std::size_t units = model.spec.layers[pair.from].out;
      changed = shrink_pair(model, pair) < units || changed;
    }
  }
  for (std::size_t i = 0; i < before.size(); ++i) {
    if (!model::has_weights(before[i]) || before[i].out == model.spec.layers[i].out) continue;
    out.layers.push_back({before[i].name, before[i].out, model.spec.layers[i].out});
  }
  out.model = std::move(model);
  return out;
}

}  // namespace scalemix::inline v0::compress
