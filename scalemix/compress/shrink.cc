#include "scalemix/compress/shrink.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <optional>

#include "scalemix/compress/stream.h"
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
using Kind = Event::Kind;
using Numbers = std::vector<float>;

Family family_of(const Layer& layer) { return model::layer_kind(layer.type).family; }

/// A stream with the tensors of its layers.
class Joint {
 public:
  Joint(const Model& model, const Stream& stream) : model_(model), stream_(stream) {
    for (const Event& event : stream) {
      if (event.kind == Kind::write || event.kind == Kind::read) {
        weights_[event.layer] = tensor(*event.layer, ".weight");
      }
    }
  }

  std::size_t units() const { return stream_.front().layer->out; }

  /// Whether unit j may go. `given`: what it gives each layer that reads, in order; 0 where that does not
  /// read it.
  bool goes(std::size_t j, Numbers& given) const {
    given.clear();
    std::optional<float> c;  // none: differs from row to row
    std::vector<std::optional<float>> kept;
    for (const Event& event : stream_) {
      switch (event.kind) {
        case Kind::write:
          c = written(*event.layer, j);
          break;
        case Kind::pass:
          if (c) c = passed(*event.layer, j, *c);
          break;
        case Kind::read:
          given.push_back(unread(*event.layer, j) ? 0 : c.value_or(0));
          if (!unread(*event.layer, j) && !(c && takes(*event.layer, *c))) return false;
          break;
        case Kind::keep:
          kept.push_back(c);
          break;
        case Kind::turn:
          c = kept.back();
          break;
        case Kind::add:
          c = c && kept.back() ? std::optional(*c + *kept.back()) : std::nullopt;
          kept.pop_back();
          break;
      }
    }
    return true;
  }

  /// The bias of a layer that reads, with what the units that go give it.
  Numbers bias(const Layer& reader, const Numbers& constants) const {
    const Numbers& w = weights_.at(&reader);
    Numbers out = tensor(reader, ".bias");
    for (std::size_t o = 0; o < out.size(); ++o) {
      double sum = out[o];
      for (std::size_t j = 0; j < units(); ++j) {
        if (constants[j] == 0) continue;
        each(reader, o, j,
             [&](std::size_t at) { sum += static_cast<double>(w[at]) * constants[j]; });
      }
      out[o] = static_cast<float>(sum);
    }
    return out;
  }

  /// The weights that a layer reads the units with that stay.
  Numbers weights(const Layer& reader, const std::vector<std::size_t>& stay) const {
    const Numbers& w = weights_.at(&reader);
    Numbers out;
    for (std::size_t o = 0; o < reader.out; ++o) {
      for (const std::size_t j : stay) {
        each(reader, o, j, [&](std::size_t at) { out.push_back(w[at]); });
      }
    }
    return out;
  }

 private:
  Numbers tensor(const Layer& layer, const char* name) const {
    const auto found = model_.tensors.find(layer.name + name);
    return found == model_.tensors.end() ? Numbers{} : found->second.floats();
  }

  /// Calls f with the places of a layer's weights from unit j to its unit o.
  template <class F>
  void each(const Layer& reader, std::size_t o, std::size_t j, const F& f) const {
    const std::size_t row = weights_.at(&reader).size() / reader.out, n = row / units();
    for (std::size_t k = 0; k < n; ++k) f(o * row + j * n + k);
  }

  bool unread(const Layer& reader, std::size_t j) const {
    const Numbers& w = weights_.at(&reader);
    bool read = false;
    for (std::size_t o = 0; o < reader.out; ++o) {
      each(reader, o, j, [&](std::size_t at) { read = read || w[at] != 0; });
    }
    return !read;
  }

  /// Whether a layer can have c in its bias instead.
  static bool takes(const Layer& reader, float c) {
    const bool padded = model::layer_kind(reader.type).windows && reader.padding > 0;
    return c == 0 || (reader.bias && !padded);
  }

  /// The bias, of a unit without weights.
  std::optional<float> written(const Layer& writer, std::size_t j) const {
    const Numbers& w = weights_.at(&writer);
    const std::size_t n = w.size() / writer.out;
    const auto first = w.begin() + static_cast<std::ptrdiff_t>(j * n);
    const auto last = first + static_cast<std::ptrdiff_t>(n);
    if (std::any_of(first, last, [](float v) { return v != 0; })) return {};
    const Numbers bias = tensor(writer, ".bias");
    return bias.empty() ? 0 : bias[j];
  }

  /// What a layer makes of a unit that is c; none where that differs from draw to draw or from place to
  /// place.
  std::optional<float> passed(const Layer& layer, std::size_t j, float c) const {
    switch (family_of(layer)) {
      case Family::activation:
        kernel::activate(*kernel::find_activation(layer.type), static_cast<float>(layer.slope), 1,
                         &c);
        return c;
      case Family::norm: {
        const double scale =
            tensor(layer, ".weight")[j] / std::sqrt(tensor(layer, ".running_var")[j] + layer.eps);
        return static_cast<float>((c - tensor(layer, ".running_mean")[j]) * scale +
                                  tensor(layer, ".bias")[j]);
      }
      case Family::pool:
        if (c != 0 && layer.padding > 0) return {};
        return c;
      case Family::noise: {
        const model::NoiseKind& kind = model::noise_kind(layer.noise.front().kind);
        const bool times = kind.takes_law && !model::noise_signal(layer.noise.front(), layer).add;
        if (c != 0 || !times) return {};
        return c;
      }
      default:
        return c;
    }
  }

  const Model& model_;
  const Stream& stream_;
  std::map<const Layer*, Numbers> weights_;
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

/// A layer that reads, with the units that stay.
void narrow_reader(Model& model, const Joint& joint, Layer& layer, std::size_t units,
                   const std::vector<std::size_t>& stay, const Numbers& constants) {
  const Numbers weights = joint.weights(layer, stay), bias = joint.bias(layer, constants);
  Tensor& w = model.tensors.at(layer.name + ".weight");
  Shape shape = w.shape;
  shape[1] = shape[1] / units * stay.size();
  w = Tensor::of(shape, weights);
  if (!bias.empty()) model.tensors.at(layer.name + ".bias") = Tensor::of({layer.out}, bias);
  layer.in = layer.in / units * stay.size();
}

void narrow_passed(Model& model, Layer& layer, std::size_t units,
                   const std::vector<std::size_t>& stay) {
  if (family_of(layer) == Family::norm) {
    for (const model::LayerTensor& t : tensors(layer)) {
      slice(model, layer.name + "." + t.name, stay);
    }
    layer.in = stay.size();
  } else if (family_of(layer) == Family::noise) {
    keep_columns(layer, units, stay);
  }
}

/// Takes the units out; returns whether there were any.
bool shrink_stream(Model& model, const Stream& stream) {
  const Joint joint(model, stream);
  const std::size_t units = joint.units();
  std::vector<std::size_t> stay;
  std::vector<Numbers> constants;  // of each layer that reads
  for (const Event& event : stream) {
    if (event.kind == Kind::read) constants.emplace_back(units);
  }
  Numbers given;
  for (std::size_t j = 0; j < units; ++j) {
    if ((stay.empty() && j + 1 == units) || !joint.goes(j, given)) {
      stay.push_back(j);
      continue;
    }
    for (std::size_t r = 0; r < given.size(); ++r) constants[r][j] = given[r];
  }
  if (stay.size() == units) return false;
  // A layer may read and write one stream: what is read is cut first, by the weights as they were.
  std::size_t reader = 0;
  for (const Event& event : stream) {
    if (event.kind != Kind::read) continue;
    narrow_reader(model, joint, *event.layer, units, stay, constants[reader++]);
  }
  for (const Event& event : stream) {
    if (event.kind == Kind::pass) narrow_passed(model, *event.layer, units, stay);
    if (event.kind != Kind::write) continue;
    slice(model, event.layer->name + ".weight", stay);
    slice(model, event.layer->name + ".bias", stay);
    event.layer->out = stay.size();
  }
  return true;
}

/// Units or channels of each layer with weights, in order.
std::vector<Shrunk::Layer> widths_of(const Model& model) {
  std::vector<Shrunk::Layer> out;
  model::for_each_layer(model.spec, [&](const Layer& layer, const Shape&) {
    if (model::has_weights(layer)) out.push_back({layer.name, layer.out, layer.out});
  });
  return out;
}

}  // namespace

Shrunk shrink(Model model) {
  Shrunk out{{}, widths_of(model)};
  model.spread.clear();
  bool changed = true;
  while (changed) {
    changed = false;
    for (const Stream& stream : streams_of(model.spec.layers)) {
      changed = shrink_stream(model, stream) || changed;
    }
  }
  const std::vector<Shrunk::Layer> now = widths_of(model);
  for (std::size_t i = 0; i < now.size(); ++i) out.layers[i].after = now[i].after;
  out.layers.erase(std::remove_if(out.layers.begin(), out.layers.end(),
                                  [](const auto& l) { return l.after == l.before; }),
                   out.layers.end());
  out.model = std::move(model);
  return out;
}

}  // namespace scalemix::inline v0::compress
