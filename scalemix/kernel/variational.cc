// The SIMD half of variational.h, compiled once per instruction set.
#include "scalemix/kernel/variational.h"

#ifndef HWY_COMPILE_ALL_ATTAINABLE
#define HWY_COMPILE_ALL_ATTAINABLE  // the scalar target too, which tests compare the others with
#endif
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "scalemix/kernel/variational.cc"
#include "hwy/foreach_target.h"  // must precede highway.h
#include "hwy/highway.h"
#include "scalemix/kernel/adam-inl.h"
#include "scalemix/kernel/lanes-inl.h"
#include "scalemix/kernel/quick-inl.h"
#include "scalemix/kernel/target.h"
#include "scalemix/kernel/tiles.h"

HWY_BEFORE_NAMESPACE();
namespace scalemix::inline v0::kernel::HWY_NAMESPACE {
namespace {

HWY_INLINE VF square_eps(VF w) { return hn::Add(hn::Mul(w, w), set(kSquareEps)); }

HWY_INLINE VF unclipped(VF square, VF log_sigma2) { return hn::Sub(log_sigma2, quick_log(square)); }

HWY_INLINE VF clipped(VF log_alpha) {
  return clip(log_alpha, set(-kLogAlphaClip), set(kLogAlphaClip));
}

/// e^-(k2 + k3 log_alpha): s = 1 / (1 + it) and 1 - s = it / (1 + it), without cancellation.
HWY_INLINE VF odds(VF log_alpha) {
  return quick_exp(hn::NegMulAdd(log_alpha, set(static_cast<float>(kSvdoK3)),
                                 set(static_cast<float>(-kSvdoK2))));
}

// The chain from a weight to its slopes is longer than what a core looks ahead, so it is cut in
// loops over a block that stays in the first cache; likewise the update behind it.
constexpr std::size_t kBlock = 256;

/// Runs body(first, length) for blocks of n numbers.
template <class Body>
HWY_INLINE void for_blocks(std::size_t n, const Body& body) {
  for (std::size_t i = 0; i < n; i += kBlock) body(i, std::min(kBlock, n - i));
}

/// The penalty's slopes by log_sigma2 and by w, of a block.
struct Slopes {
  HWY_ALIGN float by_log_sigma2[kBlock], by_w[kBlock];

  /// e^-log_alpha = w^2 / sigma2, so a weight costs one exponential, a logarithm and one division.
  HWY_INLINE void make(std::size_t n, const float* w, const float* log_sigma2,
                       const float* sigma2) {
    const DF d;
    for_lanes(d, n, [&](std::size_t i, std::size_t count) HWY_ATTR {
      const VF la = unclipped(square_eps(load(d, w + i, count)), load(d, log_sigma2 + i, count));
      hn::StoreU(la, d, by_log_sigma2 + i);  // until the slope takes its place
    });
    const VF k13 = set(static_cast<float>(kSvdoK1 * kSvdoK3));
    for_lanes(d, n, [&](std::size_t i, std::size_t count) HWY_ATTR {
      const VF la = hn::LoadU(d, by_log_sigma2 + i), e = odds(la), wi = load(d, w + i, count);
      const VF square = square_eps(wi), both = hn::Add(load(d, sigma2 + i, count), square);
      const VF e1 = hn::Add(set(1), e), e2 = hn::Mul(e1, e1);
      const VF above =
          hn::MulAdd(hn::Mul(set(-0.5f), square), e2, hn::Neg(hn::Mul(hn::Mul(k13, e), both)));
      const VF over_square = hn::Div(above, hn::Mul(hn::Mul(e2, both), square));
      const auto flat = hn::Gt(hn::Abs(la), set(kLogAlphaClip));
      hn::StoreU(hn::IfThenZeroElse(flat, hn::Mul(over_square, square)), d, by_log_sigma2 + i);
      hn::StoreU(hn::IfThenZeroElse(flat, hn::Mul(over_square, hn::Mul(set(-2), wi))), d, by_w + i);
    });
  }
};

/// The whole gradients of w and log_sigma2.
HWY_INLINE VF gradient_w(VF dw, VF dpenalty, VF slope) {
  return hn::Add(dw, hn::Mul(dpenalty, slope));
}
HWY_INLINE VF gradient_log_sigma2(VF dsigma2, VF sigma2, VF dpenalty, VF slope) {
  return hn::Add(hn::Mul(dpenalty, slope), hn::Mul(dsigma2, sigma2));
}

void gradient_tile(std::size_t n, const float* w, const float* log_sigma2, const float* sigma2,
                   const float* dsigma2, float dpenalty, float* dw, float* dlog_sigma2) {
  const DF d;
  Slopes slopes;
  for_blocks(n, [&](std::size_t first, std::size_t length) HWY_ATTR {
    slopes.make(length, w + first, log_sigma2 + first, sigma2 + first);
    for_lanes(d, length, [&](std::size_t i, std::size_t count) HWY_ATTR {
      const std::size_t at = first + i;
      const VF dls = gradient_log_sigma2(load(d, dsigma2 + at, count), load(d, sigma2 + at, count),
                                         set(dpenalty), hn::LoadU(d, slopes.by_log_sigma2 + i));
      store(gradient_w(load(d, dw + at, count), set(dpenalty), hn::LoadU(d, slopes.by_w + i)), d,
            dw + at, count);
      store(dls, d, dlog_sigma2 + at, count);
    });
  });
}

/// Adam on log_sigma2, with what sigma2 becomes, then on the weights.
HWY_INLINE void adam_block(const AdamStep& for_w, const AdamStep& for_ls, std::size_t n,
                           const Slopes& slopes, const float* dw, const float* dsigma2,
                           float dpenalty, const AdamPart& w, const AdamPart& ls, float* sigma2,
                           DoubleSum& sum) {
  const DF d;
  for_lanes(d, n, [&](std::size_t i, std::size_t count) HWY_ATTR {
    const VF g = gradient_log_sigma2(load(d, dsigma2 + i, count), load(d, sigma2 + i, count),
                                     set(dpenalty), hn::LoadU(d, slopes.by_log_sigma2 + i));
    sum.add(d, hn::Mul(g, g), count);
    const VF value = adam_at(for_ls, g, load(d, ls.value + i, count), ls.m + i, ls.v + i, count);
    store(value, d, ls.value + i, count);
    store(quick_exp(value), d, sigma2 + i, count);
  });
  for_lanes(d, n, [&](std::size_t i, std::size_t count) HWY_ATTR {
    const VF g = gradient_w(load(d, dw + i, count), set(dpenalty), hn::LoadU(d, slopes.by_w + i));
    sum.add(d, hn::Mul(g, g), count);
    const VF value = load(d, w.value + i, count);
    store(adam_at(for_w, g, value, w.m + i, w.v + i, count), d, w.value + i, count);
  });
}

double adam_tile(const AdamStep& for_w, const AdamStep& for_ls, std::size_t n, const float* dw,
                 const float* dsigma2, float dpenalty, const AdamPart& w, const AdamPart& ls,
                 float* sigma2) {
  DoubleSum sum;
  Slopes slopes;
  for_blocks(n, [&](std::size_t i, std::size_t count) HWY_ATTR {
    slopes.make(count, w.value + i, ls.value + i, sigma2 + i);
    adam_block(for_w, for_ls, count, slopes, dw + i, dsigma2 + i, dpenalty, w.from(i), ls.from(i),
               sigma2 + i, sum);
  });
  return sum.total();
}

double penalty_tile(std::size_t n, const float* w, const float* log_sigma2) {
  const DF d;
  const VF one = set(1), half = set(0.5f), k1 = set(static_cast<float>(kSvdoK1));
  DoubleSum sum;
  for_lanes(d, n, [&](std::size_t i, std::size_t count) HWY_ATTR {
    const VF la =
        clipped(unclipped(square_eps(load(d, w + i, count)), load(d, log_sigma2 + i, count)));
    const VF e = odds(la);
    const VF softplus = hn::Log1p(d, quick_exp(hn::Neg(la)));
    sum.add(d, hn::Add(hn::Mul(k1, hn::Div(e, hn::Add(one, e))), hn::Mul(half, softplus)), count);
  });
  return sum.total();
}

void exp_tile(std::size_t n, const float* log_sigma2, float* sigma2) {
  const DF d;
  for_lanes(d, n, [&](std::size_t i, std::size_t count) HWY_ATTR {
    store(quick_exp(load(d, log_sigma2 + i, count)), d, sigma2 + i, count);
  });
}

void terms_backward_tile(std::size_t n, const float* w, const float* log_sigma2,
                         const float* dsigma2, float dpenalty, float* dw, float* dlog_sigma2) {
  const DF d;
  const VF one = set(1), clip_at = set(kLogAlphaClip);
  const VF k13 = set(static_cast<float>(kSvdoK1 * kSvdoK3));
  for_lanes(d, n, [&](std::size_t i, std::size_t count) HWY_ATTR {
    const VF wi = load(d, w + i, count), ls = load(d, log_sigma2 + i, count);
    const VF square = square_eps(wi), la = unclipped(square, ls);
    const VF e = odds(clipped(la)), a = quick_exp(hn::Neg(clipped(la)));
    const VF below = hn::Add(one, e);
    const VF slope = hn::Add(hn::Mul(k13, hn::Div(e, hn::Mul(below, below))),
                             hn::Mul(set(0.5f), hn::Div(a, hn::Add(one, a))));
    const auto flat = hn::Gt(hn::Abs(la), clip_at);
    const VF dla = hn::IfThenZeroElse(flat, hn::Mul(set(-dpenalty), slope));
    const VF to_w = hn::Div(hn::Mul(set(-2), wi), square);
    VF dls = hn::Add(load(d, dlog_sigma2 + i, count), dla);
    if (dsigma2) dls = hn::Add(dls, hn::Mul(load(d, dsigma2 + i, count), quick_exp(ls)));
    store(hn::Add(load(d, dw + i, count), hn::Mul(dla, to_w)), d, dw + i, count);
    store(dls, d, dlog_sigma2 + i, count);
  });
}

void log_alpha_tile(std::size_t n, const float* w, const float* log_sigma2, float* out) {
  const DF d;
  for_lanes(d, n, [&](std::size_t i, std::size_t count) HWY_ATTR {
    const VF square = square_eps(load(d, w + i, count));
    store(clipped(unclipped(square, load(d, log_sigma2 + i, count))), d, out + i, count);
  });
}

}  // namespace
}  // namespace scalemix::inline v0::kernel::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace scalemix::inline v0::kernel {

HWY_EXPORT(adam_tile);
HWY_EXPORT(exp_tile);
HWY_EXPORT(gradient_tile);
HWY_EXPORT(penalty_tile);
HWY_EXPORT(terms_backward_tile);
HWY_EXPORT(log_alpha_tile);

double svdo_terms(std::size_t n, const float* w, const float* log_sigma2, float* sigma2) {
  init_target();
  return sum_tiles(n, [&](std::size_t i, std::size_t count) {
    HWY_DYNAMIC_DISPATCH(exp_tile)(count, log_sigma2 + i, sigma2 + i);
    return HWY_DYNAMIC_DISPATCH(penalty_tile)(count, w + i, log_sigma2 + i);
  });
}

void svdo_variance(std::size_t n, const float* log_sigma2, float* sigma2) {
  init_target();
  for_tiles(n, [&](std::size_t i, std::size_t count) {
    HWY_DYNAMIC_DISPATCH(exp_tile)(count, log_sigma2 + i, sigma2 + i);
  });
}

double svdo_penalty(std::size_t n, const float* w, const float* log_sigma2) {
  init_target();
  return sum_tiles(n, [&](std::size_t i, std::size_t count) {
    return HWY_DYNAMIC_DISPATCH(penalty_tile)(count, w + i, log_sigma2 + i);
  });
}

void svdo_gradient(std::size_t n, const float* w, const float* log_sigma2, const float* sigma2,
                   const float* dsigma2, double dpenalty, float* dw, float* dlog_sigma2) {
  init_target();
  const float dp = static_cast<float>(dpenalty);
  for_tiles(n, [&](std::size_t i, std::size_t count) {
    HWY_DYNAMIC_DISPATCH(gradient_tile)
    (count, w + i, log_sigma2 + i, sigma2 + i, dsigma2 + i, dp, dw + i, dlog_sigma2 + i);
  });
}

double svdo_adam(const Adam& for_w, const Adam& for_log_sigma2, std::uint64_t step, std::size_t n,
                 const float* dw, const float* dsigma2, double dpenalty, const AdamPart& w,
                 const AdamPart& log_sigma2, float* sigma2) {
  init_target();
  const AdamStep a(for_w, step, 1), b(for_log_sigma2, step, 1);
  const float dp = static_cast<float>(dpenalty);
  return sum_tiles(n, [&](std::size_t i, std::size_t count) {
    return HWY_DYNAMIC_DISPATCH(adam_tile)(a, b, count, dw + i, dsigma2 + i, dp, w.from(i),
                                           log_sigma2.from(i), sigma2 + i);
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
