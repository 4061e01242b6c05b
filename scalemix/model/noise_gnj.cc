// Bayesian compression with group normal-Jeffreys priors (Louizos, Ullrich & Welling 2017): the weights of
// an input share a scale z whose prior is log-uniform, and are Gaussian given it.
//
//   q(z_i) = N(mu_i, s_i^2),  q(w | z) = N(z w, z^2 sigma2)
//   y = (x z) w + b + sqrt((x z)^2 sigma2) e,   z drawn per row
//   KL = sum_i KL_svdo(log s_i^2 - log(mu_i^2 + 1e-8)) + sum (sigma2 + w^2 - log sigma2 - 1) / 2
//
// One z per input of a dense layer, per input channel of a convolution (the released convolution has them
// per output channel). Groups with log alpha = log s^2 - log mu^2 at or above the threshold are
// switched off in predictions; a deterministic pass has E z = mu. The released program picks its thresholds
// from histograms after training.

#include <algorithm>
#include <cmath>

#include "scalemix/kernel/tiles.h"
#include "scalemix/kernel/variational.h"
#include "scalemix/model/layer_kind.h"
#include "scalemix/model/noise.h"
#include "scalemix/model/noise_places.h"

namespace scalemix::inline v0::model {
namespace {

constexpr std::size_t kInit = 0, kThreshold = 1;                     // parameters
constexpr std::size_t kLogSigma2 = 0, kScale = 1, kScaleLogVar = 2;  // tensors
constexpr double kEps = 1e-8;

std::size_t groups(const At& at) { return at.use.in[0]; }
std::size_t inner(const At& at) { return elements(at.use.in) / groups(at); }

kernel::Site site(const At& at) {
  kernel::Site out = at.site();
  out.columns = groups(at);
  out.inner = inner(at);
  out.width = 0;
  out.logical = nullptr;
  return out;
}

double log_alpha(const At& at, std::size_t g) {
  const double mu = at.own[kScale][g];
  return at.own[kScaleLogVar][g] - std::log(mu * mu + kEps);
}
bool off(const At& at, std::size_t g) { return !(log_alpha(at, g) < at.use.values[kThreshold]); }
std::size_t group_of(const At& at, std::size_t e) {
  const std::size_t window = at.use.weights / at.use.outputs / groups(at);
  return e / window % groups(at);
}

/// Kept: z = mu + s e (rows, groups), then s.
float* spreads(const At& at) { return at.kept + at.rows * groups(at); }

void multiply(const At& at, const float* x, float* y) {
  kernel::multiply_draws(at.rows * groups(at), inner(at), at.kept, x, y);
}

/// The mean of each group's scale; 0 of those that are off, outside training.
const std::vector<float>& means(const At& at) {
  std::vector<float>& out = room<struct Means, float>(groups(at));
  for (std::size_t g = 0; g < groups(at); ++g) {
    out[g] = !at.train && off(at, g) ? 0 : at.own[kScale][g];
  }
  return out;
}

double forward(const At& at, const float* x, float* y) {
  const std::size_t n = groups(at);
  float* spread = spreads(at);
  const std::vector<float>& mean = means(at);
  for (std::size_t g = 0; g < n; ++g) {
    const bool gone = !at.train && off(at, g);
    spread[g] = gone ? 0 : std::exp(at.own[kScaleLogVar][g] / 2);
  }
  kernel::draws(at.use.draws.raw, at.stream, site(at), at.kept);
  for (std::size_t r = 0; r < at.rows; ++r) {
    float* z = at.kept + r * n;
    for (std::size_t g = 0; g < n; ++g) z[g] = mean[g] + spread[g] * z[g];
  }
  multiply(at, x, y);
  return 0;
}

void backward(const At& at, const float* x, const float* dy, float* dx, double) {
  const std::size_t n = groups(at), width = inner(at);
  kernel::for_tiles(n, [&](std::size_t first, std::size_t count) {
    for (std::size_t g = first; g < first + count; ++g) {
      const double mean = at.own[kScale][g];
      double by_mean = 0, by_log = 0;
      for (std::size_t r = 0; r < at.rows; ++r) {
        const std::size_t i = r * n + g;
        double product = 0;
        for (std::size_t k = i * width; k < (i + 1) * width; ++k) product += double(dy[k]) * x[k];
        by_mean += product;
        by_log += product * (at.kept[i] - mean);  // s e
      }
      at.d_own[kScale][g] += static_cast<float>(by_mean);
      at.d_own[kScaleLogVar][g] += static_cast<float>(by_log / 2);
    }
  });
  if (dx) multiply(at, dy, dx);
}

void centre(const At& at, float* x) {
  const std::size_t width = inner(at);
  const float* mean = means(at).data();
  kernel::for_tiles(at.rows * groups(at), [&](std::size_t first, std::size_t n) {
    for (std::size_t i = first; i < first + n; ++i) {
      for (std::size_t k = i * width; k < (i + 1) * width; ++k) x[k] *= mean[i % groups(at)];
    }
  });
}

void stand_in(const At& at, float* out) {
  for (std::size_t e = 0; e < at.use.weights; ++e) out[e] = off(at, group_of(at, e)) ? 0 : at.w[e];
}

void prepare(const At& at) {
  kernel::svdo_variance(at.use.weights, at.own[kLogSigma2], at.prepared);
  if (at.train) return;
  for (std::size_t e = 0; e < at.use.weights; ++e) {
    if (off(at, group_of(at, e))) at.prepared[e] = 0;
  }
}

double penalty(const At& at) {
  double sum = 0;
  for (std::size_t g = 0; g < groups(at); ++g) {
    sum += kernel::ref::svdo_penalty(std::clamp(log_alpha(at, g), -8.0, 8.0));
  }
  return sum + kernel::sum_tiles(at.use.weights, [&](std::size_t first, std::size_t n) {
           double part = 0;
           for (std::size_t i = first; i < first + n; ++i) {
             const double w = at.w[i], ls = at.own[kLogSigma2][i];
             part += (std::exp(ls) + w * w - ls - 1) / 2;
           }
           return part;
         });
}

void terms_back(const At& at, double weight) {
  for (std::size_t g = 0; g < groups(at); ++g) {
    const double la = log_alpha(at, g), mu = at.own[kScale][g];
    if (!(la > -8 && la < 8)) continue;
    const double slope = weight * kernel::ref::svdo_slope(la);
    at.d_own[kScaleLogVar][g] += static_cast<float>(slope);
    at.d_own[kScale][g] += static_cast<float>(slope * -2 * mu / (mu * mu + kEps));
  }
  const auto half = static_cast<float>(weight / 2), whole = static_cast<float>(weight);
  kernel::for_tiles(at.use.weights, [&](std::size_t first, std::size_t n) {
    for (std::size_t i = first; i < first + n; ++i) {
      at.dw[i] += whole * at.w[i];
      at.d_own[kLogSigma2][i] += (at.d_prepared[i] + half) * at.prepared[i] - half;
    }
  });
}

std::vector<NoiseReading> readings(const At& at) {
  double on = 0;
  for (std::size_t g = 0; g < groups(at); ++g) on += !off(at, g);
  return {{"groups", static_cast<double>(groups(at))}, {"on", on}};
}

}  // namespace

NoiseKind gnj_noise() {
  NoiseKind kind{.name = "gnj",
                 .summary = "weights of an input share a scale under a log-uniform prior",
                 .source = "Louizos, Ullrich & Welling (2017)",
                 .learns = "a scale per input, a variance per weight",
                 .where = Where::moments};
  kind.parameters = {{"init", -9, -20, 2, false, false, "initial log variances"},
                     {"threshold", 3, -20, 8, false, false,
                      "a group whose log alpha is at or above it is switched off"}};
  kind.tensors = [](const Noise& noise, const Layer& layer) -> std::vector<LayerTensor> {
    const double init = noise.values[kInit];
    return {{.name = "log_sigma2", .shape = weight_shape(layer), .initial = init, .spread = 0.01},
            {.name = "scale", .shape = {layer.in}, .initial = 1, .spread = 0.01},
            {.name = "scale_log_var", .shape = {layer.in}, .initial = init, .spread = 0.01}};
  };
  kind.compile = [](NoiseUse& use, const Layer&) { use.draws = normal_draws(); };
  kind.prepared = [](const NoiseUse& use) { return use.weights; };
  kind.prepare = prepare;
  kind.kept = [](const NoiseUse& use, std::size_t rows, bool) { return (rows + 1) * use.in[0]; };
  kind.forward = forward;
  kind.backward = backward;
  kind.centre = centre;
  kind.penalty = penalty;
  kind.terms_back = terms_back;
  kind.stand_in = stand_in;
  kind.prunes = [](const Noise&) { return true; };
  kind.log_alpha = [](const At& at, float* out) {
    for (std::size_t e = 0; e < at.use.weights; ++e) {
      out[e] = static_cast<float>(log_alpha(at, group_of(at, e)));
    }
  };
  kind.threshold = [](const Noise& noise) { return noise.values[kThreshold]; };
  kind.readings = readings;
  kind.signal = [](const Noise& noise, const Layer&) {
    return NoiseSignal{.weight_variance = std::exp(noise.values[kInit]), .word = "gnj"};
  };
  return kind;
}

}  // namespace scalemix::inline v0::model
