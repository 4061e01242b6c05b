#include "scalemix/compress/stream.h"

#include <algorithm>

#include "scalemix/model/layer_kind.h"
#include "scalemix/model/noise.h"

namespace scalemix::inline v0::compress {
namespace {

using model::Family;
using model::Layer;
using Kind = Event::Kind;
using Layers = std::vector<Layer>;

Family family_of(const Layer& layer) { return model::layer_kind(layer.type).family; }

/// Whether what a layer makes of a unit depends on that unit alone.
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

bool quiet_weights(const Layer& layer) {
  return model::has_weights(layer) && model::drawn_noise(layer) == nullptr;
}

/// Passes layers from `at` on, as far as that goes; returns the first that it does not pass.
std::size_t pass(Layers& layers, std::size_t at, Stream& to) {
  for (; at < layers.size() && passes(layers[at]); ++at) to.push_back({Kind::pass, &layers[at]});
  return at;
}

/// The way to a list's first layer with weights, which reads. False where there is none.
bool read(Layers& layers, std::size_t from, Stream& to) {
  const std::size_t at = pass(layers, from, to);
  if (at == layers.size() || !quiet_weights(layers[at])) return false;
  to.push_back({Kind::read, &layers[at]});
  return true;
}

/// What a list's last layer with weights writes, to the end of the list. False where there is none.
bool write(Layers& layers, Stream& to) {
  std::size_t last = layers.size();
  while (last > 0 && passes(layers[last - 1])) --last;
  if (last == 0 || !quiet_weights(layers[last - 1])) return false;
  to.push_back({Kind::write, &layers[last - 1]});
  pass(layers, last, to);
  return true;
}

/// Through a block with an identity shortcut.
bool add_block(Layer& block, Stream& to) {
  to.push_back({Kind::keep});
  Stream whole;
  if (pass(block.branch, 0, whole) == block.branch.size()) {
    to.insert(to.end(), whole.begin(), whole.end());
  } else if (!read(block.branch, 0, to) || !write(block.branch, to)) {
    return false;
  }
  to.push_back({Kind::add});
  return true;
}

/// Two layers read: the branch's first and the shortcut's.
bool end_in_block(Layer& block, Stream& to) {
  to.push_back({Kind::keep});
  if (!read(block.branch, 0, to)) return false;
  to.push_back({Kind::turn});
  return read(block.shortcut, 0, to);
}

/// Two layers write: the branch's last and the shortcut's.
bool begin_in_block(Layer& block, Stream& to) {
  if (!write(block.branch, to)) return false;
  to.push_back({Kind::keep});
  if (!write(block.shortcut, to)) return false;
  to.push_back({Kind::add});
  return true;
}

bool is_block(const Layer& layer) { return family_of(layer) == Family::residual; }

/// From what the layer at `at` writes to whoever reads it last. False where that is not known.
bool follow(Layers& layers, std::size_t at, Stream& to) {
  Layer& first = layers[at];
  if (is_block(first)) {
    if (first.shortcut.empty() || !begin_in_block(first, to)) return false;
  } else {
    if (!quiet_weights(first)) return false;
    to.push_back({Kind::write, &first});
  }
  for (++at;; ++at) {
    at = pass(layers, at, to);
    if (at == layers.size()) return false;
    if (!is_block(layers[at])) return read(layers, at, to);
    if (!layers[at].shortcut.empty()) return end_in_block(layers[at], to);
    if (!add_block(layers[at], to)) return false;
  }
}

/// Whether a unit is the same to all layers on the way: behind flatten, a channel is several numbers to
/// those that write or normalise numbers.
bool of_one_unit(const Stream& stream) {
  const std::size_t units = stream.front().layer->out;
  return std::all_of(stream.begin(), stream.end(), [units](const Event& event) {
    if (event.kind == Kind::write) return event.layer->out == units;
    const bool norm = event.kind == Kind::pass && family_of(*event.layer) == Family::norm;
    return !norm || event.layer->in == units;
  });
}

}  // namespace

std::vector<Stream> streams_of(Layers& layers) {
  std::vector<Stream> out;
  for (std::size_t i = 0; i < layers.size(); ++i) {
    Stream stream;
    if (follow(layers, i, stream) && of_one_unit(stream)) out.push_back(std::move(stream));
    for (Layers* inside : {&layers[i].branch, &layers[i].shortcut}) {
      std::vector<Stream> more = streams_of(*inside);
      std::move(more.begin(), more.end(), std::back_inserter(out));
    }
  }
  return out;
}

}  // namespace scalemix::inline v0::compress
