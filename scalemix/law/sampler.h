// A law compiled for kernels: a plain struct that turns a 32-bit word into a draw in float.
//
//   bernoulli   z = (word >> 9) < cut ? 0 : keep
//   affine      z = shift + scale * u                      (uniform)
//   table       z = piecewise cubic in u                   (every other continuous law)
//   steps       z = scale * k, k by walking a cdf table    (poisson)
//
// The table's segments are 16 to an octave of min(u, 1 - u), 23 octaves on each side: u takes 2^23 values, so
// the tails are covered to the last. Evaluation uses multiply and add, never fused, so every CPU target gives
// the same bits. Error against the double quantile: |T(u) - Q(u)| <= kTableError * max(|Q(u)|, scale of the
// law), tested for every law on every segment.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

namespace scalemix::inline v0::law {

struct Sampler {
  enum class Kind : std::uint32_t { bernoulli, affine, table, steps };
  Kind kind = Kind::affine;
  std::uint32_t cut = 0;               // bernoulli: (word >> 9) below it drops
  float keep = 1;                      // bernoulli: value of what is kept
  float shift = 0, scale = 1;          // affine, steps; table: z = shift + scale * T(u)
  const float* table = nullptr;        // table: (2 * 23 * 16, 4) cubic coefficients, lowest power first
  // steps: cdf thresholds on (word >> 9) and where to start walking; see sampler.cc
  const std::uint32_t* thresholds = nullptr;
  const std::uint32_t* start = nullptr;

  /// The draw of a word: the scalar form of what every SIMD target computes, bit for bit.
  float operator()(std::uint32_t word) const;
};

/// Bound on a table's error; see above.
inline constexpr double kTableError = 2e-6;

}  // namespace scalemix::inline v0::law
