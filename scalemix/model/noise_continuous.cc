// Continuous dropout (Shen et al. 2018): masks between 0 and 1.
//
//   form=gaussian  m = clip(mu + sigma e, 0, 1) / mu, as released: its mean is 1 where mu = 1/2 alone
//   form=uniform   m = u / (1/2)
//
// scale=exact divides by the mean of what is clipped instead.

#include <algorithm>
#include <cmath>

#include "scalemix/law/standard_normal.h"
#include "scalemix/model/noise.h"
#include "scalemix/model/noise_places.h"

namespace scalemix::inline v0::model {
namespace {

constexpr std::size_t kMu = 0, kSigma = 1, kForm = 2, kScale = 3;  // parameters

struct Mask {
  double mu, sigma;
  bool uniform;

  double divisor(bool exact) const {
    if (uniform) return 0.5;
    return exact ? moment(1) : mu;
  }
  /// E clip(mu + sigma e, 0, 1)^k, k 1 or 2.
  double moment(int k) const {
    if (uniform) return k == 1 ? 0.5 : 1.0 / 3;
    const double a = -mu / sigma, b = (1 - mu) / sigma;
    const double in = law::standard_normal_cdf(b) - law::standard_normal_cdf(a);
    const double pa = law::standard_normal_pdf(a), pb = law::standard_normal_pdf(b);
    const double above = law::standard_normal_cdf(-b);
    if (k == 1) return mu * in + sigma * (pa - pb) + above;
    return mu * mu * in + 2 * mu * sigma * (pa - pb) + sigma * sigma * (in + a * pa - b * pb) +
           above;
  }
};

Mask mask_of(const std::vector<double>& values) {
  return {values[kMu], values[kSigma], values[kForm] != 0};
}

Mask mask_now(const At& at) { return {at.value(kMu), at.value(kSigma), at.use.values[kForm] != 0}; }

double forward(const At& at, const float* x, float* y) {
  const Mask mask = mask_now(at);
  const auto per = static_cast<float>(1 / mask.divisor(at.use.values[kScale] != 0));
  const auto mu = static_cast<float>(mask.mu), sigma = static_cast<float>(mask.sigma);
  draw_places(at, at.use.draws.raw, at.kept);
  for_places(at, [&](std::size_t i) {
    const float z = mask.uniform ? at.kept[i] : std::clamp(mu + sigma * at.kept[i], 0.0f, 1.0f);
    at.kept[i] = z * per;
  });
  multiply_places(at, at.kept, x, y);
  return 0;
}

void backward(const At& at, const float*, const float* dy, float* dx, double) {
  if (dx) multiply_places(at, at.kept, dy, dx);
}

}  // namespace

NoiseKind continuous_noise() {
  NoiseKind kind{.name = "continuous",
                 .summary = "masks between 0 and 1: a clipped Gaussian, or uniform",
                 .source = "Shen, Tian, Liu, Xu & Tao (2018)"};
  kind.parameters = {
      {"mu", 0.5, 0, 1, true, true, "centre of the Gaussian"},
      {"sigma", 0.25, 0, 10, true, false, "its standard deviation, before clipping"},
      choice("form", "gaussian|uniform", "what masks are drawn from"),
      choice("scale", "released|exact", "divided by mu, or by the mean of what is clipped")};
  kind.scheduled = {"mu", "sigma"};
  kind.own_layer = true;
  kind.compile = [](NoiseUse& use, const Layer&) {
    use.draws = normal_draws();
    if (use.values[kForm] != 0) {
      use.draws = uniform_draws();
    }
  };
  kind.kept = keeps_places;
  kind.in_place = true;
  kind.forward = forward;
  kind.backward = backward;
  kind.signal = [](const Noise& noise, const Layer&) {
    const Mask mask = mask_of(noise.values);
    const double mean = mask.moment(1), alpha = mask.moment(2) / (mean * mean) - 1;
    return signal_like("gaussian", alpha, "continuous");  // the same moments
  };
  return kind;
}

}  // namespace scalemix::inline v0::model
