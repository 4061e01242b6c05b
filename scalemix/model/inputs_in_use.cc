#include "scalemix/model/inputs_in_use.h"

#include "scalemix/model/sparsity.h"

namespace scalemix::inline v0::model {

std::optional<std::vector<std::size_t>> inputs_in_use(const Model& model) {
  const Layer* first = nullptr;
  for (const Layer& layer : model.spec.layers) {
    if (layer.type == "flatten" || layer.type == "noise") continue;
    first = &layer;
    break;
  }
  if (!first || first->type != "linear" || first->posterior.empty()) return std::nullopt;
  const std::vector<float> w = deterministic_weights(model, *first);
  std::vector<std::size_t> used;
  for (std::size_t i = 0; i < first->in; ++i) {
    for (std::size_t o = 0; o < first->out; ++o) {
      if (w[o * first->in + i] == 0) continue;
      used.push_back(i);
      break;
    }
  }
  return used;
}

}  // namespace scalemix::inline v0::model
