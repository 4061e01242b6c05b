// The multiplier of a law as a link of draws that no parameter moves:
//
//   m = scale g(shift + spread s)     g the identity, exp or the logistic function
//
// s is of a standard law. So a law whose parameters are learned needs no new table, whatever they
// are by now: scale, shift and spread are functions of them, and so are their slopes.
#pragma once

#include <cmath>
#include <concepts>
#include <cstddef>
#include <memory>
#include <span>

#include "scalemix/law/compile.h"
#include "scalemix/law/standard_normal.h"

namespace scalemix::inline v0::law {

enum class Link { identity, exponential, logistic };

/// At some values of the parameters; or the slopes of the three by one of them.
struct Linked {
  double scale = 1, shift = 0, spread = 1;
};

struct LinkedLaw {
  Link link = Link::identity;
  Sampler standard = {};                       // draws of s
  std::shared_ptr<const void> table = {};      // that they read
  double median = 0;                           // of s
  Linked (*at)(std::span<const double>) = {};  // both throw as the law's constructor does
  Linked (*slope)(std::span<const double>, std::size_t i) = {};
};

/// A law that says itself what is linked to standard normal draws. The others of the form are the
/// location-scale laws.
template <class L>
concept NormalLink = Pathwise<L> && requires(const L& law, std::size_t i) {
  { L::kLink } -> std::convertible_to<Link>;
  { law.inner_shift() } -> std::same_as<double>;
  { law.inner_spread() } -> std::same_as<double>;
  { law.inner_shift_slope(i) } -> std::same_as<double>;
  { law.inner_spread_slope(i) } -> std::same_as<double>;
};

/// g(e), and its derivative.
inline double linked(Link link, double e) {
  if (link == Link::identity) return e;
  return link == Link::exponential ? std::exp(e) : 1 / (1 + std::exp(-e));
}
inline double linked_slope(Link link, double e) {
  if (link == Link::identity) return 1;
  const double g = linked(link, e);
  return link == Link::exponential ? g : g * (1 - g);
}

namespace detail {

/// 1 / E z and its slope, or 1 and 0 where the multiplier is z.
template <class L>
double scale_of(const L& law) {
  return normalised(law.mean()) ? 1 / law.mean() : 1;
}
template <class L>
double scale_slope(const L& law, std::size_t i) {
  const double mean = law.mean();
  return normalised(mean) ? -law.mean_slope(i) / (mean * mean) : 0;
}

template <class L>
Linked linked_at(std::span<const double> values) {
  const L law(values);
  if constexpr (NormalLink<L>) {
    return {scale_of(law), law.inner_shift(), law.inner_spread()};
  } else {
    return {scale_of(law), law.shift(), law.spread()};
  }
}

template <class L>
Linked linked_slope_at(std::span<const double> values, std::size_t i) {
  const L law(values);
  if constexpr (NormalLink<L>) {
    return {scale_slope(law, i), law.inner_shift_slope(i), law.inner_spread_slope(i)};
  } else {
    return {scale_slope(law, i), law.shift_slope(i), law.spread_slope(i)};
  }
}

}  // namespace detail

template <class L>
requires NormalLink<L> || PathwiseLocationScale<L> LinkedLaw linked_law() {
  LinkedLaw out{.at = detail::linked_at<L>, .slope = detail::linked_slope_at<L>};
  const auto reads = [&](const char* key, const Quantile& quantile) {
    const auto table = shared_table(key, quantile);
    out.standard = table_sampler(*table, 0, 1);
    out.table = table;
    out.median = quantile(0.5);
  };
  if constexpr (NormalLink<L>) {
    out.link = L::kLink;
    reads("normal", standard_normal_quantile);
  } else if constexpr (L::kStandard == "uniform") {
    out.standard = affine_sampler(0, 1);
    out.median = 0.5;
  } else {
    reads(std::string(L::kStandard).c_str(), L::standard_quantile);
  }
  return out;
}

}  // namespace scalemix::inline v0::law
