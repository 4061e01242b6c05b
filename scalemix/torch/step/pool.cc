// Pools of images, by windows.

#include "scalemix/kernel/pool.h"
#include "scalemix/torch/step/node.h"

namespace scalemix::inline v0::step {
namespace {

class Pool : public Node {
 public:
  Pool(bool largest, const kernel::Pool2d& shape)
      : Node(shape.c * shape.h * shape.w, shape.c * shape.out_h() * shape.out_w()),
        largest_(largest),
        shape_(shape) {}

  void forward(const Frame& f, const float* x, float* y) const override {
    largest_ ? kernel::max_pool2d(of(f), x, y) : kernel::avg_pool2d(of(f), x, y);
  }

  void backward(const Frame& f, const float* x, const float*, float* dy, float* dx) const override {
    if (!dx) return;
    largest_ ? kernel::max_pool2d_backward(of(f), x, dy, dx)
             : kernel::avg_pool2d_backward(of(f), dy, dx);
  }

 private:
  kernel::Pool2d of(const Frame& f) const {
    kernel::Pool2d shape = shape_;
    shape.n = f.rows;
    return shape;
  }

  bool largest_;
  kernel::Pool2d shape_;
};

}  // namespace

std::unique_ptr<Node> make_pool(const model::Layer& layer, const model::Shape& shape,
                                const Layout&) {
  if (layer.kernel == 0) return nullptr;  // of the whole channel
  return std::make_unique<Pool>(
      layer.type == "max_pool",
      kernel::Pool2d{.n = 1,
                     .c = shape[0],
                     .h = shape[1],
                     .w = shape[2],
                     .window = {layer.kernel, layer.stride, layer.padding}});
}

}  // namespace scalemix::inline v0::step
