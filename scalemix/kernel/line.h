// A line of the caches: what memory is fetched and aligned by.
#pragma once

#include <cstddef>
#include <cstdint>

namespace scalemix::inline v0::kernel {

inline constexpr std::size_t kLineFloats = 16;

/// As many floats as whole lines hold, `floats` at least.
constexpr std::size_t whole_lines(std::size_t floats) {
  return (floats + kLineFloats - 1) / kLineFloats * kLineFloats;
}

/// The first float at or behind `p` that begins a line.
inline float* line_start(float* p) {
  const std::size_t past = reinterpret_cast<std::uintptr_t>(p) / sizeof(float) % kLineFloats;
  return p + (kLineFloats - past) % kLineFloats;
}

}  // namespace scalemix::inline v0::kernel
