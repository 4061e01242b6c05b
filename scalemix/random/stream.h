// The noise stream: a pure function of (seed, stream, draw, element).
//
// Philox4x32-10 (Salmon, Moraes, Dror & Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC
// 2011) with
//
//   key     = (low, high half of seed)
//   counter = (low, high half of element / 4, stream, draw)
//
// Word element % 4 of that block belongs to the element. A uniform is u = ((word >> 9) + 0.5)
// 2^-23, in the open interval (0, 1), the same number in float and double. So noise does not depend
// on threads, vector width, chunks or ranks; a backward pass redraws it and stores nothing.
#pragma once

#include <array>
#include <cstdint>

namespace scalemix::inline v0 {

/// Who reads a stream: the upper 4 bits of its number.
enum class Purpose : std::uint32_t { train, predict, init, shuffle, augment, generate };

/// Stream number of a noise site (28 bits) for a purpose. Throws std::domain_error if site >= 2^28.
std::uint32_t stream_id(Purpose purpose, std::uint32_t site);

/// One Philox4x32-10 block.
std::array<std::uint32_t, 4> philox(std::array<std::uint32_t, 4> counter,
                                    std::array<std::uint32_t, 2> key);

/// The uniform of a word, in (0, 1): 23 bits, exact in float.
constexpr double uniform_of(std::uint32_t word) { return ((word >> 9) + 0.5) * 0x1p-23; }

struct Stream {
  std::uint64_t seed = 0;
  std::uint32_t stream = 0;  // from stream_id
  std::uint32_t draw = 0;    // training step or Monte-Carlo sample

  /// The four words of elements 4 * index ... 4 * index + 3.
  std::array<std::uint32_t, 4> block(std::uint64_t index) const;
  std::uint32_t word(std::uint64_t element) const;
  double uniform(std::uint64_t element) const { return uniform_of(word(element)); }
};

}  // namespace scalemix::inline v0
