// The standard normal's density, cdf and quantile, shared by the laws made from it.
#pragma once

#include <boost/math/constants/constants.hpp>
#include <boost/math/special_functions/erf.hpp>
#include <cmath>

namespace scalemix::inline v0::law {

inline double standard_normal_pdf(double x) {
  return boost::math::constants::one_div_root_two_pi<double>() * std::exp(-x * x / 2);
}

inline double log_standard_normal_pdf(double x) {
  return -x * x / 2 - std::log(boost::math::constants::root_two_pi<double>());
}

inline double standard_normal_cdf(double x) {
  return std::erfc(-x * boost::math::constants::one_div_root_two<double>()) / 2;
}

/// The density over the cdf at -y, y at least 8, by its continued fraction y + 1 / (y + 2 / (y + ...)).
struct NormalTail {
  double hazard;
  double rest;  // 1 - y (hazard - y), without cancellation: about 2 / y^2

  explicit NormalTail(double y) {
    double d = y;
    for (int k = 40; k > 2; --k) d = y + k / d;
    d = 2 / d;
    hazard = y + 1 / (y + d);
    rest = d / (y + d);
  }
};

inline double log_standard_normal_cdf(double x) {
  if (x > -8) return std::log(standard_normal_cdf(x));
  return log_standard_normal_pdf(x) - std::log(NormalTail(-x).hazard);
}

inline double standard_normal_quantile(double u) {
  return -boost::math::constants::root_two<double>() * boost::math::erfc_inv(2 * u);
}

}  // namespace scalemix::inline v0::law
