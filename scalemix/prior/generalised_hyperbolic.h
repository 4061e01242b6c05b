// The generalised hyperbolic prior that normal noise of mean 0 induces: a product of two normals.
//
//   density K0(|w| / s) / (pi s),  s = scale
//   penalty slope sign(w) K1(x) / (s K0(x)), x = |w| / s: 1 / s far out, beyond all bounds towards 0
//   at 0 the density is infinite; the slope is 0 by symmetry
//   recipe: normal:scale=s with sigma0 = 1; normal:scale=a with sigma0 has s = a sigma0
//
// It is the member of the family with lambda = 1/2, chi = 0 and psi = 1 / s^2, whose variance is
// s^2 chi^2 with one degree of freedom. Other members need generalised inverse Gaussian variances,
// which no law of law/laws.inc has.
//
// Source: Barndorff-Nielsen (1977), Exponentially decreasing distributions for the logarithm of
// particle size, Proc. Royal Society A 353
#pragma once

#include <array>
#include <cmath>
#include <limits>

#include <boost/math/constants/constants.hpp>
#include <boost/math/special_functions/bessel.hpp>

#include "scalemix/law/law.h"
#include "scalemix/prior/named.h"

namespace scalemix::inline v0::prior {

class GeneralisedHyperbolic {
 public:
  static constexpr std::string_view kName = "generalised_hyperbolic";
  static constexpr std::string_view kSummary =
      "generalised hyperbolic K0(|w|/s): what normal noise of mean 0 induces";
  static constexpr std::string_view kSource =
      "Barndorff-Nielsen (1977), Exponentially decreasing distributions for the logarithm of "
      "particle size, Proc. Royal Society A 353";
  static constexpr bool kCheap = false;
  static constexpr std::array kParameters = {
      Parameter{"scale", 1, 1e-30, 1e30, false, false, "standard deviation"},
  };

  explicit GeneralisedHyperbolic(std::span<const double> v)
      : s_(law::checked(kName, kParameters, v, 0)) {}

  double log_density(double w) const {
    const double x = std::abs(w) / s_;
    if (x == 0) return std::numeric_limits<double>::infinity();
    return std::log(scaled_k(0, x)) - x - std::log(boost::math::constants::pi<double>() * s_);
  }
  double slope(double w) const {
    const double x = std::abs(w) / s_;
    return x == 0 ? 0 : std::copysign(scaled_k(1, x) / scaled_k(0, x) / s_, w);
  }

  Recipe recipe() const { return {law::AnyLaw::make("normal", std::array{s_}), 1}; }
  static Values of(const law::AnyLaw& law, double sigma0) {
    if (law.row().name != "normal") return {};
    return std::vector{law.values()[0] * sigma0};
  }

 private:
  /// exp(x) K_n(x): from x = 50 on by Hankel's expansion (Abramowitz & Stegun 9.7.2).
  static double scaled_k(int n, double x) {
    if (x < 50) return std::exp(x) * boost::math::cyl_bessel_k(n, x);
    double term = 1, sum = 1;
    for (double k = 1; k <= 16; ++k) {
      term *= (4 * n * n - (2 * k - 1) * (2 * k - 1)) / (8 * x * k);
      sum += term;
    }
    return std::sqrt(boost::math::constants::half_pi<double>() / x) * sum;
  }

  double s_;
};
static_assert(NamedPrior<GeneralisedHyperbolic>);

}  // namespace scalemix::inline v0::prior
