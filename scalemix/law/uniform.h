// Uniform noise around 1.
//
//   z ~ U(1 - b, 1 + b),  b = half_width;  density 1 / (2 b)
//   mean 1, variance alpha = b^2 / 3;  mu2 = 1 + b^2 / 3,  mu4 = 1 + 2 b^2 + b^4 / 5
//   b = 1 is continuous dropout, U(0, 1) / 0.5; b = sqrt(3 alpha) matches a variance
//   b = 0 is the constant 1
//
// Source: Shen, Tian, Liu, Xu & Tao (2018), Continuous dropout, IEEE TNNLS 29(9)
#pragma once

#include <array>
#include <cmath>
#include <cstddef>
#include <limits>
#include <span>
#include <string_view>

#include "scalemix/law/law.h"

namespace scalemix::inline v0::law {

class Uniform {
 public:
  static constexpr std::string_view kName = "uniform";
  static constexpr std::string_view kSummary = "uniform on 1 - half_width to 1 + half_width";
  static constexpr std::string_view kSource =
      "Shen, Tian, Liu, Xu & Tao (2018), Continuous dropout, IEEE TNNLS 29(9)";
  static constexpr std::string_view kStandard = "uniform";
  static constexpr std::array kParameters = {
      Parameter{"half_width", 1, 0, 1e30, false, false, "half the length of the interval"},
  };

  explicit Uniform(std::span<const double> v) : b_(checked(kName, kParameters, v, 0)) {}

  double mean() const { return 1; }
  double mu2() const { return 1 + b_ * b_ / 3; }
  double mu3() const { return 1 + b_ * b_; }
  double mu4() const { return 1 + b_ * b_ * (2 + b_ * b_ / 5); }
  double pdf(double z) const { return std::abs(z - 1) <= b_ ? 0.5 / b_ : 0; }
  double log_pdf(double z) const { return std::log(pdf(z)); }
  double cdf(double z) const {
    if (z >= 1 + b_) return 1;
    return z < 1 - b_ ? 0 : (z - (1 - b_)) / (2 * b_);
  }
  double quantile(double u) const { return shift() + spread() * u; }

  static double standard_quantile(double u) { return u; }
  double shift() const { return 1 - b_; }
  double spread() const { return 2 * b_; }

  // d z / d b = 2 u - 1.
  double shift_slope(std::size_t) const { return -1; }
  double spread_slope(std::size_t) const { return 2; }
  double mean_slope(std::size_t) const { return 0; }
  double quantile_slope(std::size_t i, double u) const {
    return shift_slope(i) + spread_slope(i) * standard_quantile(u);
  }

 private:
  double b_;
};
static_assert(NoiseLaw<Uniform> && PathwiseLocationScale<Uniform>);

}  // namespace scalemix::inline v0::law
