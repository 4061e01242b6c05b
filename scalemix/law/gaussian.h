// Gaussian dropout: normal noise with mean 1 and variance alpha.
//
//   z = 1 + sqrt(alpha) s,  s ~ N(0, 1)
//   density exp(-(z - 1)^2 / (2 alpha)) / sqrt(2 pi alpha)
//   mean 1;  mu2 = 1 + alpha,  mu4 = 1 + 6 alpha + 3 alpha^2
//   alpha = p / (1 - p) matches the variance of dropping with probability p
//   alpha = 0 is the constant 1
//
// Source: Srivastava, Hinton, Krizhevsky, Sutskever & Salakhutdinov (2014), Dropout, JMLR 15,
// section 10
#pragma once

#include <array>
#include <cmath>
#include <cstddef>
#include <limits>
#include <span>
#include <string_view>

#include "scalemix/law/law.h"
#include "scalemix/law/standard_normal.h"

namespace scalemix::inline v0::law {

class Gaussian {
 public:
  static constexpr std::string_view kName = "gaussian";
  static constexpr std::string_view kSummary = "normal with mean 1 and variance alpha";
  static constexpr std::string_view kSource =
      "Srivastava, Hinton, Krizhevsky, Sutskever & Salakhutdinov (2014), Dropout, JMLR 15, section "
      "10";
  static constexpr std::string_view kStandard = "normal";
  static constexpr std::array kParameters = {
      Parameter{"alpha", 0.25, 0, 1e30, false, false, "variance of the multiplier"},
  };

  explicit Gaussian(std::span<const double> v)
      : alpha_(checked(kName, kParameters, v, 0)), sigma_(std::sqrt(alpha_)) {}

  double mean() const { return 1; }
  double mu2() const { return 1 + alpha_; }
  double mu3() const { return 1 + 3 * alpha_; }
  double mu4() const { return 1 + alpha_ * (6 + 3 * alpha_); }
  double pdf(double z) const {
    if (sigma_ == 0) return z == 1 ? std::numeric_limits<double>::infinity() : 0;
    return standard_normal_pdf((z - 1) / sigma_) / sigma_;
  }
  double log_pdf(double z) const {
    if (sigma_ == 0) return std::log(pdf(z));
    return log_standard_normal_pdf((z - 1) / sigma_) - std::log(sigma_);
  }
  double cdf(double z) const {
    if (sigma_ == 0) return z >= 1;
    return standard_normal_cdf((z - 1) / sigma_);
  }
  double quantile(double u) const { return 1 + sigma_ * standard_quantile(u); }

  static double standard_quantile(double u) { return standard_normal_quantile(u); }
  double shift() const { return 1; }
  double spread() const { return sigma_; }

  // d z / d alpha = s / (2 sqrt(alpha)): infinite at alpha = 0.
  double shift_slope(std::size_t) const { return 0; }
  double spread_slope(std::size_t) const { return 0.5 / sigma_; }
  double mean_slope(std::size_t) const { return 0; }
  double quantile_slope(std::size_t i, double u) const {
    return shift_slope(i) + spread_slope(i) * standard_quantile(u);
  }

 private:
  double alpha_, sigma_;
};
static_assert(NoiseLaw<Gaussian> && PathwiseLocationScale<Gaussian>);

}  // namespace scalemix::inline v0::law
