// Weights that are drawn anew for every row, of a dense layer: y_n = (w z_n) x_n + b, z_n (W) of row
// n. No product of matrices is left: a row costs its draws and a pass over its weights. Backward
// draws again.
//
//   dw += z_n (dy_n x_n^T),   dx_n = (w z_n)^T dy_n
//
// Rows are cut into at most kGroups groups that share a sum of gradients, which are added in their
// order: the number of threads changes no bit.

#include <algorithm>

#include "scalemix/base/parallel.h"
#include "scalemix/engine/weighted.h"

namespace scalemix::inline v0::engine {
namespace {

constexpr std::size_t kGroups = 8;

class RowWeights : public Weighted {
 public:
  RowWeights(const Making& m, std::unique_ptr<Product> product, std::size_t out)
      : Weighted(m, std::move(product), out) {}

  double forward(const Frame& f, const float* x, float* y) const override {
    if (f.mode == Mode::deterministic) return Weighted::forward(f, x, y);
    for_groups(f.rows, [&](std::size_t group, std::size_t first, std::size_t last) {
      float* noisy = room(f, false) + group * product_->weights;
      for (std::size_t n = first; n < last; ++n) {
        draw(f, n, f.values + w_, noisy);
        product_->forward({1, x + n * in, nullptr, nullptr}, {.flat = noisy}, bias(f),
                          scratch_of(f, group, false), y + n * out);
      }
    });
    return 0;
  }

  void backward(const Frame& f, const float* x, const float*, float* dy, float* dx) const override {
    const std::size_t weights = product_->weights, groups = std::min(kGroups, f.rows);
    for_groups(f.rows, [&](std::size_t group, std::size_t first, std::size_t last) {
      float *z = room(f, true) + group * 2 * weights, *sum = z + weights;
      const float* w = f.values + w_;
      std::fill_n(sum, weights, 0.0f);
      for (std::size_t n = first; n < last; ++n) {
        std::fill_n(z, weights, 1.0f);
        draw(f, n, z, z);
        const float *xn = x + n * in, *dyn = dy + n * out;
        float* dxn = dx ? dx + n * in : nullptr;
        if (dxn) std::fill_n(dxn, in, 0.0f);
        for (std::size_t o = 0; o < out; ++o) {
          const float d = dyn[o];
          const float *zo = z + o * in, *wo = w + o * in;
          float* so = sum + o * in;
          for (std::size_t i = 0; i < in; ++i) so[i] += d * xn[i] * zo[i];
          if (!dxn) continue;
          for (std::size_t i = 0; i < in; ++i) dxn[i] += d * wo[i] * zo[i];
        }
      }
    });
    float* dw = f.gradients + w_;
    std::fill_n(dw, weights, 0.0f);
    for (std::size_t g = 0; g < groups; ++g) {
      const float* sum = room(f, true) + g * 2 * weights + weights;
      for (std::size_t i = 0; i < weights; ++i) dw[i] += sum[i];
    }
    to_bias(f, dy);
  }

  std::size_t kept(std::size_t) const override { return 0; }
  std::size_t scratch(std::size_t rows, bool backward) const override {
    return kGroups * product_->scratch(rows, backward) +
           std::min(kGroups, rows) * product_->weights * (backward ? 2 : 1);
  }
  bool stochastic() const override { return true; }

 private:
  /// Calls body(group, first row, last row).
  template <class Body>
  static void for_groups(std::size_t rows, const Body& body) {
    const std::size_t groups = std::min(kGroups, rows);
    parallel_tiles(groups, [&](std::size_t g) {
      const SerialScope alone;
      body(g, g * rows / groups, (g + 1) * rows / groups);
    });
  }
  float* scratch_of(const Frame& f, std::size_t group, bool backward) const {
    return f.scratch + group * product_->scratch(f.rows, backward);
  }
  /// Scratch behind the products'.
  float* room(const Frame& f, bool backward) const { return scratch_of(f, kGroups, backward); }

  /// `weights` as row n has them; `noisy` may be those.
  void draw(const Frame& f, std::size_t n, const float* weights, float* noisy) const {
    model::At at = noise_->at(f);
    at.rows = 1;
    at.row0 = noise_->use.at(f.rows, f.row0, f.group, f.stride).row(n);
    at.group = 0;
    noise_->kind().forward(at, weights, noisy);
  }
};

}  // namespace

std::unique_ptr<Node> make_row_weights(const Making& m, std::unique_ptr<Product> product,
                                       std::size_t out) {
  return std::make_unique<RowWeights>(m, std::move(product), out);
}

}  // namespace scalemix::inline v0::engine
