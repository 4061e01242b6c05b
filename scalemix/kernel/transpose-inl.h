// A small matrix transposed, on every SIMD target. Included once per target, after
// foreach_target.h.
#if defined(SCALEMIX_KERNEL_TRANSPOSE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef SCALEMIX_KERNEL_TRANSPOSE_INL_H_
#undef SCALEMIX_KERNEL_TRANSPOSE_INL_H_
#else
#define SCALEMIX_KERNEL_TRANSPOSE_INL_H_
#endif

#include <cstddef>

#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace scalemix::inline v0::kernel::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

#if HWY_TARGET != HWY_SCALAR
/// A block's rows and columns.
template <std::size_t kSide>
struct Side {};

/// Four rows by four columns.
HWY_INLINE void transpose_block(Side<4>, const float* from, std::size_t from_stride, float* to,
                                std::size_t to_stride) {
  const hn::FixedTag<float, 4> d;
  const auto r0 = hn::LoadU(d, from), r1 = hn::LoadU(d, from + from_stride);
  const auto r2 = hn::LoadU(d, from + 2 * from_stride), r3 = hn::LoadU(d, from + 3 * from_stride);
  const auto even_low = hn::InterleaveLower(d, r0, r2), odd_low = hn::InterleaveLower(d, r1, r3);
  const auto even_high = hn::InterleaveUpper(d, r0, r2), odd_high = hn::InterleaveUpper(d, r1, r3);
  hn::StoreU(hn::InterleaveLower(d, even_low, odd_low), d, to);
  hn::StoreU(hn::InterleaveUpper(d, even_low, odd_low), d, to + to_stride);
  hn::StoreU(hn::InterleaveLower(d, even_high, odd_high), d, to + 2 * to_stride);
  hn::StoreU(hn::InterleaveUpper(d, even_high, odd_high), d, to + 3 * to_stride);
}
#endif

#if HWY_TARGET <= HWY_AVX2  // vectors of eight, of two blocks each
/// Four rows by eight columns: of `out` i the lower block is column i, the upper one column i + 4.
template <class D, class V>
HWY_INLINE void four_rows(D d, const float* from, std::size_t stride, V* out) {
  const V r0 = hn::LoadU(d, from), r1 = hn::LoadU(d, from + stride);
  const V r2 = hn::LoadU(d, from + 2 * stride), r3 = hn::LoadU(d, from + 3 * stride);
  const V even_low = hn::InterleaveLower(d, r0, r2), odd_low = hn::InterleaveLower(d, r1, r3);
  const V even_high = hn::InterleaveUpper(d, r0, r2), odd_high = hn::InterleaveUpper(d, r1, r3);
  out[0] = hn::InterleaveLower(d, even_low, odd_low);
  out[1] = hn::InterleaveUpper(d, even_low, odd_low);
  out[2] = hn::InterleaveLower(d, even_high, odd_high);
  out[3] = hn::InterleaveUpper(d, even_high, odd_high);
}

/// Eight rows by eight columns.
HWY_INLINE void transpose_block(Side<8>, const float* from, std::size_t from_stride, float* to,
                                std::size_t to_stride) {
  const hn::FixedTag<float, 8> d;
  hn::Vec<hn::FixedTag<float, 8>> first[4], second[4];
  four_rows(d, from, from_stride, first);
  four_rows(d, from + 4 * from_stride, from_stride, second);
  for (std::size_t i = 0; i < 4; ++i) {
    hn::StoreU(hn::ConcatLowerLower(d, second[i], first[i]), d, to + i * to_stride);
    hn::StoreU(hn::ConcatUpperUpper(d, second[i], first[i]), d, to + (i + 4) * to_stride);
  }
}
#endif

#if HWY_TARGET != HWY_SCALAR
/// Rows from r on, as long as kSide are left; returns the first that is not done.
template <std::size_t kSide>
HWY_INLINE std::size_t transpose_rows(std::size_t r, std::size_t rows, std::size_t columns,
                                      const float* from, std::size_t from_stride, float* to,
                                      std::size_t to_stride) {
  for (; r + kSide <= rows; r += kSide) {
    const float* a = from + r * from_stride;
    std::size_t c = 0;
    for (; c + kSide <= columns; c += kSide) {
      transpose_block(Side<kSide>(), a + c, from_stride, to + c * to_stride + r, to_stride);
    }
    for (; c < columns; ++c) {
      for (std::size_t k = 0; k < kSide; ++k) to[c * to_stride + r + k] = a[k * from_stride + c];
    }
  }
  return r;
}
#endif

/// to[c * to_stride + r] = from[r * from_stride + c]
HWY_INLINE void transpose(std::size_t rows, std::size_t columns, const float* from,
                          std::size_t from_stride, float* to, std::size_t to_stride) {
  std::size_t r = 0;
#if HWY_TARGET <= HWY_AVX2
  r = transpose_rows<8>(r, rows, columns, from, from_stride, to, to_stride);
#endif
#if HWY_TARGET != HWY_SCALAR
  r = transpose_rows<4>(r, rows, columns, from, from_stride, to, to_stride);
#endif
  for (; r < rows; ++r) {
    for (std::size_t c = 0; c < columns; ++c) to[c * to_stride + r] = from[r * from_stride + c];
  }
}

}  // namespace scalemix::inline v0::kernel::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
