// The horseshoe prior: an infinite peak at 0 and tails like 1 / w^2, so that small weights vanish
// and large ones are left alone. Half-Cauchy noise induces it.
//
//   density exp(x) E1(x) / (s sqrt(2 pi^3)),  x = w^2 / (2 s^2),  s = scale
//   penalty slope 2 (1 / (exp(x) E1(x)) - x) / w: 2 / w far out, beyond all bounds towards 0
//   at 0 the density is infinite; the slope is 0 by symmetry
//   recipe: half_cauchy:scale=s with sigma0 = 1
//
// exp(x) E1(x) is Boost's expint up to x = 30 and a continued fraction from there on, 1 / (x + 1 -
// 1 / (x + 3 - 4 / (x + 5 - ...))), whose 1 / G - x needs no difference of large numbers.
//
// Source: Carvalho, Polson & Scott (2010), The horseshoe estimator for sparse signals, Biometrika
// 97(2)
#pragma once

#include <array>
#include <cmath>
#include <limits>

#include <boost/math/constants/constants.hpp>
#include <boost/math/special_functions/expint.hpp>

#include "scalemix/law/law.h"
#include "scalemix/prior/named.h"

namespace scalemix::inline v0::prior {

class Horseshoe {
 public:
  static constexpr std::string_view kName = "horseshoe";
  static constexpr std::string_view kSummary =
      "horseshoe: infinite peak, heavy tails, what half-Cauchy noise induces";
  static constexpr std::string_view kSource =
      "Carvalho, Polson & Scott (2010), The horseshoe estimator for sparse signals, Biometrika "
      "97(2)";
  static constexpr bool kCheap = false;
  static constexpr std::array kParameters = {
      Parameter{"scale", 1, 1e-30, 1e30, false, false, "median of the noise"},
  };

  explicit Horseshoe(std::span<const double> v) : s_(law::checked(kName, kParameters, v, 0)) {}

  double log_density(double w) const {
    const double x = half_square(w);
    if (x == 0) return std::numeric_limits<double>::infinity();
    return -std::log(x + excess(x)) - std::log(s_ * boost::math::constants::root_two_pi<double>() *
                                               boost::math::constants::pi<double>());
  }
  double slope(double w) const {
    const double x = half_square(w);
    return x == 0 ? 0 : 2 * excess(x) / w;
  }

  Recipe recipe() const { return {law::AnyLaw::make("half_cauchy", std::array{s_}), 1}; }
  static Values of(const law::AnyLaw& law, double sigma0) {
    if (law.row().name != "half_cauchy") return {};
    return std::vector{law.values()[0] * sigma0};
  }

 private:
  double half_square(double w) const { return w / s_ * w / s_ / 2; }
  /// 1 / (exp(x) E1(x)) - x, in (0, 1) from x = 0.2 or so on.
  static double excess(double x) {
    if (x <= 30) return 1 / (std::exp(x) * boost::math::expint(1, x)) - x;
    double tail = x + 41;
    for (double k = 20; k >= 2; --k) tail = x + 2 * k - 1 - k * k / tail;
    return 1 - 1 / tail;
  }

  double s_;
};
static_assert(NamedPrior<Horseshoe>);

}  // namespace scalemix::inline v0::prior
