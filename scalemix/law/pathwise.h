// How the multiplier m = z / E z (or z, where the mean is infinite or zero) moves with a parameter:
//
//   d m / d parameter = (dz E - z dE) / E^2
//
// for laws whose draw is an explicit function of u (law.h: Pathwise). As a function of u it is
// compiled like the draw itself, so that a kernel draws it in the same words of the stream.
#pragma once

#include <cmath>
#include <memory>
#include <span>
#include <string>

#include "scalemix/base/check.h"
#include "scalemix/law/compile.h"

namespace scalemix::inline v0::law {

template <Pathwise L>
double multiplier_slope(const L& law, std::size_t i, double u) {
  const double mean = law.mean(), dz = law.quantile_slope(i, u);
  if (!normalised(mean)) return dz;
  return (dz * mean - law.quantile(u) * law.mean_slope(i)) / (mean * mean);
}

/// Shift and spread of d m / d parameter i, of a law whose m is shift + spread * s.
struct LocationScaleSlope {
  double shift, spread;
};
template <PathwiseLocationScale L>
LocationScaleSlope multiplier_slope(const L& law, std::size_t i) {
  const double mean = law.mean(), shift = law.shift_slope(i), spread = law.spread_slope(i);
  if (!normalised(mean)) return {shift, spread};
  return {(shift * mean - law.shift() * law.mean_slope(i)) / (mean * mean),
          (spread * mean - law.spread() * law.mean_slope(i)) / (mean * mean)};
}

/// Exactly 0 where mean and spread move alike: the multiplier of rayleigh.
template <PathwiseLocationScale L>
double multiplier_slope(const L& law, std::size_t i, double u) {
  const LocationScaleSlope slope = multiplier_slope(law, i);
  return slope.shift + slope.spread * L::standard_quantile(u);
}

/// Draws of d m / d parameter i, or of dz / d parameter i, and the table they read.
struct CompiledSlope {
  Sampler sampler;
  std::shared_ptr<const void> table;
};

/// Throws std::domain_error where the slope is infinite: gaussian:alpha=0.
template <PathwiseLocationScale L>
CompiledSlope compile_slope(const L& law, std::span<const double> values, std::size_t i,
                            bool of_multiplier) {
  const LocationScaleSlope slope =
      of_multiplier ? multiplier_slope(law, i)
                    : LocationScaleSlope{law.shift_slope(i), law.spread_slope(i)};
  if (!std::isfinite(slope.spread)) {
    const std::string name(L::kParameters[i].name);
    fail<std::domain_error>(L::kName, name + " must be positive to be learned", values[i]);
  }
  if constexpr (L::kStandard == "uniform") {
    return {affine_sampler(slope.shift, slope.spread), nullptr};
  } else {
    auto table = shared_table(std::string(L::kStandard), L::standard_quantile);
    return {table_sampler(*table, slope.shift, slope.spread), table};
  }
}

/// With a table of its own for each law, parameter and set of values.
template <Pathwise L>
CompiledSlope compile_slope(const L& law, std::span<const double> values, std::size_t i,
                            bool of_multiplier) {
  const std::string of = of_multiplier ? " multiplier " : " draw ";
  auto table = shared_table(
      table_key(std::string(L::kName) + of + std::to_string(i), values), [&](double u) {
        return of_multiplier ? multiplier_slope(law, i, u) : law.quantile_slope(i, u);
      });
  return {table_sampler(*table, 0, 1), table};
}

}  // namespace scalemix::inline v0::law
