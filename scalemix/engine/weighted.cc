// Layers with weights, dense or convolutional: plain, or with the weights of a deterministic pass;
// every weight times noise; noise between weights and bias; pre-activations drawn from their
// moments.

#include <algorithm>
#include <optional>
#include <vector>

#include "scalemix/engine/weighted.h"
#include "scalemix/kernel/columns.h"
#include "scalemix/kernel/reparam.h"
#include "scalemix/kernel/tiles.h"
#include "scalemix/law/any_law.h"
#include "scalemix/model/layer_kind.h"

namespace scalemix::inline v0::engine {
namespace {

using Ptr = std::unique_ptr<Product>;

/// Kept, after the product's: the noisy weights. A prediction has them in scratch.
class NoisyWeights : public Weighted {
 public:
  NoisyWeights(const Making& m, Ptr product, std::size_t out)
      : Weighted(m, std::move(product), out), train_(m.train) {}

  double forward(const Frame& f, const float* x, float* y) const override {
    if (f.mode == Mode::deterministic) return Weighted::forward(f, x, y);
    float* noisy =
        train_ ? f.kept + product_->kept(f.rows) : f.scratch + product_->scratch(f.rows, false);
    const double penalty = noise_->kind().forward(noise_->at(f), f.values + w_, noisy);
    product_->forward(rows(f, x), {.flat = noisy}, bias(f), f.scratch, y);
    return penalty;
  }

  void backward(const Frame& f, const float* x, const float*, float* dy, float* dx) const override {
    const float* noisy = f.kept + product_->kept(f.rows);
    const Gradients g{.dy = dy, .w = noisy, .dw = f.gradients + w_, .dx = dx};
    product_->backward(rows(f, x), g, f.scratch);
    noise_->kind().backward(noise_->at(f), f.values + w_, g.dw, g.dw, f.penalty_weight);
    to_bias(f, dy);
  }

  std::size_t kept(std::size_t rows) const override {
    return product_->kept(rows) + (train_ ? product_->weights : 0);
  }
  std::size_t scratch(std::size_t rows, bool backward) const override {
    return product_->scratch(rows, backward) + (train_ ? 0 : product_->weights);
  }
  bool stochastic() const override { return true; }

 private:
  bool train_;
};

/// Local reparameterisation (kernel/reparam.h): one draw per number of y. Kept, after the product's:
/// the variances of y, then what the draw makes of a change of them. Scratch of backward, after the
/// product's: their gradients.
class Reparameterised : public Weighted {
 public:
  using Weighted::Weighted;

  double forward(const Frame& f, const float* x, float* y) const override {
    float* var = f.kept + product_->kept(f.rows);
    product_->moments(rows(f, x), {.flat = means(f)}, bias(f), {.flat = variances(f)}, f.scratch, y,
                      var);
    kernel::reparam(normal_.raw(), f.stream(noise_->use.number),
                    noise_->use.at(f.rows, f.row0, f.group, f.stride), y, var, y, var);
    return 0;
  }

  void backward(const Frame& f, const float* x, const float*, float* dy, float* dx) const override {
    const float* slope = f.kept + product_->kept(f.rows);
    float* dvar = f.scratch + product_->scratch(f.rows, true);
    kernel::for_tiles(f.rows * out, [&](std::size_t first, std::size_t n) {
      for (std::size_t i = first; i < first + n; ++i) dvar[i] = dy[i] * slope[i];
    });
    const Gradients g{.dy = dy,
                      .w = means(f),
                      .dvar = dvar,
                      .sigma2 = variances(f),
                      .dw = d_means(f),
                      .dsigma2 = f.d_prepared,
                      .dx = dx};
    product_->backward(rows(f, x), g, f.scratch);
    to_bias(f, dy);
  }

  std::size_t kept(std::size_t rows) const override { return product_->kept(rows) + rows * out; }
  std::size_t scratch(std::size_t rows, bool backward) const override {
    return product_->scratch(rows, backward) + (backward ? rows * out : 0);
  }
  double work() const override { return 2 * Weighted::work(); }
  bool stochastic() const override { return true; }

 protected:
  const float* variances(const Frame& f) const { return f.prepared + noise_->prepared_at; }

  law::AnyLaw normal_ = law::AnyLaw::parse("normal:scale=1");
};

/// Of a prediction: mean and variance of every pre-activation, side by side, which are the same for
/// all draws. Prepared, after the means: the variances, packed. Scratch, after the product's: what
/// the product would keep.
class Moments : public Weighted {
 public:
  Moments(const Making& m, Ptr product, std::size_t out) : Weighted(m, std::move(product), out) {}

  double forward(const Frame& f, const float* x, float* y) const override {
    const std::size_t n = f.rows * product_->out;
    Rows rows{f.rows, x, f.base, f.scratch + product_->scratch(f.rows, false)};
    if (f.mode == Mode::deterministic) {
      product_->forward(rows, weights(f), bias(f), f.scratch, y);
    } else {
      product_->moments(rows, weights(f), bias(f), variances(f), f.scratch, y, y + n);
    }
    return 0;
  }
  std::size_t kept(std::size_t) const override { return 0; }
  std::size_t scratch(std::size_t rows, bool backward) const override {
    return product_->scratch(rows, backward) + product_->kept(rows);
  }
  std::size_t prepared() const override { return Weighted::prepared() + packed_; }
  void prepare(const Frame& f) const override {
    Weighted::prepare(f);
    if (packed_ == 0) return;
    product_->pack(f.prepared + noise_->prepared_at, f.prepared + prepared_at + packed_);
  }

 private:
  Weights variances(const Frame& f) const {
    if (packed_ > 0) return {.packed = f.prepared + prepared_at + packed_};
    return {.flat = f.prepared + noise_->prepared_at};
  }
};

/// What Moments made, drawn.
class Draw : public Node {
 public:
  Draw(const Decoration& noise, std::size_t out) : Node(2 * out, out), noise_(noise) {}

  double forward(const Frame& f, const float* x, float* y) const override {
    const std::size_t n = f.rows * out;
    if (f.mode != Mode::deterministic) {
      kernel::reparam(normal_.raw(), f.stream(noise_.use.number),
                      noise_.use.at(f.rows, f.row0, f.group, f.stride), x, x + n, y);
    } else if (x != y) {
      std::copy_n(x, n, y);
    }
    return 0;
  }
  bool in_place(bool) const override { return true; }
  bool stochastic() const override { return true; }

 private:
  const Decoration& noise_;
  law::AnyLaw normal_ = law::AnyLaw::parse("normal:scale=1");
};

/// The bias of a layer whose noise comes before it.
class Bias : public Node {
 public:
  Bias(const Making& m, std::size_t width)
      : Node(width, width),
        channels_(m.layer.out),
        b_(m.layout.at(m.layer.name + ".bias").offset) {}

  double forward(const Frame& f, const float* x, float* y) const override {
    kernel::add_to_channels(f.rows, channels_, in / channels_, x, f.values + b_, y);
    return 0;
  }
  void backward(const Frame& f, const float*, const float*, float* dy, float* dx) const override {
    kernel::channel_sums(f.rows, channels_, in / channels_, dy, f.gradients + b_);
    if (dx && dx != dy) std::copy_n(dy, f.rows * in, dx);
  }
  bool in_place(bool) const override { return true; }
  bool gradient_in_place() const override { return true; }
  bool trained() const override { return true; }

 private:
  std::size_t channels_, b_;
};

model::Signs signs_of(const Making& m) {
  const auto signs = m.noise ? m.noise->kind().signs : nullptr;
  return signs ? signs(*model::drawn_noise(m.layer)) : model::Signs::none;
}

Ptr make_product(const Making& m, bool moments) {
  if (model::layer_kind(m.layer.type).windows) {
    return make_conv2d(m.layer, m.in, m.zeros.gradients);
  }
  return m.zeros.data ? make_sparse(m.layer, moments) : make_dense(m.layer, moments);
}

}  // namespace

Nodes make_weighted(const Making& m) {
  using model::Where;
  const Where where = m.noise ? m.noise->use.where : Where::penalty;
  Nodes nodes;
  if (where == Where::pairs) {
    nodes.push_back(make_fast_product(m));
    return nodes;
  }
  if (where == Where::columns) {
    nodes.push_back(make_turned(m));
    return nodes;
  }
  const model::Signs signs = signs_of(m);
  const bool drawn_by_signs = signs != model::Signs::none;
  const bool plain = !m.noise || where == Where::input || where == Where::before_bias;
  const bool held = plain && m.held && !model::layer_kind(m.layer.type).windows;
  Ptr product = plain && m.left ? make_pruned(m.layer, m.in, *m.left)
                : held          ? make_held(m.layer, m.zeros.data)
                : drawn_by_signs && !model::layer_kind(m.layer.type).windows
                    ? make_dense(m.layer, false)  // signs leave no zeros of the data alone
                    : make_product(m, where == Where::moments && !drawn_by_signs);
  const std::size_t out = product->out;
  const bool of_input = where == Where::moments && m.noise->kind().draws_input_too();
  if (where == Where::input || of_input) {
    nodes.push_back(make_noise(*m.noise, product->in, m.train));
  }
  if (where == Where::row_weights) {
    nodes.push_back(make_row_weights(m, std::move(product), out));
  } else if (where == Where::weights) {
    nodes.push_back(std::make_unique<NoisyWeights>(m, std::move(product), out));
  } else if (drawn_by_signs) {
    nodes.push_back(make_signed(m, std::move(product), out, signs));
  } else if (where == Where::moments && m.train) {
    nodes.push_back(std::make_unique<Reparameterised>(m, std::move(product), out));
  } else if (where == Where::moments) {
    nodes.push_back(std::make_unique<Moments>(m, std::move(product), 2 * out));
    nodes.push_back(std::make_unique<Draw>(*m.noise, out));
  } else {
    nodes.push_back(std::make_unique<Weighted>(m, std::move(product), out));
  }
  if (where == Where::before_bias) {
    nodes.push_back(make_noise(*m.noise, out, m.train));
    if (m.layer.bias) nodes.push_back(std::make_unique<Bias>(m, out));
  }
  return nodes;
}

}  // namespace scalemix::inline v0::engine
