#include "scalemix/torch/step/product.h"

#include <algorithm>

#include "scalemix/kernel/columns.h"
#include "scalemix/kernel/conv.h"
#include "scalemix/kernel/gemm.h"
#include "scalemix/kernel/sparse_rows.h"
#include "scalemix/kernel/tiles.h"

namespace scalemix::inline v0::step {
namespace {

using kernel::Trans;

class Dense : public Product {
 public:
  explicit Dense(const model::Layer& layer)
      : Product(layer.in, layer.out, layer.in * layer.out, 1) {}

  /// The squares, of moments.
  std::size_t kept(std::size_t rows) const override { return rows * in; }
  void forward(const Rows& x, const float* w, const float* b, float*, float* y) const override {
    multiply(x.count, x.x, w, b, y);
  }
  void to_weights(const Rows& x, const float* dy, float*, float* dw) const override {
    multiply_back(x.count, x.x, dy, dw);
  }
  void moments(const Rows& x, const float* w, const float* b, const float* sigma2, float*, float* y,
               float* var) const override {
    kernel::for_tiles(x.count * in, [&](std::size_t first, std::size_t n) {
      for (std::size_t i = first; i < first + n; ++i) x.kept[i] = x.x[i] * x.x[i];
    });
    multiply(x.count, x.x, w, b, y);
    multiply(x.count, x.kept, sigma2, nullptr, var);
  }
  void moments_to_weights(const Rows& x, const float* dy, const float* dvar, float*, float* dw,
                          float* dsigma2) const override {
    multiply_back(x.count, x.x, dy, dw);
    multiply_back(x.count, x.kept, dvar, dsigma2);
  }
  void to_input(std::size_t rows, const float* dy, const float* w, bool add, float*,
                float* dx) const override {
    kernel::gemm(Trans::no, Trans::no, rows, in, out, dy, out, w, in, add ? 1 : 0, dx, in);
  }
  void to_bias(std::size_t rows, const float* dy, float* db) const override {
    kernel::column_sums(rows, out, dy, db);
  }

 private:
  void multiply(std::size_t rows, const float* x, const float* w, const float* b, float* y) const {
    for (std::size_t n = 0; b && n < rows; ++n) std::copy_n(b, out, y + n * out);
    kernel::gemm(Trans::no, Trans::yes, rows, out, in, x, in, w, in, b ? 1 : 0, y, out);
  }
  void multiply_back(std::size_t rows, const float* x, const float* dy, float* dw) const {
    kernel::gemm(Trans::yes, Trans::no, out, in, rows, dy, out, x, in, 0, dw, in);
  }
};

/// What forward marks is kept.
class Sparse : public Dense {
 public:
  using Dense::Dense;

  std::size_t kept(std::size_t rows) const override { return SparseRows::memory(rows, in); }
  void forward(const Rows& x, const float* w, const float* b, float*, float* y) const override {
    kernel::sparse_product(marked(x, false), out, w, b, y);
  }
  void to_weights(const Rows& x, const float* dy, float*, float* dw) const override {
    kernel::sparse_to_weights(of(x), x.base, out, dy, dw);
  }
  void moments(const Rows& x, const float* w, const float* b, const float* sigma2, float*, float* y,
               float* var) const override {
    kernel::sparse_moments(marked(x, true), out, w, b, sigma2, y, var);
  }
  void moments_to_weights(const Rows& x, const float* dy, const float* dvar, float*, float* dw,
                          float* dsigma2) const override {
    kernel::sparse_moments_to_weights(of(x), x.base, out, dy, dvar, dw, dsigma2);
  }

 private:
  using SparseRows = kernel::SparseRows;
  SparseRows of(const Rows& x) const { return {x.count, in, x.kept}; }
  SparseRows marked(const Rows& x, bool squares) const {
    const SparseRows rows = of(x);
    rows.mark(x.x, x.base, squares);
    return rows;
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
  void forward(const Rows& x, const float* w, const float* b, float* scratch,
               float* y) const override {
    kernel::conv2d_forward(of(x.count), x.x, w, b, scratch, y);
  }
  void to_weights(const Rows& x, const float* dy, float* scratch, float* dw) const override {
    kernel::conv2d_backward_weight(of(x.count), x.x, dy, scratch, dw);
  }
  void moments(const Rows& x, const float* w, const float* b, const float* sigma2, float* scratch,
               float* y, float* var) const override {
    kernel::conv2d_moments(of(x.count), x.x, w, b, sigma2, scratch, y, var);
  }
  void moments_to_weights(const Rows& x, const float* dy, const float* dvar, float* scratch,
                          float* dw, float* dsigma2) const override {
    kernel::conv2d_moments_backward_weight(of(x.count), x.x, dy, dvar, scratch, dw, dsigma2);
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

std::unique_ptr<Product> make_sparse(const model::Layer& layer) {
  return std::make_unique<Sparse>(layer);
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
