// Arcs in double for the pair maps, on four vectors at a time so that one's polynomial runs while
// another's waits. Included once per target, after foreach_target.h.
//
// With v = (1 - y)/2 = sin^2(h/2), y = cos h >= 0, both functions below are analytic in v up to
// v = 1:
//
//   h             = 2 sqrt(v) P(v)        P(v) = asin(sqrt v) / sqrt v
//   sin h - h y   = v sqrt(v) R(v)        no digit is lost as h goes to 0
//
// The polynomials interpolate P and R at Chebyshev points of [0, 1/2] ([0, 1/4] for the arcsine),
// found in 50 digits; relative error 6e-17, 1.3e-16 and 6e-17 before rounding.
#if defined(SCALEMIX_KERNEL_ARC_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef SCALEMIX_KERNEL_ARC_INL_H_
#undef SCALEMIX_KERNEL_ARC_INL_H_
#else
#define SCALEMIX_KERNEL_ARC_INL_H_
#endif

#include <cstddef>
#include <numbers>

#include "hwy/contrib/math/math-inl.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace scalemix::inline v0::kernel::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using DD4 = hn::ScalableTag<double>;
using VD = hn::Vec<DD4>;

HWY_INLINE VD wide(double x) { return hn::Set(DD4(), x); }

/// Four vectors.
struct VQ {
  VD a, b, c, d;
};

HWY_INLINE VQ load_quad(const double* p) {
  const DD4 t;
  const std::size_t n = hn::Lanes(t);
  return {hn::LoadU(t, p), hn::LoadU(t, p + n), hn::LoadU(t, p + 2 * n), hn::LoadU(t, p + 3 * n)};
}
HWY_INLINE void store_quad(const VQ& x, double* p) {
  const DD4 t;
  const std::size_t n = hn::Lanes(t);
  hn::StoreU(x.a, t, p);
  hn::StoreU(x.b, t, p + n);
  hn::StoreU(x.c, t, p + 2 * n);
  hn::StoreU(x.d, t, p + 3 * n);
}

HWY_INLINE VQ all(double x) {
  const VD v = wide(x);
  return {v, v, v, v};
}

/// f of each vector, or of each pair or triple of them.
template <class F>
HWY_INLINE VQ each(const F& f, const VQ& x) {
  return {f(x.a), f(x.b), f(x.c), f(x.d)};
}
template <class F>
HWY_INLINE VQ each(const F& f, const VQ& x, const VQ& y) {
  return {f(x.a, y.a), f(x.b, y.b), f(x.c, y.c), f(x.d, y.d)};
}
template <class F>
HWY_INLINE VQ each(const F& f, const VQ& x, const VQ& y, const VQ& z) {
  return {f(x.a, y.a, z.a), f(x.b, y.b, z.b), f(x.c, y.c, z.c), f(x.d, y.d, z.d)};
}

HWY_INLINE VQ mul(const VQ& x, const VQ& y) {
  return {hn::Mul(x.a, y.a), hn::Mul(x.b, y.b), hn::Mul(x.c, y.c), hn::Mul(x.d, y.d)};
}
HWY_INLINE VQ mul(const VQ& x, VD y) { return mul(x, VQ{y, y, y, y}); }
HWY_INLINE VQ mul_add(const VQ& x, const VQ& y, const VQ& z) {
  return {hn::MulAdd(x.a, y.a, z.a), hn::MulAdd(x.b, y.b, z.b), hn::MulAdd(x.c, y.c, z.c),
          hn::MulAdd(x.d, y.d, z.d)};
}
HWY_INLINE VQ mul_add(const VQ& x, VD y, const VQ& z) { return mul_add(x, VQ{y, y, y, y}, z); }
HWY_INLINE VQ mul_add(const VQ& x, VD y, VD z) {
  return mul_add(x, VQ{y, y, y, y}, VQ{z, z, z, z});
}
HWY_INLINE VQ root(const VQ& x) {
  return {hn::Sqrt(x.a), hn::Sqrt(x.b), hn::Sqrt(x.c), hn::Sqrt(x.d)};
}

/// c[0] + c[1] x + ..., even and odd powers apart: eight chains keep two multipliers busy.
template <std::size_t kN>
HWY_INLINE VQ polynomial(const double (&c)[kN], const VQ& x) {
  static_assert(kN % 2 == 1);
  const VQ x2 = mul(x, x);
  VQ even = all(c[kN - 1]), odd = all(c[kN - 2]);
  HWY_UNROLL(16)
  for (std::size_t i = kN - 1; i > 2; i -= 2) {
    even = mul_add(even, x2, all(c[i - 2]));
    odd = mul_add(odd, x2, all(c[i - 3]));
  }
  return mul_add(odd, x, mul_add(even, x2, all(c[0])));
}

/// Two polynomials of one argument, side by side for the same reason.
template <std::size_t kN, std::size_t kM>
HWY_INLINE void polynomials(const double (&c)[kN], const double (&d)[kM], const VQ& x, VQ& in_c,
                            VQ& in_d) {
  static_assert(kN >= kM);
  in_c = all(c[kN - 1]);
  HWY_UNROLL(8)
  for (std::size_t i = kN - 1; i >= kM; --i) in_c = mul_add(in_c, x, all(c[i - 1]));
  in_d = all(d[kM - 1]);
  HWY_UNROLL(32)
  for (std::size_t i = kM - 1; i > 0; --i) {
    in_c = mul_add(in_c, x, all(c[i - 1]));
    in_d = mul_add(in_d, x, all(d[i - 1]));
  }
}

inline constexpr double kHalfArc[] = {1.0,
                                      0.1666666666666666,
                                      0.07500000000008983,
                                      0.04464285712358516,
                                      0.030381946078023858,
                                      0.022372086303686842,
                                      0.017354730668996843,
                                      0.013929824301362788,
                                      0.011985559032731258,
                                      0.0058919623838489124,
                                      0.033823977477227554,
                                      -0.1174784139555458,
                                      0.46581061083892006,
                                      -1.258681300394588,
                                      2.573508064401593,
                                      -3.7415993002001366,
                                      3.7316474816315224,
                                      -2.277990489441633,
                                      0.6629475548369097};

inline constexpr double kSegment[] = {
    2.666666666666667,    0.26666666666657834,   0.08571428573118013,  0.03968253840773446,
    0.022096010048614764, 0.013766275777802872,  0.009273755767161307, 0.006365949372134689,
    0.006461097077025116, -0.005328228873708384, 0.04068729695140755,  -0.11392743686087785,
    0.2631427842651784,   -0.41633102747908196,  0.4546305248998232,   -0.300495500597926,
    0.09604936916684612};

inline constexpr double kQuarterArc[] = {1.0,
                                         0.1666666666666665,
                                         0.07500000000020764,
                                         0.044642857103423646,
                                         0.03038194736709848,
                                         0.02237204763174451,
                                         0.017355259955786323,
                                         0.013929652902326633,
                                         0.011875494382636922,
                                         0.0078029494773533175,
                                         0.01603551434914882,
                                         -0.010749050339697808,
                                         0.028169218060881414};

/// sin h - h cos h, and h / 2 where it is asked for, by y = cos h in [0, 1]. A y that rounding put
/// above 1 counts as 1.
template <bool kAngle>
struct Arc {
  VQ segment, half_angle;

  HWY_INLINE explicit Arc(const VQ& y) {
    const VD half = wide(0.5), zero = hn::Zero(DD4());
    const VQ v =
        each([=](VD x) HWY_ATTR { return hn::Max(hn::NegMulAdd(x, half, half), zero); }, y);
    const VQ root_v = root(v);
    if (kAngle) {
      polynomials(kHalfArc, kSegment, v, half_angle, segment);
      half_angle = mul(root_v, half_angle);
    } else {
      segment = polynomial(kSegment, v);
    }
    segment = mul(mul(v, root_v), segment);
  }
};

/// arcsin x, for |x| <= 1: within 2 ulp.
HWY_INLINE VQ arcsine(const VQ& x) {
  const VD half = wide(0.5), zero = hn::Zero(DD4()), quarter_turn = wide(std::numbers::pi / 2);
  const VQ y = each([](VD a) HWY_ATTR { return hn::Abs(a); }, x);
  const VQ v = each(
      [=](VD a) HWY_ATTR {
        const VD far = hn::Max(hn::NegMulAdd(a, half, half), zero);
        return hn::IfThenElse(hn::Gt(a, half), far, hn::Mul(a, a));
      },
      y);
  const VQ p = mul(root(v), polynomial(kQuarterArc, v));
  return each(
      [=](VD a, VD s, VD arc) HWY_ATTR {
        const VD far = hn::NegMulAdd(wide(2), arc, quarter_turn);
        return hn::CopySignToAbs(hn::IfThenElse(hn::Gt(a, half), far, arc), s);
      },
      y, x, p);
}

}  // namespace scalemix::inline v0::kernel::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
