// Spike and slab: a weight is exactly 0 with probability p and normal otherwise. Dropout's Bernoulli
// noise induces it.
//
//   P(w = 0) = p;  density (1 - p) exp(-w^2 / (2 s^2)) / (s sqrt(2 pi)) of the rest,  s = scale
//   penalty: that of the slab, log(1 - p) included; the spike has no density and no slope
//   recipe: bernoulli:p=p with sigma0 = s
//
// Source: Mitchell & Beauchamp (1988), Bayesian variable selection in linear regression, JASA 83
#pragma once

#include <array>
#include <cmath>

#include "scalemix/law/law.h"
#include "scalemix/prior/named.h"
#include "scalemix/prior/normal.h"

namespace scalemix::inline v0::prior {

class SpikeSlab {
 public:
  static constexpr std::string_view kName = "spike_slab";
  static constexpr std::string_view kSummary =
      "spike and slab: exactly 0 or normal, what Bernoulli noise induces";
  static constexpr std::string_view kSource =
      "Mitchell & Beauchamp (1988), Bayesian variable selection in linear regression, JASA 83";
  static constexpr bool kCheap = true;
  static constexpr std::array kParameters = {
      Parameter{"p", 0.5, 0, 1, false, true, "probability of 0"},
      Parameter{"scale", 1, 1e-30, 1e30, false, false, "standard deviation of the rest"},
  };

  explicit SpikeSlab(std::span<const double> v)
      : p_(law::checked(kName, kParameters, v, 0)),
        s_(law::checked(kName, kParameters, v, 1)),
        slab_(std::array{s_}) {}

  double log_density(double w) const { return std::log1p(-p_) + slab_.log_density(w); }
  double slope(double w) const { return slab_.slope(w); }

  Recipe recipe() const { return {law::AnyLaw::make("bernoulli", std::array{p_}), s_}; }
  static Values of(const law::AnyLaw& law, double sigma0) {
    if (law.row().name != "bernoulli") return {};
    return std::vector{law.values()[0], sigma0};
  }

 private:
  double p_, s_;
  Normal slab_;
};
static_assert(NamedPrior<SpikeSlab>);

}  // namespace scalemix::inline v0::prior
