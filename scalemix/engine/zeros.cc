#include "scalemix/engine/zeros.h"

#include "scalemix/kernel/sparse_slice.h"
#include "scalemix/model/layer_kind.h"
#include "scalemix/model/noise.h"

namespace scalemix::inline v0::engine {
namespace {

using model::Family;

/// Whether the layer itself reads the data, whole batches at a time.
bool reads_all(const model::Noise& noise, const model::Layer& layer) {
  const model::Where where = model::noise_place(noise, layer, true);
  const bool of_input =
      where == model::Where::moments && model::noise_kind(noise.kind).draws_input_too();
  return where != model::Where::input && where != model::Where::row_weights &&
         where != model::Where::pairs && where != model::Where::columns && !of_input;
}

/// The layer that reads the data, if it is dense; a layer that only renames does not count.
const model::Layer* first_dense(const std::vector<model::Layer>& layers) {
  for (const model::Layer& layer : layers) {
    const model::LayerKind& kind = model::layer_kind(layer.type);
    if (kind.family == Family::shape) continue;
    const model::Noise* noise = model::drawn_noise(layer);
    const bool quiet = !noise || reads_all(*noise, layer);
    return kind.family == Family::weighted && !kind.windows && quiet ? &layer : nullptr;
  }
  return nullptr;
}

}  // namespace

bool repays_marking(const model::Spec& spec, std::size_t rows) {
  const model::Layer* first = first_dense(spec.layers);
  if (!first || first->out < 32 || rows < 32) return false;
  double all = 0;
  model::for_each_layer(spec, [&](const model::Layer& layer, const model::Shape& in) {
    all += model::multiplications(layer, in);
  });
  return 2 * static_cast<double>(model::weight_count(*first)) >= all;
}

bool repays_listing(const model::Layer& layer, const model::Shape& out) {
  const model::LayerKind& kind = model::layer_kind(layer.type);
  if (kind.family != Family::weighted || !kind.windows) return false;
  const model::Noise* noise = model::drawn_noise(layer);
  const bool moments = noise && model::noise_place(*noise, layer, true) == model::Where::moments;
  const std::size_t places = model::elements(out) / layer.out,
                    depth = layer.in * layer.kernel * layer.kernel,
                    panel = moments ? kernel::kHalf : kernel::kPanel;
  return places >= kernel::kSlice && 4 * depth >= 3 * panel;
}

bool pooled(const std::vector<model::Layer>& layers, std::size_t next, const model::Shape& shape) {
  for (std::size_t i = next; i < layers.size(); ++i) {
    const model::LayerKind& kind = model::layer_kind(layers[i].type);
    if (kind.family == Family::pool && kind.largest) {
      return model::elements(shape) >= 4 * model::elements(model::output_shape(layers[i], shape));
    }
    if (kind.family != Family::noise && kind.family != Family::activation) return false;
  }
  return false;
}

}  // namespace scalemix::inline v0::engine
