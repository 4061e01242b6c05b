// The SIMD half of gemv.h, compiled once per instruction set.
#include "scalemix/kernel/gemv.h"

#include <algorithm>

#ifndef HWY_COMPILE_ALL_ATTAINABLE
#define HWY_COMPILE_ALL_ATTAINABLE  // the scalar target too, which tests compare the others with
#endif
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "scalemix/kernel/gemv.cc"
#include "hwy/foreach_target.h"  // must precede highway.h
#include "hwy/highway.h"
#include "scalemix/base/parallel.h"
#include "scalemix/kernel/lanes-inl.h"
#include "scalemix/kernel/target.h"

HWY_BEFORE_NAMESPACE();
namespace scalemix::inline v0::kernel::HWY_NAMESPACE {
namespace {

/// kRows rows of W at a time share what is loaded of x; two sums a row hide the latency of an
/// addition.
template <std::size_t kRows>
HWY_INLINE void rows_times(std::size_t k, const float* w, std::size_t ldw, const float* x, VF tail,
                           float beta, float* y) {
  const DF d;
  const std::size_t lanes = hn::Lanes(d);
  VF even[kRows], odd[kRows];
  for (std::size_t r = 0; r < kRows; ++r) even[r] = odd[r] = hn::Zero(d);
  std::size_t j = 0;
  for (; j + 2 * lanes <= k; j += 2 * lanes) {
    const VF x0 = hn::LoadU(d, x + j), x1 = hn::LoadU(d, x + j + lanes);
    for (std::size_t r = 0; r < kRows; ++r) {
      even[r] = hn::MulAdd(x0, hn::LoadU(d, w + r * ldw + j), even[r]);
      odd[r] = hn::MulAdd(x1, hn::LoadU(d, w + r * ldw + j + lanes), odd[r]);
    }
  }
  if (j + lanes <= k) {
    const VF x0 = hn::LoadU(d, x + j);
    for (std::size_t r = 0; r < kRows; ++r) {
      even[r] = hn::MulAdd(x0, hn::LoadU(d, w + r * ldw + j), even[r]);
    }
    j += lanes;
  }
  if (j < k) {  // the last vector reaches back over what has been added, where `tail` is 0
    for (std::size_t r = 0; r < kRows; ++r) {
      const float* row = w + r * ldw;
      const VF rest = k < lanes ? load(d, row, k) : hn::LoadU(d, row + k - lanes);
      odd[r] = hn::MulAdd(tail, rest, odd[r]);
    }
  }
  for (std::size_t r = 0; r < kRows; ++r) {
    const float sum = hn::GetLane(hn::SumOfLanes(d, hn::Add(even[r], odd[r])));
    y[r] = beta == 0 ? sum : sum + beta * y[r];
  }
}

void some_rows(std::size_t n, std::size_t k, const float* w, std::size_t ldw, const float* x,
               float beta, float* y) {
  const DF d;
  constexpr std::size_t kLanes = hn::MaxLanes(DF());
  HWY_ALIGN float last[kLanes] = {};
  const std::size_t rest = k % kLanes;
  std::copy_n(x + k - rest, rest, last + (k < kLanes ? 0 : kLanes - rest));
  const VF tail = hn::Load(d, last);
  std::size_t i = 0;
  for (; i + 4 <= n; i += 4) rows_times<4>(k, w + i * ldw, ldw, x, tail, beta, y + i);
  for (; i < n; ++i) rows_times<1>(k, w + i * ldw, ldw, x, tail, beta, y + i);
}

}  // namespace
}  // namespace scalemix::inline v0::kernel::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace scalemix::inline v0::kernel {
namespace {

HWY_EXPORT(some_rows);

// Weights in a tile: less is not worth a thread.
constexpr std::size_t kTile = std::size_t{1} << 17;

}  // namespace

void gemv(std::size_t n, std::size_t k, const float* w, std::size_t ldw, const float* x, float beta,
          float* y) {
  init_target();
  const std::size_t rows = std::max<std::size_t>(4, kTile / std::max<std::size_t>(k, 1) / 4 * 4);
  parallel_tiles((n + rows - 1) / rows, [&](std::size_t tile) {
    const std::size_t i = tile * rows;
    HWY_DYNAMIC_DISPATCH(some_rows)
    (std::min(n - i, rows), k, w + i * ldw, ldw, x, beta, y + i);
  });
}

}  // namespace scalemix::inline v0::kernel
#endif  // HWY_ONCE
