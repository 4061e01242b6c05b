// The regularised incomplete gamma functions, for every argument: Boost's overflow where x is far
// below a large a. There P(a, x) <= (e x / a)^a (Chernoff) is below the least double.
#pragma once

#include <boost/math/special_functions/gamma.hpp>
#include <cmath>

namespace scalemix::inline v0::law {

/// Whether P(a, x) is 0 in double.
inline bool lower_gamma_vanishes(double a, double x) {
  return x <= 0 || (x < a && a * (std::log(a / x) - 1) > 750);
}

/// P(a, x) for a > 0, x >= 0.
inline double lower_gamma(double a, double x) {
  return lower_gamma_vanishes(a, x) ? 0 : boost::math::gamma_p(a, x);
}

/// Q(a, x) = 1 - P(a, x).
inline double upper_gamma(double a, double x) {
  return lower_gamma_vanishes(a, x) ? 1 : boost::math::gamma_q(a, x);
}

/// dP/dx = x^(a-1) exp(-x) / Gamma(a).
inline double lower_gamma_slope(double a, double x) {
  return lower_gamma_vanishes(a, x) || std::isinf(x) ? 0 : boost::math::gamma_p_derivative(a, x);
}

}  // namespace scalemix::inline v0::law
