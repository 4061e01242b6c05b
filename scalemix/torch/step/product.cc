#include "scalemix/torch/step/product.h"

#include <algorithm>

#include "scalemix/kernel/columns.h"
#include "scalemix/kernel/conv.h"
#include "scalemix/kernel/gemm.h"
#include "scalemix/kernel/tiles.h"

namespace scalemix::inline v0::step {
namespace {

using kernel::Trans;

class Dense : public Product {
 public:
  explicit Dense(const model::Layer& layer)
      : Product(layer.in, layer.out, layer.in * layer.out, 1) {}

  void forward(std::size_t rows, const float* x, const float* w, const float* b, float*,
               float* y) const override {
    for (std::size_t n = 0; b && n < rows; ++n) std::copy_n(b, out, y + n * out);
    kernel::gemm(Trans::no, Trans::yes, rows, out, in, x, in, w, in, b ? 1 : 0, y, out);
  }
  void to_weights(std::size_t rows, const float* x, const float* dy, float*,
                  float* dw) const override {
    kernel::gemm(Trans::yes, Trans::no, out, in, rows, dy, out, x, in, 0, dw, in);
  }
  std::size_t squares(std::size_t rows) const override { return rows * in; }
  void moments(std::size_t rows, const float* x, const float* w, const float* b,
               const float* sigma2, float* squares, float* scratch, float* y,
               float* var) const override {
    kernel::for_tiles(rows * in, [&](std::size_t first, std::size_t n) {
      for (std::size_t i = first; i < first + n; ++i) squares[i] = x[i] * x[i];
    });
    forward(rows, x, w, b, scratch, y);
    forward(rows, squares, sigma2, nullptr, scratch, var);
  }
  void moments_to_weights(std::size_t rows, const float* x, const float* dy, const float* dvar,
                          const float* squares, float* scratch, float* dw,
                          float* dsigma2) const override {
    to_weights(rows, x, dy, scratch, dw);
    to_weights(rows, squares, dvar, scratch, dsigma2);
  }
  void to_input(std::size_t rows, const float* dy, const float* w, bool add, float*,
                float* dx) const override {
    kernel::gemm(Trans::no, Trans::no, rows, in, out, dy, out, w, in, add ? 1 : 0, dx, in);
  }
  void to_bias(std::size_t rows, const float* dy, float* db) const override {
    kernel::column_sums(rows, out, dy, db);
  }
};

class Conv2d : public Product {
 public:
  Conv2d(const model::Layer& layer, const kernel::Conv2d& shape)
      : Product(shape.c * shape.h * shape.w, shape.o * shape.out_h() * shape.out_w(),
                shape.o * shape.c * layer.kernel * layer.kernel, shape.out_h() * shape.out_w()),
        shape_(shape) {}

  std::size_t scratch(std::size_t rows) const override {
    return std::max(kernel::conv2d_scratch(of(rows)), kernel::conv2d_backward_scratch(of(rows)));
  }
  void forward(std::size_t rows, const float* x, const float* w, const float* b, float* scratch,
               float* y) const override {
    kernel::conv2d_forward(of(rows), x, w, b, scratch, y);
  }
  void to_weights(std::size_t rows, const float* x, const float* dy, float* scratch,
                  float* dw) const override {
    kernel::conv2d_backward_weight(of(rows), x, dy, scratch, dw);
  }
  void moments(std::size_t rows, const float* x, const float* w, const float* b,
               const float* sigma2, float*, float* scratch, float* y, float* var) const override {
    kernel::conv2d_moments(of(rows), x, w, b, sigma2, scratch, y, var);
  }
  void moments_to_weights(std::size_t rows, const float* x, const float* dy, const float* dvar,
                          const float*, float* scratch, float* dw, float* dsigma2) const override {
    kernel::conv2d_moments_backward_weight(of(rows), x, dy, dvar, scratch, dw, dsigma2);
  }
  void to_input(std::size_t rows, const float* dy, const float* w, bool add, float* scratch,
                float* dx) const override {
    kernel::conv2d_backward_input(of(rows), dy, w, add, scratch, dx);
  }
  void to_bias(std::size_t rows, const float* dy, float* db) const override {
    const std::size_t pixels = out / shape_.o;
    for (std::size_t o = 0; o < shape_.o; ++o) {
      double sums[4] = {};  // four at a time, or each addition waits for the last
      for (std::size_t n = 0; n < rows; ++n) {
        const float* plane = dy + (n * shape_.o + o) * pixels;
        std::size_t i = 0;
        for (; i + 4 <= pixels; i += 4) {
          for (std::size_t k = 0; k < 4; ++k) sums[k] += plane[i + k];
        }
        for (; i < pixels; ++i) sums[0] += plane[i];
      }
      db[o] = static_cast<float>(sums[0] + sums[1] + sums[2] + sums[3]);
    }
  }

 private:
  kernel::Conv2d of(std::size_t rows) const {
    kernel::Conv2d shape = shape_;
    shape.n = rows;
    return shape;
  }

  kernel::Conv2d shape_;
};

}  // namespace

std::unique_ptr<Product> make_dense(const model::Layer& layer) {
  return std::make_unique<Dense>(layer);
}

std::unique_ptr<Product> make_conv2d(const model::Layer& layer, const model::Shape& shape) {
  const kernel::Conv2d conv{.n = 1,
                            .c = shape[0],
                            .h = shape[1],
                            .w = shape[2],
                            .o = layer.out,
                            .window = {layer.kernel, layer.stride, layer.padding}};
  return std::make_unique<Conv2d>(layer, conv);
}

}  // namespace scalemix::inline v0::step
