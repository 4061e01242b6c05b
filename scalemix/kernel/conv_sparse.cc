// The SIMD half of conv_sparse.h, compiled once per instruction set.
#include "scalemix/kernel/conv_sparse.h"

#include <algorithm>
#include <array>

#ifndef HWY_COMPILE_ALL_ATTAINABLE
#define HWY_COMPILE_ALL_ATTAINABLE  // the scalar target too, which tests compare the others with
#endif
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "scalemix/kernel/conv_sparse.cc"
#include "hwy/foreach_target.h"  // must precede highway.h
#include "hwy/highway.h"
#include "scalemix/base/parallel.h"
#include "scalemix/kernel/channels_last.h"
#include "scalemix/kernel/conv_sparse-inl.h"
#include "scalemix/kernel/target.h"

HWY_BEFORE_NAMESPACE();
namespace scalemix::inline v0::kernel::HWY_NAMESPACE {
namespace {

void run_images(const Last& last, const ConvGradients& g, std::size_t from, std::size_t to,
                const float* packed, float* scratch) {
  if (g.dvar) {
    Tile<true>(last, g, packed, scratch).run(from, to);
  } else {
    Tile<false>(last, g, packed, scratch).run(from, to);
  }
}

}  // namespace
}  // namespace scalemix::inline v0::kernel::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace scalemix::inline v0::kernel {
namespace {

using channels_last::Last;

HWY_EXPORT(run_images);

/// A panel's rows: the weights of an output, and of moments their variances behind them.
void pack(const Last& l, const ConvGradients& g, float* packed) {
  parallel_tiles(l.s.o, [&](std::size_t o) {
    for (std::size_t p = 0; p < l.panels; ++p) {
      float* to = packed + (p * l.s.o + o) * kPanel;
      for (std::size_t i = 0; i < l.in_panel(p); ++i) {
        const std::size_t at = o * l.depth + l.weight(p * l.panel_width + i);
        to[i] = g.w[at];
        if (g.sigma2) to[kHalf + i] = g.sigma2[at];
      }
    }
  });
}

/// The sum over tiles, in their order.
void unpack(const Last& l, const ConvGradients& g, const float* scratch) {
  parallel_tiles(l.s.o, [&](std::size_t o) {
    for (std::size_t p = 0; p < l.panels; ++p) {
      std::array<float, kPanel> sum{};
      for (std::size_t tile = 0; tile < l.tiles; ++tile) {
        const float* part = scratch + tile * l.tile() + (p * l.s.o + o) * kPanel;
        for (std::size_t i = 0; i < kPanel; ++i) sum[i] += part[i];
      }
      for (std::size_t i = 0; i < l.in_panel(p); ++i) {
        const std::size_t at = o * l.depth + l.weight(p * l.panel_width + i);
        g.dw[at] = sum[i];
        if (g.dsigma2) g.dsigma2[at] = sum[kHalf + i];
      }
    }
  });
}

}  // namespace

std::size_t conv2d_sparse_backward_scratch(const Conv2d& shape) {
  if (unfold::empty(shape)) return 0;
  const Last last(shape, true);
  return last.packed() + last.tiles * last.tile();
}

void conv2d_sparse_backward(const Conv2d& shape, const ConvGradients& g, float* scratch) {
  if (unfold::empty(shape)) {
    const std::size_t weights = shape.o * shape.c * shape.window.kernel * shape.window.kernel;
    std::fill_n(g.dw, weights, 0.0f);
    if (g.dsigma2) std::fill_n(g.dsigma2, weights, 0.0f);
    if (g.dx) std::fill_n(g.dx, shape.n * shape.c * shape.h * shape.w, 0.0f);
    return;
  }
  init_target();
  const Last last(shape, g.dvar != nullptr);
  float *packed = scratch, *tiles = scratch + last.packed();
  if (g.dx) pack(last, g, packed);
  parallel_tiles(last.tiles, [&](std::size_t tile) {
    const auto first = [&](std::size_t t) { return t * shape.n / last.tiles; };
    HWY_DYNAMIC_DISPATCH(run_images)
    (last, g, first(tile), first(tile + 1), packed, tiles + tile * last.tile());
  });
  unpack(last, g, tiles);
}

}  // namespace scalemix::inline v0::kernel
#endif  // HWY_ONCE
