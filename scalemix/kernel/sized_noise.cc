// The SIMD half of sized_noise.h, compiled once per instruction set.
#include "scalemix/kernel/sized_noise.h"

#ifndef HWY_COMPILE_ALL_ATTAINABLE
#define HWY_COMPILE_ALL_ATTAINABLE  // the scalar target too, which tests compare the others with
#endif
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "scalemix/kernel/sized_noise.cc"
#include "hwy/foreach_target.h"  // must precede highway.h
#include "hwy/highway.h"
#include "scalemix/kernel/lanes-inl.h"
#include "scalemix/kernel/quick-inl.h"
#include "scalemix/kernel/target.h"
#include "scalemix/kernel/tiles.h"

HWY_BEFORE_NAMESPACE();
namespace scalemix::inline v0::kernel::HWY_NAMESPACE {
namespace {

HWY_INLINE VF size_of(const SizedNoise& size, VF share) {
  return hn::MulAdd(set(size.most), share, set(size.least));
}

double forward(const SizedNoise& size, std::size_t n, const float* x, const float* e, float* logit,
               float* y) {
  const DF d;
  const VF largest = set(1 / (size.least + size.most));
  DoubleSum sum;
  for_lanes(d, n, [&](std::size_t i, std::size_t count) HWY_ATTR {
    const VF share =
        hn::Div(set(1), hn::Add(set(1), quick_exp(hn::Neg(load(d, logit + i, count)))));
    const VF alpha = size_of(size, share);
    store(share, d, logit + i, count);
    sum.add(d, quick_log(hn::Mul(alpha, largest)), count);
    const VF z = quick_exp(hn::Mul(alpha, load(d, e + i, count)));
    store(hn::Mul(load(d, x + i, count), z), d, y + i, count);
  });
  return -sum.total();
}

void backward(const SizedNoise& size, std::size_t n, const float* x, const float* e,
              const float* share, const float* dy, float weight, float* dlogit, float* dx) {
  const DF d;
  for_lanes(d, n, [&](std::size_t i, std::size_t count) HWY_ATTR {
    const VF s = load(d, share + i, count), alpha = size_of(size, s), draw = load(d, e + i, count);
    const VF back = hn::Mul(load(d, dy + i, count), quick_exp(hn::Mul(alpha, draw)));
    const VF by_alpha =
        hn::Sub(hn::Mul(hn::Mul(back, load(d, x + i, count)), draw), hn::Div(set(weight), alpha));
    const VF slope = hn::Mul(set(size.most), hn::Mul(s, hn::Sub(set(1), s)));
    store(hn::Mul(by_alpha, slope), d, dlogit + i, count);
    if (dx) store(back, d, dx + i, count);
  });
}

}  // namespace
}  // namespace scalemix::inline v0::kernel::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace scalemix::inline v0::kernel {
namespace {
HWY_EXPORT(forward);
HWY_EXPORT(backward);
}  // namespace

double sized_noise(const SizedNoise& size, std::size_t n, const float* x, const float* e,
                   float* logit, float* y) {
  return sum_tiles(n, [&](std::size_t first, std::size_t count) {
    return HWY_DYNAMIC_DISPATCH(forward)(size, count, x + first, e + first, logit + first,
                                         y + first);
  });
}

void sized_noise_backward(const SizedNoise& size, std::size_t n, const float* x, const float* e,
                          const float* share, const float* dy, float weight, float* dlogit,
                          float* dx) {
  for_tiles(n, [&](std::size_t first, std::size_t count) {
    HWY_DYNAMIC_DISPATCH(backward)
    (size, count, x + first, e + first, share + first, dy + first, weight, dlogit + first,
     dx ? dx + first : nullptr);
  });
}

}  // namespace scalemix::inline v0::kernel
#endif
