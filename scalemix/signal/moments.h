// Moments of an activation phi under Gaussian pre-activations: u ~ N(0, q), and pairs
// u1 ~ N(0, q1), u2 ~ N(0, q2) of correlation c.
//
//   mean             E phi(u)                    product         E phi(u1) phi(u2)
//   second           E phi(u)^2                  slope_product   E phi'(u1) phi'(u2)
//   slope_second     E phi'(u)^2                 gap             second - product at q1 = q2 = q
//   second_rate      d/dq E phi^2 = E[phi'^2 + phi phi'']
//   fourth           E phi(u)^4
//   second_beyond    E phi^2 - far_rate(phi) q: what is left of it as q grows
//
// Closed forms for relu, leaky_relu, linear, erf, sine and gelu, and for hard_tanh but its product
// and slope_product (`fourth`: the first three, and sine for q > 1); otherwise quadrature, split
// where phi has kinks and graded to the scale on which phi changes, so that its cost grows only
// with log q. Relative error at most 1e-12 for q in [0, 1e6] and c in [-1, 1]; where a moment
// nearly cancels (product near c = 0 of an odd phi) that is 1e-12 of sqrt(second second).
//
// Source: Cho & Saul (2009), Kernel methods for deep learning, NIPS 22 (relu); Williams (1997),
// Computing with infinite networks, NIPS 9 (erf); Tsuchida, Pearce, van der Heide, Roosta &
// Gallagher (2021), Avoiding kernel fixed points: computing with ELU and GELU infinite networks,
// AAAI (gelu).
#pragma once

#include "scalemix/signal/activation.h"

namespace scalemix::inline v0::signal {

/// Two pre-activations. Holds 1 - c beside c, because correlations near 1 are what deep networks
/// are about and 1 - c would lose its digits.
struct Pair {
  double q1, q2, c, one_minus_c;

  /// Both throw std::domain_error unless q1, q2 are finite and >= 0 and c is in [-1, 1].
  static Pair at(double q1, double q2, double c);
  static Pair near_one(double q1, double q2, double one_minus_c);

  double sine() const;        // sqrt(1 - c^2)
  double angle() const;       // arccos c
  double covariance() const;  // c sqrt(q1 q2)
};

/// All throw std::domain_error unless q is finite and >= 0 (and c in [-1, 1]).
double mean(const Activation& phi, double q);
double second(const Activation& phi, double q);
double slope_second(const Activation& phi, double q);
double second_rate(const Activation& phi, double q);
double fourth(const Activation& phi, double q);
/// lim E phi^2 / q as q grows: (1 + a^2) / 2 of a piecewise linear phi, line^2 / 2 of one
/// that has `above_line`, 0 of a bounded one.
double far_rate(const Activation& phi);
/// Keeps its digits at every q, so that a layer's change of a large variance does.
double second_beyond(const Activation& phi, double q);
double product(const Activation& phi, const Pair& pair);
double product(const Activation& phi, double q1, double q2, double c);
double slope_product(const Activation& phi, const Pair& pair);
double slope_product(const Activation& phi, double q1, double q2, double c);
/// E (phi(u1) - phi(u2))^2 / 2 at q1 = q2 = q: keeps its digits as c goes to 1.
double gap(const Activation& phi, double q, double one_minus_c);

/// The same by quadrature alone. Slower (a sine's cost grows with sqrt q, and with q for pairs);
/// tests compare the closed forms with them.
namespace by_quadrature {
double mean(const Activation& phi, double q);
double second(const Activation& phi, double q);
double slope_second(const Activation& phi, double q);
double second_rate(const Activation& phi, double q);
double fourth(const Activation& phi, double q);
double second_beyond(const Activation& phi, double q);
double product(const Activation& phi, const Pair& pair);
double slope_product(const Activation& phi, const Pair& pair);
double gap(const Activation& phi, double q, double one_minus_c);
}  // namespace by_quadrature

}  // namespace scalemix::inline v0::signal
