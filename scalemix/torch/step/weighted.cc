// Layers with weights, dense or convolutional: plain; every weight times noise (dropconnect); with
// a posterior (svdo).

#include <algorithm>
#include <optional>

#include "scalemix/kernel/noise.h"
#include "scalemix/kernel/reparam.h"
#include "scalemix/kernel/tiles.h"
#include "scalemix/law/any_law.h"
#include "scalemix/torch/step/node.h"
#include "scalemix/torch/step/product.h"

namespace scalemix::inline v0::step {
namespace {

using Ptr = std::unique_ptr<Product>;

class Weighted : public Node {
 public:
  Weighted(const model::Layer& layer, Ptr product, const Layout& layout)
      : Node(product->in, product->out),
        product_(std::move(product)),
        site_(layer.site),
        w_(layout(layer.name + ".weight")) {
    if (layer.bias) b_ = layout(layer.name + ".bias");
  }

  std::size_t scratch(std::size_t rows) const override { return product_->scratch(rows); }
  double work() const override { return static_cast<double>(product_->weights * product_->places); }

  void forward(const Frame& f, const float* x, float* y) const override {
    affine(f, x, f.values + w_, f.scratch, y);
  }

  void backward(const Frame& f, const float* x, const float*, float* dy, float* dx) const override {
    product_->to_weights(f.rows, x, dy, f.scratch, f.gradients + w_);
    to_bias(f, dy);
    if (dx) product_->to_input(f.rows, dy, f.values + w_, false, f.scratch, dx);
  }

 protected:
  void affine(const Frame& f, const float* x, const float* w, float* scratch, float* y) const {
    product_->forward(f.rows, x, w, b_ ? f.values + *b_ : nullptr, scratch, y);
  }
  void to_bias(const Frame& f, const float* dy) const {
    if (b_) product_->to_bias(f.rows, dy, f.gradients + *b_);
  }

  Ptr product_;
  std::uint32_t site_;
  std::size_t w_;
  std::optional<std::size_t> b_;
};

/// Scratch: the noisy weights, then the product's.
class DropConnect : public Weighted {
 public:
  DropConnect(const model::Layer& layer, Ptr product, const Layout& layout)
      : Weighted(layer, std::move(product), layout), law_(law::AnyLaw::parse(layer.weight_law)) {}

  std::size_t scratch(std::size_t rows) const override {
    return product_->weights + product_->scratch(rows);
  }

  void forward(const Frame& f, const float* x, float* y) const override {
    multiply(f, f.values + w_, f.scratch);
    affine(f, x, f.scratch, f.scratch + product_->weights, y);
  }

  void backward(const Frame& f, const float* x, const float*, float* dy, float* dx) const override {
    float *dw = f.gradients + w_, *scratch = f.scratch + product_->weights;
    product_->to_weights(f.rows, x, dy, scratch, dw);
    multiply(f, dw, dw);
    to_bias(f, dy);
    if (dx) product_->to_input(f.rows, dy, f.scratch, false, scratch, dx);
  }

 private:
  /// One draw a weight and step.
  void multiply(const Frame& f, const float* from, float* to) const {
    const kernel::Site site{.rows = 1, .columns = product_->weights};
    kernel::noise(law_.multiplier(), f.stream(site_), site, kernel::Mode::multiply, from, to);
  }

  law::AnyLaw law_;
};

/// Sparse variational dropout by local reparameterisation (kernel/reparam.h, kernel/variational.h):
/// one draw a number of y. Scratch: the product's squares; the variances of y, then what the draw
/// makes of a change of them; their gradients; the product's.
class Svdo : public Weighted {
 public:
  Svdo(const model::Layer& layer, Ptr product, const Layout& layout)
      : Weighted(layer, std::move(product), layout), normal_(law::AnyLaw::parse("normal:scale=1")) {
    posterior_ = {
        .w = w_, .log_sigma2 = layout(layer.name + ".log_sigma2"), .count = product_->weights};
  }

  Posterior* posterior() override { return &posterior_; }
  double work() const override { return 2 * Weighted::work(); }
  std::size_t scratch(std::size_t rows) const override {
    return product_->squares(rows) + 2 * rows * out + product_->scratch(rows);
  }

  void forward(const Frame& f, const float* x, float* y) const override {
    const Parts at = parts(f);
    product_->moments(f.rows, x, f.values + w_, b_ ? f.values + *b_ : nullptr, sigma2(f),
                      at.squares, at.rest, y, at.var);
    kernel::reparam(normal_.raw(), f.stream(site_), site(f), y, at.var, y, at.var);
  }

  void backward(const Frame& f, const float* x, const float*, float* dy, float* dx) const override {
    const Parts at = parts(f);
    kernel::for_tiles(f.rows * out, [&](std::size_t first, std::size_t n) {
      for (std::size_t i = first; i < first + n; ++i) at.dvar[i] = dy[i] * at.var[i];
    });
    product_->moments_to_weights(f.rows, x, dy, at.dvar, at.squares, at.rest, f.gradients + w_,
                                 f.gradients + posterior_.log_sigma2);
    to_bias(f, dy);
    if (!dx) return;
    product_->to_input(f.rows, at.dvar, sigma2(f), false, at.rest, dx);
    kernel::for_tiles(f.rows * in, [&](std::size_t first, std::size_t n) {
      for (std::size_t i = first; i < first + n; ++i) dx[i] *= 2 * x[i];
    });
    product_->to_input(f.rows, dy, f.values + w_, true, at.rest, dx);
  }

 private:
  struct Parts {
    float *squares, *var, *dvar, *rest;
  };
  Parts parts(const Frame& f) const {
    float *squares = f.scratch, *var = squares + product_->squares(f.rows);
    float* dvar = var + f.rows * out;
    return {squares, var, dvar, dvar + f.rows * out};
  }
  const float* sigma2(const Frame& f) const { return f.prepared + posterior_.prepared; }
  kernel::Site site(const Frame& f) const { return {.rows = f.rows, .columns = out}; }

  law::AnyLaw normal_;
  Posterior posterior_;
};

}  // namespace

std::unique_ptr<Node> make_weighted(const model::Layer& layer, const model::Shape& shape,
                                    const Layout& layout) {
  Ptr product = layer.type == "conv2d" ? make_conv2d(layer, shape) : make_dense(layer);
  if (!layer.posterior.empty()) return std::make_unique<Svdo>(layer, std::move(product), layout);
  if (!layer.weight_law.empty())
    return std::make_unique<DropConnect>(layer, std::move(product), layout);
  return std::make_unique<Weighted>(layer, std::move(product), layout);
}

}  // namespace scalemix::inline v0::step
