// Laplace noise with mean 1 and variance alpha.
//
//   z = 1 + b s,  s standard Laplace,  b = sqrt(alpha / 2)
//   density exp(-|z - 1| / b) / (2 b)
//   mean 1;  mu2 = 1 + alpha,  mu4 = 1 + 6 alpha + 6 alpha^2;  alpha = 0 is the constant 1
//
// Source: Johnson, Kotz & Balakrishnan (1995), Continuous univariate distributions 2, chapter 24
#pragma once

#include <array>
#include <cmath>
#include <cstddef>
#include <limits>
#include <span>
#include <string_view>

#include "scalemix/law/law.h"

namespace scalemix::inline v0::law {

class Laplace {
 public:
  static constexpr std::string_view kName = "laplace";
  static constexpr std::string_view kSummary = "Laplace with mean 1 and variance alpha";
  static constexpr std::string_view kSource =
      "Johnson, Kotz & Balakrishnan (1995), Continuous univariate distributions 2, chapter 24";
  static constexpr std::string_view kStandard = "laplace";
  static constexpr std::array kParameters = {
      Parameter{"alpha", 0.25, 0, 1e30, false, false, "variance of the multiplier"},
  };

  explicit Laplace(std::span<const double> v)
      : alpha_(checked(kName, kParameters, v, 0)), b_(std::sqrt(alpha_ / 2)) {}

  double mean() const { return 1; }
  double mu2() const { return 1 + alpha_; }
  double mu3() const { return 1 + 3 * alpha_; }
  double mu4() const { return 1 + 6 * alpha_ * (1 + alpha_); }
  double pdf(double z) const {
    if (b_ == 0) return z == 1 ? std::numeric_limits<double>::infinity() : 0;
    return std::exp(-std::abs(z - 1) / b_) / (2 * b_);
  }
  double log_pdf(double z) const {
    if (b_ == 0) return std::log(pdf(z));
    return -std::abs(z - 1) / b_ - std::log(2 * b_);
  }
  double cdf(double z) const {
    if (b_ == 0) return z >= 1;
    const double tail = std::exp(-std::abs(z - 1) / b_) / 2;
    return z < 1 ? tail : 1 - tail;
  }
  double quantile(double u) const { return 1 + b_ * standard_quantile(u); }

  static double standard_quantile(double u) {
    return u < 0.5 ? std::log(2 * u) : -std::log(2 * (1 - u));
  }
  double shift() const { return 1; }
  double spread() const { return b_; }

  // d z / d alpha = s / (4 b): infinite at alpha = 0.
  double shift_slope(std::size_t) const { return 0; }
  double spread_slope(std::size_t) const { return 0.25 / b_; }
  double mean_slope(std::size_t) const { return 0; }
  double quantile_slope(std::size_t i, double u) const {
    return shift_slope(i) + spread_slope(i) * standard_quantile(u);
  }

 private:
  double alpha_, b_;
};
static_assert(NoiseLaw<Laplace> && PathwiseLocationScale<Laplace>);

}  // namespace scalemix::inline v0::law
