// What the float kernels share on every SIMD target: loads and stores whose last vector may be
// partial, exp and log that keep NaN, a sum in double. Included once per target, after
// foreach_target.h.
#if defined(SCALEMIX_KERNEL_LANES_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef SCALEMIX_KERNEL_LANES_INL_H_
#undef SCALEMIX_KERNEL_LANES_INL_H_
#else
#define SCALEMIX_KERNEL_LANES_INL_H_
#endif

#include <cstddef>

#include "hwy/contrib/math/math-inl.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace scalemix::inline v0::kernel::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using DF = hn::ScalableTag<float>;
using VF = hn::Vec<DF>;

/// The first `count` (at most a vector) of p; the lanes beyond hold 0.
HWY_INLINE VF load(DF d, const float* p, std::size_t count) {
  const std::size_t lanes = hn::Lanes(d);
  if (HWY_LIKELY(count >= lanes)) return hn::LoadU(d, p);
  HWY_ALIGN float part[HWY_MAX_BYTES / sizeof(float)] = {};
  for (std::size_t i = 0; i < count; ++i) part[i] = p[i];
  return hn::Load(d, part);
}

HWY_INLINE void store(VF v, DF d, float* p, std::size_t count) {
  if (HWY_LIKELY(count >= hn::Lanes(d))) return hn::StoreU(v, d, p);
  HWY_ALIGN float part[HWY_MAX_BYTES / sizeof(float)];
  hn::Store(v, d, part);
  for (std::size_t i = 0; i < count; ++i) p[i] = part[i];
}

/// Runs body(i, count) for i = 0, lanes, 2 lanes, ...; count is how many of the n remain.
template <class Body>
HWY_INLINE void for_lanes(DF d, std::size_t n, const Body& body) {
  for (std::size_t i = 0; i < n; i += hn::Lanes(d)) body(i, n - i);
}

HWY_INLINE VF set(float v) { return hn::Set(DF(), v); }

/// e^x to 1 ulp of Highway's Exp; infinite above 88.73, NaN for NaN.
HWY_INLINE VF exp(DF d, VF x) {
  // Exp is specified up to 104, and takes NaN to 0.
  const VF bounded = hn::IfThenElse(hn::Gt(x, set(100)), set(100), x);
  return hn::IfThenElse(hn::IsNaN(x), x, hn::Exp(d, bounded));
}

/// log x for x > 0, NaN for NaN.
HWY_INLINE VF log(DF d, VF x) { return hn::IfThenElse(hn::IsNaN(x), x, hn::Log(d, x)); }

/// x within [lo, hi], NaN for NaN.
HWY_INLINE VF clip(VF x, VF lo, VF hi) {
  return hn::IfThenElse(hn::Lt(x, lo), lo, hn::IfThenElse(hn::Gt(x, hi), hi, x));
}

// The two halves of a float vector in double; one lane has no upper half.
#if HWY_TARGET == HWY_SCALAR
using DD = hn::Rebind<double, DF>;
HWY_INLINE hn::Vec<DD> low_half(VF v) { return hn::PromoteTo(DD(), v); }
HWY_INLINE hn::Vec<DD> high_half(VF) { return hn::Zero(DD()); }
#else
using DD = hn::RepartitionToWide<DF>;
HWY_INLINE hn::Vec<DD> low_half(VF v) {
  return hn::PromoteTo(DD(), hn::LowerHalf(hn::Half<DF>(), v));
}
HWY_INLINE hn::Vec<DD> high_half(VF v) {
  return hn::PromoteTo(DD(), hn::UpperHalf(hn::Half<DF>(), v));
}
#endif

/// Sums float vectors, or their squares, lane by lane in double.
class DoubleSum {
 public:
  HWY_INLINE DoubleSum() : low_(hn::Zero(DD())), high_(hn::Zero(DD())) {}
  HWY_INLINE void add(DF d, VF v, std::size_t count) {
    if (count < hn::Lanes(d)) v = hn::IfThenElseZero(hn::FirstN(d, count), v);
    low_ = hn::Add(low_, low_half(v));
    high_ = hn::Add(high_, high_half(v));
  }
  HWY_INLINE void add_square(VF v) {
    const auto a = low_half(v), b = high_half(v);
    low_ = hn::Add(low_, hn::Mul(a, a));
    high_ = hn::Add(high_, hn::Mul(b, b));
  }
  HWY_INLINE double total() const {
    return hn::GetLane(hn::SumOfLanes(DD(), hn::Add(low_, high_)));
  }

 private:
  hn::Vec<DD> low_, high_;
};

}  // namespace scalemix::inline v0::kernel::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
