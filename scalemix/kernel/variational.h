// Weight terms of sparse variational dropout (Molchanov, Ashukha & Vetrov 2017), one pass forward, one back.
//
//   sigma2 = exp(log_sigma2)
//   log_alpha = clip(log_sigma2 - log(w^2 + 1e-8), -8, 8)
//   penalty = sum_i [ k1 (1 - s_i) + softplus(-log_alpha_i) / 2 ],  s = sigmoid(k2 + k3 log_alpha)
//             (Eq. 14 with C = -k1, so a weight costs 0 as alpha grows), k1 0.63576, k2 1.87320, k3 1.48695
//   d penalty / d log_alpha = -(k1 k3 s (1 - s) + sigmoid(-log_alpha) / 2), zero where clipped
//   d log_alpha / d log_sigma2 = 1,  d log_alpha / d w = -2 w / (w^2 + 1e-8)
#pragma once

#include <cstddef>

namespace scalemix::inline v0::kernel {

inline constexpr double kSvdoK1 = 0.63576, kSvdoK2 = 1.87320, kSvdoK3 = 1.48695;
inline constexpr float kLogAlphaClip = 8, kSquareEps = 1e-8f;

/// Writes sigma2 (n) and returns the penalty in nats (summed in double over fixed tiles).
double svdo_terms(std::size_t n, const float* w, const float* log_sigma2, float* sigma2);

/// dw += dpenalty * d penalty/dw;  dlog_sigma2 += dpenalty * d penalty/d log_sigma2 + dsigma2 * sigma2.
/// dsigma2 may be null (no variance was used).
void svdo_terms_backward(std::size_t n, const float* w, const float* log_sigma2, const float* dsigma2,
                         double dpenalty, float* dw, float* dlog_sigma2);

/// log_alpha (n), clipped as above.
void log_alpha(std::size_t n, const float* w, const float* log_sigma2, float* out);

}  // namespace scalemix::inline v0::kernel
