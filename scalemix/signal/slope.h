// The four slopes of a noisy layer, which are often mixed up:
//
//   gradient     sigma_w2 mu2 E phi'(u)^2              one input, one mask: how squared gradients
//                                                      change per layer backwards (chi_1)
//   one          sigma_w2 (E z)^2 E phi'(u)^2          the correlation map's slope at c = 1
//   correlation  sigma_w2 (E z)^2 E phi'(u1) phi'(u2)  the same at c*: how fast c approaches c*
//   variance     sigma_w2 mu2 d/dq E phi(u)^2          how fast q approaches q*
//
// all at q*. Where the variance has no fixed point but the correlation map has a limit, `one` and
// `correlation` are that map's slopes (times q / q'). A residual block adds a^2 times the
// layer's slope to 1.
//
// Source: Schoenholz et al. (2017), Deep information propagation, ICLR, equations 6-14; Huang, Xu,
// Du, Zeng & Zhao (2020), Mean field theory for deep dropout networks, ECAI.
#pragma once

#include "scalemix/signal/maps.h"

namespace scalemix::inline v0::signal {

struct Slopes {
  double gradient = 0, one = 0, correlation = 0, variance = 0;
};

/// At any variance q and 1 - c. Throws std::domain_error as the moments do. mu2 must be finite.
Slopes slopes_at(const Network& net, double q, double one_minus_c);

double chi_gradient(const Network& net, double q);
double chi_one(const Network& net, double q);
double chi_correlation(const Network& net, double q, double one_minus_c);
double chi_variance(const Network& net, double q);

}  // namespace scalemix::inline v0::signal
