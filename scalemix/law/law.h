// Noise laws: what every law is, and the list of them.
//
// A law is a class in a file of its own, `law/<name>.h`, and a row in laws.inc. It has native parameters,
// moments, density, cdf and quantile. `quantile` drives sampling (sampler.h tabulates it); `cdf` is an
// independent formula and is never used by a kernel, so the round trip between them is a real test.
//
// The multiplier of a network is z / E z where the mean is finite and not zero, and z where it is not.
#pragma once

#include <concepts>
#include <span>
#include <string_view>

namespace scalemix::inline v0::law {

/// A native parameter of a law: bernoulli's p, gamma's shape.
struct Parameter {
  std::string_view name;
  double value;             // default
  double lo, hi;            // accepted range
  bool lo_open, hi_open;    // whether the ends are excluded
  std::string_view meaning;
};

/// What a law class must offer. The constructor takes the native parameters in the order of kParameters and
/// throws std::domain_error naming the law, the parameter, the range and what came.
template <class L>
concept NoiseLaw = requires(const L& law, double u, double z, std::span<const double> values) {
  { L::kName } -> std::convertible_to<std::string_view>;
  { L::kSummary } -> std::convertible_to<std::string_view>;
  { L::kSource } -> std::convertible_to<std::string_view>;
  { std::span<const Parameter>(L::kParameters) };
  requires std::constructible_from<L, std::span<const double>>;
  { law.mean() } -> std::same_as<double>;      // E z; infinite where it is
  { law.mu2() } -> std::same_as<double>;       // E z^2 of the multiplier z / E z
  { law.mu4() } -> std::same_as<double>;       // E z^4 of the multiplier z / E z
  { law.pdf(z) } -> std::same_as<double>;      // probability, for a discrete law
  { law.cdf(z) } -> std::same_as<double>;
  { law.quantile(u) } -> std::same_as<double>; // smallest z with cdf(z) >= u
};

}  // namespace scalemix::inline v0::law
