// Fractional-moment initialisation: the weight variance (unscaled, of each weight) that keeps
// E |x|^s, 0 < s <= 2, from layer to layer of a network of finite width, where keeping the second
// moment lets the typical length shrink. With x' = W (phi(x) z), W_ij ~ N(0, sigma^2), fan-in m:
//
//   linear       sigma^-s = 2^(s/2) Gamma((m + s) / 2) / Gamma(m / 2)
//   relu         sigma^-s = sum over n >= 1 of
//                Binomial(n; m, 1/2) 2^(s/2) Gamma((n + s)/2) / Gamma(n/2)
//   Bernoulli    the same with probability (1 - p) / 2 (linear: 1 - p), times (1 - p)^-s
//   expansion    sigma^2 = 2 / (m mu2 (1 + a^2))
//                * [1 + (2 - s) (6 k (1 + a^4) / (1 + a^2)^2 - 1) / (4 m)],
//                k = mu4 / mu2^2, up to relative terms of order 1 / m^2
//
// Source: Gurbuzbalaban & Hu (2021), Fractional moment-preserving initialization schemes for
// training deep neural networks, AISTATS; the expansion with slope a and noise is derived here the
// same way.
#pragma once

#include <cstddef>
#include <optional>

#include "scalemix/signal/activation.h"
#include "scalemix/signal/noise.h"

namespace scalemix::inline v0::signal {

/// sigma^2 for relu, leaky_relu and linear with dropout of probability p (0 for none), relative
/// error 1e-12 for fan-in up to 1e6 (1e-10 for s below 0.1). Empty for other activations. Throws
/// std::domain_error unless s is in (0, 2] and p in [0, 1); std::invalid_argument if fan_in is 0.
std::optional<double> fractional_variance(const Activation& activation, double p,
                                          std::size_t fan_in, double s);

/// The expansion, for relu, leaky_relu and linear with any multiplicative noise. Empty for other
/// activations, additive noise and infinite mu4. Throws as above.
std::optional<double> fractional_variance_expansion(const Activation& activation,
                                                    const NoiseMoments& noise, std::size_t fan_in,
                                                    double s);

}  // namespace scalemix::inline v0::signal
