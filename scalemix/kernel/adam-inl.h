// One Adam update of a vector of numbers, on every SIMD target; optimiser.h has the formulas. Only
// operations that IEEE rounds exactly, never fused. Included once per target, after
// foreach_target.h.
#ifndef SCALEMIX_KERNEL_ADAM_STEP_
#define SCALEMIX_KERNEL_ADAM_STEP_
#include <cmath>

#include "scalemix/kernel/optimiser.h"

namespace scalemix::inline v0::kernel {
namespace {

/// The numbers of one step, rounded once to float.
struct AdamStep {
  float decay, scale, beta1, rest1, beta2, rest2, rate, root, eps;

  AdamStep(const Adam& o, std::uint64_t step, float scale)
      : decay(static_cast<float>(o.decay)),
        scale(scale),
        beta1(static_cast<float>(o.beta1)),
        rest1(static_cast<float>(1 - o.beta1)),
        beta2(static_cast<float>(o.beta2)),
        rest2(static_cast<float>(1 - o.beta2)),
        rate(static_cast<float>(o.lr / (1 - std::pow(o.beta1, static_cast<double>(step))))),
        root(static_cast<float>(1 / std::sqrt(1 - std::pow(o.beta2, static_cast<double>(step))))),
        eps(static_cast<float>(o.eps)) {}
};

}  // namespace
}  // namespace scalemix::inline v0::kernel
#endif

#if defined(SCALEMIX_KERNEL_ADAM_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef SCALEMIX_KERNEL_ADAM_INL_H_
#undef SCALEMIX_KERNEL_ADAM_INL_H_
#else
#define SCALEMIX_KERNEL_ADAM_INL_H_
#endif

#include "scalemix/kernel/lanes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace scalemix::inline v0::kernel::HWY_NAMESPACE {

/// Writes the moments and returns the number that w becomes; g before scale and decay.
HWY_INLINE VF adam_at(const AdamStep& s, VF g, VF w, float* m, float* v, std::size_t count) {
  const DF d;
  const VF gi = hn::Add(hn::Mul(g, set(s.scale)), hn::Mul(set(s.decay), w));
  const VF mi = hn::Add(hn::Mul(set(s.beta1), load(d, m, count)), hn::Mul(set(s.rest1), gi));
  const VF vi =
      hn::Add(hn::Mul(set(s.beta2), load(d, v, count)), hn::Mul(set(s.rest2), hn::Mul(gi, gi)));
  const VF below = hn::Add(hn::Mul(hn::Sqrt(vi), set(s.root)), set(s.eps));
  store(mi, d, m, count);
  store(vi, d, v, count);
  return hn::Sub(w, hn::Div(hn::Mul(set(s.rate), mi), below));
}

}  // namespace scalemix::inline v0::kernel::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
