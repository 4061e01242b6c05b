// Concrete dropout (Gal, Hron & Kendall 2017): the drop probability of a layer's input is learned,
// one number p = sigmoid(logit_p) per layer, through a relaxed draw:
//
//   d = sigmoid((logit_p + log u - log(1 - u)) / T),   y = x m,   m = (1 - d) / (1 - p)
//   T = 0.1, a draw per unit; T = 2/3, a draw per channel, of an image
//   dm/dlogit_p = m (p - d / T)
//   penalty = length^2 / 2 ||W||^2 / (1 - p) + K [p log p + (1 - p) log(1 - p)]
//
// nats, K the inputs of a dense layer or the channels of an image; W multiplies the scaled input, so
// its prior N(0, 1 / length^2) is on W / (1 - p). The released code adds 1e-7 inside its logarithms.

#include <algorithm>
#include <cmath>

#include "scalemix/kernel/activation.h"
#include "scalemix/kernel/optimiser.h"
#include "scalemix/kernel/tiles.h"
#include "scalemix/law/compile.h"
#include "scalemix/model/layer_kind.h"
#include "scalemix/model/noise.h"

namespace scalemix::inline v0::model {
namespace {

constexpr std::size_t kP = 0, kLength = 1;  // parameters
constexpr double kDense = 0.1, kImages = 2.0 / 3;
constexpr double kMost = 15;  // |logit_p|: beyond it a float's sigmoid is 0 or 1, its entropy NaN

double drop(const At& at) { return 1 / (1 + std::exp(-static_cast<double>(at.own[0][0]))); }

double temperature(const NoiseUse& use) { return use.shape.size() == 3 ? kImages : kDense; }

/// Draws of log u - log(1 - u). A noise layer says itself what they are for.
void compile(NoiseUse& use, const Layer& layer) {
  const auto table =
      law::shared_table("logistic", [](double u) { return std::log(u) - std::log1p(-u); });
  use.draws = {law::table_sampler(*table, 0, 1), law::table_sampler(*table, 0, 1), table};
  if (!has_weights(layer)) return;
  use.site.columns = use.shape[0];
  use.site.inner = elements(use.shape) / use.site.columns;
  use.site.width = 0;
}

std::size_t kept(const NoiseUse& use, std::size_t rows, bool) { return rows * use.site.columns; }

/// m (rows, columns).
void multipliers(const At& at, float* m) {
  const std::size_t n = at.rows * at.use.site.columns;
  const double p = drop(at);
  const auto logit = at.own[0][0], per = static_cast<float>(1 / temperature(at.use)),
             scale = static_cast<float>(1 / (1 - p));
  kernel::draws(at.use.draws.raw, at.stream, at.site(), m);
  // 1 - sigmoid(a) = sigmoid(-a)
  kernel::for_tiles(n, [&](std::size_t first, std::size_t count) {
    for (std::size_t i = first; i < first + count; ++i) m[i] = -(logit + m[i]) * per;
  });
  kernel::activate(kernel::Activation::sigmoid, 0, n, m);
  kernel::for_tiles(n, [&](std::size_t first, std::size_t count) {
    for (std::size_t i = first; i < first + count; ++i) m[i] *= scale;
  });
}

double forward(const At& at, const float* x, float* y) {
  multipliers(at, at.kept);
  kernel::multiply_draws(at.rows * at.use.site.columns, at.use.site.inner, at.kept, x, y);
  return 0;
}

void backward(const At& at, const float* x, const float* dy, float* dx, double) {
  const std::size_t inner = at.use.site.inner, n = at.rows * at.use.site.columns;
  const double p = drop(at), t = temperature(at.use);
  const double slope = kernel::sum_tiles(n, [&](std::size_t first, std::size_t count) {
    double sum = 0;
    for (std::size_t i = first; i < first + count; ++i) {
      const double m = at.kept[i], d = 1 - m * (1 - p);
      double product = 0;
      for (std::size_t k = i * inner; k < (i + 1) * inner; ++k) {
        product += static_cast<double>(dy[k]) * x[k];
        if (dx) dx[k] = dy[k] * at.kept[i];
      }
      sum += product * m * (p - d / t);
    }
    return sum;
  });
  at.d_own[0][0] += static_cast<float>(slope);
}

double penalty(const At& at) {
  const double p = drop(at), length = at.use.values[kLength];
  return length * length / 2 * kernel::sum_squares(at.use.weights, at.w) / (1 - p) +
         static_cast<double>(at.use.site.columns) * (p * std::log(p) + (1 - p) * std::log1p(-p));
}

/// d/dlogit = p (1 - p) d/dp; d of the entropy's part by p is the logit.
void terms_back(const At& at, double weight) {
  const double p = drop(at), length = at.use.values[kLength], precision = length * length;
  const auto scale = static_cast<float>(weight * precision / (1 - p));
  const double slope = precision / 2 * kernel::sum_squares(at.use.weights, at.w) * p / (1 - p) +
                       static_cast<double>(at.use.site.columns) * p * (1 - p) * at.own[0][0];
  at.d_own[0][0] += static_cast<float>(weight * slope);
  kernel::for_tiles(at.use.weights, [&](std::size_t first, std::size_t n) {
    for (std::size_t i = first; i < first + n; ++i) at.dw[i] += scale * at.w[i];
  });
}

void settle(const At& at) {
  at.own[0][0] = std::clamp(at.own[0][0], -static_cast<float>(kMost), static_cast<float>(kMost));
}

}  // namespace

NoiseKind concrete_noise() {
  NoiseKind kind{.name = "concrete",
                 .summary = "dropout of a layer's input with a learned p",
                 .source = "Gal, Hron & Kendall (2017)",
                 .learns = "a rate per layer"};
  kind.parameters = {{"p", 0.1, 0, 1, true, true, "initial drop probability"},
                     {"length", 0.01, 0, 1e6, false, false,
                      "length-scale of the weights' prior N(0, 1 / length^2)"}};
  kind.tensors = [](const Noise& noise, const Layer&) -> std::vector<LayerTensor> {
    const double p = noise.values[kP];
    const double logit = std::log(p) - std::log1p(-p);
    return {{.name = "logit_p", .shape = {1}, .initial = std::clamp(logit, -kMost, kMost)}};
  };
  kind.compile = compile;
  kind.kept = kept;
  kind.forward = forward;
  kind.backward = backward;
  kind.penalty = penalty;
  kind.terms_back = terms_back;
  kind.settle = settle;
  kind.readings = [](const At& at) { return std::vector<NoiseReading>{{"p", drop(at)}}; };
  kind.signal = [](const Noise& noise, const Layer&) {
    NoiseSignal out{.law = law::AnyLaw::make("bernoulli", std::vector{noise.values[kP]})};
    out.word = "concrete";
    return out;
  };
  return kind;
}

}  // namespace scalemix::inline v0::model
