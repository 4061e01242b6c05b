// Dense layers: y = x W^T + b; with weights multiplied by noise (dropconnect); with a posterior
// (svdo).

#include <algorithm>
#include <optional>

#include "scalemix/kernel/columns.h"
#include "scalemix/kernel/gemm.h"
#include "scalemix/kernel/noise.h"
#include "scalemix/kernel/reparam.h"
#include "scalemix/kernel/tiles.h"
#include "scalemix/law/any_law.h"
#include "scalemix/torch/step/node.h"

namespace scalemix::inline v0::step {
namespace {

using kernel::Trans;

class Linear : public Node {
 public:
  Linear(const model::Layer& layer, const Layout& layout)
      : Node(layer.in, layer.out), site_(layer.site), w_(layout(layer.name + ".weight")) {
    if (layer.bias) b_ = layout(layer.name + ".bias");
  }

  void forward(const Frame& f, const float* x, float* y) const override {
    affine(f, f.values + w_, x, y);
  }

  void backward(const Frame& f, const float* x, const float*, float* dy, float* dx) const override {
    outer(f, dy, x, f.gradients + w_);
    bias_gradient(f, dy);
    if (dx) through(f, dy, f.values + w_, 0, dx);
  }

 protected:
  /// y = x w^T + b
  void affine(const Frame& f, const float* w, const float* x, float* y) const {
    if (b_) {
      for (std::size_t n = 0; n < f.rows; ++n) std::copy_n(f.values + *b_, out, y + n * out);
    }
    product(f, x, w, b_ ? 1 : 0, y);
  }
  /// y = x w^T + beta y
  void product(const Frame& f, const float* x, const float* w, float beta, float* y) const {
    kernel::gemm(Trans::no, Trans::yes, f.rows, out, in, x, in, w, in, beta, y, out);
  }
  /// dw = dy^T x
  void outer(const Frame& f, const float* dy, const float* x, float* dw) const {
    kernel::gemm(Trans::yes, Trans::no, out, in, f.rows, dy, out, x, in, 0, dw, in);
  }
  /// dx = dy w + beta dx
  void through(const Frame& f, const float* dy, const float* w, float beta, float* dx) const {
    kernel::gemm(Trans::no, Trans::no, f.rows, in, out, dy, out, w, in, beta, dx, in);
  }
  void bias_gradient(const Frame& f, const float* dy) const {
    if (b_) kernel::column_sums(f.rows, out, dy, f.gradients + *b_);
  }

  std::uint32_t site_;
  std::size_t w_;
  std::optional<std::size_t> b_;
};

/// Every weight times a draw of a law, one a weight and step.
class DropConnect : public Linear {
 public:
  DropConnect(const model::Layer& layer, const Layout& layout)
      : Linear(layer, layout), law_(law::AnyLaw::parse(layer.weight_law)) {}

  std::size_t scratch(std::size_t) const override { return in * out; }

  void forward(const Frame& f, const float* x, float* y) const override {
    multiply(f, f.values + w_, f.scratch);
    affine(f, f.scratch, x, y);
  }

  void backward(const Frame& f, const float* x, const float*, float* dy, float* dx) const override {
    float* dw = f.gradients + w_;
    outer(f, dy, x, dw);
    multiply(f, dw, dw);
    bias_gradient(f, dy);
    if (dx) through(f, dy, f.scratch, 0, dx);
  }

 private:
  void multiply(const Frame& f, const float* from, float* to) const {
    const kernel::Site site{.rows = 1, .columns = in * out};
    kernel::noise(law_.multiplier(), f.stream(site_), site, kernel::Mode::multiply, from, to);
  }

  law::AnyLaw law_;
};

/// Sparse variational dropout by local reparameterisation (kernel/reparam.h, kernel/variational.h).
class SvdoLinear : public Linear {
 public:
  SvdoLinear(const model::Layer& layer, const Layout& layout)
      : Linear(layer, layout), normal_(law::AnyLaw::parse("normal:scale=1")) {
    posterior_ = {.w = w_, .log_sigma2 = layout(layer.name + ".log_sigma2"), .count = in * out};
  }

  Posterior* posterior() override { return &posterior_; }
  /// x^2, the variances of the pre-activations, their gradients.
  std::size_t scratch(std::size_t rows) const override { return rows * (in + 2 * out); }

  void forward(const Frame& f, const float* x, float* y) const override {
    float *square = f.scratch, *var = square + f.rows * in;
    kernel::for_tiles(f.rows * in, [&](std::size_t first, std::size_t n) {
      for (std::size_t i = first; i < first + n; ++i) square[i] = x[i] * x[i];
    });
    affine(f, f.values + w_, x, y);
    product(f, square, sigma2(f), 0, var);
    kernel::reparam(normal_.raw(), f.stream(site_), site(f), y, var, y);
  }

  void backward(const Frame& f, const float* x, const float*, float* dy, float* dx) const override {
    const float *square = f.scratch, *var = square + f.rows * in;
    float* dvar = f.scratch + f.rows * (in + out);
    kernel::reparam_backward(normal_.raw(), f.stream(site_), site(f), var, dy, dvar);
    outer(f, dy, x, f.gradients + w_);
    outer(f, dvar, square, f.gradients + posterior_.log_sigma2);
    bias_gradient(f, dy);
    if (!dx) return;
    through(f, dvar, sigma2(f), 0, dx);
    kernel::for_tiles(f.rows * in, [&](std::size_t first, std::size_t n) {
      for (std::size_t i = first; i < first + n; ++i) dx[i] *= 2 * x[i];
    });
    through(f, dy, f.values + w_, 1, dx);
  }

 private:
  const float* sigma2(const Frame& f) const { return f.prepared + posterior_.prepared; }
  kernel::Site site(const Frame& f) const { return {.rows = f.rows, .columns = out}; }

  law::AnyLaw normal_;
  Posterior posterior_;
};

}  // namespace

std::unique_ptr<Node> make_linear(const model::Layer& layer, const model::Shape&,
                                  const Layout& layout) {
  if (!layer.posterior.empty()) return std::make_unique<SvdoLinear>(layer, layout);
  if (!layer.weight_law.empty()) return std::make_unique<DropConnect>(layer, layout);
  return std::make_unique<Linear>(layer, layout);
}

}  // namespace scalemix::inline v0::step
