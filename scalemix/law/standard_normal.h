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

inline double standard_normal_quantile(double u) {
  return -boost::math::constants::root_two<double>() * boost::math::erfc_inv(2 * u);
}

}  // namespace scalemix::inline v0::law
