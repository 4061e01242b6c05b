// What every named prior is.
//
// A prior on a weight is a class in a file of its own, `prior/<name>.h`, and a row in priors.inc.
// Each is a Gaussian scale mixture: w = z sigma0 n with n ~ N(0, 1) and z of a noise law. The class
// knows its density in closed form, the law that induces it, and which laws induce it with which
// numbers.
#pragma once

#include <concepts>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "scalemix/base/word.h"
#include "scalemix/law/any_law.h"

namespace scalemix::inline v0::prior {

/// What induces a prior: raw draws of the law times a weight of variance sigma0^2.
struct Recipe {
  law::AnyLaw law;
  double sigma0;
};

/// The values of a prior's parameters that a recipe leads to; nothing if it leads elsewhere.
using Values = std::optional<std::vector<double>>;

/// What a prior class must offer. The constructor takes the parameters in the order of kParameters
/// and throws std::domain_error naming the prior, the parameter, the range and what came.
template <class P>
concept NamedPrior = requires(const P& prior, const law::AnyLaw& law, double w,
                              std::span<const double> values) {
  { P::kName } -> std::convertible_to<std::string_view>;
  { P::kSummary } -> std::convertible_to<std::string_view>;
  { P::kSource } -> std::convertible_to<std::string_view>;
  {std::span<const Parameter>(P::kParameters)};
  /// Whether formulas are cheap enough for every weight in every step; else penalty.h tabulates.
  { P::kCheap } -> std::convertible_to<bool>;
  requires std::constructible_from<P, std::span<const double>>;
  /// Of the part that has a density; infinite at 0 where the density is.
  { prior.log_density(w) } -> std::same_as<double>;
  /// d -log p / dw; 0 at 0, where it is the mean of both sides.
  { prior.slope(w) } -> std::same_as<double>;
  { prior.recipe() } -> std::same_as<Recipe>;
  { P::of(law, w) } -> std::same_as<Values>;  // w stands for sigma0
};

}  // namespace scalemix::inline v0::prior
