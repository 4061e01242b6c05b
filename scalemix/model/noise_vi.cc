// Variational inference with a Gaussian posterior N(w, sigma2) over every weight and the prior
// N(0, sigma0^2), drawn by local reparameterisation (Kingma, Salimans & Welling 2015). The
// divergence is exact:
//
//   KL = sum [ (sigma2 + w^2) / sigma0^2 - 1 - log(sigma2 / sigma0^2) ] / 2
//   dKL/dw = w / sigma0^2,   dKL/dlog_sigma2 = (sigma2 / sigma0^2 - 1) / 2
//
// prior=stabilising lets the prior set the size of the forward signal. Before every pass the posterior
// of a layer is rescaled to N(gamma w, gamma^2 sigma2) with
//
//   gamma^2 = v / S,  S = mean(w^2 + sigma2),  v = sigma0^2 2 / fan_in
//
// so that fan_in E w^2 = 2 sigma0^2, whatever w and sigma2 are: at sigma0 = 1 a ReLU layer neither
// grows nor shrinks its inputs. The divergence of that from N(0, v) does not know the size of w:
//
//   KL = [ W log S - sum log sigma2 ] / 2
//   dKL/dw = w / S,   dKL/dlog_sigma2 = (sigma2 / S - 1) / 2
//
// which is that of one scale for the whole layer, set by type-II maximum likelihood (noise_gsm.cc,
// group=matrix,hyper=flat). Gradients pass through gamma. The paper on stabilising priors says that
// prior parameters are set anew before each forward pass so that the signal stays stable; its formulas
// are not at hand, so that these are ours.
//
// Source: Kingma, Salimans & Welling (2015); McGregor, Pretorius, du Preez & Kroon (2019), Stabilising
// priors for robust Bayesian deep learning

#include <algorithm>
#include <cmath>

#include "scalemix/kernel/tiles.h"
#include "scalemix/kernel/variational.h"
#include "scalemix/model/layer_kind.h"
#include "scalemix/model/noise.h"

namespace scalemix::inline v0::model {
namespace {

constexpr std::size_t kSigma0 = 0, kInit = 1, kPrior = 2;  // parameters
constexpr std::size_t kLogSigma2 = 0;                      // tensor
constexpr double kGain = 2;  // of a ReLU layer that keeps its input's size

double prior_variance(const At& at) { return at.use.values[kSigma0] * at.use.values[kSigma0]; }

/// v of the stabilising prior.
double held_moment(const Noise& noise, const Layer& layer) {
  const double fan_in = static_cast<double>(weight_count(layer)) / static_cast<double>(layer.out);
  return noise.values[kSigma0] * noise.values[kSigma0] * kGain / fan_in;
}

/// S.
double mean_moment(const At& at) {
  const double sum = kernel::sum_tiles(at.use.weights, [&](std::size_t first, std::size_t n) {
    double part = 0;
    for (std::size_t i = first; i < first + n; ++i) {
      part += static_cast<double>(at.w[i]) * at.w[i] + std::exp(at.own[kLogSigma2][i]);
    }
    return part;
  });
  return sum / static_cast<double>(at.use.weights);
}

double gamma2(const At& at) { return prior_variance(at) / mean_moment(at); }

/// (W) variances, then, of rescaled ones, (W) means.
void prepare(const At& at) {
  kernel::svdo_variance(at.use.weights, at.own[kLogSigma2], at.prepared);
  if (!at.use.means) return;
  const double scale2 = gamma2(at);
  const auto variances = static_cast<float>(scale2), means = static_cast<float>(std::sqrt(scale2));
  float* prepared = at.prepared;
  kernel::for_tiles(at.use.weights, [&](std::size_t first, std::size_t n) {
    for (std::size_t i = first; i < first + n; ++i) {
      prepared[i] *= variances;
      prepared[at.use.weights + i] = means * at.w[i];
    }
  });
}

void stand_in(const At& at, float* out) {
  const auto means = at.use.means ? static_cast<float>(std::sqrt(gamma2(at))) : 1.0f;
  for (std::size_t i = 0; i < at.use.weights; ++i) out[i] = means * at.w[i];
}

double penalty(const At& at) {
  // Of rescaled ones the squares are W v by what gamma is.
  const bool rescaled = at.use.means;
  const double v = rescaled ? mean_moment(at) : prior_variance(at), log_v = std::log(v);
  return kernel::sum_tiles(at.use.weights, [&](std::size_t first, std::size_t n) {
    double sum = 0;
    for (std::size_t i = first; i < first + n; ++i) {
      const double w = at.w[i], log_sigma2 = at.own[kLogSigma2][i];
      const double square = rescaled ? 0 : (std::exp(log_sigma2) + w * w) / v - 1;
      sum += (square - log_sigma2 + log_v) / 2;
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

/// The same where means m = gamma w and variances V = gamma^2 sigma2 were prepared: with g and h their
/// gradients and G = sum(g m + 2 h V), which is gamma dL/dgamma,
///
///   dL/dw = gamma (g - G m / (v W)),   dL/dlog_sigma2 = V (h - G / (2 v W))
void rescaled_back(const At& at, double weight) {
  const std::size_t count = at.use.weights;
  const float *variance = at.prepared, *mean = at.prepared + count;
  const float *h = at.d_prepared, *g = at.d_prepared + count;
  const double radial = kernel::sum_tiles(count, [&](std::size_t first, std::size_t n) {
    double sum = 0;
    for (std::size_t i = first; i < first + n; ++i) {
      sum += static_cast<double>(g[i]) * mean[i] + 2.0 * h[i] * variance[i];
    }
    return sum;
  });
  const double v = prior_variance(at), scale = std::sqrt(gamma2(at));
  const double back = (weight - radial / static_cast<double>(count)) / v;
  const auto gamma = static_cast<float>(scale), by_mean = static_cast<float>(back),
             half = static_cast<float>(weight / 2);
  float *dw = at.dw, *dlog = at.d_own[kLogSigma2];
  kernel::for_tiles(count, [&](std::size_t first, std::size_t n) {
    for (std::size_t i = first; i < first + n; ++i) {
      dw[i] += gamma * (g[i] + by_mean * mean[i]);
      dlog[i] += variance[i] * (h[i] + by_mean / 2) - half;
    }
  });
}

}  // namespace

NoiseKind vi_noise() {
  NoiseKind kind{.name = "vi",
                 .summary = "Gaussian posterior under a Gaussian prior",
                 .source = "Kingma, Salimans & Welling (2015); Blundell et al. (2015)",
                 .learns = "a variance per weight",
                 .where = Where::moments};
  kind.parameters = {
      {"sigma0", 1, 1e-6, 1e6, false, false,
       "standard deviation of the prior; of stabilising in units of sqrt(2 / fan-in)"},
      {"init", -10, -20, 2, false, false, "initial log variance of every weight"},
      choice("prior", "normal|stabilising",
             "N(0, sigma0^2), or the weights rescaled before each pass to keep signals alive")};
  kind.tensors = [](const Noise& noise, const Layer& layer) -> std::vector<LayerTensor> {
    return {{.name = "log_sigma2", .shape = weight_shape(layer), .initial = noise.values[kInit]}};
  };
  kind.compile = [](NoiseUse& use, const Layer& layer) {
    use.means = use.values[kPrior] != 0;
    if (use.means) use.values[kSigma0] = std::sqrt(held_moment({"", "", use.values}, layer));
  };
  kind.prepared = [](const NoiseUse& use) { return use.weights * (use.means ? 2 : 1); };
  kind.prepare = prepare;
  kind.penalty = penalty;
  kind.terms_back = [](const At& at, double weight) {
    at.use.means ? rescaled_back(at, weight) : terms_back(at, weight);
  };
  kind.stand_in = stand_in;
  kind.log_alpha = [](const At& at, float* out) {
    kernel::log_alpha(at.use.weights, at.w, at.own[kLogSigma2], out);
  };
  kind.signal = [](const Noise& noise, const Layer& layer) {
    NoiseSignal out{.weight_variance = std::exp(noise.values[kInit]), .word = "vi"};
    if (noise.values[kPrior] != 0) out.second_moment = held_moment(noise, layer);
    return out;
  };
  return kind;
}

}  // namespace scalemix::inline v0::model
