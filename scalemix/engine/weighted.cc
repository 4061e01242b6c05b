// Layers with weights, dense or convolutional: plain, or with the weights of a deterministic pass;
// every weight times noise; noise between weights and bias; pre-activations drawn from their
// moments.

#include <algorithm>
#include <cmath>
#include <optional>
#include <vector>

#include "scalemix/base/parallel.h"
#include "scalemix/engine/node.h"
#include "scalemix/engine/product.h"
#include "scalemix/kernel/columns.h"
#include "scalemix/kernel/noise.h"
#include "scalemix/kernel/reparam.h"
#include "scalemix/kernel/tiles.h"
#include "scalemix/law/any_law.h"
#include "scalemix/model/layer_kind.h"

namespace scalemix::inline v0::engine {
namespace {

using Ptr = std::unique_ptr<Product>;

/// Prepared, of a prediction: the weights of a pass without draws, packed where the product can read
/// them so, unless that is the flat row itself.
class Weighted : public Node {
 public:
  Weighted(const Making& m, Ptr product, std::size_t out)
      : Node(product->in, out),
        product_(std::move(product)),
        noise_(m.noise),
        w_(m.layout.at(m.layer.name + ".weight").offset),
        stands_in_(!m.train && m.noise && m.noise->kind().stand_in),
        packed_(m.train ? 0 : product_->packed()) {
    const bool later = m.noise && m.noise->kind().where == model::Where::before_bias;
    if (m.layer.bias && !later) b_ = m.layout.at(m.layer.name + ".bias").offset;
  }

  double forward(const Frame& f, const float* x, float* y) const override {
    product_->forward(rows(f, x), weights(f), bias(f), f.scratch, y);
    return 0;
  }

  void backward(const Frame& f, const float* x, const float*, float* dy, float* dx) const override {
    const Gradients g{.dy = dy, .w = f.values + w_, .dw = f.gradients + w_, .dx = dx};
    product_->backward(rows(f, x), g, f.scratch);
    to_bias(f, dy);
  }

  std::size_t kept(std::size_t rows) const override { return product_->kept(rows); }
  std::size_t scratch(std::size_t rows, bool backward) const override {
    return product_->scratch(rows, backward);
  }
  std::size_t prepared() const override {
    return packed_ > 0 ? packed_ : stands_in_ ? product_->weights : 0;
  }
  void prepare(const Frame& f) const override {
    float* to = f.prepared + prepared_at;
    if (packed_ == 0) {
      if (stands_in_) noise_->kind().stand_in(noise_->at(f), to);
    } else if (stands_in_) {  // once, as a model is loaded: a step prepares nothing here
      std::vector<float> flat(product_->weights);
      noise_->kind().stand_in(noise_->at(f), flat.data());
      product_->pack(flat.data(), to);
    } else {
      product_->pack(f.values + w_, to);
    }
  }
  bool reads_input() const override { return true; }
  bool trained() const override { return true; }
  double work() const override { return static_cast<double>(product_->weights * product_->places); }

 protected:
  // What is kept begins with what the product keeps.
  Rows rows(const Frame& f, const float* x) const { return {f.rows, x, f.base, f.kept}; }
  const float* bias(const Frame& f) const { return b_ ? f.values + *b_ : nullptr; }
  /// Those of a deterministic pass, outside training.
  Weights weights(const Frame& f) const {
    if (packed_ > 0) return {.packed = f.prepared + prepared_at};
    return {.flat = stands_in_ ? f.prepared + prepared_at : f.values + w_};
  }
  void to_bias(const Frame& f, const float* dy) const {
    if (b_) product_->to_bias(f.rows, dy, f.gradients + *b_);
  }

  Ptr product_;
  const Decoration* noise_;
  std::size_t w_;
  bool stands_in_;
  std::size_t packed_;  // floats; 0: it is not
  std::optional<std::size_t> b_;
};

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
    product_->moments(rows(f, x), {.flat = f.values + w_}, bias(f), {.flat = variances(f)},
                      f.scratch, y, var);
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
                      .w = f.values + w_,
                      .dvar = dvar,
                      .sigma2 = variances(f),
                      .dw = f.gradients + w_,
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

/// A posterior drawn by signs (model::Signs): every row has its own signs s of the inputs and r of the
/// outputs, of an image one per channel. Element row (C + O) + c of the draw is s of channel c, that
/// + C + o is r of output o.
///
///   y = x w + b + ((x s) sigma) r
///   dsigma2 = (x s)^T (dy r) / (2 sigma),  dx = dy w^T + ((dy r) sigma^T) s
///
/// Kept, of a prediction in scratch: the signs, x s, sigma.
class Signed : public Weighted {
 public:
  Signed(const Making& m, Ptr product, std::size_t out, model::Signs signs)
      : Weighted(m, std::move(product), out),
        train_(m.train),
        gap_(signs == model::Signs::released ? 4.0f : 2.0f),
        channels_(model::layer_kind(m.layer.type).windows ? m.in[0] : in),
        outputs_(m.layer.out) {}

  double forward(const Frame& f, const float* x, float* y) const override {
    product_->forward(rows(f, x), weights(f), bias(f), f.scratch, y);
    if (f.mode == Mode::deterministic) return 0;
    const Part part = part_of(f);
    draw(f, part.signs);
    times_signs(f.rows, in, 0, part.signs, x, part.x);
    const float* variances = f.prepared + noise_->prepared_at;
    kernel::for_tiles(product_->weights, [&](std::size_t first, std::size_t n) {
      for (std::size_t i = first; i < first + n; ++i) part.sigma[i] = std::sqrt(variances[i]);
    });
    float* change = room(f, false);
    product_->forward({f.rows, part.x, nullptr, nullptr}, {.flat = part.sigma}, nullptr, f.scratch,
                      change);
    times_signs(f.rows, out, channels_, part.signs, change, change);
    kernel::for_tiles(f.rows * out, [&](std::size_t first, std::size_t n) {
      for (std::size_t i = first; i < first + n; ++i) y[i] += change[i];
    });
    return 0;
  }

  void backward(const Frame& f, const float* x, const float*, float* dy, float* dx) const override {
    const Part part = part_of(f);
    float *dchange = room(f, true), *dchanged_x = dx ? dchange + f.rows * out : nullptr;
    const Gradients mean{.dy = dy, .w = f.values + w_, .dw = f.gradients + w_, .dx = dx};
    product_->backward(rows(f, x), mean, f.scratch);
    times_signs(f.rows, out, channels_, part.signs, dy, dchange);
    const Gradients change{.dy = dchange, .w = part.sigma, .dw = f.d_prepared, .dx = dchanged_x};
    product_->backward({f.rows, part.x, nullptr, nullptr}, change, f.scratch);
    kernel::for_tiles(product_->weights, [&](std::size_t first, std::size_t n) {
      for (std::size_t i = first; i < first + n; ++i) f.d_prepared[i] /= 2 * part.sigma[i];
    });
    if (dx) {
      times_signs(f.rows, in, 0, part.signs, dchanged_x, dchanged_x);
      kernel::for_tiles(f.rows * in, [&](std::size_t first, std::size_t n) {
        for (std::size_t i = first; i < first + n; ++i) dx[i] += dchanged_x[i];
      });
    }
    to_bias(f, dy);
  }

  std::size_t kept(std::size_t rows) const override { return train_ ? part(rows) : 0; }
  std::size_t scratch(std::size_t rows, bool backward) const override {
    return product_->scratch(rows, backward) + rows * (backward ? out + in : out) +
           (train_ ? 0 : part(rows));
  }
  double work() const override { return 2 * Weighted::work(); }
  bool stochastic() const override { return true; }

 private:
  struct Part {
    float *signs, *x, *sigma;  // (rows, C + O), (rows, in), (weights)
  };
  std::size_t part(std::size_t rows) const {
    return rows * (channels_ + outputs_ + in) + product_->weights;
  }
  Part part_of(const Frame& f) const {
    float* at = train_ ? f.kept : room(f, false) + f.rows * out;
    return {at, at + f.rows * (channels_ + outputs_), at + f.rows * (channels_ + outputs_ + in)};
  }
  /// Scratch behind the product's.
  float* room(const Frame& f, bool backward) const {
    return f.scratch + product_->scratch(f.rows, backward);
  }
  void draw(const Frame& f, float* signs) const {
    const std::size_t columns = channels_ + outputs_;
    const kernel::Site site{
        .rows = f.rows, .columns = columns, .row0 = f.row0, .group = f.group, .stride = f.stride};
    kernel::draws(half_.raw(), f.stream(noise_->use.number), site, signs);
    kernel::for_tiles(f.rows * columns, [&](std::size_t first, std::size_t n) {
      for (std::size_t i = first; i < first + n; ++i) signs[i] = gap_ * signs[i] - 1;
    });
  }
  /// y (rows, width) = x times the signs from column `from` on; y may be x.
  void times_signs(std::size_t rows, std::size_t width, std::size_t from, const float* signs,
                   const float* x, float* y) const {
    const std::size_t columns = channels_ + outputs_, count = from == 0 ? channels_ : outputs_,
                      inner = width / count;
    parallel_tiles(rows, [&](std::size_t row) {
      for (std::size_t c = 0; c < count; ++c) {
        const float sign = signs[row * columns + from + c];
        const std::size_t at = row * width + c * inner;
        for (std::size_t k = at; k < at + inner; ++k) y[k] = sign * x[k];
      }
    });
  }

  bool train_;
  float gap_;  // between the two signs, of which the lower is -1
  std::size_t channels_, outputs_;
  law::AnyLaw half_ = law::AnyLaw::parse("bernoulli:p=0.5");
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
  const Where where = m.noise ? m.noise->kind().where : Where::penalty;
  const model::Signs signs = signs_of(m);
  const bool drawn_by_signs = signs != model::Signs::none;
  Ptr product = drawn_by_signs && !model::layer_kind(m.layer.type).windows
                    ? make_dense(m.layer, false)  // signs leave no zeros of the data alone
                    : make_product(m, where == Where::moments && !drawn_by_signs);
  const std::size_t out = product->out;
  Nodes nodes;
  if (where == Where::input) nodes.push_back(make_noise(*m.noise, product->in, m.train));
  if (where == Where::weights) {
    nodes.push_back(std::make_unique<NoisyWeights>(m, std::move(product), out));
  } else if (drawn_by_signs) {
    nodes.push_back(std::make_unique<Signed>(m, std::move(product), out, signs));
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
