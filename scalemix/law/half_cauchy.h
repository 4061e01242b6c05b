// Half-Cauchy noise: the scale whose prior on a weight is the horseshoe.
//
//   density 2 / (pi s (1 + (z / s)^2)) on z > 0,  s = scale
//   mean, mu2 and mu4 are infinite: the multiplier is z itself; the median is s
//
// Source: Carvalho, Polson & Scott (2010), The horseshoe estimator for sparse signals, Biometrika
// 97(2)
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

class HalfCauchy {
 public:
  static constexpr std::string_view kName = "half_cauchy";
  static constexpr std::string_view kSummary =
      "half-Cauchy, infinite mean; a normal weight times it has the horseshoe prior";
  static constexpr std::string_view kSource =
      "Carvalho, Polson & Scott (2010), The horseshoe estimator for sparse signals, Biometrika "
      "97(2)";
  static constexpr std::string_view kStandard = "half_cauchy";
  static constexpr std::array kParameters = {
      Parameter{"scale", 1, 1e-30, 1e30, false, false, "median"},
  };

  explicit HalfCauchy(std::span<const double> v) : s_(checked(kName, kParameters, v, 0)) {}

  double mean() const { return std::numeric_limits<double>::infinity(); }
  double mu2() const { return std::numeric_limits<double>::infinity(); }
  double mu3() const { return std::numeric_limits<double>::infinity(); }
  double mu4() const { return std::numeric_limits<double>::infinity(); }
  double pdf(double z) const {
    return z < 0 ? 0 : boost::math::constants::two_div_pi<double>() / s_ / (1 + z / s_ * z / s_);
  }
  double log_pdf(double z) const {
    if (z < 0) return -std::numeric_limits<double>::infinity();
    return std::log(boost::math::constants::two_div_pi<double>() / s_) -
           std::log1p(z / s_ * z / s_);
  }
  double cdf(double z) const {
    return z <= 0 ? 0 : boost::math::constants::two_div_pi<double>() * std::atan(z / s_);
  }
  double quantile(double u) const { return s_ * standard_quantile(u); }

  static double standard_quantile(double u) {
    constexpr double half_pi = boost::math::constants::half_pi<double>();
    return u < 0.5 ? std::tan(half_pi * u) : 1 / std::tan(half_pi * (1 - u));
  }
  double shift() const { return 0; }
  double spread() const { return s_; }

  // d z / d scale = z / scale; of infinite variance, as z is.
  double shift_slope(std::size_t) const { return 0; }
  double spread_slope(std::size_t) const { return 1; }
  double mean_slope(std::size_t) const { return 0; }
  double quantile_slope(std::size_t i, double u) const {
    return shift_slope(i) + spread_slope(i) * standard_quantile(u);
  }

 private:
  double s_;
};
static_assert(NoiseLaw<HalfCauchy> && PathwiseLocationScale<HalfCauchy>);

}  // namespace scalemix::inline v0::law
