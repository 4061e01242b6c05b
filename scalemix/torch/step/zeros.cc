#include "scalemix/torch/step/zeros.h"

#include "scalemix/kernel/activation.h"
#include "scalemix/kernel/sparse_slice.h"
#include "scalemix/model/layer_kind.h"
#include "scalemix/torch/step/node.h"

namespace scalemix::inline v0::step {

bool repays_marking(const model::Spec& spec, std::size_t rows) {
  double first = 0, all = 0;
  model::Shape shape = spec.input;
  for (const model::Layer& layer : spec.layers) {
    const double product = model::multiplications(layer, shape);
    if (all == 0 && !renames(layer)) {  // the first, or what stands before it
      if (layer.type != "linear" || layer.out < 32) return false;
      first = product;
    }
    all += product;
    shape = model::output_shape(layer, shape);
  }
  return rows >= 32 && 2 * first >= all;
}

bool repays_listing(const model::Layer& layer, const model::Shape& out) {
  if (layer.type != "conv2d") return false;
  const std::size_t places = model::elements(out) / layer.out,
                    depth = layer.in * layer.kernel * layer.kernel,
                    panel = layer.posterior.empty() ? kernel::kPanel : kernel::kHalf;
  return places >= kernel::kSlice && 4 * depth >= 3 * panel;
}

bool pooled(const model::Spec& spec, std::size_t next, const model::Shape& shape) {
  for (std::size_t i = next; i < spec.layers.size(); ++i) {
    const model::Layer& layer = spec.layers[i];
    if (layer.type == "max_pool") {
      return model::elements(shape) >= 4 * model::elements(model::output_shape(layer, shape));
    }
    if (layer.type != "noise" && !kernel::find_activation(layer.type)) return false;
  }
  return false;
}

}  // namespace scalemix::inline v0::step
