// Logistic-normal noise: a mask in (0, 1) squashed from a normal.
//
//   z = sigmoid(e),  e ~ N(mu, sigma^2)
//   density N(logit z; mu, sigma^2) / (z (1 - z)) on (0, 1)
//   E z^n = integral of sigmoid(mu + sigma s)^n phi(s) ds, by the trapezoidal rule
//   mean = E z,  mu2 = E z^2 / mean^2,  mu4 = E z^4 / mean^4, relative error below 1e-10
//
// Source: Xie, Ma, Lei, Zhang, Xue, Tan & Guo (2022), Advanced dropout, IEEE TPAMI 44(9)
#pragma once

#include <algorithm>
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

class LogisticNormal {
 public:
  static constexpr std::string_view kName = "logistic_normal";
  static constexpr std::string_view kSummary = "sigmoid of a normal, a mask in (0, 1)";
  static constexpr std::string_view kSource =
      "Xie, Ma, Lei, Zhang, Xue, Tan & Guo (2022), Advanced dropout, IEEE TPAMI 44(9)";
  static constexpr std::array kParameters = {
      Parameter{"mu", 0, -10, 10, false, false, "mean of logit z"},
      Parameter{"sigma", 1, 0.01, 6, false, false, "standard deviation of logit z"},
  };

  explicit LogisticNormal(std::span<const double> v)
      : mu_(checked(kName, kParameters, v, 0)), sigma_(checked(kName, kParameters, v, 1)) {}

  double mean() const { return raw_moment(1); }
  double mu2() const { return raw_moment(2) / std::pow(mean(), 2); }
  double mu3() const { return raw_moment(3) / std::pow(mean(), 3); }
  double mu4() const { return raw_moment(4) / std::pow(mean(), 4); }
  double pdf(double z) const {
    return z <= 0 || z >= 1 ? 0 : standard_normal_pdf(standardise(z)) / (z * (1 - z) * sigma_);
  }
  double log_pdf(double z) const {
    if (z <= 0 || z >= 1) return -std::numeric_limits<double>::infinity();
    return log_standard_normal_pdf(standardise(z)) - std::log(z) - std::log1p(-z) -
           std::log(sigma_);
  }
  double cdf(double z) const {
    return z <= 0 ? 0 : z >= 1 ? 1 : standard_normal_cdf(standardise(z));
  }
  double quantile(double u) const { return sigmoid(mu_ + sigma_ * standard_normal_quantile(u)); }

  // d z / d mu = z (1 - z), d z / d sigma = z (1 - z) n, n the standard normal quantile of u.
  double quantile_slope(std::size_t i, double u) const {
    const double n = standard_normal_quantile(u), e = mu_ + sigma_ * n;
    return sigmoid(e) * sigmoid(-e) * (i == 0 ? 1 : n);
  }
  double mean_slope(std::size_t i) const {
    return expect(1, [&](double s) {
      const double e = mu_ + sigma_ * s;
      return sigmoid(e) * sigmoid(-e) * (i == 0 ? 1 : s);
    });
  }

  // z = sigmoid(shift + spread s), s standard normal.
  static constexpr Link kLink = Link::logistic;
  double inner_shift() const { return mu_; }
  double inner_spread() const { return sigma_; }
  double inner_shift_slope(std::size_t i) const { return i == 0 ? 1 : 0; }
  double inner_spread_slope(std::size_t i) const { return i == 0 ? 0 : 1; }

 private:
  static double sigmoid(double x) {
    return x < 0 ? std::exp(x) / (1 + std::exp(x)) : 1 / (1 + std::exp(-x));
  }
  double standardise(double z) const { return (std::log(z) - std::log1p(-z) - mu_) / sigma_; }
  // The integrand is analytic up to +-i pi / sigma: a step well below that leaves only rounding.
  // `growth`: the integrand is at most exp(growth * sigma * |s|).
  template <class F>
  double expect(int growth, const F& f) const {
    const double step = std::min(0.25, 0.5 / sigma_), reach = 9 + growth * sigma_;
    double sum = 0;
    for (double s = -reach; s <= reach; s += step) sum += f(s) * standard_normal_pdf(s);
    return sum * step;
  }
  double raw_moment(int n) const {
    return expect(n, [&](double s) { return std::pow(sigmoid(mu_ + sigma_ * s), n); });
  }

  double mu_, sigma_;
};
static_assert(NoiseLaw<LogisticNormal> && NormalLink<LogisticNormal>);

}  // namespace scalemix::inline v0::law
