// A network evaluated in plain double loops, from the spec and the tensors alone: what the predictor
// and the gradients of training are compared with. Slow on purpose; shares no code with the engine
// but the samplers.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "scalemix/kernel/variational.h"
#include "scalemix/law/any_law.h"
#include "scalemix/model/layer_kind.h"
#include "scalemix/model/model_file.h"
#include "scalemix/model/noise.h"
#include "scalemix/prior/log_uniform_kl.h"
#include "tests/model/naive_scales.h"

namespace scalemix::model {

class Naive {
 public:
  using Row = std::vector<double>;
  using Batch = std::vector<Row>;

  explicit Naive(const Model& model) : spec_(model.spec) {
    for (const auto& [name, tensor] : model.tensors) {
      const std::vector<float> values = tensor.floats();
      tensors[name].assign(values.begin(), values.end());
    }
  }

  /// Outputs of one row of a prediction; `sample` < 0: deterministic.
  Row operator()(Row x, std::uint64_t row, std::uint64_t seed, std::int64_t sample) {
    row0_ = row, seed_ = seed, sample_ = sample, train_ = false;
    return layers(spec_.layers, {std::move(x)}, spec_.input)[0];
  }

  /// Outputs of a batch in training step `draw`: statistics of the batch, no weight switched off.
  Batch train(Batch x, std::uint64_t seed, std::int64_t draw) {
    row0_ = 0, seed_ = seed, sample_ = draw, train_ = true;
    return layers(spec_.layers, std::move(x), spec_.input);
  }

  /// Nats, summed over all layers.
  double penalty() const {
    double sum = 0;
    for_each_layer(spec_, [&](const Layer& l, const Shape&) {
      for (const Noise& noise : l.noise) sum += penalty(l, noise);
    });
    return sum;
  }

  std::map<std::string, std::vector<double>> tensors;

 private:
  bool draws() const { return sample_ >= 0; }

  Batch layers(const std::vector<Layer>& list, Batch x, Shape shape) {
    for (const Layer& layer : list) {
      x = apply(layer, x, shape);
      shape = output_shape(layer, shape);
    }
    return x;
  }

  double draw(const law::Sampler& sampler, const Layer& layer, std::uint64_t element) const {
    const Stream stream{seed_, stream_id(train_ ? Purpose::train : Purpose::predict, layer.site),
                        static_cast<std::uint32_t>(sample_)};
    return sampler(stream.word(element));
  }

  /// From the law's quantile itself.
  double multiplier(const law::AnyLaw& law, const Layer& layer, std::uint64_t element) const {
    const Stream stream{seed_, stream_id(train_ ? Purpose::train : Purpose::predict, layer.site),
                        static_cast<std::uint32_t>(sample_)};
    const double z = law.quantile(stream.uniform(element));
    return law.normalised() ? z / law.mean() : z;
  }

  Batch apply(const Layer& l, const Batch& x, const Shape& in) {
    if (l.type == "batch_norm") return batch_norm(l, x, in);
    if (l.type == "residual") {
      Batch y = layers(l.branch, x, in);
      const Batch s = layers(l.shortcut, x, in);
      for (std::size_t n = 0; n < y.size(); ++n) {
        for (std::size_t i = 0; i < y[n].size(); ++i) y[n][i] += s[n][i];
      }
      return y;
    }
    Batch y;
    for (std::size_t n = 0; n < x.size(); ++n) y.push_back(apply(l, x[n], in, row0_ + n));
    return y;
  }

  Row apply(const Layer& l, const Row& x, const Shape& in, std::uint64_t row) {
    if (l.type == "linear" || l.type == "conv2d") return weights(l, x, in, row);
    if (l.type == "layer_norm") return layer_norm(l, x);
    if (l.type == "max_pool" || l.type == "avg_pool") return pool(l, x, in);
    if (l.type == "flatten") return x;
    if (l.type == "noise") return noise(l, x, in, row);
    Row y = x;
    for (double& v : y) v = activation(l, v);
    return y;
  }

  static double activation(const Layer& l, double x) {
    if (l.type == "relu") return std::fmax(x, 0);
    const std::map<std::string, double> values{
        {"leaky_relu", x > 0 ? x : l.slope * x},
        {"tanh", std::tanh(x)},
        {"sigmoid", 1 / (1 + std::exp(-x))},
        {"gelu", x * 0.5 * std::erfc(-x / std::sqrt(2.0))},
        {"silu", x / (1 + std::exp(-x))},
        {"elu", x > 0 ? x : std::expm1(x)},
        {"selu", x > 0 ? 1.0507009873554805 * x : 1.7580993408473769 * std::expm1(x)},
        {"hard_tanh", std::fmin(std::fmax(x, -1), 1)},
        {"sine", std::sin(x)},
        {"erf", std::erf(x)}};
    return values.at(l.type);
  }

  /// y[o] = sum over (place in x, index of w) pairs of the output.
  Row weights(const Layer& l, Row x, const Shape& in, std::uint64_t row) {
    const std::vector<double>& w = tensors.at(l.name + ".weight");
    const Noise* drawn = drawn_noise(l);
    const bool svdo = drawn && drawn->kind == "svdo", vi = drawn && drawn->kind == "vi",
               gsm = drawn && drawn->kind == "gsm";
    const bool moments = svdo || vi || gsm;
    const Signs signs = gsm ? noise_kind("gsm").signs(*drawn) : Signs::none;
    std::vector<char> on(w.size(), 1);
    if (gsm && !train_) {
      on = NaiveScales(l, *drawn, w.size()).on(w, tensors.at(l.name + ".log_sigma2"));
    }
    if (drawn && drawn->kind == "concrete" && draws()) concrete(l, in, row, x);
    const double* log_sigma2s = moments ? tensors.at(l.name + ".log_sigma2").data() : nullptr;
    const std::vector<double> z = weight_draws(l, w.size());
    const law::AnyLaw normal = law::AnyLaw::parse("normal:scale=1");
    const double gamma = vi ? rescaling(l, *drawn) : 1;
    const Shape out = output_shape(l, in);
    const std::size_t places = elements(out) / l.out;
    Row y(elements(out));
    for (std::size_t i = 0; i < y.size(); ++i) {
      const std::size_t o = i / places;
      double mean = l.bias ? tensors.at(l.name + ".bias")[o] : 0, variance = 0;
      const auto term = [&](std::size_t at, std::size_t index) {
        if (!moments) return void(mean += x[at] * w[index] * z[index]);
        const double log_sigma2 = log_sigma2s[index] + 2 * std::log(gamma), v = gamma * w[index];
        const double log_alpha = log_sigma2 - std::log(v * v + 1e-8);
        const bool masks = svdo && (!train_ || setting(*drawn, "clip") != 0);
        if (masks && log_alpha >= setting(*drawn, "threshold")) return;
        if (!on[index]) return;
        mean += x[at] * v;
        variance += x[at] * x[at] * std::exp(log_sigma2);
        const std::size_t channel = at / (x.size() / in[0]);
        if (signs == Signs::none || !draws()) return;
        mean += x[at] * std::exp(log_sigma2 / 2) * sign(l, signs, row, in[0] + l.out, channel) *
                sign(l, signs, row, in[0] + l.out, in[0] + o);
      };
      l.type == "linear" ? dense(l, o, term) : window(l, o, i % places, in, out, term);
      y[i] = mean;
      if (moments && draws() && signs == Signs::none) {
        y[i] += std::sqrt(variance + 1e-8) * draw(normal.raw(), l, row * y.size() + i);
      }
    }
    return y;
  }

  /// What vi:prior=stabilising multiplies weights by: E w^2 becomes that of its prior.
  double rescaling(const Layer& l, const Noise& noise) const {
    if (setting(noise, "prior") == 0) return 1;
    const std::vector<double>&w = tensors.at(l.name + ".weight"),
          &ls = tensors.at(l.name + ".log_sigma2");
    double sum = 0;
    for (std::size_t i = 0; i < w.size(); ++i) sum += w[i] * w[i] + std::exp(ls[i]);
    return std::sqrt(stable_variance(l, noise) * double(w.size()) / sum);
  }
  double stable_variance(const Layer& l, const Noise& noise) const {
    const double fan_in = double(tensors.at(l.name + ".weight").size()) / double(l.out);
    return 2 * std::pow(setting(noise, "sigma0"), 2) / fan_in;
  }

  /// +1 or -1 of a fair coin; +3 or -1.
  double sign(const Layer& l, Signs signs, std::uint64_t row, std::size_t columns,
              std::size_t column) const {
    const Stream stream{seed_, stream_id(train_ ? Purpose::train : Purpose::predict, l.site),
                        static_cast<std::uint32_t>(sample_)};
    return stream.uniform(row * columns + column) > 0.5 ? signs == Signs::one ? 1 : 3 : -1;
  }

  /// Gal, Hron & Kendall (2017): x (1 - d) / (1 - p), one relaxed d per unit, or channel of an image.
  void concrete(const Layer& l, const Shape& in, std::uint64_t row, Row& x) const {
    const double logit = tensors.at(l.name + ".logit_p")[0], p = 1 / (1 + std::exp(-logit));
    const double t = in.size() == 3 ? 2.0 / 3 : 0.1;
    const std::size_t inner = x.size() / in[0];
    const Stream stream{seed_, stream_id(train_ ? Purpose::train : Purpose::predict, l.site),
                        static_cast<std::uint32_t>(sample_)};
    for (std::size_t i = 0; i < x.size(); ++i) {
      const double u = stream.uniform(row * in[0] + i / inner);
      const double d = 1 / (1 + std::exp(-(logit + std::log(u) - std::log1p(-u)) / t));
      x[i] *= (1 - d) / (1 - p);
    }
  }

  double penalty(const Layer& l, const Noise& noise) const {
    if (!noise_kind(noise.kind).penalty) return 0;
    const std::vector<double>& w = tensors.at(l.name + ".weight");
    double sum = 0;
    if (noise.kind == "prior") {
      const prior::Prior prior = prior::Prior::parse(noise.law);
      if (setting(noise, "group") == 0) {
        for (const double v : w) sum -= prior.log_density(v);
        return sum;
      }
      const NaiveScales groups(l, noise, w.size());
      for (const auto& [g, members] : groups.members()) {
        double square = 0;
        for (const std::size_t e : members) square += w[e] * w[e];
        sum += prior::joint_penalty(prior, members.size(), std::sqrt(square)).penalty;
      }
      return sum;
    }
    if (noise.kind == "concrete") {
      const double p = 1 / (1 + std::exp(-tensors.at(l.name + ".logit_p")[0]));
      const double length = setting(noise, "length");
      for (const double v : w) sum += length * length / 2 * v * v / (1 - p);
      return sum + static_cast<double>(l.in) * (p * std::log(p) + (1 - p) * std::log(1 - p));
    }
    if (noise.kind == "gsm") {
      return NaiveScales(l, noise, w.size()).penalty(w, tensors.at(l.name + ".log_sigma2"));
    }
    for (std::size_t i = 0; i < w.size(); ++i) {
      const auto log_sigma2 = [&] { return tensors.at(l.name + ".log_sigma2")[i]; };
      if (noise.kind == "svdo") {
        const double la = log_sigma2() - std::log(w[i] * w[i] + 1e-8);
        const double clipped = std::clamp(la, -8.0, 8.0);
        sum += setting(noise, "kl") == 0
                   ? kernel::ref::svdo_penalty(clipped)
                   : prior::log_uniform_kl(prior::LogUniformKl::exact, clipped);
      } else if (noise.kind == "vi") {  // KL of two normals
        const double gamma2 = std::pow(rescaling(l, noise), 2), s0 = setting(noise, "sigma0");
        const double v = setting(noise, "prior") == 0 ? s0 * s0 : stable_variance(l, noise);
        const double sigma2 = gamma2 * std::exp(log_sigma2());
        sum += ((sigma2 + gamma2 * w[i] * w[i]) / v - 1 - std::log(sigma2 / v)) / 2;
      }
    }
    return sum;
  }

  std::vector<double> weight_draws(const Layer& l, std::size_t n) const {
    std::vector<double> z(n, 1);
    const Noise* drawn = drawn_noise(l);
    if (!drawn || drawn->kind != "dropconnect") return z;
    const law::AnyLaw law = law::AnyLaw::parse(drawn->law);
    for (std::size_t i = 0; i < n; ++i) {
      z[i] = draws() ? draw(law.multiplier(), l, i) : law.centre();
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

  Batch batch_norm(const Layer& l, const Batch& x, const Shape& in) const {
    Batch y = x;
    const std::size_t inner = x[0].size() / in[0];
    const double count = double(x.size() * inner);
    const auto at = [&](const char* name, std::size_t c) {
      return tensors.at(l.name + "." + name)[c];
    };
    for (std::size_t c = 0; c < in[0]; ++c) {
      double mean = 0, var = 0;
      const auto each = [&](const auto& f) {
        for (std::size_t n = 0; n < x.size(); ++n) {
          for (std::size_t i = c * inner; i < (c + 1) * inner; ++i) f(x[n][i], y[n][i]);
        }
      };
      if (train_) {
        each([&](double v, double&) { mean += v / count; });
        each([&](double v, double&) { var += (v - mean) * (v - mean) / count; });
      } else {
        mean = at("running_mean", c), var = at("running_var", c);
      }
      each([&](double v, double& to) {
        to = (v - mean) / std::sqrt(var + l.eps) * at("weight", c) + at("bias", c);
      });
    }
    return y;
  }

  Row layer_norm(const Layer& l, const Row& x) const {
    const double n = double(x.size());
    double mean = 0, var = 0;
    for (const double v : x) mean += v / n;
    for (const double v : x) var += (v - mean) * (v - mean) / n;
    Row y = x;
    for (std::size_t i = 0; i < x.size(); ++i) {
      y[i] = (x[i] - mean) / std::sqrt(var + l.eps) * tensors.at(l.name + ".weight")[i] +
             tensors.at(l.name + ".bias")[i];
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

  /// The law of a noise layer by now.
  law::AnyLaw law_of(const Layer& l) const {
    const Noise& noise = l.noise.at(0);
    const law::AnyLaw law = law::AnyLaw::parse(noise.law);
    if (noise.kind != "learned") return law;
    std::vector<double> values;
    for (const Parameter& p : law.row().parameters) {
      values.push_back(tensors.at(l.name + "." + std::string(p.name))[0]);
    }
    return law::AnyLaw::make(law.row().name, values);
  }

  Row noise(const Layer& l, const Row& x, const Shape& in, std::uint64_t row) const {
    const law::AnyLaw law = law_of(l);
    const bool exact = l.noise[0].kind == "learned";  // not by a table, made anew at each value
    const std::size_t columns = l.at == Site::unit      ? x.size()
                                : l.at == Site::channel ? in[0]
                                                        : std::size_t{1};
    const std::size_t inner = x.size() / columns;
    const bool add = l.noise[0].kind == "add";
    const double still =
        add ? (std::isfinite(law.mean()) ? law.mean() : law.quantile(0.5)) : law.centre();
    Row y = x;
    for (std::size_t i = 0; i < x.size(); ++i) {
      const std::size_t c = i / inner;
      const std::uint64_t logical = l.columns.empty() ? c : l.columns[c];
      const std::uint64_t element = row * l.width + logical;
      const double z = !draws() ? still
                       : exact  ? multiplier(law, l, element)
                                : draw(add ? law.raw() : law.multiplier(), l, element);
      y[i] = add ? x[i] + z : x[i] * z;
    }
    return y;
  }

  Spec spec_;
  std::uint64_t row0_ = 0, seed_ = 0;
  std::int64_t sample_ = -1;
  bool train_ = false;
};

}  // namespace scalemix::model
