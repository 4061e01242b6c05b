// exp and log for the weight loops: half of Highway's cost, for arguments that weights have. The
// polynomials are those of Cephes' expf and logf (S. Moshier, netlib). Included once per target,
// after foreach_target.h.
#if defined(SCALEMIX_KERNEL_QUICK_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef SCALEMIX_KERNEL_QUICK_INL_H_
#undef SCALEMIX_KERNEL_QUICK_INL_H_
#else
#define SCALEMIX_KERNEL_QUICK_INL_H_
#endif

#include "scalemix/kernel/lanes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace scalemix::inline v0::kernel::HWY_NAMESPACE {

/// e^x within 3e-7 relative; infinite above 88.37, 0 below -87.68, NaN for NaN.
HWY_INLINE VF quick_exp(VF x) {
  const DF d;
  const hn::RebindToSigned<DF> di;
  // Adding 1.5 * 2^23 rounds to a whole number, which then stands in the lowest bits.
  const VF bounded = hn::Min(hn::Max(x, set(-88)), set(89)), magic = set(12582912.0f + 127);
  const VF shifted = hn::MulAdd(bounded, set(1.44269504f), magic);
  const VF power = hn::BitCast(d, hn::ShiftLeft<23>(hn::BitCast(di, shifted)));
  const VF k = hn::Sub(shifted, magic);
  const VF r = hn::NegMulAdd(k, set(-2.12194440e-4f), hn::NegMulAdd(k, set(0.693359375f), bounded));
  const VF r2 = hn::Mul(r, r);
  const VF low = hn::MulAdd(set(1.6666665459e-1f), r, set(5.0000001201e-1f));
  const VF middle = hn::MulAdd(set(8.3334519073e-3f), r, set(4.1665795894e-2f));
  const VF high = hn::MulAdd(set(1.9875691500e-4f), r, set(1.3981999507e-3f));
  const VF p = hn::MulAdd(hn::MulAdd(high, r2, middle), r2, low);
  const VF y = hn::Mul(hn::MulAdd(p, r2, hn::Add(r, set(1))), power);
  return hn::IfThenElse(hn::IsNaN(x), x, y);
}

/// log x within 3e-7 (1 + |log x|) for normal x > 0; infinity as 2^128, NaN for NaN.
HWY_INLINE VF quick_log(VF x) {
  const DF d;
  const hn::RebindToSigned<DF> di;
  // x = m 2^e with m in [sqrt 1/2, sqrt 2), f = m - 1
  const auto bits = hn::BitCast(di, x);
  const auto e = hn::ShiftRight<23>(hn::Sub(bits, hn::Set(di, 0x3F3504F3)));
  const VF k = hn::ConvertTo(d, e);
  const VF f = hn::Sub(hn::BitCast(d, hn::Sub(bits, hn::ShiftLeft<23>(e))), set(1));
  const VF f2 = hn::Mul(f, f), f4 = hn::Mul(f2, f2);
  const VF a = hn::MulAdd(set(-2.4999993993e-1f), f, set(3.3333331174e-1f));
  const VF b = hn::MulAdd(set(-1.6668057665e-1f), f, set(2.0000714765e-1f));
  const VF c = hn::MulAdd(set(-1.2420140846e-1f), f, set(1.4249322787e-1f));
  const VF g = hn::MulAdd(set(-1.1514610310e-1f), f, set(1.1676998740e-1f));
  const VF low = hn::MulAdd(b, f2, a),
           high = hn::MulAdd(hn::MulAdd(set(7.0376836292e-2f), f2, g), f2, c);
  const VF p = hn::Mul(hn::MulAdd(high, f4, low), hn::Mul(f2, f));
  const VF tail = hn::MulAdd(k, set(-2.12194440e-4f), p);
  const VF y = hn::MulAdd(k, set(0.693359375f), hn::Add(hn::MulAdd(set(-0.5f), f2, tail), f));
  return hn::IfThenElse(hn::IsNaN(x), x, y);
}

}  // namespace scalemix::inline v0::kernel::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
