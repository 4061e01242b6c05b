#include "scalemix/signal/simulated_net.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "scalemix/kernel/activation.h"
#include "scalemix/kernel/gemm.h"
#include "scalemix/kernel/noise.h"

namespace scalemix::inline v0::signal {
namespace {

using kernel::Trans;

constexpr double kInf = std::numeric_limits<double>::infinity();

/// An activation in float: f(scale x).
struct Floats {
  kernel::Activation f;
  float slope, scale;

  explicit Floats(const Activation& phi)
      : f(kernel::find_activation(phi.name()).value_or(kernel::Activation::identity)),
        slope(f == kernel::Activation::leaky_relu ? static_cast<float>(phi.parameter()) : 0),
        scale(f == kernel::Activation::erf ? static_cast<float>(phi.parameter()) : 1) {}
};

double dot(std::size_t n, const float* x, const float* y) {
  double sum = 0;
  for (std::size_t i = 0; i < n; ++i) sum += static_cast<double>(x[i]) * y[i];
  return sum / static_cast<double>(n);
}

double absolute_dot(std::size_t n, const float* x, const float* y) {
  double sum = 0;
  for (std::size_t i = 0; i < n; ++i) sum += std::abs(static_cast<double>(x[i]) * y[i]);
  return sum / static_cast<double>(n);
}

void scale_by(float factor, std::vector<float>& x) {
  for (float& value : x) value *= factor;
}

class Net {
 public:
  Net(const SimulateOptions& options, std::uint32_t net)
      : o_(options),
        net_(net),
        rows_(2 * options.pairs),
        normal_(law::AnyLaw::parse("normal:scale=1")),
        h_(options.backward ? options.layers.size() + 1 : 2),
        overflowed_(rows_, false),
        exponent_(rows_, 0) {}

  NetRecord run() {
    start();
    observe(0);
    for (std::size_t layer = 1; layer <= depth(); ++layer) {
      forward(layer);
      observe(layer);
    }
    if (o_.backward) backward();
    return std::move(record_);
  }

 private:
  std::size_t depth() const { return o_.layers.size(); }
  std::size_t width(std::size_t layer) const {
    return layer == 0 ? o_.inputs : o_.layers[layer - 1].width;
  }
  const SimulatedLayer& layer_at(std::size_t layer) const { return o_.layers[layer - 1]; }
  std::vector<float>& h(std::size_t layer) { return h_[o_.backward ? layer : layer % 2]; }

  Stream stream(Purpose purpose, std::size_t site) const {
    return {o_.seed, stream_id(purpose, static_cast<std::uint32_t>(site)), net_};
  }

  /// The factor of W and of b: root of the variance of an entry, times the branch.
  float weight_scale(std::size_t layer) const {
    const SimulatedLayer& l = layer_at(layer);
    return static_cast<float>(l.branch.value_or(1) *
                              std::sqrt(l.sigma_w2 / static_cast<double>(width(layer - 1))));
  }

  void draw_weights(std::size_t layer) {
    const std::size_t n = width(layer) * width(layer - 1);
    w_.resize(n);
    kernel::draws(normal_.raw(), stream(Purpose::init, 2 * layer), {.rows = 1, .columns = n},
                  w_.data());
  }

  void start() {
    std::vector<float>& x = h(0);
    const std::size_t n = o_.inputs, half = o_.pairs * n;
    if (!o_.rows.empty()) {
      x = o_.rows;
      return;
    }
    x.resize(2 * half);
    kernel::draws(normal_.raw(), stream(Purpose::generate, 0), {.rows = rows_, .columns = n},
                  x.data());
    const double root = std::sqrt(o_.q0), sine = std::sqrt((1 - o_.c0) * (1 + o_.c0));
    for (std::size_t i = 0; i < half; ++i) {
      const double u = x[i], v = x[half + i];
      x[i] = static_cast<float>(root * u);
      x[half + i] = static_cast<float>(root * (o_.c0 * u + sine * v));
    }
  }

  /// a_ = noise(phi(h of the layer below)), y_ = phi(...), x_ = what phi was given.
  void activate(std::size_t layer) {
    const SimulatedLayer& l = layer_at(layer);
    const Floats phi(l.activation);
    x_ = h(layer - 1);
    if (phi.scale != 1) scale_by(phi.scale, x_);
    y_ = x_;
    kernel::activate(phi.f, phi.slope, y_.size(), y_.data());
    a_ = y_;
    if (!l.law) return;
    const kernel::Site site{.rows = rows_, .columns = width(layer - 1)};
    kernel::noise(l.additive ? l.law->raw() : l.law->multiplier(), stream(Purpose::generate, layer),
                  site, l.additive ? kernel::Combine::add : kernel::Combine::multiply, a_.data(),
                  a_.data());
  }

  void forward(std::size_t layer) {
    const SimulatedLayer& l = layer_at(layer);
    const std::size_t in = width(layer - 1), out = width(layer);
    activate(layer);
    scale_by(weight_scale(layer), a_);
    draw_weights(layer);
    std::vector<float>& to = h(layer);
    to.resize(rows_ * out);
    kernel::gemm(Trans::no, Trans::yes, rows_, out, in, a_.data(), in, w_.data(), in, 0, to.data(),
                 out);
    if (l.sigma_b2 > 0) add_bias(layer);
    if (l.branch) kernel::add(to.size(), h(layer - 1).data(), to.data());
  }

  void add_bias(std::size_t layer) {
    const SimulatedLayer& l = layer_at(layer);
    std::vector<float> bias(width(layer));
    kernel::draws(normal_.raw(), stream(Purpose::init, 2 * layer + 1),
                  {.rows = 1, .columns = bias.size()}, bias.data());
    scale_by(static_cast<float>(l.branch.value_or(1) * std::sqrt(l.sigma_b2)), bias);
    kernel::add_bias(rows_, bias.size(), bias.data(), h(layer).data());
  }

  /// A row that left float32 counts as infinite from there on and goes on as 0, so that no
  /// infinity minus infinity reaches the others' sums.
  void observe(std::size_t layer) {
    const std::size_t n = width(layer);
    std::vector<float>& x = h(layer);
    NetRecord::Forward f;
    const double share = 1 / static_cast<double>(o_.pairs);
    for (std::size_t r = 0; r < rows_; ++r) {
      float* row = x.data() + r * n;
      double q = dot(n, row, row);
      if (!std::isfinite(q)) overflowed_[r] = true;
      if (overflowed_[r]) {
        std::fill_n(row, n, 0.0f);
        q = kInf;
      }
      f.overflowed += overflowed_[r];
      f.underflowed += q == 0;
      (r < o_.pairs ? f.q1 : f.q2) += q * share;
      record_.log_q.push_back(std::log(q));
    }
    for (std::size_t p = 0; p < o_.pairs; ++p) {
      f.covariance += share * dot(n, x.data() + p * n, x.data() + (p + o_.pairs) * n);
    }
    record_.layers.push_back(f);
  }

  void backward() {
    delta_ = h(depth());
    exponent_.assign(rows_, 1);  // 2 h, which may be beyond float32 where h is not
    record_.gradients.resize(depth());
    for (std::size_t layer = depth(); layer >= 1; --layer) {
      normalise(layer);
      activate(layer);
      record_.gradients[layer - 1] = measure(layer);
      if (layer > 1) pull_back(layer);
    }
  }

  /// Takes a power of two out of each row of delta_.
  void normalise(std::size_t layer) {
    const std::size_t n = width(layer);
    for (std::size_t r = 0; r < rows_; ++r) {
      float* row = delta_.data() + r * n;
      float largest = 0;
      for (std::size_t i = 0; i < n; ++i) largest = std::max(largest, std::abs(row[i]));
      if (largest == 0) continue;
      const int exponent = std::ilogb(largest);
      for (std::size_t i = 0; i < n; ++i) row[i] = std::ldexp(row[i], -exponent);
      exponent_[r] += exponent;
    }
  }

  NetRecord::Gradient measure(std::size_t layer) const {
    const std::size_t out = width(layer), in = width(layer - 1);
    const double branch = layer_at(layer).branch.value_or(1);
    const double share = branch * branch / static_cast<double>(o_.pairs);
    NetRecord::Gradient g;
    for (std::size_t p = 0; p < o_.pairs; ++p) {
      const std::size_t rows[] = {p, p + o_.pairs};
      for (const std::size_t r : rows) {
        const float *d = delta_.data() + r * out, *a = a_.data() + r * in;
        const double g2 = std::ldexp(dot(out, d, d) * dot(in, a, a), 2 * exponent_[r]);
        g.same += share / 2 * (overflowed_[r] ? kInf : g2);
      }
      if (overflowed_[p] || overflowed_[p + o_.pairs]) {
        g.cross = g.absolute = kInf;
        continue;
      }
      const float *d1 = delta_.data() + p * out, *d2 = delta_.data() + rows[1] * out;
      const float *a1 = a_.data() + p * in, *a2 = a_.data() + rows[1] * in;
      const int exponent = exponent_[p] + exponent_[rows[1]];
      g.cross += share * std::ldexp(dot(out, d1, d2) * dot(in, a1, a2), exponent);
      g.absolute +=
          share * std::ldexp(absolute_dot(out, d1, d2) * absolute_dot(in, a1, a2), exponent);
    }
    return g;
  }

  /// delta_ of the layer becomes that of the layer below; x_ and y_ are its activation's.
  void pull_back(std::size_t layer) {
    const SimulatedLayer& l = layer_at(layer);
    const std::size_t in = width(layer - 1), out = width(layer);
    const Floats phi(l.activation);
    draw_weights(layer);
    a_.resize(rows_ * in);
    kernel::gemm(Trans::no, Trans::no, rows_, in, out, delta_.data(), out, w_.data(), in, 0,
                 a_.data(), in);
    scale_by(weight_scale(layer) * phi.scale, a_);
    if (l.law && !l.additive) {
      kernel::noise(l.law->multiplier(), stream(Purpose::generate, layer),
                    {.rows = rows_, .columns = in}, kernel::Combine::multiply, a_.data(),
                    a_.data());
    }
    kernel::activate_backward(phi.f, phi.slope, a_.size(), x_.data(), y_.data(), a_.data());
    if (l.branch) kernel::add(a_.size(), delta_.data(), a_.data());
    delta_.swap(a_);
  }

  const SimulateOptions& o_;
  const std::uint32_t net_;
  const std::size_t rows_;
  const law::AnyLaw normal_;
  std::vector<std::vector<float>> h_;
  std::vector<float> w_, x_, y_, a_, delta_;
  std::vector<bool> overflowed_;
  std::vector<int> exponent_;
  NetRecord record_;
};

}  // namespace

NetRecord run_net(const SimulateOptions& options, std::uint32_t net) {
  return Net(options, net).run();
}

}  // namespace scalemix::inline v0::signal
