#include "scalemix/engine/decoration.h"

#include "scalemix/model/layer_kind.h"

namespace scalemix::inline v0::engine {

Decoration::Decoration(const model::Noise& noise, const model::Layer& layer, const model::Shape& in,
                       const Layout& layout)
    : use(model::noise_use(noise, layer, in)), layer(layer.name) {
  if (kind().tensors) {
    for (const model::LayerTensor& tensor : kind().tensors(noise, layer)) {
      own.push_back(layout.at(layer.name + "." + tensor.name).offset);
    }
  }
  if (model::has_weights(layer)) w = layout.at(layer.name + ".weight").offset;
}

model::At Decoration::at(const Frame& f) const {
  model::At at{.use = use,
               .train = f.mode == Mode::train,
               .stream = f.stream(use.number),
               .rows = f.rows,
               .row0 = f.row0};
  for (std::size_t i = 0; i < own.size(); ++i) {
    at.own[i] = const_cast<float*>(f.values) + own[i];
    if (f.gradients) at.d_own[i] = f.gradients + own[i];
  }
  if (w) {
    at.w = f.values + *w;
    if (f.gradients) at.dw = f.gradients + *w;
  }
  if (f.prepared) at.prepared = f.prepared + prepared_at;
  at.d_prepared = f.d_prepared;
  at.kept = f.kept;
  return at;
}

}  // namespace scalemix::inline v0::engine
