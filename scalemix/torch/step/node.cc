#include "scalemix/torch/step/node.h"

#include "scalemix/kernel/activation.h"

namespace scalemix::inline v0::step {

bool renames(const model::Layer& layer) { return layer.type == "flatten"; }

std::unique_ptr<Node> make_node(const model::Layer& layer, const model::Shape& shape,
                                const Layout& layout, const Zeros& zeros) {
  if (layer.type == "linear" || layer.type == "conv2d") {
    return make_weighted(layer, shape, layout, zeros);
  }
  if (layer.type == "max_pool" || layer.type == "avg_pool") return make_pool(layer, shape, layout);
  if (layer.type == "noise") return make_noise(layer, shape, layout);
  if (kernel::find_activation(layer.type)) return make_activation(layer, shape, layout);
  return nullptr;
}

}  // namespace scalemix::inline v0::step
