// Variational dropout B (Kingma, Salimans & Welling 2015): a posterior N(w, alpha w^2) over every weight
// under the log-uniform prior, drawn by local reparameterisation. alpha is shared by a layer, by the
// weights that leave an input (of a convolution: a channel), or by none.
//
//   sigma2 = alpha w^2,   penalty = factor sum over weights of KL(alpha)      (prior/log_uniform_kl.h)
//   dw = dsigma2 2 alpha w,   dalpha = sum dsigma2 w^2
//
// alpha=bounded  alpha = sigmoid(a) in (0, 1); the reason given is the variance of large alphas
// alpha=free     alpha = exp(a), a in [-8, 8]: with one alpha per weight, sparse variational dropout in
//                the parameters (w, alpha) instead of (w, sigma2), whose gradients are noisier
//                (Molchanov, Ashukha & Vetrov 2017). Weights with log alpha at or above the threshold
//                are switched off in predictions.

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "scalemix/kernel/activation.h"
#include "scalemix/kernel/tiles.h"
#include "scalemix/kernel/variational.h"
#include "scalemix/model/layer_kind.h"
#include "scalemix/model/noise.h"
#include "scalemix/model/noise_places.h"
#include "scalemix/prior/log_uniform_kl.h"

namespace scalemix::inline v0::model {
namespace {

constexpr std::size_t kP = 0, kShare = 1, kKl = 2, kAlpha = 3, kFactor = 4, kThreshold = 5;
constexpr std::size_t kWeight = 0, kUnit = 1, kLayer = 2;  // values of kShare
constexpr double kMostStart = 4, kMost = 12, kFree = 8;    // |a|

bool is_free(const NoiseUse& use) { return use.values[kAlpha] != 0; }
prior::LogUniformKl form(const At& at) {
  return static_cast<prior::LogUniformKl>(at.use.values[kKl]);
}

/// log alpha and its slope by a.
struct Alpha {
  double log, slope;
};
Alpha alpha_of(const NoiseUse& use, double a) {
  if (is_free(use)) return {a, 1};
  return {-std::log1p(std::exp(-a)), 1 - logistic(a)};
}

/// Which alpha a weight has; (O, I, window).
struct Sharing {
  std::size_t share, inputs, window;
  explicit Sharing(const NoiseUse& use)
      : share(static_cast<std::size_t>(use.values[kShare])),
        inputs(use.in.at(0)),
        window(use.weights / use.shape.at(0) / inputs) {}
  std::size_t count(std::size_t weights) const {
    return share == kWeight ? weights : share == kUnit ? inputs : 1;
  }
  std::size_t operator()(std::size_t weight) const {
    return share == kWeight ? weight : share == kUnit ? weight / window % inputs : 0;
  }
};

/// alpha of all that there are.
void alphas(const At& at, std::size_t count, float* out) {
  if (is_free(at.use)) return kernel::svdo_variance(count, at.own[0], out);  // exp
  std::copy_n(at.own[0], count, out);
  kernel::activate(kernel::Activation::sigmoid, 0, count, out);
}

void mask(const At& at, float* values) {
  if (!is_free(at.use)) return;
  const Sharing sharing(at.use);
  for (std::size_t i = 0; i < at.use.weights; ++i) {
    if (!(at.own[0][sharing(i)] < at.use.values[kThreshold])) values[i] = 0;
  }
}

/// (W) variances, then the alphas.
void prepare(const At& at) {
  const Sharing sharing(at.use);
  float *variance = at.prepared, *alpha = at.prepared + at.use.weights;
  alphas(at, sharing.count(at.use.weights), alpha);
  const float* w = at.w;
  kernel::for_tiles(at.use.weights, [&](std::size_t first, std::size_t n) {
    if (sharing.share == kWeight) {
      for (std::size_t i = first; i < first + n; ++i) variance[i] = alpha[i] * w[i] * w[i];
    } else {
      for (std::size_t i = first; i < first + n; ++i) variance[i] = alpha[sharing(i)] * w[i] * w[i];
    }
  });
  if (!at.train) mask(at, variance);
}

double penalty(const At& at) {
  const Sharing sharing(at.use);
  const std::size_t count = sharing.count(at.use.weights);
  const double each = static_cast<double>(at.use.weights) / static_cast<double>(count);
  return at.value(kFactor) * each * kernel::sum_tiles(count, [&](std::size_t first, std::size_t n) {
           double sum = 0;
           for (std::size_t g = first; g < first + n; ++g) {
             sum += prior::quick_log_uniform_kl(form(at), alpha_of(at.use, at.own[0][g]).log);
           }
           return sum;
         });
}

/// d KL / da.
double kl_slope(const At& at, double a) {
  return is_free(at.use) ? prior::quick_log_uniform_kl_slope(form(at), a)
                         : prior::quick_bounded_kl_slope(form(at), a);
}

/// A group's sum runs over its weights in their order.
void terms_back(const At& at, double weight) {
  const Sharing sharing(at.use);
  const std::size_t count = sharing.count(at.use.weights),
                    per_output = sharing.inputs * sharing.window;
  const float *h = at.d_prepared, *w = at.w, *alpha = at.prepared + at.use.weights;
  float *dw = at.dw, *da = at.d_own[0];
  kernel::for_tiles(at.use.weights, [&](std::size_t first, std::size_t n) {
    if (sharing.share == kWeight) {
      for (std::size_t i = first; i < first + n; ++i) dw[i] += 2 * h[i] * alpha[i] * w[i];
    } else {
      for (std::size_t i = first; i < first + n; ++i) dw[i] += 2 * h[i] * alpha[sharing(i)] * w[i];
    }
  });
  const double each = static_cast<double>(at.use.weights) / static_cast<double>(count),
               factor = weight * at.value(kFactor) * each;
  const bool free = is_free(at.use);
  const auto square = [&](std::size_t i) { return double(h[i]) * w[i] * w[i]; };
  kernel::for_tiles(count, [&](std::size_t first, std::size_t n) {
    for (std::size_t g = first; g < first + n; ++g) {
      double by_alpha = 0;
      if (sharing.share == kWeight) {
        by_alpha = square(g);
      } else if (sharing.share == kUnit) {
        for (std::size_t o = 0; o < at.use.shape[0]; ++o) {
          const std::size_t from = o * per_output + g * sharing.window;
          for (std::size_t i = from; i < from + sharing.window; ++i) by_alpha += square(i);
        }
      } else {
        for (std::size_t i = 0; i < at.use.weights; ++i) by_alpha += square(i);
      }
      const double slope = alpha[g] * (free ? 1.0 : 1.0 - alpha[g]);  // d alpha / da
      const double kl = factor == 0 ? 0 : factor * kl_slope(at, at.own[0][g]);
      da[g] += static_cast<float>(slope * by_alpha + kl);
    }
  });
}

void settle(const At& at) {
  const auto most = static_cast<float>(is_free(at.use) ? kFree : kMost);
  const std::size_t count = Sharing(at.use).count(at.use.weights);
  for (std::size_t g = 0; g < count; ++g) at.own[0][g] = std::clamp(at.own[0][g], -most, most);
}

void stand_in(const At& at, float* out) {
  std::copy_n(at.w, at.use.weights, out);
  mask(at, out);
}

std::vector<LayerTensor> tensors(const Noise& noise, const Layer& layer) {
  const auto kl = static_cast<prior::LogUniformKl>(noise.values[kKl]);
  const double p = noise.values[kP], alpha = p / (1 - p), log_alpha = std::log(alpha);
  const bool free = noise.values[kAlpha] != 0;
  if (free && !prior::above_one(kl)) {
    throw std::invalid_argument("kl must be exact or molchanov where alpha=free");
  }
  if (!free && p > 0.5) throw std::invalid_argument("p must be at most 0.5 where alpha=bounded");
  const double bounded = alpha < 1 ? log_alpha - std::log1p(-alpha) : kMostStart;
  const Shape shape = weight_shape(layer);
  LayerTensor tensor{.name = free ? "log_alpha" : "logit_alpha",
                     .shape = {1},
                     .initial = free ? std::clamp(log_alpha, -kFree, kFree)
                                     : std::clamp(bounded, -kMost, kMostStart)};
  if (noise.values[kShare] == kWeight) tensor.shape = shape;
  if (noise.values[kShare] == kUnit) tensor.shape = {shape[1]};
  return {tensor};
}

}  // namespace

NoiseKind vdo_b_noise() {
  NoiseKind kind{.name = "vdo_b",
                 .summary = "posterior N(w, alpha w^2), alpha learned: variational dropout B",
                 .source = "Kingma, Salimans & Welling (2015)",
                 .learns = "a variance per weight, input or layer",
                 .where = Where::moments};
  kind.parameters = {
      {"p", 0.5, 0, 1, true, true, "initial drop rate, alpha = p / (1 - p)"},
      choice("share", "weight|unit|layer", "what has an alpha of its own"),
      choice("kl", prior::kLogUniformKls, "the divergence, or what stands for it"),
      choice("alpha", "bounded|free", "alpha below 1, or free"),
      {"factor", 1, 0, 1e6, false, false, "times the divergence"},
      {"threshold", 3, -8, 8, false, false,
       "where alpha is free, a weight whose log alpha is at or above it counts as zero"}};
  kind.scheduled = {"factor"};
  kind.tensors = tensors;
  kind.prepared = [](const NoiseUse& use) { return use.weights + Sharing(use).count(use.weights); };
  kind.prepare = prepare;
  kind.penalty = penalty;
  kind.terms_back = terms_back;
  kind.settle = settle;
  kind.stand_in = stand_in;
  kind.log_alpha = [](const At& at, float* out) {
    const Sharing sharing(at.use);
    for (std::size_t i = 0; i < at.use.weights; ++i) {
      out[i] = static_cast<float>(alpha_of(at.use, at.own[0][sharing(i)]).log);
    }
  };
  kind.prunes = [](const Noise& noise) { return noise.values[kAlpha] != 0; };
  kind.threshold = [](const Noise& noise) { return noise.values[kThreshold]; };
  kind.signal = [](const Noise& noise, const Layer&) {
    const double p = noise.values[kP];
    return signal_like("gaussian", p / (1 - p), "vdo_b");
  };
  return kind;
}

}  // namespace scalemix::inline v0::model
