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

  std::size_t scratch(std::size_t rows) const override {
    return product_->kept(rows) + product_->scratch(rows);
  }
  double work() const override { return static_cast<double>(product_->weights * product_->places); }

  void forward(const Frame& f, const float* x, float* y) const override {
    product_->forward(rows(f, x), f.values + w_, bias(f), scratch_of_product(f), y);
  }

  void backward(const Frame& f, const float* x, const float*, float* dy, float* dx) const override {
    const Gradients g{.dy = dy, .w = f.values + w_, .dw = f.gradients + w_, .dx = dx};
    product_->backward(rows(f, x), g, scratch_of_product(f));
    to_bias(f, dy);
  }

 protected:
  // A node's scratch begins with what the product keeps and what it does not.
  Rows rows(const Frame& f, const float* x) const { return {f.rows, x, f.base, f.scratch}; }
  float* scratch_of_product(const Frame& f) const { return f.scratch + product_->kept(f.rows); }
  float* scratch_of_node(const Frame& f) const { return f.scratch + Weighted::scratch(f.rows); }
  const float* bias(const Frame& f) const { return b_ ? f.values + *b_ : nullptr; }
  void to_bias(const Frame& f, const float* dy) const {
    if (b_) product_->to_bias(f.rows, dy, f.gradients + *b_);
  }

  Ptr product_;
  std::uint32_t site_;
  std::size_t w_;
  std::optional<std::size_t> b_;
};

/// Scratch, behind the product's: the noisy weights.
class DropConnect : public Weighted {
 public:
  DropConnect(const model::Layer& layer, Ptr product, const Layout& layout)
      : Weighted(layer, std::move(product), layout), law_(law::AnyLaw::parse(layer.weight_law)) {}

  std::size_t scratch(std::size_t rows) const override {
    return Weighted::scratch(rows) + product_->weights;
  }

  void forward(const Frame& f, const float* x, float* y) const override {
    float* noisy = scratch_of_node(f);
    multiply(f, f.values + w_, noisy);
    product_->forward(rows(f, x), noisy, bias(f), scratch_of_product(f), y);
  }

  void backward(const Frame& f, const float* x, const float*, float* dy, float* dx) const override {
    const Gradients g{.dy = dy, .w = scratch_of_node(f), .dw = f.gradients + w_, .dx = dx};
    product_->backward(rows(f, x), g, scratch_of_product(f));
    multiply(f, g.dw, g.dw);
    to_bias(f, dy);
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
/// one draw a number of y. Scratch, behind the product's: the variances of y, then what the draw
/// makes of a change of them; their gradients.
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
    return Weighted::scratch(rows) + 2 * rows * out;
  }

  void forward(const Frame& f, const float* x, float* y) const override {
    float* var = scratch_of_node(f);
    product_->moments(rows(f, x), f.values + w_, bias(f), sigma2(f), scratch_of_product(f), y, var);
    kernel::reparam(normal_.raw(), f.stream(site_), site(f), y, var, y, var);
  }

  void backward(const Frame& f, const float* x, const float*, float* dy, float* dx) const override {
    float *slope = scratch_of_node(f), *dvar = slope + f.rows * out;
    kernel::for_tiles(f.rows * out, [&](std::size_t first, std::size_t n) {
      for (std::size_t i = first; i < first + n; ++i) dvar[i] = dy[i] * slope[i];
    });
    const Gradients g{.dy = dy,
                      .w = f.values + w_,
                      .dvar = dvar,
                      .sigma2 = sigma2(f),
                      .dw = f.gradients + w_,
                      .dsigma2 = f.gradients + posterior_.log_sigma2,
                      .dx = dx};
    product_->backward(rows(f, x), g, scratch_of_product(f));
    to_bias(f, dy);
  }

 private:
  const float* sigma2(const Frame& f) const { return f.sigma2 + posterior_.sigma2; }
  kernel::Site site(const Frame& f) const { return {.rows = f.rows, .columns = out}; }

  law::AnyLaw normal_;
  Posterior posterior_;
};

}  // namespace

std::unique_ptr<Node> make_weighted(const model::Layer& layer, const model::Shape& shape,
                                    const Layout& layout, const Zeros& zeros) {
  Ptr product = layer.type == "conv2d" ? make_conv2d(layer, shape, zeros.gradients)
                : zeros.data           ? make_sparse(layer)
                                       : make_dense(layer);
  if (!layer.posterior.empty()) return std::make_unique<Svdo>(layer, std::move(product), layout);
  if (!layer.weight_law.empty())
    return std::make_unique<DropConnect>(layer, std::move(product), layout);
  return std::make_unique<Weighted>(layer, std::move(product), layout);
}

}  // namespace scalemix::inline v0::step
