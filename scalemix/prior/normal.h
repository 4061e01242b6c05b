// The normal prior: weight decay. No noise at all induces it.
//
//   density exp(-w^2 / (2 s^2)) / (s sqrt(2 pi)),  s = scale
//   penalty slope w / s^2
//   recipe: a law without spread, gaussian:alpha=0, with sigma0 = s
//
// Source: Abramowitz & Stegun (1972), 26.2
#pragma once

#include <array>
#include <cmath>

#include <boost/math/constants/constants.hpp>

#include "scalemix/law/law.h"
#include "scalemix/prior/named.h"

namespace scalemix::inline v0::prior {

class Normal {
 public:
  static constexpr std::string_view kName = "normal";
  static constexpr std::string_view kSummary = "normal: weight decay, what no noise induces";
  static constexpr std::string_view kSource = "Abramowitz & Stegun (1972), 26.2";
  static constexpr bool kCheap = true;
  static constexpr std::array kParameters = {
      Parameter{"scale", 1, 1e-30, 1e30, false, false, "standard deviation"},
  };

  explicit Normal(std::span<const double> v)
      : s_(law::checked(kName, kParameters, v, 0)),
        log_peak_(-std::log(s_ * boost::math::constants::root_two_pi<double>())) {}

  double log_density(double w) const { return log_peak_ - w / s_ * w / s_ / 2; }
  double slope(double w) const { return w / s_ / s_; }

  Recipe recipe() const { return {law::AnyLaw::make("gaussian", std::array{0.0}), s_}; }
  static Values of(const law::AnyLaw& law, double sigma0) {
    if (law.row().discrete || law.quantile(0.1) != law.quantile(0.9)) return {};
    return std::vector{std::abs(law.quantile(0.5)) * sigma0};
  }

 private:
  double s_, log_peak_;
};
static_assert(NamedPrior<Normal>);

}  // namespace scalemix::inline v0::prior
