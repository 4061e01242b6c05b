// Poisson noise: a value is replaced by the sum of a random number of copies of it.
//
//   P(z = k) = exp(-rate) rate^k / k!,  k = 0, 1, 2, ...
//   mean rate; the multiplier is k / rate, its variance alpha = 1 / rate
//   mu2 = 1 + 1 / rate,  mu4 = 1 + 6 / rate + 7 / rate^2 + 1 / rate^3
//
// Source: Johnson, Kemp & Kotz (2005), Univariate discrete distributions, chapter 4
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <span>
#include <string_view>

#include <boost/math/special_functions/gamma.hpp>

#include "scalemix/law/incomplete_gamma.h"
#include "scalemix/law/law.h"
#include "scalemix/law/standard_normal.h"

namespace scalemix::inline v0::law {

class Poisson {
 public:
  static constexpr std::string_view kName = "poisson";
  static constexpr std::string_view kSummary = "Poisson counts over their mean";
  static constexpr std::string_view kSource =
      "Johnson, Kemp & Kotz (2005), Univariate discrete distributions, chapter 4";
  static constexpr bool kDiscrete = true;
  static constexpr std::array kParameters = {
      Parameter{"rate", 4, 1e-3, 1e3, false, false, "mean count"},
  };

  explicit Poisson(std::span<const double> v) : rate_(checked(kName, kParameters, v, 0)) {}

  double mean() const { return rate_; }
  double mu2() const { return 1 + 1 / rate_; }
  double mu3() const { return 1 + (3 + 1 / rate_) / rate_; }
  double mu4() const { return 1 + (6 + (7 + 1 / rate_) / rate_) / rate_; }
  double pdf(double z) const {
    if (z < 0 || z != std::floor(z)) return 0;
    return lower_gamma_slope(z + 1, rate_);
  }
  double log_pdf(double z) const {
    if (z < 0 || z != std::floor(z)) return -std::numeric_limits<double>::infinity();
    return z * std::log(rate_) - rate_ - boost::math::lgamma(z + 1);
  }
  double cdf(double z) const { return z < 0 ? 0 : upper_gamma(std::floor(z) + 1, rate_); }
  double quantile(double u) const {
    double k = std::max(0.0, std::floor(rate_ + std::sqrt(rate_) * standard_normal_quantile(u)));
    while (k > 0 && cdf(k - 1) >= u) --k;
    while (cdf(k) < u) ++k;
    return k;
  }

 private:
  double rate_;
};
static_assert(NoiseLaw<Poisson>);

}  // namespace scalemix::inline v0::law
