// A prior on a weight, chosen at run time by a word: "laplace:scale=0.5", "horseshoe",
// "induced:gamma:shape=2,sigma0=0.1". Every one is what a noise law makes of a normal weight:
//
//   v = z w,  w ~ N(0, sigma0^2),  z of the law:  p(v) = E N(v; 0, z^2 sigma0^2)
//
// z is the law's raw draw; a network multiplies by z / E z where that exists, which is the prior with
// sigma0 / E z (of_multiplier). Densities are the closed form where there is one (priors.inc), else
// those of the mixture, with its accuracy (mixture.h).
//
//   const Prior prior = Prior::parse("horseshoe:scale=0.1");
//   double nats = prior.penalty(n, w);      // sum of -log p(w[i])
//   prior.slope(n, w, weight, dw);          // dw[i] += weight * d -log p / dw[i]
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "scalemix/law/any_law.h"
#include "scalemix/prior/mixture.h"

namespace scalemix::inline v0::prior {

/// One row of the list of priors: priors.inc, and "induced", whose parameters are the law's.
struct PriorRow {
  std::string_view name, summary, source;
  std::span<const Parameter> parameters;
};
const std::vector<PriorRow>& priors();

class Prior {
 public:
  /// Throws ConfigError for an unknown name, parameter or law (saying what exists and what is
  /// nearest) or a value that is no number, std::domain_error for a value out of range.
  static Prior parse(std::string_view word);
  /// Of raw draws, and of the multiplier z / E z (or z). Throw std::domain_error unless sigma0 is
  /// positive and finite.
  static Prior induced(const law::AnyLaw& law, double sigma0 = 1);
  static Prior of_multiplier(const law::AnyLaw& law, double sigma0 = 1);

  std::string word() const;  // canonical: every parameter, shortest exact number
  /// The same prior by its name in priors.inc, "laplace:scale=0.5"; empty without a closed form.
  std::string name() const;
  const law::AnyLaw& law() const;  // which law induces it, with
  double sigma0() const;           // the standard deviation of w

  /// Of the part that has a density, 1 - atom() its mass; at 0 infinite where the density is.
  double density(double v) const;
  double log_density(double v) const;
  /// d -log p / dv; 0 at 0, by symmetry.
  double slope(double v) const;
  /// Whether the density is infinite at 0: that of z at 0 is positive.
  bool peak_is_infinite() const;

  double atom() const;  // P(v = 0)
  double within(double radius) const;
  double cdf(double v) const;
  double variance() const;  // infinite where it is
  double kurtosis() const;  // E v^4 / variance^2: 3 of a normal
  /// |v| that half of the mass lies within, the atom left out.
  double median_size() const;

  /// Sum of -log p(w[i]), in nats; of the part that has a density. Priors without a fast formula
  /// are read from a table that rounds the tip at 0 off: penalty_table.h. w: (n).
  double penalty(std::size_t n, const float* w) const;
  /// dw[i] += weight * d -log p / dw[i]: the derivative of penalty(). w, dw: (n).
  void slope(std::size_t n, const float* w, float weight, float* dw) const;

  /// By nodes, whether or not there is a closed form.
  const Mixture& mixture() const;

 private:
  struct State;
  explicit Prior(std::shared_ptr<const State> state) : state_(std::move(state)) {}
  std::shared_ptr<const State> state_;  // immutable; mixture and table are made when first used
};

}  // namespace scalemix::inline v0::prior
