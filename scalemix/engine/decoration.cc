#include "scalemix/engine/decoration.h"

#include <algorithm>

#include "scalemix/model/layer_kind.h"

namespace scalemix::inline v0::engine {

Decoration::Decoration(const model::Noise& noise, const model::Layer& layer, const model::Shape& in,
                       const Layout& layout, bool train)
    : use(model::noise_use(noise, layer, in, train)), layer(layer.name) {
  if (kind().tensors) {
    for (const model::LayerTensor& tensor : kind().tensors(noise, layer)) {
      own.push_back({layout.at(layer.name + "." + tensor.name).offset, tensor.trained});
    }
  }
  if (model::has_weights(layer)) w = layout.at(layer.name + ".weight").offset;
}

bool Decoration::trained() const {
  return std::any_of(own.begin(), own.end(), [](const Own& tensor) { return tensor.trained; });
}

model::At Decoration::at(const Frame& f) const {
  const bool of_input = use.where == model::Where::moments && kind().draws_input_too();
  model::At at{.use = use,
               .train = f.mode == Mode::train,
               .stream = f.stream(use.number + (of_input ? model::kInputStream : 0)),
               .rows = f.rows,
               .row0 = f.row0,
               .group = f.group,
               .stride = f.stride,
               .writes_state = f.writes_state,
               .progress = f.progress,
               .epoch = f.epoch};
  for (std::size_t i = 0; i < own.size(); ++i) {
    at.own[i] = (own[i].trained ? const_cast<float*>(f.values) : f.state) + own[i].offset;
    if (own[i].trained && f.gradients) at.d_own[i] = f.gradients + own[i].offset;
  }
  if (w) {
    at.w = f.values + *w;
    if (f.gradients) at.dw = f.gradients + *w;
  }
  if (f.prepared) at.prepared = f.prepared + prepared_at;
  if (f.marks) at.marks = f.marks + marks_at;
  at.d_prepared = f.d_prepared;
  at.kept = f.kept;
  return at;
}

}  // namespace scalemix::inline v0::engine
