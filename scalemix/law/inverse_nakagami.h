// Inverse-Nakagami noise: the scale whose prior on a weight is Student's t.
//
//   z^2 ~ inverse Gamma(m, m / omega),  m = shape
//   density 2 (m / omega)^m / Gamma(m) z^(-2m-1) exp(-m / (omega z^2)) on z > 0
//   E z^n = (m / omega)^(n/2) Gamma(m - n/2) / Gamma(m), finite for n < 2 m
//   m > 1/2: the multiplier is z / E z and does not depend on omega
//   m <= 1/2: the mean is infinite and the multiplier is z
//   w ~ N(0, z^2) is Student's t with 2 m degrees of freedom and scale 1 / sqrt(omega)
//
// Source: Andrews & Mallows (1974), Scale mixtures of normal distributions, JRSS B 36
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

class InverseNakagami {
 public:
  static constexpr std::string_view kName = "inverse_nakagami";
  static constexpr std::string_view kSummary =
      "inverse Nakagami; a normal weight times it is Student-t";
  static constexpr std::string_view kSource =
      "Andrews & Mallows (1974), Scale mixtures of normal distributions, JRSS B 36";
  static constexpr std::array kParameters = {
      Parameter{"shape", 2, 0.25, 1e6, false, false, "half the degrees of freedom"},
      Parameter{"omega", 1, 1e-30, 1e30, false, false, "inverse square of the scale"},
  };

  explicit InverseNakagami(std::span<const double> v)
      : m_(checked(kName, kParameters, v, 0)), omega_(checked(kName, kParameters, v, 1)) {}

  double mean() const { return raw_moment(1); }
  double mu2() const {
    return normalised(mean()) ? raw_moment(2) / std::pow(mean(), 2) : raw_moment(2);
  }
  double mu3() const {
    return normalised(mean()) ? raw_moment(3) / std::pow(mean(), 3) : raw_moment(3);
  }
  double mu4() const {
    return normalised(mean()) ? raw_moment(4) / std::pow(mean(), 4) : raw_moment(4);
  }
  double pdf(double z) const {
    if (z <= 0) return 0;
    const double slope = lower_gamma_slope(m_, to_gamma(z));
    return slope == 0 ? 0 : 2 * to_gamma(z) / z * slope;
  }
  double log_pdf(double z) const {
    if (z <= 0) return -std::numeric_limits<double>::infinity();
    const double g = to_gamma(z);
    return std::log(2 / z) + m_ * std::log(g) - g - boost::math::lgamma(m_);
  }
  double cdf(double z) const { return z <= 0 ? 0 : upper_gamma(m_, to_gamma(z)); }
  double quantile(double u) const {
    const double g =
        u < 0.5 ? boost::math::gamma_q_inv(m_, u) : boost::math::gamma_p_inv(m_, 1 - u);
    return std::sqrt(m_ / (omega_ * g));
  }

 private:
  double raw_moment(int n) const {
    if (2 * m_ <= n) return std::numeric_limits<double>::infinity();
    return std::pow(m_ / omega_, n / 2.0) * boost::math::tgamma_delta_ratio(m_ - n / 2.0, n / 2.0);
  }
  // 1 / z^2 times the rate m / omega is standard gamma.
  double to_gamma(double z) const { return m_ / (omega_ * z * z); }

  double m_, omega_;
};
static_assert(NoiseLaw<InverseNakagami>);

}  // namespace scalemix::inline v0::law
