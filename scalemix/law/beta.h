// Beta noise: a soft mask in (0, 1).
//
//   density z^(a-1) (1-z)^(b-1) / B(a, b) on (0, 1)
//   E z^n = prod_(i<n) (a + i) / (a + b + i);  mean a / (a + b)
//   mu2 = E z^2 / mean^2,  mu4 = E z^4 / mean^4;  for a = b the variance alpha is 1 / (2 a + 1)
//   a = b = 1 is uniform dropout; small a = b nearly drops half, large a = b is nearly Gaussian
//
// Source: Liu, Song, Xie & Ma (2019), Beta-dropout, IEEE Access 7
#pragma once

#include <array>
#include <cmath>
#include <limits>
#include <span>
#include <string_view>

#include <boost/math/special_functions/beta.hpp>
#include <boost/math/special_functions/gamma.hpp>

#include "scalemix/law/law.h"

namespace scalemix::inline v0::law {

class Beta {
 public:
  static constexpr std::string_view kName = "beta";
  static constexpr std::string_view kSummary = "beta mask in (0, 1)";
  static constexpr std::string_view kSource =
      "Liu, Song, Xie & Ma (2019), Beta-dropout, IEEE Access 7";
  static constexpr std::array kParameters = {
      Parameter{"a", 1, 0.05, 1e6, false, false, "first shape"},
      Parameter{"b", 1, 0.05, 1e6, false, false, "second shape"},
  };

  explicit Beta(std::span<const double> v)
      : a_(checked(kName, kParameters, v, 0)), b_(checked(kName, kParameters, v, 1)) {}

  double mean() const { return a_ / (a_ + b_); }
  double mu2() const { return raw_moment(2) / std::pow(mean(), 2); }
  double mu3() const { return raw_moment(3) / std::pow(mean(), 3); }
  double mu4() const { return raw_moment(4) / std::pow(mean(), 4); }
  double pdf(double z) const {
    return z <= 0 || z >= 1 ? 0 : boost::math::ibeta_derivative(a_, b_, z);
  }
  double log_pdf(double z) const {
    if (z <= 0 || z >= 1) return -std::numeric_limits<double>::infinity();
    return (a_ - 1) * std::log(z) + (b_ - 1) * std::log1p(-z) - boost::math::lgamma(a_) -
           boost::math::lgamma(b_) + boost::math::lgamma(a_ + b_);
  }
  double cdf(double z) const { return z <= 0 ? 0 : z >= 1 ? 1 : boost::math::ibeta(a_, b_, z); }
  double quantile(double u) const {
    // Both branches: the smaller probability keeps its digits.
    return u < 0.5 ? boost::math::ibeta_inv(a_, b_, u) : boost::math::ibetac_inv(a_, b_, 1 - u);
  }

 private:
  double raw_moment(int n) const {
    double m = 1;
    for (int i = 0; i < n; ++i) m *= (a_ + i) / (a_ + b_ + i);
    return m;
  }

  double a_, b_;
};
static_assert(NoiseLaw<Beta>);

}  // namespace scalemix::inline v0::law
