// The SIMD half of optimiser.h, compiled once per instruction set. adam and sgd use only operations
// that IEEE rounds exactly, never fused, so their bits are the same on every target.
#include "scalemix/kernel/optimiser.h"

#include <cmath>

#ifndef HWY_COMPILE_ALL_ATTAINABLE
#define HWY_COMPILE_ALL_ATTAINABLE  // the scalar target too, which tests compare the others with
#endif
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "scalemix/kernel/optimiser.cc"
#include "hwy/foreach_target.h"  // must precede highway.h
#include "hwy/highway.h"
#include "scalemix/kernel/adam-inl.h"
#include "scalemix/kernel/lanes-inl.h"
#include "scalemix/kernel/target.h"
#include "scalemix/kernel/tiles.h"

#ifndef SCALEMIX_KERNEL_OPTIMISER_STEPS_
#define SCALEMIX_KERNEL_OPTIMISER_STEPS_
namespace scalemix::inline v0::kernel {
namespace {

struct SgdStep {
  float decay, scale, momentum, rate;
  bool nesterov;

  SgdStep(const Sgd& o, float scale)
      : decay(static_cast<float>(o.decay)),
        scale(scale),
        momentum(static_cast<float>(o.momentum)),
        rate(static_cast<float>(o.lr)),
        nesterov(o.nesterov) {}
};

}  // namespace
}  // namespace scalemix::inline v0::kernel
#endif

HWY_BEFORE_NAMESPACE();
namespace scalemix::inline v0::kernel::HWY_NAMESPACE {
namespace {

void adam_tile(const AdamStep& s, std::size_t n, const float* g, float* m, float* v, float* w) {
  const DF d;
  for_lanes(d, n, [&](std::size_t i, std::size_t count) HWY_ATTR {
    const VF wi = load(d, w + i, count);
    store(adam_at(s, load(d, g + i, count), wi, m + i, v + i, count), d, w + i, count);
  });
}

void sgd_tile(const SgdStep& s, std::size_t n, const float* g, float* m, float* w) {
  const DF d;
  for_lanes(d, n, [&](std::size_t i, std::size_t count) HWY_ATTR {
    const VF wi = load(d, w + i, count);
    const VF gi = hn::Add(hn::Mul(load(d, g + i, count), set(s.scale)), hn::Mul(set(s.decay), wi));
    const VF mi = hn::Add(hn::Mul(set(s.momentum), load(d, m + i, count)), gi);
    const VF step = s.nesterov ? hn::Add(gi, hn::Mul(set(s.momentum), mi)) : mi;
    store(mi, d, m + i, count);
    store(hn::Sub(wi, hn::Mul(set(s.rate), step)), d, w + i, count);
  });
}

double sum_squares_tile(std::size_t n, const float* x) {
  const DF d;
  DoubleSum sum;
  for_lanes(d, n, [&](std::size_t i, std::size_t count) HWY_ATTR {
    sum.add_square(load(d, x + i, count));
  });
  return sum.total();
}

}  // namespace
}  // namespace scalemix::inline v0::kernel::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace scalemix::inline v0::kernel {

HWY_EXPORT(adam_tile);
HWY_EXPORT(sgd_tile);
HWY_EXPORT(sum_squares_tile);

void adam(const Adam& options, std::uint64_t step, float scale, std::size_t n, const float* g,
          float* m, float* v, float* w) {
  init_target();
  const AdamStep s(options, step, scale);
  for_tiles(n, [&](std::size_t i, std::size_t count) {
    HWY_DYNAMIC_DISPATCH(adam_tile)(s, count, g + i, m + i, v + i, w + i);
  });
}

void sgd(const Sgd& options, float scale, std::size_t n, const float* g, float* m, float* w) {
  init_target();
  const SgdStep s(options, scale);
  for_tiles(n, [&](std::size_t i, std::size_t count) {
    HWY_DYNAMIC_DISPATCH(sgd_tile)(s, count, g + i, m + i, w + i);
  });
}

double sum_squares(std::size_t n, const float* x) {
  init_target();
  return sum_tiles(n, [&](std::size_t i, std::size_t count) {
    return HWY_DYNAMIC_DISPATCH(sum_squares_tile)(count, x + i);
  });
}

}  // namespace scalemix::inline v0::kernel
#endif  // HWY_ONCE
