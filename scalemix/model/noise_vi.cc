// Variational inference with a Gaussian posterior N(w, sigma2) over every weight and the prior
// N(0, sigma0^2), drawn by local reparameterisation (Kingma, Salimans & Welling 2015). The
// divergence is exact:
//
//   KL = sum [ (sigma2 + w^2) / sigma0^2 - 1 - log(sigma2 / sigma0^2) ] / 2
//   dKL/dw = w / sigma0^2,   dKL/dlog_sigma2 = (sigma2 / sigma0^2 - 1) / 2

#include <algorithm>
#include <cmath>

#include "scalemix/kernel/tiles.h"
#include "scalemix/kernel/variational.h"
#include "scalemix/model/layer_kind.h"
#include "scalemix/model/noise.h"

namespace scalemix::inline v0::model {
namespace {

constexpr std::size_t kSigma0 = 0, kInit = 1;  // parameters
constexpr std::size_t kLogSigma2 = 0;          // tensor

double prior_variance(const At& at) { return at.use.values[kSigma0] * at.use.values[kSigma0]; }

void prepare(const At& at) {
  kernel::svdo_variance(at.use.weights, at.own[kLogSigma2], at.prepared);
}

double penalty(const At& at) {
  const double v = prior_variance(at), log_v = std::log(v);
  return kernel::sum_tiles(at.use.weights, [&](std::size_t first, std::size_t n) {
    double sum = 0;
    for (std::size_t i = first; i < first + n; ++i) {
      const double w = at.w[i], log_sigma2 = at.own[kLogSigma2][i];
      sum += ((std::exp(log_sigma2) + w * w) / v - 1 - log_sigma2 + log_v) / 2;
    }
    return sum;
  });
}

void terms_back(const At& at, double weight) {
  const double v = prior_variance(at);
  const auto scale = static_cast<float>(weight / v), half = static_cast<float>(weight / 2);
  const float *sigma2 = at.prepared, *dsigma2 = at.d_prepared;
  kernel::for_tiles(at.use.weights, [&](std::size_t first, std::size_t n) {
    for (std::size_t i = first; i < first + n; ++i) {
      at.dw[i] += scale * at.w[i];
      at.d_own[kLogSigma2][i] += (dsigma2[i] + scale / 2) * sigma2[i] - half;
    }
  });
}

}  // namespace

NoiseKind vi_noise() {
  NoiseKind kind{.name = "vi",
                 .summary = "Gaussian posterior under a Gaussian prior",
                 .source = "Kingma, Salimans & Welling (2015); Blundell et al. (2015)",
                 .where = Where::moments};
  kind.parameters = {{"sigma0", 1, 1e-6, 1e6, false, false, "standard deviation of the prior"},
                     {"init", -10, -20, 2, false, false, "initial log variance of every weight"}};
  kind.tensors = [](const Noise& noise, const Layer& layer) -> std::vector<LayerTensor> {
    return {{.name = "log_sigma2", .shape = weight_shape(layer), .initial = noise.values[kInit]}};
  };
  kind.prepared = [](const NoiseUse& use) { return use.weights; };
  kind.prepare = prepare;
  kind.penalty = penalty;
  kind.terms_back = terms_back;
  kind.log_alpha = [](const At& at, float* out) {
    kernel::log_alpha(at.use.weights, at.w, at.own[kLogSigma2], out);
  };
  kind.signal = [](const Noise& noise, const Layer&) {
    return NoiseSignal{.weight_variance = std::exp(noise.values[kInit]), .word = "vi"};
  };
  return kind;
}

}  // namespace scalemix::inline v0::model
