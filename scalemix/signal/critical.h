// Critical initialisation: the weight variance at which squared gradients neither grow nor shrink
// (slope `gradient` = 1) while the variance stays at a fixed point, and its inverse, the noise that
// a wanted depth allows.
//
//   relu         sigma_w2 = 2 / mu2,  sigma_b2 = 0
//   leaky_relu   sigma_w2 = 2 / (mu2 (1 + a^2)),  sigma_b2 = 0
//   otherwise    sigma_w2 = 1 / (mu2 E phi'(u)^2) at the q with q = E phi^2 / E phi'^2 + sigma_b2
//
// so that noise changes it by the factor 1 / mu2 alone. Additive noise has none: with the gradient
// kept, the variance would have to grow.
//
// Source: Pretorius, Van Biljon, Kroon & Kamper (2018), Critical initialisation for deep neural
// networks with noise, NeurIPS 31 (relu); Schoenholz et al. (2017), ICLR (the line chi_1 = 1).
#pragma once

#include <optional>
#include <string>

#include "scalemix/signal/depth_scale.h"

namespace scalemix::inline v0::signal {

struct Critical {
  std::optional<double> sigma_w2 = {};  // empty if there is none
  FixedPoint q = {};                    // where the variance stays
  std::string reason = {};              // why there is none; or what to know
  std::optional<double> unstable = {};  // the sigma_w2 of slope 1 from which the variance runs away
};

/// For the activation, noise and sigma_b2 of `net`; its sigma_w2 is not looked at. Relative error
/// 1e-12. A network with a branch has none.
Critical critical_initialisation(const Network& net);

struct NoiseBudget {
  std::optional<double> alpha = {};  // mu2 - 1 of the strongest noise; empty if no noise will do
  std::string reason = {};

  double mu2() const { return 1 + alpha.value_or(0); }
  /// The drop probability of that noise, alpha / (1 + alpha).
  double drop() const { return alpha.value_or(0) / mu2(); }
  /// The standard deviation of Gaussian noise of mean 1.
  double sigma() const;
};

/// The strongest multiplicative noise of mean 1 with which the critically initialised network has 6
/// xi_c >= depth. Empty, with the reason, where there is no critical initialisation or where 6 xi_c
/// stays below the depth for any noise. Throws std::domain_error unless depth is positive and
/// finite.
NoiseBudget noise_budget(const Activation& activation, double sigma_b2, double depth);

}  // namespace scalemix::inline v0::signal
