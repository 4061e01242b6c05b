// Fast dropout (Wang & Manning 2013): instead of draws, the mean and the variance of every number. A
// value of shape (2, K) holds the means of all rows (rows, K), then their variances.
//
//   weights, noise x b / k with P(b = 1) = k = 1 - p on what they take:
//     s = v / k + (p / k) m^2,   m' = m W + b,   v' = s (W^2);   of the data v = 0
//   ReLU of a normal number, a = m / sqrt(v):
//     m' = m Phi(a) + sqrt(v) phi(a),   v' = (m^2 + v) Phi(a) + m sqrt(v) phi(a) - m'^2
//   classes: logits m / sqrt(1 + pi v / 8), whose softmax is about the expected probability
//   regression: m, and tau v / 2 for every row and output in the objective: E tau (y - u)^2 / 2 is
//     tau ((y - m)^2 + v) / 2

#include <algorithm>
#include <cmath>
#include <numbers>

#include "scalemix/base/parallel.h"
#include "scalemix/engine/weighted.h"
#include "scalemix/kernel/activation.h"
#include "scalemix/model/layer_kind.h"
#include "scalemix/model/noise.h"

namespace scalemix::inline v0::engine {
namespace {

constexpr float kLeastVariance = 1e-12f;
constexpr float kOdds = std::numbers::pi_v<float> / 8;

/// Kept, in a prediction scratch after the product's: what multiplies the squared weights, (rows, in), then
/// the squared weights. Scratch of backward, after the product's: their gradients.
class FastProduct : public Node {
 public:
  FastProduct(const Making& m, std::unique_ptr<Product> product)
      : Node(model::elements(m.in), 2 * product->out),
        pairs_(m.in.size() == 2),
        product_(std::move(product)),
        noise_(*m.noise),
        w_(m.layout.at(m.layer.name + ".weight").offset),
        train_(m.train) {
    if (m.layer.bias) b_ = m.layout.at(m.layer.name + ".bias").offset;
  }

  double forward(const Frame& f, const float* x, float* y) const override {
    const std::size_t n = f.rows * product_->in;
    float *s = train_ ? f.kept : f.scratch + product_->scratch(f.rows, false), *w2 = s + n;
    const float p = drop(f), scale = 1 / (1 - p);
    for (std::size_t i = 0; i < n; ++i) {
      s[i] = scale * ((pairs_ ? x[n + i] : 0.0f) + p * x[i] * x[i]);
    }
    const float* w = f.values + w_;
    for (std::size_t i = 0; i < product_->weights; ++i) w2[i] = w[i] * w[i];
    const float* b = b_ ? f.values + *b_ : nullptr;
    product_->forward({.count = f.rows, .x = x}, {.flat = w}, b, f.scratch, y);
    product_->forward({.count = f.rows, .x = s}, {.flat = w2}, nullptr, f.scratch,
                      y + f.rows * product_->out);
    return 0;
  }

  void backward(const Frame& f, const float* x, const float*, float* dy, float* dx) const override {
    const std::size_t n = f.rows * product_->in;
    const float *s = f.kept, *w2 = s + n, *w = f.values + w_;
    float *dw = f.gradients + w_, *ds = f.scratch + product_->scratch(f.rows, true), *dw2 = ds + n;
    product_->backward({.count = f.rows, .x = x}, {.dy = dy, .w = w, .dw = dw, .dx = dx},
                       f.scratch);
    product_->backward(
        {.count = f.rows, .x = s},
        {.dy = dy + f.rows * product_->out, .w = w2, .dw = dw2, .dx = dx ? ds : nullptr},
        f.scratch);
    for (std::size_t i = 0; i < product_->weights; ++i) dw[i] += 2 * w[i] * dw2[i];
    if (b_) product_->to_bias(f.rows, dy, f.gradients + *b_);
    if (!dx) return;
    const float p = drop(f), scale = 1 / (1 - p);
    for (std::size_t i = 0; i < n; ++i) {
      dx[i] += 2 * scale * p * x[i] * ds[i];
      if (pairs_) dx[n + i] = scale * ds[i];
    }
  }

  std::size_t kept(std::size_t rows) const override {
    return rows * product_->in + product_->weights;
  }
  std::size_t scratch(std::size_t rows, bool backward) const override {
    return product_->scratch(rows, backward) + (backward || !train_ ? kept(rows) : 0);
  }
  bool reads_input() const override { return true; }
  bool trained() const override { return true; }
  double work() const override { return 2 * static_cast<double>(product_->weights); }

 private:
  /// Below 1: as its kind has it.
  float drop(const Frame& f) const { return static_cast<float>(noise_.at(f).value(0)); }

  bool pairs_;  // else it takes the data, whose variance is 0
  std::unique_ptr<Product> product_;
  const Decoration& noise_;
  std::size_t w_;
  bool train_;
  std::optional<std::size_t> b_;
};

struct Normal {
  float sd, density, above;  // of a = m / sd: phi(a), Phi(a)

  Normal(float m, float v) : sd(std::sqrt(std::max(v, kLeastVariance))) {
    const float a = m / sd;
    density =
        std::exp(-a * a / 2) * std::numbers::inv_sqrtpi_v<float> / std::numbers::sqrt2_v<float>;
    above = std::erfc(-a / std::numbers::sqrt2_v<float>) / 2;
  }
  float mean(float m) const { return m * above + sd * density; }
};

class FastRelu : public Node {
 public:
  explicit FastRelu(std::size_t width) : Node(width, width) {}

  double forward(const Frame& f, const float* x, float* y) const override {
    const std::size_t half = in / 2, n = f.rows * half;
    parallel_tiles(f.rows, [&](std::size_t row) {
      for (std::size_t i = row * half; i < (row + 1) * half; ++i) {
        const float m = x[i], v = x[n + i];
        const Normal normal(m, v);
        const float mean = normal.mean(m);
        y[i] = mean;
        y[n + i] = std::max(
            0.0f, (m * m + v) * normal.above + m * normal.sd * normal.density - mean * mean);
      }
    });
    return 0;
  }

  void backward(const Frame& f, const float* x, const float*, float* dy, float* dx) const override {
    if (!dx) return;
    const std::size_t half = in / 2, n = f.rows * half;
    parallel_tiles(f.rows, [&](std::size_t row) {
      for (std::size_t i = row * half; i < (row + 1) * half; ++i) {
        const float m = x[i], by_mean = dy[i], by_variance = dy[n + i];
        const Normal normal(m, x[n + i]);
        const float mean = normal.mean(m);
        dx[i] = by_mean * normal.above + by_variance * 2 * mean * (1 - normal.above);
        dx[n + i] = by_mean * normal.density / (2 * normal.sd) +
                    by_variance * (normal.above - mean * normal.density / normal.sd);
      }
    });
  }

  bool gradient_in_place() const override { return true; }
  bool reads_input() const override { return true; }
};

class FastLogits : public Node {
 public:
  explicit FastLogits(std::size_t width) : Node(2 * width, width) {}

  double forward(const Frame& f, const float* x, float* y) const override {
    const std::size_t n = f.rows * out;
    for (std::size_t i = 0; i < n; ++i) y[i] = x[i] / std::sqrt(1 + kOdds * x[n + i]);
    return 0;
  }
  void backward(const Frame& f, const float* x, const float*, float* dy, float* dx) const override {
    if (!dx) return;
    const std::size_t n = f.rows * out;
    for (std::size_t i = 0; i < n; ++i) {
      const float r = 1 / std::sqrt(1 + kOdds * x[n + i]);
      dx[i] = dy[i] * r;
      dx[n + i] = -dy[i] * x[i] * r * r * r * kOdds / 2;
    }
  }
  bool reads_input() const override { return true; }
};

/// The precision is taken as it is: it follows the errors of the means.
class FastMean : public Node {
 public:
  FastMean(std::size_t width, std::size_t log_precision)
      : Node(2 * width, width), log_precision_(log_precision) {}

  double forward(const Frame& f, const float* x, float* y) const override {
    const std::size_t n = f.rows * out;
    std::copy_n(x, n, y);
    if (f.mode != Mode::train) return 0;
    double sum = 0;
    for (std::size_t i = 0; i < n; ++i) sum += precision(f, i) * x[n + i] / 2;
    return sum;
  }
  void backward(const Frame& f, const float*, const float*, float* dy, float* dx) const override {
    if (!dx) return;
    const std::size_t n = f.rows * out;
    std::copy_n(dy, n, dx);
    for (std::size_t i = 0; i < n; ++i) {
      dx[n + i] = static_cast<float>(f.penalty_weight * precision(f, i) / 2);
    }
  }

 private:
  double precision(const Frame& f, std::size_t i) const {
    return std::exp(double(f.values[log_precision_ + i % out]));
  }

  std::size_t log_precision_;
};

}  // namespace

std::unique_ptr<Node> make_fast_product(const Making& m) {
  return std::make_unique<FastProduct>(m, make_dense(m.layer, false));
}

std::unique_ptr<Node> make_fast_relu(std::size_t width) {
  return std::make_unique<FastRelu>(width);
}

Nodes make_moments(const Making& m) {
  Nodes out;
  const std::size_t width = m.in[1];
  if (model::layer_kind(m.layer.type).logits) {
    out.push_back(std::make_unique<FastLogits>(width));
  } else {
    out.push_back(std::make_unique<FastMean>(width, m.layout.at("output.log_precision").offset));
  }
  return out;
}

}  // namespace scalemix::inline v0::engine
