// Sparse variational dropout: a Gaussian posterior N(w, sigma2) over every weight under a
// log-uniform prior, drawn by local reparameterisation; weights with log alpha at or above the
// threshold are switched off in predictions (kernel/variational.h).
//
// kl=exact has the divergence itself in place of its approximation (prior/log_uniform_kl.h). clip=on
// switches weights off in training too, mean and variance: the released program does so, its dense layer
// with the variance left, its convolution with both gone. Either takes the generic update, which is
// slower than the pair with Adam in optim/fused.h.

#include <algorithm>
#include <cmath>
#include <vector>

#include "scalemix/kernel/tiles.h"
#include "scalemix/kernel/variational.h"
#include "scalemix/model/layer_kind.h"
#include "scalemix/model/noise.h"
#include "scalemix/prior/log_uniform_kl.h"

namespace scalemix::inline v0::model {
namespace {

constexpr std::size_t kThreshold = 0, kInit = 1, kKl = 2, kClip = 3;  // parameters
constexpr std::size_t kLogSigma2 = 0;                                 // tensor

std::vector<LayerTensor> tensors(const Noise& noise, const Layer& layer) {
  return {{.name = "log_sigma2", .shape = weight_shape(layer), .initial = noise.values[kInit]}};
}

/// Zeroes the values of weights that are switched off.
void mask(const At& at, float* values) {
  std::vector<float> log_alpha(at.use.weights);
  kernel::log_alpha(at.use.weights, at.w, at.own[kLogSigma2], log_alpha.data());
  for (std::size_t i = 0; i < at.use.weights; ++i) {
    if (!(log_alpha[i] < at.use.values[kThreshold])) values[i] = 0;
  }
}

bool clips(const NoiseUse& use) { return use.values[kClip] != 0; }
bool is_exact(const NoiseUse& use) { return use.values[kKl] != 0; }

/// Log alpha in the range of the penalty.
double clipped_log_alpha(const At& at, std::size_t i) {
  const double w = at.w[i];
  return std::clamp(at.own[kLogSigma2][i] - std::log(w * w + 1e-8), -8.0, 8.0);
}

/// Of a training that clips: variances, then means.
void prepare_clipped(const At& at) {
  kernel::svdo_variance(at.use.weights, at.own[kLogSigma2], at.prepared);
  float* means = at.prepared + at.use.weights;
  std::copy_n(at.w, at.use.weights, means);
  for (float* values : {at.prepared, means}) mask(at, values);
}

void prepare(const At& at) {
  if (at.train && clips(at.use)) return prepare_clipped(at);
  if (at.train) {
    kernel::svdo_variance(at.use.weights, at.own[kLogSigma2], at.prepared);
    return;
  }
  for (std::size_t i = 0; i < at.use.weights; ++i) at.prepared[i] = std::exp(at.own[kLogSigma2][i]);
  mask(at, at.prepared);
}

double penalty(const At& at) {
  if (is_exact(at.use)) {
    return kernel::sum_tiles(at.use.weights, [&](std::size_t first, std::size_t n) {
      double sum = 0;
      for (std::size_t i = first; i < first + n; ++i) {
        sum += prior::quick_log_uniform_kl(prior::LogUniformKl::exact, clipped_log_alpha(at, i));
      }
      return sum;
    });
  }
  return kernel::svdo_penalty(at.use.weights, at.w, at.own[kLogSigma2]);
}

/// What the fused kernel has, with the exact slope, and no gradient of the data where a weight is off.
void own_terms_back(const At& at, double weight) {
  const std::size_t count = at.use.weights;
  const bool clip = clips(at.use);
  kernel::for_tiles(count, [&](std::size_t first, std::size_t n) {
    for (std::size_t i = first; i < first + n; ++i) {
      const double w = at.w[i], la = at.own[kLogSigma2][i] - std::log(w * w + 1e-8);
      const bool off = clip && !(la < at.use.values[kThreshold]);
      const bool inside = la > -8 && la < 8;
      const auto kl =
          is_exact(at.use) ? prior::LogUniformKl::exact : prior::LogUniformKl::molchanov;
      const double slope = inside ? weight * prior::quick_log_uniform_kl_slope(kl, la) : 0;
      const double of_data = off ? 0 : double(at.d_prepared[i]) * at.prepared[i];
      at.d_own[kLogSigma2][i] += static_cast<float>(of_data + slope);
      if (clip && !off) at.dw[i] += at.d_prepared[count + i];
      at.dw[i] += static_cast<float>(slope * -2 * w / (w * w + 1e-8));
    }
  });
}

void terms_back(const At& at, double weight) {
  if (is_exact(at.use) || clips(at.use)) return own_terms_back(at, weight);
  kernel::svdo_gradient(at.use.weights, at.w, at.own[kLogSigma2], at.prepared, at.d_prepared,
                        weight, at.dw, at.d_own[kLogSigma2]);
}

void stand_in(const At& at, float* out) {
  std::copy_n(at.w, at.use.weights, out);
  mask(at, out);
}

void log_alpha(const At& at, float* out) {
  kernel::log_alpha(at.use.weights, at.w, at.own[kLogSigma2], out);
}

NoiseSignal signal(const Noise& noise, const Layer&) {
  return {.weight_variance = std::exp(noise.values[kInit]), .word = "svdo"};
}

}  // namespace

NoiseKind svdo_noise() {
  NoiseKind kind{.name = "svdo",
                 .summary = "sparse variational dropout",
                 .source = "Molchanov, Ashukha & Vetrov (2017)",
                 .learns = "a variance per weight",
                 .where = Where::moments};
  kind.parameters = {{"threshold", 3, -8, 8, false, false,
                      "a weight whose log alpha is at or above it counts as zero"},
                     {"init", -10, -20, 2, false, false, "initial log variance of every weight"},
                     choice("kl", "molchanov|exact", "the divergence, approximate or exact"),
                     choice("clip", "off|on", "weights are switched off in training too")};
  kind.tensors = tensors;
  kind.compile = [](NoiseUse& use, const Layer&) { use.means = clips(use) && use.train; };
  kind.plain = [](const NoiseUse& use) { return !clips(use) && !is_exact(use); };
  kind.prepared = [](const NoiseUse& use) { return use.weights * (use.means ? 2 : 1); };
  kind.prepare = prepare;
  kind.penalty = penalty;
  kind.terms_back = terms_back;
  kind.stand_in = stand_in;
  kind.log_alpha = log_alpha;
  kind.prunes = [](const Noise&) { return true; };
  kind.threshold = [](const Noise& noise) { return noise.values[kThreshold]; };
  kind.signal = signal;
  return kind;
}

}  // namespace scalemix::inline v0::model
