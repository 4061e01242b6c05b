// Sparse variational dropout: a Gaussian posterior N(w, sigma2) over every weight under a
// log-uniform prior, drawn by local reparameterisation; weights with log alpha at or above the
// threshold are switched off in predictions (kernel/variational.h).

#include <algorithm>
#include <cmath>
#include <vector>

#include "scalemix/kernel/variational.h"
#include "scalemix/model/layer_kind.h"
#include "scalemix/model/noise.h"

namespace scalemix::inline v0::model {
namespace {

constexpr std::size_t kThreshold = 0, kInit = 1;  // parameters
constexpr std::size_t kLogSigma2 = 0;             // tensor

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

void prepare(const At& at) {
  if (at.train) {
    kernel::svdo_variance(at.use.weights, at.own[kLogSigma2], at.prepared);
    return;
  }
  for (std::size_t i = 0; i < at.use.weights; ++i) at.prepared[i] = std::exp(at.own[kLogSigma2][i]);
  mask(at, at.prepared);
}

double penalty(const At& at) {
  return kernel::svdo_penalty(at.use.weights, at.w, at.own[kLogSigma2]);
}

void terms_back(const At& at, double weight) {
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
                 .where = Where::moments};
  kind.parameters = {{"threshold", 3, -8, 8, false, false,
                      "a weight whose log alpha is at or above it counts as zero"},
                     {"init", -10, -20, 2, false, false, "initial log variance of every weight"}};
  kind.tensors = tensors;
  kind.prepared = [](const NoiseUse& use) { return use.weights; };
  kind.prepare = prepare;
  kind.penalty = penalty;
  kind.terms_back = terms_back;
  kind.stand_in = stand_in;
  kind.log_alpha = log_alpha;
  kind.threshold = [](const Noise& noise) { return noise.values[kThreshold]; };
  kind.signal = signal;
  return kind;
}

}  // namespace scalemix::inline v0::model
