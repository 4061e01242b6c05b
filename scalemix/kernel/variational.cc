// The SIMD half of variational.h, compiled once per instruction set.
#include "scalemix/kernel/variational.h"

#ifndef HWY_COMPILE_ALL_ATTAINABLE
#define HWY_COMPILE_ALL_ATTAINABLE  // the scalar target too, which tests compare the others with
#endif
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "scalemix/kernel/variational.cc"
#include "hwy/foreach_target.h"  // must precede highway.h
#include "hwy/highway.h"
#include "scalemix/kernel/lanes-inl.h"
#include "scalemix/kernel/target.h"
#include "scalemix/kernel/tiles.h"

HWY_BEFORE_NAMESPACE();
namespace scalemix::inline v0::kernel::HWY_NAMESPACE {
namespace {

HWY_INLINE VF square_eps(VF w) { return hn::Add(hn::Mul(w, w), set(kSquareEps)); }

HWY_INLINE VF unclipped(DF d, VF square, VF log_sigma2) {
  return hn::Sub(log_sigma2, log(d, square));
}

HWY_INLINE VF clipped(VF log_alpha) {
  return clip(log_alpha, set(-kLogAlphaClip), set(kLogAlphaClip));
}

/// e^-(k2 + k3 log_alpha): s = 1 / (1 + it) and 1 - s = it / (1 + it), without cancellation.
HWY_INLINE VF odds(DF d, VF log_alpha) {
  const VF t = hn::Mul(log_alpha, set(static_cast<float>(-kSvdoK3)));
  return exp(d, hn::Sub(t, set(static_cast<float>(kSvdoK2))));
}

double terms_tile(std::size_t n, const float* w, const float* log_sigma2, float* sigma2) {
  const DF d;
  const VF one = set(1), half = set(0.5f), k1 = set(static_cast<float>(kSvdoK1));
  DoubleSum sum;
  for_lanes(d, n, [&](std::size_t i, std::size_t count) HWY_ATTR {
    const VF ls = load(d, log_sigma2 + i, count);
    const VF la = clipped(unclipped(d, square_eps(load(d, w + i, count)), ls));
    const VF e = odds(d, la);
    const VF fit = hn::Mul(k1, hn::Div(e, hn::Add(one, e)));
    const VF softplus = hn::Log1p(d, exp(d, hn::Neg(la)));
    sum.add(d, hn::Add(fit, hn::Mul(half, softplus)), count);
    store(exp(d, ls), d, sigma2 + i, count);
  });
  return sum.total();
}

void terms_backward_tile(std::size_t n, const float* w, const float* log_sigma2,
                         const float* dsigma2, float dpenalty, float* dw, float* dlog_sigma2) {
  const DF d;
  const VF one = set(1), clip_at = set(kLogAlphaClip);
  const VF k13 = set(static_cast<float>(kSvdoK1 * kSvdoK3));
  for_lanes(d, n, [&](std::size_t i, std::size_t count) HWY_ATTR {
    const VF wi = load(d, w + i, count), ls = load(d, log_sigma2 + i, count);
    const VF square = square_eps(wi), la = unclipped(d, square, ls);
    const VF e = odds(d, clipped(la)), a = exp(d, hn::Neg(clipped(la)));
    const VF below = hn::Add(one, e);
    const VF slope = hn::Add(hn::Mul(k13, hn::Div(e, hn::Mul(below, below))),
                             hn::Mul(set(0.5f), hn::Div(a, hn::Add(one, a))));
    const auto flat = hn::Gt(hn::Abs(la), clip_at);
    const VF dla = hn::IfThenZeroElse(flat, hn::Mul(set(-dpenalty), slope));
    const VF to_w = hn::Div(hn::Mul(set(-2), wi), square);
    VF dls = hn::Add(load(d, dlog_sigma2 + i, count), dla);
    if (dsigma2) dls = hn::Add(dls, hn::Mul(load(d, dsigma2 + i, count), exp(d, ls)));
    store(hn::Add(load(d, dw + i, count), hn::Mul(dla, to_w)), d, dw + i, count);
    store(dls, d, dlog_sigma2 + i, count);
  });
}

void log_alpha_tile(std::size_t n, const float* w, const float* log_sigma2, float* out) {
  const DF d;
  for_lanes(d, n, [&](std::size_t i, std::size_t count) HWY_ATTR {
    const VF square = square_eps(load(d, w + i, count));
    store(clipped(unclipped(d, square, load(d, log_sigma2 + i, count))), d, out + i, count);
  });
}

}  // namespace
}  // namespace scalemix::inline v0::kernel::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace scalemix::inline v0::kernel {

HWY_EXPORT(terms_tile);
HWY_EXPORT(terms_backward_tile);
HWY_EXPORT(log_alpha_tile);

double svdo_terms(std::size_t n, const float* w, const float* log_sigma2, float* sigma2) {
  init_target();
  return sum_tiles(n, [&](std::size_t i, std::size_t count) {
    return HWY_DYNAMIC_DISPATCH(terms_tile)(count, w + i, log_sigma2 + i, sigma2 + i);
  });
}

void svdo_terms_backward(std::size_t n, const float* w, const float* log_sigma2,
                         const float* dsigma2, double dpenalty, float* dw, float* dlog_sigma2) {
  init_target();
  const float dp = static_cast<float>(dpenalty);
  for_tiles(n, [&](std::size_t i, std::size_t count) {
    HWY_DYNAMIC_DISPATCH(terms_backward_tile)
    (count, w + i, log_sigma2 + i, dsigma2 ? dsigma2 + i : nullptr, dp, dw + i, dlog_sigma2 + i);
  });
}

void log_alpha(std::size_t n, const float* w, const float* log_sigma2, float* out) {
  init_target();
  for_tiles(n, [&](std::size_t i, std::size_t count) {
    HWY_DYNAMIC_DISPATCH(log_alpha_tile)(count, w + i, log_sigma2 + i, out + i);
  });
}

}  // namespace scalemix::inline v0::kernel
#endif  // HWY_ONCE
