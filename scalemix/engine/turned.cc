// Gaussian noise on what a dense layer takes, of its own for every output, whose covariance S a kind
// prepares as sums (model/turned_noise.h): pre-activations are drawn from their moments,
//
//   mean = x (m w) + b,   var = (x w)^T S (x w) = x^2 (alpha w^2) + sum_t [ 4 k P_t^2 - 4 P_t Q_t ]
//   P_t = x (u_t w),   Q_t = x (q_t w)

#include <algorithm>

#include "scalemix/engine/weighted.h"
#include "scalemix/kernel/reparam.h"
#include "scalemix/law/any_law.h"
#include "scalemix/model/turned_noise.h"

namespace scalemix::inline v0::engine {
namespace {

/// Kept, in a prediction scratch after the product's: what the draw makes of a change of the variances,
/// (rows, out); P and Q of every turn; x^2; then room for scaled weights. Scratch of backward, after the
/// product's: a gradient of outputs, of inputs, of weights.
class TurnedNoise : public Weighted {
 public:
  TurnedNoise(const Making& m, std::unique_ptr<Product> product)
      : Weighted(m, std::move(product), m.layer.out),
        parts_(model::Turned::of(in, m.noise->prepared())),
        train_(m.train) {}

  double forward(const Frame& f, const float* x, float* y) const override {
    const std::size_t n = f.rows * out;
    const float* p = f.prepared + noise_->prepared_at;
    float *var = train_ ? f.kept : f.scratch + product_->scratch(f.rows, false),
          *squares = var + n * (1 + 2 * parts_.turns), *w = squares + f.rows * in;
    const auto product = [&](const float* rows, const float* b, float* to) {
      product_->forward({.count = f.rows, .x = rows}, {.flat = w}, b, f.scratch, to);
    };
    scale(f, p + parts_.mean(), false, w);
    product(x, bias(f), y);
    if (f.mode == Mode::deterministic) return 0;
    for (std::size_t i = 0; i < f.rows * in; ++i) squares[i] = x[i] * x[i];
    scale(f, p + parts_.alpha(), true, w);
    product(squares, nullptr, var);
    for (std::size_t t = 0; t < parts_.turns; ++t) {
      float *along = var + n * (1 + 2 * t), *image = along + n;
      scale(f, p + parts_.axis(t), false, w);
      product(x, nullptr, along);
      scale(f, p + parts_.image(t), false, w);
      product(x, nullptr, image);
      const float k = p[parts_.kappa() + t];
      for (std::size_t i = 0; i < n; ++i) var[i] += 4 * along[i] * (k * along[i] - image[i]);
    }
    for (std::size_t i = 0; i < n; ++i) var[i] = std::max(var[i], 0.0f);  // but for rounding
    kernel::reparam(normal_.raw(), f.stream(noise_->use.number),
                    noise_->use.at(f.rows, f.row0, f.group, f.stride), y, var, y, var);
    return 0;
  }

  void backward(const Frame& f, const float* x, const float*, float* dy, float* dx) const override {
    const std::size_t n = f.rows * out;
    const float *p = f.prepared + noise_->prepared_at, *slope = f.kept,
                *squares = slope + n * (1 + 2 * parts_.turns);
    float *w = f.kept + n * (1 + 2 * parts_.turns) + f.rows * in, *d = f.d_prepared,
          *change = f.scratch + product_->scratch(f.rows, true), *back = change + n,
          *dw = back + f.rows * in;
    std::fill_n(f.gradients + w_, product_->weights, 0.0f);
    if (dx) std::fill_n(dx, f.rows * in, 0.0f);
    // Of a product of `rows` with weights scaled by a part.
    const auto through = [&](const float* by, const float* rows, std::size_t part, bool square) {
      scale(f, p + part, square, w);
      product_->backward({.count = f.rows, .x = rows},
                         {.dy = by, .w = w, .dw = dw, .dx = dx ? back : nullptr}, f.scratch);
      unscale(f, p + part, square, dw, d + part);
      if (!dx) return;
      for (std::size_t i = 0; i < f.rows * in; ++i) dx[i] += (square ? 2 * x[i] : 1) * back[i];
    };
    through(dy, x, parts_.mean(), false);
    to_bias(f, dy);
    for (std::size_t t = 0; t < parts_.turns; ++t) {
      const float *along = slope + n * (1 + 2 * t), *image = along + n;
      const float k = p[parts_.kappa() + t];
      double dk = 0;
      for (std::size_t i = 0; i < n; ++i) {
        const float dvar = dy[i] * slope[i];
        change[i] = 4 * dvar * (2 * k * along[i] - image[i]);
        dk += double(4 * dvar) * along[i] * along[i];
      }
      d[parts_.kappa() + t] = static_cast<float>(dk);
      through(change, x, parts_.axis(t), false);
      for (std::size_t i = 0; i < n; ++i) change[i] = -4 * dy[i] * slope[i] * along[i];
      through(change, x, parts_.image(t), false);
    }
    for (std::size_t i = 0; i < n; ++i) change[i] = dy[i] * slope[i];
    through(change, squares, parts_.alpha(), true);
  }

  std::size_t kept(std::size_t rows) const override {
    return rows * out * (1 + 2 * parts_.turns) + rows * in + product_->weights;
  }
  std::size_t scratch(std::size_t rows, bool backward) const override {
    return product_->scratch(rows, backward) + (backward ? rows * (in + out) + product_->weights
                                                : train_ ? 0
                                                         : kept(rows));
  }
  /// Weights are scaled in every pass.
  std::size_t prepared() const override { return 0; }
  void prepare(const Frame&) const override {}
  bool stochastic() const override { return true; }
  double work() const override {
    return static_cast<double>((2 + 2 * parts_.turns) * product_->weights);
  }

 private:
  /// Weights, or their squares, (out, in) times a number per input.
  void scale(const Frame& f, const float* by, bool square, float* to) const {
    const float* w = f.values + w_;
    for (std::size_t o = 0; o < out; ++o) {
      for (std::size_t i = 0; i < in; ++i) {
        const float one = w[o * in + i];
        to[o * in + i] = (square ? one * one : one) * by[i];
      }
    }
  }
  /// From the gradient of scaled weights to that of the weights, added, and that of the scales, (in).
  void unscale(const Frame& f, const float* by, bool square, const float* dscaled,
               float* dby) const {
    const float* w = f.values + w_;
    float* dw = f.gradients + w_;
    std::fill_n(dby, in, 0.0f);
    for (std::size_t o = 0; o < out; ++o) {
      for (std::size_t i = 0; i < in; ++i) {
        const float one = w[o * in + i], g = dscaled[o * in + i];
        dw[o * in + i] += (square ? 2 * one : 1) * by[i] * g;
        dby[i] += (square ? one * one : one) * g;
      }
    }
  }

  model::Turned parts_;
  bool train_;
  law::AnyLaw normal_ = law::AnyLaw::parse("normal:scale=1");
};

}  // namespace

std::unique_ptr<Node> make_turned(const Making& m) {
  return std::make_unique<TurnedNoise>(m, make_dense(m.layer, false));
}

}  // namespace scalemix::inline v0::engine
