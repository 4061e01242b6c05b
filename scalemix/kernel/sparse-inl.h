// What the kernels that leave zeros out share: marking what is not zero, and sums over what is
// marked. Included once per target, after foreach_target.h.
#if defined(SCALEMIX_KERNEL_SPARSE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef SCALEMIX_KERNEL_SPARSE_INL_H_
#undef SCALEMIX_KERNEL_SPARSE_INL_H_
#else
#define SCALEMIX_KERNEL_SPARSE_INL_H_
#endif

#include <bit>
#include <cstddef>
#include <cstdint>

#include "scalemix/kernel/lanes-inl.h"
#include "scalemix/kernel/sparse_slice.h"

HWY_BEFORE_NAMESPACE();
namespace scalemix::inline v0::kernel::HWY_NAMESPACE {

/// The bits of `count` numbers, at most 64, that are not zero.
HWY_INLINE std::uint64_t marks(const float* values, std::size_t count) {
  const DF d;
  std::uint64_t bits = 0;
  for_lanes(d, count, [&](std::size_t i, std::size_t rest) HWY_ATTR {
    std::uint8_t bytes[8] = {};  // Highway writes up to eight
    const auto same = hn::Eq(load(d, values + i, rest), hn::Zero(d));
    hn::StoreMaskBits(d, hn::Not(same), bytes);  // not Ne, which NaN fails
    bits |= (bytes[0] | std::uint64_t{bytes[1]} << 8) << i;
  });
  return bits;
}

/// A panel's sums: two halves, of the two moments or of neighbouring numbers.
template <bool kMoments>
class Sums {
 public:
  /// Begins at 0, or goes on from what was stored.
  HWY_INLINE Sums(bool begin, const float* stored) {
    for (std::size_t v = 0; v < kVectors; ++v) {
      sum_[v] = begin ? hn::Zero(DF()) : hn::LoadU(DF(), stored + v * lanes());
    }
  }
  HWY_INLINE void store(float* to) const {
    for (std::size_t v = 0; v < kVectors; ++v) hn::StoreU(sum_[v], DF(), to + v * lanes());
  }
  /// The gradient of x, whose numbers and squares met the halves: the first half + 2 x times the
  /// second, or the sums themselves.
  HWY_INLINE void store_gradient(const float* x, float* to) const {
    if (!kMoments) return store(to);
    for (std::size_t v = 0; v < kVectors / 2; ++v) {
      const VF once = hn::LoadU(DF(), x + v * lanes());
      hn::StoreU(hn::MulAdd(hn::Add(once, once), sum_[kVectors / 2 + v], sum_[v]), DF(),
                 to + v * lanes());
    }
  }
  /// Adds row i of the panel, as often as bit i of the slice says.
  HWY_INLINE void add(const SparseSlice& slice, const float* panel) {
    for (std::uint64_t bits = slice.bits; bits != 0; bits &= bits - 1) {
      const auto i = static_cast<std::size_t>(std::countr_zero(bits));
      add(slice.change[i], kMoments ? slice.square[i] : 0, panel + i * kPanel);
    }
  }
  HWY_INLINE void add(float x, float square, const float* panel) {
    const VF first = set(x), second = kMoments ? set(square) : first;
    for (std::size_t v = 0; v < kVectors; ++v) {
      const VF other = hn::LoadU(DF(), panel + v * lanes());
      sum_[v] = hn::MulAdd(v < kVectors / 2 ? first : second, other, sum_[v]);
    }
  }

 private:
  static constexpr std::size_t lanes() { return hn::MaxLanes(DF()); }
  static constexpr std::size_t kVectors = kPanel / hn::MaxLanes(DF());
  VF sum_[kVectors];
};

}  // namespace scalemix::inline v0::kernel::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
