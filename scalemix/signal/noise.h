// What signal propagation needs to know of a noise law: a few moments.
//
//   multiplicative   y = z phi(h)    mean E z (1, or 0 of a law like `normal`),
//                                    mu2 = E z^2, mu3 = E z^3, mu4 = E z^4
//   additive         y = phi(h) + z  mean 0, s2 = E z^2
//
// mu2 to mu4 may be infinite (half_cauchy): whoever cannot work with that says so as a value.
#pragma once

#include <optional>

#include "scalemix/law/any_law.h"

namespace scalemix::inline v0::signal {

struct NoiseMoments {
  double mean = 1, mu2 = 1, mu3 = 1, mu4 = 1;  // of the multiplier; 1 if additive
  bool additive = false;
  double s2 = 0;

  double alpha() const { return mu2 - mean * mean; }     // the multiplier's variance
  double kurtosis() const { return mu4 / (mu2 * mu2); }  // E z^4 / (E z^2)^2; 1 without noise
  bool finite() const { return mu2 < 1e300 && s2 < 1e300; }
};

/// Of independent noise a, then b: multipliers multiply, what is added is multiplied and added to.
NoiseMoments joined(const NoiseMoments& a, const NoiseMoments& b);

/// The probability p of the multipliers 0 and 1 / (1 - p), 0 of no noise; empty of any other noise.
std::optional<double> dropout_rate(const NoiseMoments& noise);

/// No noise is the default.
NoiseMoments multiplicative(const law::AnyLaw& law);

/// Throws std::domain_error unless the law has mean 0.
NoiseMoments additive(const law::AnyLaw& law);

/// Noise of a variational layer whose weights are sampled for every input (local
/// reparameterisation): mu2 = 1 + alpha of its mean alpha = sum sigma^2 / sum w^2, mu4 of a normal.
/// Throws std::domain_error unless alpha is finite and >= 0.
NoiseMoments gaussian_noise(double alpha);

}  // namespace scalemix::inline v0::signal
