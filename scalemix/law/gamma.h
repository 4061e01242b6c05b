// Gamma noise with mean 1.
//
//   z ~ Gamma(shape k, rate k);  density k^k z^(k-1) exp(-k z) / Gamma(k) on z > 0
//   mean 1, variance alpha = 1 / k;  mu2 = (k + 1) / k,  mu4 = (k + 1)(k + 2)(k + 3) / k^3
//
// Source: Johnson, Kotz & Balakrishnan (1994), Continuous univariate distributions 1, chapter 17
#pragma once

#include <array>
#include <cmath>
#include <limits>
#include <span>
#include <string_view>

#include <boost/math/special_functions/gamma.hpp>

#include "scalemix/law/incomplete_gamma.h"
#include "scalemix/law/law.h"

namespace scalemix::inline v0::law {

class Gamma {
 public:
  static constexpr std::string_view kName = "gamma";
  static constexpr std::string_view kSummary = "gamma with mean 1 and variance 1 / shape";
  static constexpr std::string_view kSource =
      "Johnson, Kotz & Balakrishnan (1994), Continuous univariate distributions 1, chapter 17";
  static constexpr std::array kParameters = {
      Parameter{"shape", 4, 0.05, 1e6, false, false, "shape; 1 / variance of the multiplier"},
  };

  explicit Gamma(std::span<const double> v) : k_(checked(kName, kParameters, v, 0)) {}

  double mean() const { return 1; }
  double mu2() const { return 1 + 1 / k_; }
  double mu3() const { return (1 + 1 / k_) * (1 + 2 / k_); }
  double mu4() const { return (1 + 1 / k_) * (1 + 2 / k_) * (1 + 3 / k_); }
  double pdf(double z) const { return z <= 0 ? 0 : k_ * lower_gamma_slope(k_, k_ * z); }
  double log_pdf(double z) const {
    if (z <= 0) return -std::numeric_limits<double>::infinity();
    return k_ * std::log(k_) + (k_ - 1) * std::log(z) - k_ * z - boost::math::lgamma(k_);
  }
  double cdf(double z) const { return z <= 0 ? 0 : lower_gamma(k_, k_ * z); }
  double quantile(double u) const {
    const double x =
        u < 0.5 ? boost::math::gamma_p_inv(k_, u) : boost::math::gamma_q_inv(k_, 1 - u);
    return x / k_;
  }

 private:
  double k_;
};
static_assert(NoiseLaw<Gamma>);

}  // namespace scalemix::inline v0::law
