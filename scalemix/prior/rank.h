// Which noise law explains the weights that are there: the induced prior of every law, fitted by
// maximum likelihood and ranked.
//
// Fitted are sigma0 and the parameters of a law that change the shape of the prior; one that only
// scales the draws does what sigma0 does and stays. Parameters are sought from 1/16 to 16 times
// their default, or from -4 to 4 where that is 0, inside their range. The order is that of Schwarz's
// criterion, the log likelihood less half a parameter's log n each, since a law with more parameters
// fits better by chance.
//
// Weights that are exactly 0 are counted and left out: the likelihoods are those of the others, given
// that they are not 0. The p of bernoulli, which makes an atom and leaves the rest normal, is the
// share of zeros.
//
// Source: Schwarz (1978), Estimating the dimension of a model, Annals of Statistics 6; Vuong (1989),
// Likelihood ratio tests for model selection and non-nested hypotheses, Econometrica 57
#pragma once

#include <span>
#include <string>
#include <vector>

#include "scalemix/prior/prior.h"

namespace scalemix::inline v0::prior {

struct Fit {
  Prior prior;
  int parameters;         // fitted, sigma0 included
  double log_likelihood;  // nats per weight
  // Of the best less this, per weight, in nats: its mean, and the standard error of that.
  double behind, error;
  /// Whether this many weights cannot tell it from the best: behind at most 2 errors, or 2 nats in
  /// all.
  bool resolved;
};

struct Ranking {
  std::size_t weights, zeros;
  std::vector<Fit> fits;  // the best first
};

/// Throws std::invalid_argument without a weight that is not 0, std::domain_error for one that is
/// not finite.
Ranking rank(std::span<const float> w);

}  // namespace scalemix::inline v0::prior
