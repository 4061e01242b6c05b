// A law compiled for kernels: a plain struct that turns a 32-bit word into a draw in float.
//
//   bernoulli   z = k < cut ? 0 : keep,  k = word >> 9
//   affine      z = shift + scale * u                      (uniform)
//   table       z = shift + scale * T(u), T piecewise cubic (every other continuous law)
//   steps       z = scale * i, i by walking a cdf table     (poisson)
//
// The table. Let m = 2 min(k, 2^23 - 1 - k) + 1, so that min(u, 1 - u) = m 2^-24 and m is exact in
// float. Its exponent and the first `split` bits of its mantissa number a segment: 2^split segments
// to an octave, 23 octaves on each side of u = 1/2, the lower side first. The other mantissa bits
// give the local variable v in [-2^-(split+1), 2^-(split+1)), exact. u takes 2^23 values, so the
// tails are covered to the last of them. Evaluation is Horner's with a multiply and an add, never
// fused, so every CPU target gives the same bits.
//
// Error against the double quantile Q: |z - Q(u)| <= kTableError * max(|Q(u)|, s), where s is 1 for
// a multiplier of mean 1 and the larger quartile in absolute value for a law without one. `split`
// is the least from kMinSplit on with which the law meets it.
#pragma once

#include <cstdint>

namespace scalemix::inline v0::law {

struct Sampler {
  enum class Kind : std::uint32_t { bernoulli, affine, table, steps };
  Kind kind = Kind::affine;
  std::uint32_t cut = 0;       // bernoulli: k below it drops
  float keep = 1;              // bernoulli: value of what is kept
  float shift = 1, scale = 0;  // affine, table, steps (scale alone)
  const float* table =
      nullptr;              // table: (2 * 23 * 2^split, 4) cubic coefficients, lowest power first
  std::uint32_t split = 0;  // table: log2 of the segments to an octave
  // steps: the draw is the least i with k < thresholds[i]; start[k >> 15] (256 of them) is where to
  // walk from
  const std::uint32_t* thresholds = nullptr;
  const std::uint32_t* start = nullptr;

  /// The draw of a word: the scalar form of what every SIMD target computes, bit for bit.
  float operator()(std::uint32_t word) const;
};

/// Bound on a table's error; see above.
inline constexpr double kTableError = 2e-6;
inline constexpr std::uint32_t kMinSplit = 4, kMaxSplit = 8;
inline constexpr std::uint32_t kOctaves = 23;

}  // namespace scalemix::inline v0::law
