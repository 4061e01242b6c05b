// A network evaluated one row at a time in plain double loops, from the spec and the tensors alone:
// what the predictor is compared with. Slow on purpose; shares no code with it but the samplers.
#pragma once

#include <cmath>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "scalemix/kernel/reparam.h"
#include "scalemix/law/any_law.h"
#include "scalemix/model/layer_kind.h"
#include "scalemix/model/model_file.h"

namespace scalemix::model {

class Naive {
 public:
  using Row = std::vector<double>;

  explicit Naive(const Model& model) : model_(model) {
    for (const auto& [name, tensor] : model.tensors) tensors_[name] = tensor.floats();
  }

  /// Outputs of one row; `sample` < 0: deterministic.
  Row operator()(Row x, std::uint64_t row, std::uint64_t seed, std::int64_t sample) {
    row_ = row, seed_ = seed, sample_ = sample;
    Shape shape = model_.spec.input;
    return layers(model_.spec.layers, std::move(x), shape);
  }

 private:
  Row layers(const std::vector<Layer>& list, Row x, Shape shape) {
    for (const Layer& layer : list) {
      x = apply(layer, x, shape);
      shape = output_shape(layer, shape);
    }
    return x;
  }

  double draw(const law::Sampler& sampler, const Layer& layer, std::uint64_t element) const {
    const Stream stream{seed_, stream_id(Purpose::predict, layer.site),
                        static_cast<std::uint32_t>(sample_)};
    return sampler(stream.word(element));
  }

  Row apply(const Layer& l, const Row& x, const Shape& in) {
    if (l.type == "linear" || l.type == "conv2d") return weights(l, x, in);
    if (l.type == "batch_norm") return batch_norm(l, x, in);
    if (l.type == "max_pool" || l.type == "avg_pool") return pool(l, x, in);
    if (l.type == "flatten") return x;
    if (l.type == "noise") return noise(l, x, in);
    if (l.type == "residual") {
      Row y = layers(l.branch, x, in);
      const Row s = layers(l.shortcut, x, in);
      for (std::size_t i = 0; i < y.size(); ++i) y[i] += s[i];
      return y;
    }
    Row y = x;
    for (double& v : y) v = activation(l, v);
    return y;
  }

  static double activation(const Layer& l, double x) {
    if (l.type == "relu") return std::fmax(x, 0);
    const std::map<std::string, double> values{{"leaky_relu", x > 0 ? x : l.slope * x},
                                               {"tanh", std::tanh(x)},
                                               {"sigmoid", 1 / (1 + std::exp(-x))},
                                               {"gelu", x * 0.5 * std::erfc(-x / std::sqrt(2.0))},
                                               {"silu", x / (1 + std::exp(-x))},
                                               {"elu", x > 0 ? x : std::expm1(x)},
                                               {"hard_tanh", std::fmin(std::fmax(x, -1), 1)},
                                               {"sine", std::sin(x)},
                                               {"erf", std::erf(x)}};
    return values.at(l.type);
  }

  /// y[o] = sum over (place in x, index of w) pairs of the output.
  Row weights(const Layer& l, const Row& x, const Shape& in) {
    const std::vector<float>& w = tensors_.at(l.name + ".weight");
    const bool svdo = l.posterior == "svdo";
    const float* log_sigma2s = svdo ? tensors_.at(l.name + ".log_sigma2").data() : nullptr;
    const std::vector<double> z = weight_draws(l, w.size());
    const law::AnyLaw normal = law::AnyLaw::parse("normal:scale=1");
    const Shape out = output_shape(l, in);
    const std::size_t places = elements(out) / l.out;
    Row y(elements(out));
    for (std::size_t i = 0; i < y.size(); ++i) {
      const std::size_t o = i / places;
      double mean = l.bias ? tensors_.at(l.name + ".bias")[o] : 0, variance = 0;
      const auto term = [&](std::size_t at, std::size_t index) {
        if (svdo) {
          const double log_sigma2 = log_sigma2s[index], v = w[index];
          if (log_sigma2 - std::log(v * v + 1e-8) >= l.threshold) return;
          mean += x[at] * v;
          variance += x[at] * x[at] * std::exp(log_sigma2);
        } else {
          mean += x[at] * w[index] * z[index];
        }
      };
      l.type == "linear" ? dense(l, o, term) : window(l, o, i % places, in, out, term);
      y[i] = mean;
      if (svdo && sample_ >= 0) {
        y[i] += std::sqrt(variance + 1e-8) * draw(normal.raw(), l, row_ * y.size() + i);
      }
    }
    return y;
  }

  std::vector<double> weight_draws(const Layer& l, std::size_t n) const {
    std::vector<double> z(n, 1);
    if (l.weight_law.empty()) return z;
    const law::AnyLaw law = law::AnyLaw::parse(l.weight_law);
    for (std::size_t i = 0; i < n; ++i) {
      z[i] = sample_ < 0 ? law.centre() : draw(law.multiplier(), l, i);
    }
    return z;
  }

  template <class Term>
  static void dense(const Layer& l, std::size_t o, const Term& term) {
    for (std::size_t i = 0; i < l.in; ++i) term(i, o * l.in + i);
  }

  template <class Term>
  static void window(const Layer& l, std::size_t o, std::size_t place, const Shape& in,
                     const Shape& out, const Term& term) {
    const auto k = static_cast<long>(l.kernel);
    const long top = static_cast<long>(place / out[2] * l.stride) - static_cast<long>(l.padding);
    const long left = static_cast<long>(place % out[2] * l.stride) - static_cast<long>(l.padding);
    for (std::size_t c = 0; c < l.in; ++c) {
      for (long a = 0; a < k; ++a) {
        for (long b = 0; b < k; ++b) {
          const long i = top + a, j = left + b;
          if (i < 0 || j < 0 || i >= long(in[1]) || j >= long(in[2])) continue;
          term((c * in[1] + i) * in[2] + j, ((o * l.in + c) * k + a) * k + b);
        }
      }
    }
  }

  Row batch_norm(const Layer& l, const Row& x, const Shape& in) {
    Row y = x;
    const std::size_t inner = x.size() / in[0];
    const auto at = [&](const char* name, std::size_t c) {
      return double(tensors_.at(l.name + "." + name)[c]);
    };
    for (std::size_t i = 0; i < x.size(); ++i) {
      const std::size_t c = i / inner;
      y[i] = (x[i] - at("running_mean", c)) / std::sqrt(at("running_var", c) + l.eps) *
                 at("weight", c) +
             at("bias", c);
    }
    return y;
  }

  static Row pool(const Layer& l, const Row& x, const Shape& in) {
    const Shape out = output_shape(l, in);
    Row y(elements(out));
    const std::size_t kh = l.kernel ? l.kernel : in[1], kw = l.kernel ? l.kernel : in[2];
    for (std::size_t i = 0; i < y.size(); ++i) {
      const std::size_t c = i / (out[1] * out[2]), p = i % (out[1] * out[2]);
      double sum = 0, most = -INFINITY;
      for (std::size_t a = 0; a < kh * kw; ++a) {
        const long r = long(p / out[2] * l.stride + a / kw) - long(l.padding);
        const long q = long(p % out[2] * l.stride + a % kw) - long(l.padding);
        if (r < 0 || q < 0 || r >= long(in[1]) || q >= long(in[2])) continue;
        const double v = x[(c * in[1] + r) * in[2] + q];
        sum += v;
        most = std::fmax(most, v);
      }
      y[i] = l.type == "max_pool" ? most : sum / double(kh * kw);
    }
    return y;
  }

  Row noise(const Layer& l, const Row& x, const Shape& in) const {
    const law::AnyLaw law = law::AnyLaw::parse(l.law);
    const std::size_t columns = l.at == Site::unit      ? x.size()
                                : l.at == Site::channel ? in[0]
                                                        : std::size_t{1};
    const std::size_t inner = x.size() / columns;
    Row y = x;
    for (std::size_t i = 0; i < x.size(); ++i) {
      const std::size_t c = i / inner;
      const std::uint64_t logical = l.columns.empty() ? c : l.columns[c];
      const std::uint64_t element = row_ * l.width + logical;
      const bool add = l.mode == Mode::add;
      const double still =
          add ? (std::isfinite(law.mean()) ? law.mean() : law.quantile(0.5)) : law.centre();
      const double z = sample_ < 0 ? still : draw(add ? law.raw() : law.multiplier(), l, element);
      y[i] = add ? x[i] + z : x[i] * z;
    }
    return y;
  }

  const Model& model_;
  std::map<std::string, std::vector<float>> tensors_;
  std::uint64_t row_ = 0, seed_ = 0;
  std::int64_t sample_ = -1;
};

}  // namespace scalemix::model
