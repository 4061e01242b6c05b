// Normal noise with mean zero: for priors and for additive noise.
//
//   z = scale * s,  s ~ N(0, 1)
//   density exp(-z^2 / (2 scale^2)) / (scale sqrt(2 pi))
//   mean 0, so that the multiplier is z itself: mu2 = scale^2,  mu4 = 3 scale^4
//
// Source: Abramowitz & Stegun (1972), 26.2
#pragma once

#include <array>
#include <cmath>
#include <limits>
#include <span>
#include <string_view>

#include "scalemix/law/law.h"
#include "scalemix/law/standard_normal.h"

namespace scalemix::inline v0::law {

class Normal {
 public:
  static constexpr std::string_view kName = "normal";
  static constexpr std::string_view kSummary =
      "normal with mean zero, for priors and additive noise";
  static constexpr std::string_view kSource = "Abramowitz & Stegun (1972), 26.2";
  static constexpr std::string_view kStandard = "normal";
  static constexpr std::array kParameters = {
      Parameter{"scale", 1, 1e-30, 1e30, false, false, "standard deviation"},
  };

  explicit Normal(std::span<const double> v) : scale_(checked(kName, kParameters, v, 0)) {}

  double mean() const { return 0; }
  double mu2() const { return scale_ * scale_; }
  double mu3() const { return 0; }
  double mu4() const { return 3 * mu2() * mu2(); }
  double pdf(double z) const { return standard_normal_pdf(z / scale_) / scale_; }
  double log_pdf(double z) const { return log_standard_normal_pdf(z / scale_) - std::log(scale_); }
  double cdf(double z) const { return standard_normal_cdf(z / scale_); }
  double quantile(double u) const { return scale_ * standard_quantile(u); }

  static double standard_quantile(double u) { return standard_normal_quantile(u); }
  double shift() const { return 0; }
  double spread() const { return scale_; }

 private:
  double scale_;
};
static_assert(NoiseLaw<Normal> && LocationScale<Normal>);

}  // namespace scalemix::inline v0::law
