// The divergence of a posterior N(theta, alpha theta^2) from the log-uniform prior p(|w|) ~ 1 / |w|,
// which depends on alpha alone:
//
//   KL(alpha) = C - log(alpha) / 2 + E log|1 + sqrt(alpha) e|,  e standard normal,
//   C = (gamma_Euler + log 2) / 2, so that KL -> 0 as alpha -> infinity
//
//   exact      by the series over Poisson weights of digamma(j + 1/2); its slope by Dawson's integral
//   molchanov  k1 (1 - s(k2 + k3 log alpha)) + log(1 + 1 / alpha) / 2, s the logistic function
//   kingma     a cubic in alpha, for alpha <= 1
//   bound      C - log(alpha) / 2, above the exact one for alpha <= 1
//
// The prior is improper, so no bound on an evidence follows (Hron, Matthews & Ghahramani 2018).
//
// Source: Kingma, Salimans & Welling (2015), appendix C; Molchanov, Ashukha & Vetrov (2017), eq. 14
#pragma once

namespace scalemix::inline v0::prior {

enum class LogUniformKl { exact, molchanov, kingma, bound };

/// The words of a method's parameter, in the order of the enumeration.
inline constexpr const char* kLogUniformKls = "exact|molchanov|kingma|bound";

/// Whether the form holds for alpha above 1.
bool above_one(LogUniformKl form);

/// Nats.
double log_uniform_kl(LogUniformKl form, double log_alpha);
/// Its derivative by log alpha.
double log_uniform_kl_slope(LogUniformKl form, double log_alpha);

/// The same from a table of the exact form, to 1e-9: what a step with many weights takes.
double quick_log_uniform_kl(LogUniformKl form, double log_alpha);
double quick_log_uniform_kl_slope(LogUniformKl form, double log_alpha);

/// d KL / da of alpha = sigmoid(a), from a table, to 1e-9 for a in [-14, 14].
double quick_bounded_kl_slope(LogUniformKl form, double a);

/// Dawson's integral exp(-x^2) int_0^x exp(t^2) dt, to 1e-13 relative.
double dawson(double x);

}  // namespace scalemix::inline v0::prior
