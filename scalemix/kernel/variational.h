// Weight terms of sparse variational dropout (Molchanov, Ashukha & Vetrov 2017), one pass forward,
// one back.
//
//   sigma2 = exp(log_sigma2)
//   log_alpha = clip(log_sigma2 - log(w^2 + 1e-8), -8, 8)
//   penalty = sum_i [ k1 (1 - s_i) + softplus(-log_alpha_i) / 2 ],  s = sigmoid(k2 + k3 log_alpha)
//             (Eq. 14 with C = -k1, so a weight costs 0 as alpha grows)
//             k1 = 0.63576, k2 = 1.87320, k3 = 1.48695
//   d penalty / d log_alpha = -(k1 k3 s (1 - s) + sigmoid(-log_alpha) / 2), zero where clipped
//   d log_alpha / d log_sigma2 = 1,  d log_alpha / d w = -2 w / (w^2 + 1e-8)
//
// The penalty is an approximation: within 0.0094 nats per weight of the exact divergence (the largest
// miss is at log_alpha = -3.5), its slope within 0.0137. NaN in a weight is NaN in everything made
// from it.
//
// Error in float: log_alpha 5e-7 (1 + |log_sigma2| + |log(w^2 + 1e-8)|) absolute; sigma2 1e-6
// relative; penalty 2e-6 relative; a weight's slopes 1e-5 of their largest value. A weight within
// that error of the clip may be taken as clipped or not. These functions use exp and log, whose
// last bits differ between SIMD targets; the number of threads changes no bit.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "scalemix/kernel/optimiser.h"

namespace scalemix::inline v0::kernel {

inline constexpr double kSvdoK1 = 0.63576, kSvdoK2 = 1.87320, kSvdoK3 = 1.48695;
inline constexpr float kLogAlphaClip = 8, kSquareEps = 1e-8f;

/// Writes sigma2 (n) and returns the penalty in nats (summed in double over fixed tiles).
double svdo_terms(std::size_t n, const float* w, const float* log_sigma2, float* sigma2);

/// dw += dpenalty * d penalty/dw;  dlog_sigma2 += dpenalty * d penalty/d log_sigma2 + dsigma2 *
/// sigma2. dsigma2 may be null (no variance was used).
void svdo_terms_backward(std::size_t n, const float* w, const float* log_sigma2,
                         const float* dsigma2, double dpenalty, float* dw, float* dlog_sigma2);

// A training step in parts. Between two steps the weights do not change, so sigma2, which the next
// forward pass needs, is written once, when log_sigma2 is.

/// sigma2 (n) = exp(log_sigma2).
void svdo_variance(std::size_t n, const float* log_sigma2, float* sigma2);

/// The penalty's value, where somebody asks for it.
double svdo_penalty(std::size_t n, const float* w, const float* log_sigma2);

/// dw += dpenalty * d penalty/dw;  dlog_sigma2 = dpenalty * d penalty/d log_sigma2 + dsigma2 *
/// sigma2, with sigma2 as svdo_variance wrote it. dlog_sigma2 may be dsigma2.
void svdo_gradient(std::size_t n, const float* w, const float* log_sigma2, const float* sigma2,
                   const float* dsigma2, double dpenalty, float* dw, float* dlog_sigma2);

/// One parameter tensor of n numbers in Adam's hands.
struct AdamPart {
  float *value, *m, *v;

  /// The same from number i on.
  AdamPart from(std::size_t i) const { return {value + i, m + i, v + i}; }
};

/// svdo_gradient, Adam on the weights and log_sigma2, svdo_variance: one pass, the same bits. dw
/// and dsigma2 come from the products and are not written. Returns the sum of the squares of both
/// gradients, in double over fixed tiles: not finite where a gradient is not.
double svdo_adam(const Adam& for_w, const Adam& for_log_sigma2, std::uint64_t step, std::size_t n,
                 const float* dw, const float* dsigma2, double dpenalty, const AdamPart& w,
                 const AdamPart& log_sigma2, float* sigma2);

/// log_alpha (n), clipped as above.
void log_alpha(std::size_t n, const float* w, const float* log_sigma2, float* out);

namespace ref {
/// Penalty of one weight and its slope, by log_alpha; not clipped.
inline double svdo_penalty(double log_alpha) {
  const double s = 1 / (1 + std::exp(-(kSvdoK2 + kSvdoK3 * log_alpha)));
  return kSvdoK1 * (1 - s) + std::log1p(std::exp(-log_alpha)) / 2;
}
inline double svdo_slope(double log_alpha) {
  const double s = 1 / (1 + std::exp(-(kSvdoK2 + kSvdoK3 * log_alpha)));
  return -(kSvdoK1 * kSvdoK3 * s * (1 - s) + 1 / (1 + std::exp(log_alpha)) / 2);
}

/// log_alpha before clipping.
inline double log_alpha_free(double w, double log_sigma2) {
  return log_sigma2 - std::log(w * w + kSquareEps);
}

/// The specification in double, slow on purpose. T is float or double.
template <class T>
void log_alpha(std::size_t n, const T* w, const T* log_sigma2, T* out) {
  for (std::size_t i = 0; i < n; ++i) {
    const double la = log_alpha_free(w[i], log_sigma2[i]);
    out[i] = static_cast<T>(std::clamp<double>(la, -kLogAlphaClip, kLogAlphaClip));
  }
}

template <class T>
double svdo_terms(std::size_t n, const T* w, const T* log_sigma2, T* sigma2) {
  double penalty = 0;
  for (std::size_t i = 0; i < n; ++i) {
    const double la = log_alpha_free(w[i], log_sigma2[i]);
    sigma2[i] = static_cast<T>(std::exp(static_cast<double>(log_sigma2[i])));
    penalty += svdo_penalty(std::clamp<double>(la, -kLogAlphaClip, kLogAlphaClip));
  }
  return penalty;
}

template <class T>
void svdo_terms_backward(std::size_t n, const T* w, const T* log_sigma2, const T* dsigma2,
                         double dpenalty, T* dw, T* dlog_sigma2) {
  for (std::size_t i = 0; i < n; ++i) {
    const double wi = w[i], la = log_alpha_free(wi, log_sigma2[i]);
    const double dla = std::abs(la) > kLogAlphaClip ? 0 : dpenalty * svdo_slope(la);
    const double through = dsigma2 ? dsigma2[i] * std::exp(static_cast<double>(log_sigma2[i])) : 0;
    dw[i] = static_cast<T>(dw[i] + dla * -2 * wi / (wi * wi + kSquareEps));
    dlog_sigma2[i] = static_cast<T>(dlog_sigma2[i] + dla + through);
  }
}
}  // namespace ref

}  // namespace scalemix::inline v0::kernel
