// Linear regression under scales that are learned, by exact expectation-maximisation: sparse Bayesian
// learning, automatic relevance determination.
//
//   y_n ~ N(x_n . w, s2),   w_i ~ N(0, lambda_i^2 sigma0^2),   lambda_i under a hyper-prior
//   E-step  S = (X'X / s2 + diag(1 / v))^-1,  mu = S X'y / s2,   v_i = lambda_i^2 sigma0^2
//   M-step  lambda_i^2 of the least cost for mu_i^2 + S_ii (hyper_prior.h), one for their sum where
//           it is shared; s2 = (|y - X mu|^2 + tr(X'X S)) / N
//
// The objective, log p(y | X, lambda, s2) + log p(lambda), never falls.
//
// Sources: Tipping (2001), Sparse Bayesian learning and the relevance vector machine, JMLR 1; MacKay
// (1992), Bayesian interpolation
#pragma once

#include <span>
#include <vector>

#include "scalemix/prior/hyper_prior.h"

namespace scalemix::inline v0::prior {

struct LinearOptions {
  HyperPrior hyper = HyperPrior::parse("flat");
  bool shared = false;  // one scale for all weights: ridge regression with a learned strength
  double sigma0 = 1;
  double noise_variance = 0;  // 0: learned
  int most_rounds = 10000;
  double tolerance = 1e-10;  // relative change of the objective at which it stops
};

struct LinearFit {
  std::vector<double> mean, variance;  // (K) of the posterior of the weights
  std::vector<double> scale2;          // (K) lambda^2; all the same where it is shared
  double noise_variance = 1;
  std::vector<double> objective;  // nats, after each E-step
  bool settled = false;           // within most_rounds
};

/// x (N, K), y (N); neither is centred here. Throws std::invalid_argument if sizes do not fit or there
/// is no row or column, std::domain_error for a number that is not finite or an option out of range.
LinearFit linear_em(std::span<const double> x, std::span<const double> y,
                    const LinearOptions& options = {});

}  // namespace scalemix::inline v0::prior
