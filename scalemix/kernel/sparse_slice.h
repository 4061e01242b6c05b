// Up to 64 numbers, most of them zero, and the sizes of what is summed over them.
#pragma once

#include <cstddef>
#include <cstdint>

namespace scalemix::inline v0::kernel {

inline constexpr std::size_t kSlice = 64;                      // numbers that a word of bits marks
inline constexpr std::size_t kPanel = 64, kHalf = kPanel / 2;  // sums that stay in registers; of
                                                               // both moments half each

/// Some numbers of a row or a column, at most kSlice. What a set bit marks counts: `change` for the
/// mean, `square` for the variance, which may be null where there is none.
struct SparseSlice {
  std::uint64_t bits;
  const float *change, *square;
};

}  // namespace scalemix::inline v0::kernel
