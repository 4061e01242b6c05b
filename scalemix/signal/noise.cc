#include "scalemix/signal/noise.h"

#include <cmath>

#include "scalemix/base/check.h"

namespace scalemix::inline v0::signal {

NoiseMoments joined(const NoiseMoments& a, const NoiseMoments& b) {
  return {.mean = a.mean * b.mean,
          .mu2 = a.mu2 * b.mu2,
          .mu3 = a.mu3 * b.mu3,
          .mu4 = a.mu4 * b.mu4,
          .additive = a.additive || b.additive,
          .s2 = a.s2 * b.mu2 + b.s2};
}

std::optional<double> dropout_rate(const NoiseMoments& noise) {
  // E z^3 = (E z^2)^2 and E z^4 = (E z^2)^3: the moments of those multipliers and, by the case of
  // equality in (E z^2)^2 <= E z E z^3 and (E z^3)^2 <= E z^2 E z^4, of no others that are never
  // negative.
  constexpr double kRounding = 1e-12;
  const bool dropout = !noise.additive && noise.finite() && noise.mean == 1 &&
                       std::abs(noise.mu3 / (noise.mu2 * noise.mu2) - 1) < kRounding &&
                       std::abs(noise.mu4 / (noise.mu2 * noise.mu3) - 1) < kRounding;
  return dropout ? std::optional(1 - 1 / noise.mu2) : std::nullopt;
}

NoiseMoments multiplicative(const law::AnyLaw& law) {
  // A law without a mean multiplies as it is; with mean 0 it does too, and inputs decorrelate at
  // once.
  const double mean = law.normalised() ? 1 : std::isfinite(law.mean()) ? law.mean() : 1;
  return {.mean = mean, .mu2 = law.mu2(), .mu3 = law.mu3(), .mu4 = law.mu4()};
}

NoiseMoments additive(const law::AnyLaw& law) {
  if (law.mean() != 0) {
    fail<std::domain_error>("additive noise", "the law must have mean 0 (normal has)", law.spec());
  }
  return {.additive = true, .s2 = law.mu2()};
}

NoiseMoments gaussian_noise(double alpha) {
  if (!(alpha >= 0 && std::isfinite(alpha))) {
    fail<std::domain_error>("gaussian noise", "alpha must be finite and not negative", alpha);
  }
  return {.mu2 = 1 + alpha, .mu3 = 1 + 3 * alpha, .mu4 = 1 + alpha * (6 + 3 * alpha)};
}

}  // namespace scalemix::inline v0::signal
