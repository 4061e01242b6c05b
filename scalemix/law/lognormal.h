// Lognormal noise with mean 1.
//
//   ln z ~ N(-sigma^2 / 2, sigma^2)
//   density exp(-(ln z + sigma^2 / 2)^2 / (2 sigma^2)) / (z sigma sqrt(2 pi)) on z > 0
//   mean 1;  mu2 = exp(sigma^2),  mu4 = exp(6 sigma^2)
//   sigma = sqrt(log(1 + alpha)) matches a variance alpha
//
// Source: Achille & Soatto (2018), Information dropout, IEEE TPAMI 40(12)
#pragma once

#include <array>
#include <cmath>
#include <cstddef>
#include <limits>
#include <span>
#include <string_view>

#include "scalemix/law/law.h"
#include "scalemix/law/link.h"
#include "scalemix/law/standard_normal.h"

namespace scalemix::inline v0::law {

class Lognormal {
 public:
  static constexpr std::string_view kName = "lognormal";
  static constexpr std::string_view kSummary = "lognormal with mean 1";
  static constexpr std::string_view kSource =
      "Achille & Soatto (2018), Information dropout, IEEE TPAMI 40(12)";
  static constexpr std::array kParameters = {
      Parameter{"sigma", 0.5, 0.001, 4, false, false, "standard deviation of ln z"},
  };

  explicit Lognormal(std::span<const double> v) : sigma_(checked(kName, kParameters, v, 0)) {}

  double mean() const { return 1; }
  double mu2() const { return std::exp(sigma_ * sigma_); }
  double mu3() const { return std::exp(3 * sigma_ * sigma_); }
  double mu4() const { return std::exp(6 * sigma_ * sigma_); }
  double pdf(double z) const {
    return z <= 0 ? 0 : standard_normal_pdf(standardise(z)) / (z * sigma_);
  }
  double log_pdf(double z) const {
    if (z <= 0) return -std::numeric_limits<double>::infinity();
    return log_standard_normal_pdf(standardise(z)) - std::log(z) - std::log(sigma_);
  }
  double cdf(double z) const { return z <= 0 ? 0 : standard_normal_cdf(standardise(z)); }
  double quantile(double u) const {
    return std::exp(sigma_ * standard_normal_quantile(u) - sigma_ * sigma_ / 2);
  }

  // d z / d sigma = z (n - sigma), n the standard normal quantile of u.
  double quantile_slope(std::size_t, double u) const {
    return quantile(u) * (standard_normal_quantile(u) - sigma_);
  }
  double mean_slope(std::size_t) const { return 0; }

  // z = exp(shift + spread s), s standard normal.
  static constexpr Link kLink = Link::exponential;
  double inner_shift() const { return -sigma_ * sigma_ / 2; }
  double inner_spread() const { return sigma_; }
  double inner_shift_slope(std::size_t) const { return -sigma_; }
  double inner_spread_slope(std::size_t) const { return 1; }

 private:
  double standardise(double z) const { return (std::log(z) + sigma_ * sigma_ / 2) / sigma_; }

  double sigma_;
};
static_assert(NoiseLaw<Lognormal> && NormalLink<Lognormal>);

}  // namespace scalemix::inline v0::law
