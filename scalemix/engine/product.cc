#include "scalemix/engine/product.h"

#include <algorithm>

#include "scalemix/kernel/columns.h"
#include "scalemix/kernel/conv.h"
#include "scalemix/kernel/conv_sparse.h"
#include "scalemix/kernel/gemm.h"
#include "scalemix/kernel/left_weights.h"
#include "scalemix/kernel/line.h"
#include "scalemix/kernel/packed.h"
#include "scalemix/kernel/sparse_filters.h"
#include "scalemix/kernel/sparse_rows.h"
#include "scalemix/kernel/sparse_weights.h"
#include "scalemix/kernel/tiles.h"
#include "scalemix/model/layer_kind.h"

namespace scalemix::inline v0::engine {
namespace {

using kernel::Trans;

class Dense : public Product {
 public:
  Dense(const model::Layer& layer, bool moments)
      : Product(layer.in, layer.out, layer.in * layer.out, 1), moments_(moments) {}

  /// The squares, of moments.
  std::size_t kept(std::size_t rows) const override { return moments_ ? rows * in : 0; }
  /// One unit alone would fill a vector with zeros.
  std::size_t packed() const override { return out > 1 ? kernel::packed_size(out, in) : 0; }
  void pack(const float* w, float* packed) const override { kernel::pack(out, in, w, in, packed); }
  void forward(const Rows& x, Weights w, const float* b, float*, float* y) const override {
    multiply(x.count, x.x, w, b, y);
  }
  void moments(const Rows& x, Weights w, const float* b, Weights sigma2, float*, float* y,
               float* var) const override {
    kernel::for_tiles(x.count * in, [&](std::size_t first, std::size_t n) {
      for (std::size_t i = first; i < first + n; ++i) x.kept[i] = x.x[i] * x.x[i];
    });
    multiply(x.count, x.x, w, b, y);
    multiply(x.count, x.kept, sigma2, nullptr, var);
  }
  void to_bias(std::size_t rows, const float* dy, float* db) const override {
    kernel::column_sums(rows, out, dy, db);
  }

 private:
  void to_weights(const Rows& x, const Gradients& g, float*) const override {
    multiply_back(x.count, x.x, g.dy, g.dw);
    if (g.dvar) multiply_back(x.count, x.kept, g.dvar, g.dsigma2);
  }
  void to_input(std::size_t rows, const float* dy, const float* w, bool add, float*,
                float* dx) const override {
    kernel::gemm(Trans::no, Trans::no, rows, in, out, dy, out, w, in, add ? 1 : 0, dx, in);
  }
  void multiply(std::size_t rows, const float* x, Weights w, const float* b, float* y) const {
    if (w.packed) return kernel::packed_product(rows, out, in, x, in, w.packed, b, y, out);
    for (std::size_t n = 0; b && n < rows; ++n) std::copy_n(b, out, y + n * out);
    kernel::gemm(Trans::no, Trans::yes, rows, out, in, x, in, w.flat, in, b ? 1 : 0, y, out);
  }
  void multiply_back(std::size_t rows, const float* x, const float* dy, float* dw) const {
    kernel::gemm(Trans::yes, Trans::no, out, in, rows, dy, out, x, in, 0, dw, in);
  }

  bool moments_;
};

/// What forward marks is kept.
class Sparse : public Dense {
 public:
  using Dense::Dense;

  std::size_t kept(std::size_t rows) const override { return SparseRows::memory(rows, in); }
  std::size_t packed() const override { return 0; }
  void forward(const Rows& x, Weights w, const float* b, float*, float* y) const override {
    kernel::sparse_product(marked(x, false), out, w.flat, b, y);
  }
  void moments(const Rows& x, Weights w, const float* b, Weights sigma2, float*, float* y,
               float* var) const override {
    kernel::sparse_moments(marked(x, true), out, w.flat, b, sigma2.flat, y, var);
  }

 private:
  using SparseRows = kernel::SparseRows;
  void to_weights(const Rows& x, const Gradients& g, float*) const override {
    if (g.dvar) {
      kernel::sparse_moments_to_weights(of(x), x.base, out, g.dy, g.dvar, g.dw, g.dsigma2);
    } else {
      kernel::sparse_to_weights(of(x), x.base, out, g.dy, g.dw);
    }
  }
  SparseRows of(const Rows& x) const { return {x.count, in, x.kept}; }
  SparseRows marked(const Rows& x, bool squares) const {
    const SparseRows rows = of(x);
    rows.mark(x.x, x.base, squares);
    return rows;
  }
};

/// Of a prediction with weights that stay the same, many of them zero: packed alone are they read.
/// Packed as dense ones too, before that, where some calls repay it.
class Pruned : public Dense {
 public:
  Pruned(const model::Layer& layer, const Left& left)
      : Dense(layer, false),
        few_(left.few || layer.out == 1),
        many_(left.many || layer.out == 1),
        dense_(few_ && many_ ? 0 : kernel::whole_lines(Dense::packed())),
        sparse_(kernel::sparse_weights_size(left.counts)) {}

  std::size_t packed() const override { return dense_ + sparse_; }
  void pack(const float* w, float* packed) const override {
    if (dense_ > 0) Dense::pack(w, packed);
    kernel::pack_sparse_weights(out, in, w, packed + dense_);
  }
  std::size_t scratch(std::size_t rows, bool) const override {
    return kernel::sparse_weights_scratch(rows, in);
  }
  void forward(const Rows& x, Weights w, const float* b, float* scratch, float* y) const override {
    if (x.count <= kernel::kFewRows ? few_ : many_) {
      kernel::sparse_weights_product(x.count, out, in, x.x, w.packed + dense_, b, scratch, y);
    } else {
      Dense::forward(x, w, b, scratch, y);
    }
  }

 private:
  bool few_, many_;
  std::size_t dense_, sparse_;  // floats of each
};

/// Of a training step. Kept is what the full product keeps, or the rows of x, turned; scratch has those
/// of dy.
template <class Full>
class Held : public Full {
 public:
  explicit Held(const model::Layer& layer) : Full(layer, false) {}

  std::size_t kept(std::size_t rows) const override {
    return std::max(Full::kept(rows), kernel::turned_size(rows, this->in));
  }
  std::size_t scratch(std::size_t rows, bool backward) const override {
    return backward ? kernel::turned_size(rows, this->out) : 0;
  }
  void forward(const Rows& x, Weights w, const float* b, float* scratch, float* y) const override {
    if (!x.left) return Full::forward(x, w, b, scratch, y);
    kernel::turn_rows(x.count, this->in, x.x, x.kept);
    kernel::left_product(*x.left, x.count, x.kept, w.flat, b, y);
  }
  void backward(const Rows& x, const Gradients& g, float* scratch) const override {
    if (!x.left) return Full::backward(x, g, scratch);
    kernel::turn_rows(x.count, this->out, g.dy, scratch);
    kernel::left_to_weights(*x.left, x.count, x.kept, scratch, g.dw);
    if (g.dx) kernel::left_to_input(*x.left, x.count, scratch, g.w, g.dx);
  }
};

class Conv2d : public Product {
 public:
  Conv2d(const model::Layer& layer, const kernel::Conv2d& shape)
      : Product(shape.c * shape.h * shape.w, shape.o * shape.out_h() * shape.out_w(),
                shape.o * shape.c * layer.kernel * layer.kernel, shape.out_h() * shape.out_w()),
        shape_(shape) {}

  std::size_t scratch(std::size_t rows, bool backward) const override {
    return backward ? kernel::conv2d_backward_scratch(of(rows)) : kernel::conv2d_scratch(of(rows));
  }
  void forward(const Rows& x, Weights w, const float* b, float* scratch, float* y) const override {
    kernel::conv2d_forward(of(x.count), x.x, w.flat, b, scratch, y);
  }
  void moments(const Rows& x, Weights w, const float* b, Weights sigma2, float* scratch, float* y,
               float* var) const override {
    kernel::conv2d_moments(of(x.count), x.x, w.flat, b, sigma2.flat, scratch, y, var);
  }
  void to_bias(std::size_t rows, const float* dy, float* db) const override {
    kernel::channel_sums(rows, shape_.o, out / shape_.o, dy, db);
  }

 protected:
  kernel::Conv2d of(std::size_t rows) const {
    kernel::Conv2d shape = shape_;
    shape.n = rows;
    return shape;
  }

 private:
  void to_weights(const Rows& x, const Gradients& g, float* scratch) const override {
    if (g.dvar) {
      kernel::conv2d_moments_backward_weight(of(x.count), x.x, g.dy, g.dvar, scratch, g.dw,
                                             g.dsigma2);
    } else {
      kernel::conv2d_backward_weight(of(x.count), x.x, g.dy, scratch, g.dw);
    }
  }
  void to_input(std::size_t rows, const float* dy, const float* w, bool add, float* scratch,
                float* dx) const override {
    kernel::conv2d_backward_input(of(rows), dy, w, add, scratch, dx);
  }

  kernel::Conv2d shape_;
};

/// Most of whose gradients are zero.
class SparseConv2d : public Conv2d {
 public:
  using Conv2d::Conv2d;

  std::size_t scratch(std::size_t rows, bool backward) const override {
    return backward ? kernel::conv2d_sparse_backward_scratch(of(rows))
                    : kernel::conv2d_scratch(of(rows));
  }
  void backward(const Rows& x, const Gradients& g, float* scratch) const override {
    kernel::conv2d_sparse_backward(of(x.count),
                                   {.x = x.x,
                                    .w = g.w,
                                    .dy = g.dy,
                                    .dw = g.dw,
                                    .dx = g.dx,
                                    .sigma2 = g.sigma2,
                                    .dvar = g.dvar,
                                    .dsigma2 = g.dsigma2},
                                   scratch);
  }
};

/// As Pruned.
class PrunedConv2d : public Conv2d {
 public:
  PrunedConv2d(const model::Layer& layer, const kernel::Conv2d& shape, const Left& left)
      : Conv2d(layer, shape), size_(kernel::sparse_filters_size(left.counts)) {}

  std::size_t packed() const override { return size_; }
  void pack(const float* w, float* packed) const override {
    kernel::pack_sparse_filters(of(1), w, packed);
  }
  std::size_t scratch(std::size_t rows, bool) const override {
    return kernel::sparse_filters_scratch(of(rows));
  }
  void forward(const Rows& x, Weights w, const float* b, float* scratch, float* y) const override {
    kernel::sparse_filters_conv(of(x.count), x.x, w.packed, b, scratch, y);
  }

 private:
  std::size_t size_;
};

kernel::Conv2d conv_of(const model::Layer& layer, const model::Shape& shape) {
  return {.n = 1,
          .c = shape[0],
          .h = shape[1],
          .w = shape[2],
          .o = layer.out,
          .window = {layer.kernel, layer.stride, layer.padding}};
}

}  // namespace

void Product::backward(const Rows& x, const Gradients& g, float* scratch) const {
  to_weights(x, g, scratch);
  if (!g.dx) return;
  if (g.dvar) {
    to_input(x.count, g.dvar, g.sigma2, false, scratch, g.dx);
    kernel::for_tiles(x.count * in, [&](std::size_t first, std::size_t n) {
      for (std::size_t i = first; i < first + n; ++i) g.dx[i] *= 2 * x.x[i];
    });
  }
  to_input(x.count, g.dy, g.w, g.dvar != nullptr, scratch, g.dx);
}

std::unique_ptr<Product> make_dense(const model::Layer& layer, bool moments) {
  return std::make_unique<Dense>(layer, moments);
}

std::unique_ptr<Product> make_sparse(const model::Layer& layer, bool moments) {
  return std::make_unique<Sparse>(layer, moments);
}

std::unique_ptr<Product> make_pruned(const model::Layer& layer, const model::Shape& shape,
                                     const Left& left) {
  if (model::layer_kind(layer.type).windows) {
    return std::make_unique<PrunedConv2d>(layer, conv_of(layer, shape), left);
  }
  return std::make_unique<Pruned>(layer, left);
}

std::unique_ptr<Product> make_held(const model::Layer& layer, bool sparse_data) {
  if (sparse_data) return std::make_unique<Held<Sparse>>(layer);
  return std::make_unique<Held<Dense>>(layer);
}

std::unique_ptr<Product> make_conv2d(const model::Layer& layer, const model::Shape& shape,
                                     bool sparse) {
  if (sparse) return std::make_unique<SparseConv2d>(layer, conv_of(layer, shape));
  return std::make_unique<Conv2d>(layer, conv_of(layer, shape));
}

}  // namespace scalemix::inline v0::engine
