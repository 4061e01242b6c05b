// Soft dropout (Xie et al. 2019): masks in [0, 1] that are neither 0 nor 1 alone. The abstract says that
// masks are beta-distributed and that adaptive versions approximate them by half-Gaussian or half-Laplace
// variables whose parameters are learned by SGVB; the parametrisation is not at hand, so this one is ours:
//
//   m = max(0, 1 - sigma h) / M(sigma),  h = |e| (half_gaussian) or an exponential (half_laplace)
//   M(sigma) = E max(0, 1 - sigma h),    log sigma learned, one per layer, by the pathwise gradient
//
// It adds no penalty. For fixed beta masks there is the law beta.

#include <algorithm>
#include <cmath>

#include "scalemix/law/standard_normal.h"
#include "scalemix/model/noise.h"
#include "scalemix/model/noise_places.h"

namespace scalemix::inline v0::model {
namespace {

constexpr std::size_t kSigma = 0, kForm = 1;  // parameters
constexpr double kLeast = -5, kMost = 3;      // log sigma

bool laplace(const std::vector<double>& values) { return values[kForm] != 0; }

/// E max(0, 1 - s h)^k, k 1 or 2.
double moment(bool laplace, double s, int k) {
  const double c = 1 / s;  // where the mask ends
  if (laplace) {
    const double tail = std::exp(-c);
    return k == 1 ? 1 - s * (1 - tail) : 1 - 2 * s + 2 * s * s * (1 - tail);
  }
  const double in = 2 * law::standard_normal_cdf(c) - 1,
               first = 2 * (law::standard_normal_pdf(0) - law::standard_normal_pdf(c)),
               second = in - 2 * c * law::standard_normal_pdf(c);  // E h^k; h < c
  return k == 1 ? in - s * first : in - 2 * s * first + s * s * second;
}

/// dM / ds = -E h; h < c.
double mean_slope(bool laplace, double s) {
  const double c = 1 / s;
  if (laplace) return -(1 - std::exp(-c) * (1 + c));
  return -2 * (law::standard_normal_pdf(0) - law::standard_normal_pdf(c));
}

double sigma(const At& at) { return std::exp(double(at.own[0][0])); }

/// Kept: h.
double forward(const At& at, const float* x, float* y) {
  const bool exponential = laplace(at.use.values);
  const std::size_t inner = at.use.site.inner;
  const double s = sigma(at), per = 1 / moment(exponential, s, 1);
  draw_places(at, at.use.draws.raw, at.kept);
  for_places(at, [&](std::size_t i) {
    float& h = at.kept[i];
    h = exponential ? -std::log(h) : std::abs(h);
    const auto m = static_cast<float>(std::max(0.0, 1 - s * h) * per);
    for (std::size_t k = i * inner; k < (i + 1) * inner; ++k) y[k] = x[k] * m;
  });
  return 0;
}

void backward(const At& at, const float* x, const float* dy, float* dx, double) {
  const bool exponential = laplace(at.use.values);
  const std::size_t inner = at.use.site.inner;
  const double s = sigma(at), mean = moment(exponential, s, 1),
               drift = mean_slope(exponential, s) / mean;
  const double slope = sum_places(at, [&](std::size_t i) {
    const double h = at.kept[i], left = 1 - s * h;
    if (left <= 0) return 0.0;
    return paired(at, i, dy, x) * (-h - left * drift) / mean;
  });
  at.d_own[0][0] += static_cast<float>(slope * s);
  if (!dx) return;
  for_places(at, [&](std::size_t i) {
    const auto m = static_cast<float>(std::max(0.0, 1 - s * at.kept[i]) / mean);
    for (std::size_t k = i * inner; k < (i + 1) * inner; ++k) dx[k] = dy[k] * m;
  });
}

}  // namespace

NoiseKind soft_noise() {
  NoiseKind kind{.name = "soft",
                 .summary = "masks in [0, 1], half-Gaussian or half-Laplace, their width learned",
                 .source = "Xie, Ma, Lei, Zhang, Xue, Tan & Guo (2019), by its abstract",
                 .learns = "a width per layer"};
  kind.parameters = {{"sigma", 0.5, 0.01, 10, false, false, "initial width"},
                     choice("form", "half_gaussian|half_laplace", "what masks are drawn from")};
  kind.own_layer = true;
  kind.tensors = [](const Noise& noise, const Layer&) -> std::vector<LayerTensor> {
    return {{.name = "log_sigma", .shape = {1}, .initial = std::log(noise.values[kSigma])}};
  };
  kind.compile = [](NoiseUse& use, const Layer&) {
    use.draws = normal_draws();
    if (laplace(use.values)) {
      use.draws = uniform_draws();
    }
  };
  kind.kept = keeps_places;
  kind.forward = forward;
  kind.backward = backward;
  kind.settle = [](const At& at) {
    at.own[0][0] = std::clamp(at.own[0][0], float(kLeast), float(kMost));
  };
  kind.readings = [](const At& at) { return std::vector<NoiseReading>{{"sigma", sigma(at)}}; };
  kind.signal = [](const Noise& noise, const Layer&) {
    const double s = noise.values[kSigma], m = moment(laplace(noise.values), s, 1);
    const double alpha = moment(laplace(noise.values), s, 2) / (m * m) - 1;
    return signal_like("gaussian", alpha, "soft");  // the same moments
  };
  return kind;
}

}  // namespace scalemix::inline v0::model
