// The Laplace prior: the lasso. Rayleigh noise induces it, a variance that is exponential.
//
//   density exp(-|w| / b) / (2 b),  b = scale
//   penalty slope sign(w) / b, at 0 the subgradient 0
//   recipe: rayleigh:scale=b with sigma0 = 1; rayleigh:scale=s with sigma0 has b = s sigma0
//
// Source: Andrews & Mallows (1974), Scale mixtures of normal distributions, JRSS B 36
#pragma once

#include <array>
#include <cmath>

#include "scalemix/law/law.h"
#include "scalemix/prior/named.h"

namespace scalemix::inline v0::prior {

class Laplace {
 public:
  static constexpr std::string_view kName = "laplace";
  static constexpr std::string_view kSummary = "Laplace: the lasso, what Rayleigh noise induces";
  static constexpr std::string_view kSource =
      "Andrews & Mallows (1974), Scale mixtures of normal distributions, JRSS B 36";
  static constexpr bool kCheap = true;
  static constexpr std::array kParameters = {
      Parameter{"scale", 1, 1e-30, 1e30, false, false, "mean of |w|"},
  };

  explicit Laplace(std::span<const double> v)
      : b_(law::checked(kName, kParameters, v, 0)), log_peak_(-std::log(2 * b_)) {}

  double log_density(double w) const { return log_peak_ - std::abs(w) / b_; }
  double slope(double w) const { return (w > 0 ? 1 : w < 0 ? -1 : 0) / b_; }

  Recipe recipe() const { return {law::AnyLaw::make("rayleigh", std::array{b_}), 1}; }
  static Values of(const law::AnyLaw& law, double sigma0) {
    if (law.row().name != "rayleigh") return {};
    return std::vector{law.values()[0] * sigma0};
  }

 private:
  double b_, log_peak_;
};
static_assert(NamedPrior<Laplace>);

}  // namespace scalemix::inline v0::prior
