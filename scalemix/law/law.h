// Noise laws: what every law is, and the list of them.
//
// A law is a class in a file of its own, `law/<name>.h`, and a row in laws.inc. It has native
// parameters, moments, density, cdf and quantile. `quantile` drives sampling (sampler.h tabulates
// it); `cdf` is an independent formula and is never used by a kernel, so the round trip between
// them is a real test.
//
// The multiplier of a network is z / E z where the mean is finite and not zero, and z where it is
// not.
#pragma once

#include <concepts>
#include <cstddef>
#include <span>
#include <string_view>

#include "scalemix/base/word.h"

namespace scalemix::inline v0::law {

/// What a law class must offer. The constructor takes the native parameters in the order of
/// kParameters and throws std::domain_error naming the law, the parameter, the range and what came.
template <class L>
concept NoiseLaw = requires(const L& law, double u, double z, std::span<const double> values) {
  { L::kName } -> std::convertible_to<std::string_view>;
  { L::kSummary } -> std::convertible_to<std::string_view>;
  { L::kSource } -> std::convertible_to<std::string_view>;
  {std::span<const Parameter>(L::kParameters)};
  requires std::constructible_from<L, std::span<const double>>;
  { law.mean() } -> std::same_as<double>;      // E z; infinite where it is
  { law.mu2() } -> std::same_as<double>;       // E z^2 of the multiplier (z / E z, or z)
  { law.mu3() } -> std::same_as<double>;       // E z^3 and
  { law.mu4() } -> std::same_as<double>;       // E z^4 of the multiplier
  { law.pdf(z) } -> std::same_as<double>;      // probability, for a discrete law
  { law.log_pdf(z) } -> std::same_as<double>;  // its log, also where it is below all numbers
  { law.cdf(z) } -> std::same_as<double>;
  { law.quantile(u) } -> std::same_as<double>;  // smallest z with cdf(z) >= u
};

/// A law on single points says so: `static constexpr bool kDiscrete = true`.
template <class L>
inline constexpr bool kIsDiscrete = requires {
  requires L::kDiscrete;
};

/// A law of the form z = shift() + spread() * s, s of a standard law that does not depend on its
/// parameters, says so: all of them then share one table, and a new value costs nothing. kStandard
/// names s.
template <class L>
concept LocationScale = requires(const L& law, double u) {
  { L::kStandard } -> std::convertible_to<std::string_view>;
  { law.shift() } -> std::same_as<double>;
  { law.spread() } -> std::same_as<double>;
  { L::standard_quantile(u) } -> std::same_as<double>;
};

/// A law whose draw is an explicit function of u and the parameters says how the draw moves with
/// them while u is held: the pathwise gradient, by which parameters are learned. i is the place in
/// kParameters. A location-scale law gives the two numbers below and inherits the rest.
template <class L>
concept Pathwise = requires(const L& law, std::size_t i, double u) {
  { law.quantile_slope(i, u) } -> std::same_as<double>;  // d quantile(u) / d parameter i
  { law.mean_slope(i) } -> std::same_as<double>;         // d mean / d parameter i; 0 if infinite
};

/// d shift() and d spread() by parameter i: quantile_slope = shift_slope + spread_slope * s.
template <class L>
concept PathwiseLocationScale = Pathwise<L> && LocationScale<L> &&
    requires(const L& law, std::size_t i) {
  { law.shift_slope(i) } -> std::same_as<double>;
  { law.spread_slope(i) } -> std::same_as<double>;
};

/// Whether the multiplier is z / E z: the mean is finite and not zero.
bool normalised(double mean);

/// values[i], checked against parameters[i] with in_range(); std::invalid_argument if the numbers
/// of the two differ.
double checked(std::string_view law, std::span<const Parameter> parameters,
               std::span<const double> values, std::size_t i);

}  // namespace scalemix::inline v0::law
