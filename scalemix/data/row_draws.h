// The random numbers of one generated row: a pure function of (seed, set, row).
#pragma once

#include <cmath>
#include <cstdint>
#include <numbers>

#include "scalemix/random/stream.h"

namespace scalemix::inline v0::data {

/// Sites of Purpose::generate.
enum class Generator : std::uint32_t { friedman1 = 1, moons = 2, glyphs = 3 };

/// Reads the uniforms of `row` in order; a row owns kPerRow elements of the stream.
class RowDraws {
 public:
  static constexpr std::uint64_t kPerRow = 1024;

  RowDraws(std::uint64_t seed, Generator set, std::uint64_t row)
      : stream_{seed, stream_id(Purpose::generate, static_cast<std::uint32_t>(set)), 0},
        element_(row * kPerRow) {}

  /// In (0, 1).
  double uniform() {
    if (element_ % 4 == 0) words_ = stream_.block(element_ / 4);
    return uniform_of(words_[element_++ % 4]);
  }

  double uniform(double low, double high) { return low + (high - low) * uniform(); }

  /// Standard normal by Box and Muller's transform; two uniforms each.
  double normal() {
    const double radius = std::sqrt(-2 * std::log(uniform()));
    return radius * std::cos(2 * std::numbers::pi * uniform());
  }

 private:
  Stream stream_;
  std::uint64_t element_;
  std::array<std::uint32_t, 4> words_{};
};

}  // namespace scalemix::inline v0::data
