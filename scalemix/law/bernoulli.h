// Bernoulli noise, ordinary dropout: z is 0 with probability p and 1 otherwise.
//
//   P(z = 0) = p,  P(z = 1) = 1 - p,  0 <= p < 1: p is the probability of a drop
//   mean 1 - p; the multiplier z / E z is 0 or 1 / (1 - p), its variance alpha = p / (1 - p)
//   mu2 = 1 / (1 - p),  mu4 = 1 / (1 - p)^3
//
// Source: Srivastava, Hinton, Krizhevsky, Sutskever & Salakhutdinov (2014), Dropout, JMLR 15
#pragma once

#include <array>
#include <cmath>
#include <limits>
#include <span>
#include <string_view>

#include "scalemix/law/law.h"

namespace scalemix::inline v0::law {

class Bernoulli {
 public:
  static constexpr std::string_view kName = "bernoulli";
  static constexpr std::string_view kSummary = "drops a value with probability p";
  static constexpr std::string_view kSource =
      "Srivastava, Hinton, Krizhevsky, Sutskever & Salakhutdinov (2014), Dropout, JMLR 15";
  static constexpr bool kDiscrete = true;
  static constexpr std::array kParameters = {
      Parameter{"p", 0.5, 0, 1, false, true, "probability of a drop"},
  };

  explicit Bernoulli(std::span<const double> v) : p_(checked(kName, kParameters, v, 0)) {}

  double mean() const { return 1 - p_; }
  double mu2() const { return 1 / (1 - p_); }
  double mu3() const { return 1 / ((1 - p_) * (1 - p_)); }
  double mu4() const { return 1 / ((1 - p_) * (1 - p_) * (1 - p_)); }
  double pdf(double z) const { return z == 0 ? p_ : z == 1 ? 1 - p_ : 0; }
  double log_pdf(double z) const { return std::log(pdf(z)); }
  double cdf(double z) const { return z < 0 ? 0 : z < 1 ? p_ : 1; }
  double quantile(double u) const { return u <= p_ ? 0 : 1; }
  double drop() const { return p_; }

 private:
  double p_;
};
static_assert(NoiseLaw<Bernoulli>);

}  // namespace scalemix::inline v0::law
