// Rayleigh noise: the scale whose prior on a weight is Laplace's.
//
//   density (z / s^2) exp(-z^2 / (2 s^2)) on z > 0,  s = scale
//   mean s sqrt(pi / 2), E z^2 = 2 s^2, E z^4 = 8 s^4;  mu2 = 4 / pi,  mu4 = 32 / pi^2
//   the multiplier z / E z does not depend on s; raw draws and priors do
//   w ~ N(0, z^2) is Laplace with scale s
//
// Source: Andrews & Mallows (1974), Scale mixtures of normal distributions, JRSS B 36
#pragma once

#include <array>
#include <cmath>
#include <cstddef>
#include <limits>
#include <span>
#include <string_view>

#include <boost/math/constants/constants.hpp>

#include "scalemix/law/law.h"

namespace scalemix::inline v0::law {

class Rayleigh {
 public:
  static constexpr std::string_view kName = "rayleigh";
  static constexpr std::string_view kSummary = "Rayleigh; a normal weight times it is Laplace";
  static constexpr std::string_view kSource =
      "Andrews & Mallows (1974), Scale mixtures of normal distributions, JRSS B 36";
  static constexpr std::string_view kStandard = "rayleigh";
  static constexpr std::array kParameters = {
      Parameter{"scale", 1, 1e-30, 1e30, false, false, "mode of the density"},
  };

  explicit Rayleigh(std::span<const double> v) : s_(checked(kName, kParameters, v, 0)) {}

  double mean() const { return s_ * std::sqrt(boost::math::constants::half_pi<double>()); }
  double mu2() const { return 4 / boost::math::constants::pi<double>(); }
  double mu3() const { return 6 / boost::math::constants::pi<double>(); }
  double mu4() const { return 2 * mu2() * mu2(); }
  double pdf(double z) const {
    const double tail = std::exp(-z / s_ * z / s_ / 2);
    return z <= 0 || tail == 0 ? 0 : z / s_ / s_ * tail;
  }
  double log_pdf(double z) const {
    if (z <= 0) return -std::numeric_limits<double>::infinity();
    return std::log(z) - 2 * std::log(s_) - z / s_ * z / s_ / 2;
  }
  double cdf(double z) const { return z <= 0 ? 0 : -std::expm1(-z / s_ * z / s_ / 2); }
  double quantile(double u) const { return s_ * standard_quantile(u); }

  static double standard_quantile(double u) { return std::sqrt(-2 * std::log1p(-u)); }
  double shift() const { return 0; }
  double spread() const { return s_; }

  // d z / d scale = z / scale, and so of the mean: the multiplier stays.
  double shift_slope(std::size_t) const { return 0; }
  double spread_slope(std::size_t) const { return 1; }
  double mean_slope(std::size_t) const {
    return std::sqrt(boost::math::constants::half_pi<double>());
  }
  double quantile_slope(std::size_t i, double u) const {
    return shift_slope(i) + spread_slope(i) * standard_quantile(u);
  }

 private:
  double s_;
};
static_assert(NoiseLaw<Rayleigh> && PathwiseLocationScale<Rayleigh>);

}  // namespace scalemix::inline v0::law
