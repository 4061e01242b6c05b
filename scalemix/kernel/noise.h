// Noise at a site: multiply (or shift) by draws of a law, redrawn from the stream, never stored.
//
//   x, y (rows, columns, inner)   y = x * z(row, column)   or   y = x + z(row, column)
//
//   unit     columns = C * H * W, inner = 1
//   channel  columns = C,         inner = H * W
//   layer    columns = 1,         inner = all
//   weight   rows = 1, columns = O * I
//
// The element in the stream is row number * width + logical column. The adjoint of multiply is
// multiply with the same stream, so a backward pass is the same call on dy; the adjoint of add is
// the identity.
#pragma once

#include <cstddef>
#include <cstdint>

#include "scalemix/law/sampler.h"
#include "scalemix/random/stream.h"

namespace scalemix::inline v0::kernel {

struct Site {
  std::size_t rows = 1, columns = 1, inner = 1;
  std::uint64_t row0 = 0;   // position of the first row in the global batch
  std::uint64_t width = 0;  // logical columns; 0: the same as columns
  const std::int64_t* logical =
      nullptr;  // (columns) logical number of each column; null: 0, 1, 2, ...
  // Rows in groups of so many, whose first rows are `stride` apart; 0: one group.
  std::size_t group = 0;
  std::uint64_t stride = 0;

  /// The number of row r in the global batch.
  std::uint64_t row(std::size_t r) const {
    return row0 + (group ? r / group * stride + r % group : r);
  }
};

enum class Combine { multiply, add };

/// y == x is allowed, partial overlap is not. Threads over fixed tiles; allocates nothing.
void noise(const law::Sampler& sampler, const Stream& stream, const Site& site, Combine combine,
           const float* x, float* y);

/// Bernoulli noise with one bit per number next to it, from which the backward pass is cheaper than from new
/// draws: set where x was kept. For sites of one value per draw, columns in order, that begin at an
/// element divisible by four.
bool has_bits(const law::Sampler& sampler, const Site& site);
/// Bytes for the bits of n numbers, a vector's reach beyond them included.
constexpr std::size_t bit_bytes(std::size_t n) { return (n + 7) / 8 + 8; }
/// y = x * z as noise() has it; bits (bit_bytes(rows * columns)).
void noise_with_bits(const law::Sampler& sampler, const Stream& stream, const Site& site,
                     const float* x, float* y, std::uint8_t* bits);
/// y (n) = x * z again, from the bits.
void noise_from_bits(const law::Sampler& sampler, std::size_t n, const std::uint8_t* bits,
                     const float* x, float* y);

/// Sum over the site of dy * x * slope, or dy * slope where x is null: the gradient by a parameter
/// of the law, whose AnyLaw::multiplier_slopes, or raw_slopes for additive noise, is `slope`.
/// Summed in double over fixed tiles; the number of threads changes no bit.
double noise_slope(const law::Sampler& slope, const Stream& stream, const Site& site,
                   const float* dy, const float* x);

/// The draws themselves: z (rows, columns); `inner` is not used.
void draws(const law::Sampler& sampler, const Stream& stream, const Site& site, float* z);

/// y (places, inner) = x * z, z (places) drawn before; y may be x.
void multiply_draws(std::size_t places, std::size_t inner, const float* z, const float* x,
                    float* y);

namespace ref {
/// The specification, one element at a time. T is float or double.
template <class T>
void noise(const law::Sampler& sampler, const Stream& stream, const Site& site, Combine combine,
           const T* x, T* y) {
  const std::uint64_t width = site.width ? site.width : site.columns;
  for (std::size_t r = 0; r < site.rows; ++r) {
    for (std::size_t c = 0; c < site.columns; ++c) {
      const std::uint64_t column = site.logical ? site.logical[c] : c;
      const T z = sampler(stream.word(site.row(r) * width + column));
      for (std::size_t k = 0; k < site.inner; ++k) {
        const std::size_t i = (r * site.columns + c) * site.inner + k;
        y[i] = combine == Combine::multiply ? x[i] * z : x[i] + z;
      }
    }
  }
}

template <class T>
double noise_slope(const law::Sampler& slope, const Stream& stream, const Site& site, const T* dy,
                   const T* x) {
  const std::uint64_t width = site.width ? site.width : site.columns;
  double sum = 0;
  for (std::size_t i = 0; i < site.rows * site.columns * site.inner; ++i) {
    const std::size_t place = i / site.inner, r = place / site.columns, c = place % site.columns;
    const std::uint64_t column = site.logical ? site.logical[c] : c;
    const double each = slope(stream.word(site.row(r) * width + column));
    sum += each * dy[i] * (x ? x[i] : 1);
  }
  return sum;
}
}  // namespace ref

}  // namespace scalemix::inline v0::kernel
