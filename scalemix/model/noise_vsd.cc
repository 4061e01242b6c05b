// Variational structured dropout (Nguyen et al. 2021): the Gaussian noise of a layer's inputs is turned
// by an orthogonal matrix that is learned, so that the noise of different inputs is dependent.
//
//   U = H_T ... H_1,  H_t = I - 2 v_t v_t^T / |v_t|^2,   e ~ N(0, I),  s = sqrt(alpha)
//   variant=a   z = U (1 + s e)        mean m = U 1
//   variant=b   z = 1 + U (s e)        mean m = 1
//   y = x z, one z per row (of a convolution: per row, a number per channel)
//
// Prior N(0, r^2) on each weight, r set by maximising the bound. With S_ii = sum_k U_ik^2 alpha_k all
// weights cancel (our derivation from the words of the abstract; T = 0 is the known result of VBD):
//
// noise=column: a z for each row and output instead, drawn by the moments of the pre-activations.
//
//   KL per output = sum_i log((S_ii + m_i^2) / alpha_i) / 2
//   ard=on shares r among the weights of an input: more, (Q / 2) sum_i log(AM / GM of w_ij^2)
//
// times `times`: 1 counts the noise once, which z shared by all outputs is; 0 stands for the number of
// outputs. A deterministic pass has x m. log alpha stays in [-8, 4], since the KL falls as alpha grows.
// The paper is read in its abstract; it may make v_t from v_(t-1) by a linear layer, ours are free.

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "scalemix/base/parallel.h"
#include "scalemix/kernel/tiles.h"
#include "scalemix/model/layer_kind.h"
#include "scalemix/model/noise.h"
#include "scalemix/model/noise_places.h"
#include "scalemix/model/reflections.h"
#include "scalemix/model/turned_noise.h"

namespace scalemix::inline v0::model {
namespace {

constexpr std::size_t kP = 0, kDepth = 1, kVariant = 2, kTimes = 3, kArd = 4,
                      kNoise = 5;             // parameters
constexpr std::size_t kLogAlpha = 0, kV = 1;  // tensors
constexpr double kLeast = -8, kMost = 4;      // log alpha
constexpr double kSquareFloor = 1e-8;         // of w^2

std::size_t width(const At& at) { return at.use.in[0]; }
std::size_t depth(const At& at) { return static_cast<std::size_t>(at.use.values[kDepth]); }
bool per_column(const NoiseUse& use) { return use.values[kNoise] != 0; }
bool turns_mean(const At& at) { return at.use.values[kVariant] == 0; }
double alpha(const At& at, std::size_t k) { return std::exp(double(at.own[kLogAlpha][k])); }
const float* reflector(const At& at, std::size_t t) { return at.own[kV] + t * width(at); }

/// v . v
double square(const float* v, std::size_t n) { return dot(v, v, n); }

// ------------------------------------------------------------------------------ the mean

/// m (K).
void mean_of(const At& at, float* m) {
  const std::size_t n = width(at);
  std::fill_n(m, n, 1.0f);
  if (!turns_mean(at)) return;
  std::vector<double>& turned = room<struct Turned>(n);
  std::fill(turned.begin(), turned.end(), 1);
  for (std::size_t t = 0; t < depth(at); ++t) {
    reflect(reflector(at, t), square(reflector(at, t), n), turned.data(), n);
  }
  std::copy(turned.begin(), turned.end(), m);
}

/// From its gradient to that of the reflectors, added.
void mean_back(const At& at, const float* dm) {
  if (!turns_mean(at)) return;
  const std::size_t n = width(at);
  std::vector<double>&z = room<struct Z>(n), &g = room<struct G>(n), &dv = room<struct V>(n);
  std::vector<float>& m = room<struct Means, float>(n);
  mean_of(at, m.data());
  std::copy(m.begin(), m.end(), z.begin());
  std::copy_n(dm, n, g.begin());
  for (std::size_t t = depth(at); t-- > 0;) {
    const double vv = square(reflector(at, t), n);
    reflect(reflector(at, t), vv, z.data(), n);
    std::fill(dv.begin(), dv.end(), 0);
    reflect_back(reflector(at, t), vv, z.data(), g.data(), dv.data(), n);
    for (std::size_t i = 0; i < n; ++i) at.d_own[kV][t * n + i] += static_cast<float>(dv[i]);
  }
}

// ------------------------------------------------------------------------------ a noise for each output

Turned turned(const NoiseUse& use) {
  return {use.in[0], static_cast<std::size_t>(use.values[kDepth])};
}

std::size_t prepared(const NoiseUse& use) { return per_column(use) ? turned(use).floats() : 0; }

void prepare(const At& at) {
  if (!per_column(at.use)) return;
  std::vector<float>& m = room<struct Means, float>(width(at));
  mean_of(at, m.data());
  prepare_turned(turned(at.use), at.own[kLogAlpha], at.own[kV], m.data(), at.prepared);
}

void prepared_back(const At& at) {
  if (!per_column(at.use)) return;
  const Turned parts = turned(at.use);
  turned_back(parts, at.own[kLogAlpha], at.own[kV], at.d_prepared, at.d_own[kLogAlpha],
              at.d_own[kV]);
  mean_back(at, at.d_prepared + parts.mean());
}

// ------------------------------------------------------------------------------ a noise for each row

double forward(const At& at, const float* x, float* y) {
  const std::size_t n = width(at);
  draw_places(at, at.use.draws.raw, at.kept);
  const float one = turns_mean(at) ? 1 : 0;
  const std::size_t turns = depth(at);
  std::vector<float>& spread = room<struct Spreads, float>(n);
  std::vector<double>& vv = room<struct Squares>(turns);
  for (std::size_t k = 0; k < n; ++k) spread[k] = static_cast<float>(std::sqrt(alpha(at, k)));
  for (std::size_t t = 0; t < turns; ++t) vv[t] = square(reflector(at, t), n);
  parallel_tiles(at.rows, [&](std::size_t row) {
    float* z = at.kept + row * n;
    for (std::size_t k = 0; k < n; ++k) z[k] = one + spread[k] * z[k];
    for (std::size_t t = 0; t < turns; ++t) reflect(reflector(at, t), vv[t], z, n);
    for (std::size_t k = 0; k < n; ++k) z[k] += 1 - one;
  });
  multiply_places(at, at.kept, x, y);
  return 0;
}

/// Reflections are their own inverses: z of before comes from z of after.
void backward(const At& at, const float* x, const float* dy, float* dx, double) {
  const std::size_t n = width(at), turns = depth(at);
  const double one = turns_mean(at) ? 1 : 0;
  std::vector<double>&z = room<struct Z>(n), &g = room<struct G>(n),
  &dv = room<struct V>(n * turns), &dlog = room<struct Logs>(n), &vv = room<struct Squares>(turns);
  for (std::size_t t = 0; t < turns; ++t) vv[t] = square(reflector(at, t), n);
  for (std::size_t row = 0; row < at.rows; ++row) {
    for (std::size_t k = 0; k < n; ++k) {
      z[k] = at.kept[row * n + k] - (1 - one);
      g[k] = paired(at, row * n + k, dy, x);
    }
    for (std::size_t t = turns; t-- > 0;) {
      reflect(reflector(at, t), vv[t], z.data(), n);
      reflect_back(reflector(at, t), vv[t], z.data(), g.data(), &dv[t * n], n);
    }
    for (std::size_t k = 0; k < n; ++k) dlog[k] += g[k] * (z[k] - one) / 2;
  }
  for (std::size_t k = 0; k < n; ++k) at.d_own[kLogAlpha][k] += static_cast<float>(dlog[k]);
  for (std::size_t i = 0; i < dv.size(); ++i) at.d_own[kV][i] += static_cast<float>(dv[i]);
  if (dx) multiply_places(at, at.kept, dy, dx);
}

void centre(const At& at, float* x) {
  if (!turns_mean(at) || depth(at) == 0) return;
  std::vector<float>& m = room<struct Means, float>(width(at));
  mean_of(at, m.data());
  const std::size_t inner = at.use.site.inner;
  for_places(at, [&](std::size_t i) {
    for (std::size_t k = i * inner; k < (i + 1) * inner; ++k) x[k] *= m[i % m.size()];
  });
}

// ------------------------------------------------------------------------------ the penalty

/// U^T as rows: row k is U's column k. (K, K)
const std::vector<double>& turned_axes(const At& at) {
  const std::size_t n = width(at);
  std::vector<double>& axes = room<struct Axes>(n * n);
  parallel_tiles(n, [&](std::size_t k) {
    double* column = &axes[k * n];
    column[k] = 1;
    for (std::size_t t = 0; t < depth(at); ++t) {
      reflect(reflector(at, t), square(reflector(at, t), n), column, n);
    }
  });
  return axes;
}

struct Moments {
  const std::vector<double>& axes;    // U^T
  std::vector<double>&second, &mean;  // S_ii + m_i^2; m_i
};

Moments moments_of(const At& at) {
  const std::size_t n = width(at);
  const Moments out{turned_axes(at), room<struct Seconds>(n), room<struct Firsts>(n)};
  if (!turns_mean(at)) std::fill(out.mean.begin(), out.mean.end(), 1);
  for (std::size_t k = 0; k < n; ++k) {
    const double a = alpha(at, k);
    for (std::size_t i = 0; i < n; ++i) {
      const double u = out.axes[k * n + i];
      out.second[i] += u * u * a;
      if (turns_mean(at)) out.mean[i] += u;
    }
  }
  for (std::size_t i = 0; i < n; ++i) out.second[i] += out.mean[i] * out.mean[i];
  return out;
}

/// Weights of an input: a stride of `inputs * window` from `input * window` on.
struct Rows {
  std::size_t outputs, inputs, window;
  explicit Rows(const NoiseUse& use)
      : outputs(use.outputs), inputs(use.in[0]), window(use.weights / use.outputs / use.in[0]) {}
  double count() const { return static_cast<double>(outputs * window); }
  template <class F>
  void each(std::size_t input, const F& f) const {
    for (std::size_t o = 0; o < outputs; ++o) {
      for (std::size_t k = 0; k < window; ++k) f((o * inputs + input) * window + k);
    }
  }
};

double times(const At& at) {
  const double given = at.value(kTimes);
  if (per_column(at.use)) return (given > 0 ? given : 1) * static_cast<double>(at.use.outputs);
  return given > 0 ? given : static_cast<double>(at.use.outputs);
}

double penalty(const At& at) {
  const Moments m = moments_of(at);
  double sum = 0;
  for (std::size_t i = 0; i < width(at); ++i) {
    sum += (std::log(m.second[i]) - double(at.own[kLogAlpha][i])) / 2;
  }
  sum *= times(at);
  if (at.use.values[kArd] == 0) return sum;
  const Rows rows(at.use);
  for (std::size_t i = 0; i < rows.inputs; ++i) {
    double squares = 0, logs = 0;
    rows.each(i, [&](std::size_t e) {
      const double w2 = double(at.w[e]) * at.w[e] + kSquareFloor;
      squares += w2, logs += std::log(w2);
    });
    sum += (rows.count() * std::log(squares / rows.count()) - logs) / 2;
  }
  return sum;
}

/// dKL/dU_ik = times (U_ik alpha_k + m_i of variant a) / (S_ii + m_i^2), back through the reflections.
void terms_back(const At& at, double weight) {
  prepared_back(at);
  const std::size_t n = width(at), turns = depth(at);
  const Moments m = moments_of(at);
  const double scale = weight * times(at);
  std::vector<double>&dv = room<struct V>(n * turns), &u = room<struct Z>(n),
  &g = room<struct G>(n), &vv = room<struct Squares>(turns);
  for (std::size_t t = 0; t < turns; ++t) vv[t] = square(reflector(at, t), n);
  for (std::size_t k = 0; k < n; ++k) {
    const double a = alpha(at, k);
    double by_log = -0.5;
    for (std::size_t i = 0; i < n; ++i) {
      u[i] = m.axes[k * n + i];
      g[i] = scale * (u[i] * a + (turns_mean(at) ? m.mean[i] : 0)) / m.second[i];
      by_log += u[i] * u[i] * a / m.second[i] / 2;
    }
    at.d_own[kLogAlpha][k] += static_cast<float>(scale * by_log);
    for (std::size_t t = turns; t-- > 0;) {
      reflect(reflector(at, t), vv[t], u.data(), n);
      reflect_back(reflector(at, t), vv[t], u.data(), g.data(), &dv[t * n], n);
    }
  }
  for (std::size_t i = 0; i < dv.size(); ++i) at.d_own[kV][i] += static_cast<float>(dv[i]);
  if (at.use.values[kArd] == 0) return;
  const Rows rows(at.use);
  for (std::size_t i = 0; i < rows.inputs; ++i) {
    double squares = 0;
    rows.each(i, [&](std::size_t e) { squares += double(at.w[e]) * at.w[e] + kSquareFloor; });
    rows.each(i, [&](std::size_t e) {
      const double w = at.w[e];
      at.dw[e] +=
          static_cast<float>(weight * w * (rows.count() / squares - 1 / (w * w + kSquareFloor)));
    });
  }
}

void settle(const At& at) {
  for (std::size_t k = 0; k < width(at); ++k) {
    at.own[kLogAlpha][k] = std::clamp(at.own[kLogAlpha][k], float(kLeast), float(kMost));
  }
}

std::vector<LayerTensor> tensors(const Noise& noise, const Layer& layer) {
  const double p = noise.values[kP];
  const auto turns = static_cast<std::size_t>(noise.values[kDepth]);
  if (double(turns) != noise.values[kDepth]) {
    throw std::invalid_argument("depth must be a whole number");
  }
  if (turns > layer.in) {
    throw std::invalid_argument("depth must be at most the number of inputs, " +
                                std::to_string(layer.in) + ", got " + std::to_string(turns));
  }
  std::vector<LayerTensor> out{
      {.name = "log_alpha",
       .shape = {layer.in},
       .initial = std::clamp(std::log(p) - std::log1p(-p), kLeast, kMost)}};
  if (turns > 0) out.push_back({.name = "reflectors", .shape = {turns, layer.in}, .spread = 1});
  return out;
}

std::vector<NoiseReading> readings(const At& at) {
  double least = alpha(at, 0), most = least;
  for (std::size_t k = 0; k < width(at); ++k) {
    least = std::fmin(least, alpha(at, k)), most = std::fmax(most, alpha(at, k));
  }
  return {{"least_alpha", least}, {"largest_alpha", most}};
}

}  // namespace

NoiseKind vsd_noise() {
  NoiseKind kind{.name = "vsd",
                 .summary = "inputs times Gaussian noise turned by learned reflections",
                 .source = "Nguyen, Nguyen, Nguyen, Than, Bui & Ho (2021)",
                 .learns = "a variance per input, reflections"};
  kind.parameters = {
      {"p", 0.2, 0, 1, true, true, "initial drop rate, alpha = p / (1 - p)"},
      {"depth", 1, 0, 64, false, false, "reflections; 0: vbd"},
      choice("variant", "a|b", "the whole noise is turned, or what is left of it after its mean"),
      {"times", 1, 0, 1e9, false, false, "times the divergence; 0: the number of outputs"},
      choice("ard", "off|on", "weights of an input share their prior's variance"),
      choice("noise", "shared|column",
             "by all outputs of a layer, or one for each, drawn by its moments")};
  kind.scheduled = {"times"};
  kind.tensors = tensors;
  kind.placed = [](const Noise& noise, const Layer&, bool) {
    return noise.values[kNoise] != 0 ? Where::columns : Where::input;
  };
  kind.prepared = prepared;
  kind.prepare = prepare;
  kind.compile = [](NoiseUse& use, const Layer&) {
    if (per_column(use)) return;
    per_input(use);
    use.draws = normal_draws();
  };
  kind.kept = keeps_places;
  kind.forward = forward;
  kind.backward = backward;
  kind.centre = centre;
  kind.penalty = penalty;
  kind.terms_back = terms_back;
  kind.settle = settle;
  kind.readings = readings;
  kind.signal = [](const Noise& noise, const Layer&) {
    const double p = noise.values[kP];
    return signal_like("gaussian", p / (1 - p), "vsd");
  };
  return kind;
}

}  // namespace scalemix::inline v0::model
