// Pools of images: by windows, or of whole channels.

#include "scalemix/kernel/pool.h"

#include "scalemix/engine/node.h"
#include "scalemix/model/layer_kind.h"

namespace scalemix::inline v0::engine {
namespace {

class Pool : public Node {
 public:
  Pool(bool largest, const kernel::Pool2d& shape)
      : Node(shape.c * shape.h * shape.w, shape.c * shape.out_h() * shape.out_w()),
        largest_(largest),
        shape_(shape) {}

  double forward(const Frame& f, const float* x, float* y) const override {
    largest_ ? kernel::max_pool2d(of(f), x, y) : kernel::avg_pool2d(of(f), x, y);
    return 0;
  }

  void backward(const Frame& f, const float* x, const float*, float* dy, float* dx) const override {
    if (!dx) return;
    largest_ ? kernel::max_pool2d_backward(of(f), x, dy, dx)
             : kernel::avg_pool2d_backward(of(f), dy, dx);
  }
  bool reads_input() const override { return largest_; }

 private:
  kernel::Pool2d of(const Frame& f) const {
    kernel::Pool2d shape = shape_;
    shape.n = f.rows;
    return shape;
  }

  bool largest_;
  kernel::Pool2d shape_;
};

class WholeChannel : public Node {
 public:
  WholeChannel(bool largest, std::size_t channels, std::size_t inner)
      : Node(channels * inner, channels), largest_(largest), inner_(inner) {}

  double forward(const Frame& f, const float* x, float* y) const override {
    largest_ ? kernel::max_plane(f.rows * out, inner_, x, y)
             : kernel::mean_plane(f.rows * out, inner_, x, y);
    return 0;
  }

  void backward(const Frame& f, const float* x, const float*, float* dy, float* dx) const override {
    if (!dx) return;
    largest_ ? kernel::max_plane_backward(f.rows * out, inner_, x, dy, dx)
             : kernel::mean_plane_backward(f.rows * out, inner_, dy, dx);
  }
  bool reads_input() const override { return largest_; }

 private:
  bool largest_;
  std::size_t inner_;
};

}  // namespace

Nodes make_pool(const Making& m) {
  const bool largest = model::layer_kind(m.layer.type).largest;
  Nodes out;
  if (m.layer.kernel == 0) {
    out.push_back(std::make_unique<WholeChannel>(largest, m.in[0], m.in[1] * m.in[2]));
  } else {
    out.push_back(std::make_unique<Pool>(
        largest, kernel::Pool2d{.n = 1,
                                .c = m.in[0],
                                .h = m.in[1],
                                .w = m.in[2],
                                .window = {m.layer.kernel, m.layer.stride, m.layer.padding}}));
  }
  return out;
}

}  // namespace scalemix::inline v0::engine
