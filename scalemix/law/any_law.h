// A law chosen at run time from a spec string: "bernoulli:p=0.5", "gaussian:alpha=0.25",
// "half_cauchy".
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "scalemix/law/law.h"
#include "scalemix/law/link.h"
#include "scalemix/law/sampler.h"

namespace scalemix::inline v0::law {

/// One row of the list of laws.
struct LawRow {
  std::string_view name, summary, source;
  std::span<const Parameter> parameters;
  bool discrete;  // z is 0, 1, 2, ...
};
const std::vector<LawRow>& laws();

class AnyLaw {
 public:
  /// Throws ConfigError for an unknown name or parameter (saying what exists and what is nearest)
  /// or a value that is no number, std::domain_error for a value out of range.
  static AnyLaw parse(std::string_view spec);
  /// From values in the order of the row's parameters (all of them).
  static AnyLaw make(std::string_view name, std::span<const double> values);

  std::string spec() const;  // canonical: every parameter, shortest exact number
  const LawRow& row() const;
  std::span<const double> values() const;

  double mean() const;
  double mu2() const;
  double mu3() const;
  double mu4() const;
  double pdf(double z) const;
  /// Of the density, also where that is too small for a number; -infinity where it is 0.
  double log_pdf(double z) const;
  double cdf(double z) const;
  double quantile(double u) const;

  /// Whether the multiplier is z / E z (mean finite and not zero) rather than z.
  bool normalised() const;
  /// What stands for the multiplier in a deterministic pass: 1 if normalised, else the median of z.
  double centre() const;

  /// Draws of the multiplier (z / E z or z): the form kernels use.
  const Sampler& multiplier() const;
  /// Draws of z itself, for additive noise.
  const Sampler& raw() const;

  /// Both, of the same law with other values, from the tables of this one: what follows a schedule
  /// allocates nothing. False where other values need another table. Throws std::domain_error.
  bool moved(std::span<const double> values, Sampler& multiplier, Sampler& raw) const;

  /// Whether the parameters can be learned: the draw is an explicit function of them and of u.
  /// Where it is not, the five functions below throw std::invalid_argument.
  bool pathwise() const;
  /// d quantile(u) / d parameter i, u held; and the same of the multiplier.
  double quantile_slope(std::size_t i, double u) const;
  double multiplier_slope(std::size_t i, double u) const;
  /// Draws of these slopes, in the same words as the draws of the law. Throw std::domain_error
  /// where a slope is infinite (gaussian:alpha=0).
  const Sampler& raw_slopes(std::size_t i) const;
  const Sampler& multiplier_slopes(std::size_t i) const;
  /// The multiplier as a link of draws that do not depend on the parameters.
  LinkedLaw linked() const;

 private:
  struct State;
  explicit AnyLaw(std::shared_ptr<const State> state);
  std::shared_ptr<const State>
      state_;  // immutable, shared; samplers are built once per distinct law
};

}  // namespace scalemix::inline v0::law
