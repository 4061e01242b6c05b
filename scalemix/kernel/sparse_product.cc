// The SIMD half of sparse_rows.h, compiled once per instruction set. A panel of weights, transposed
// and short enough for the first cache, is added to sums that stay in registers while a row's
// entries last; for the gradients the panel is one of dy.
#include "scalemix/kernel/sparse_rows.h"

#include <algorithm>

#ifndef HWY_COMPILE_ALL_ATTAINABLE
#define HWY_COMPILE_ALL_ATTAINABLE  // the scalar target too, which tests compare the others with
#endif
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "scalemix/kernel/sparse_product.cc"
#include "hwy/foreach_target.h"  // must precede highway.h
#include "hwy/highway.h"
#include "scalemix/base/parallel.h"
#include "scalemix/kernel/sparse-inl.h"
#include "scalemix/kernel/target.h"
#include "scalemix/kernel/transpose-inl.h"

HWY_BEFORE_NAMESPACE();
namespace scalemix::inline v0::kernel::HWY_NAMESPACE {
namespace {

constexpr std::size_t kDepth = kSlice;  // columns of x in a panel of weights
constexpr std::size_t kStrip = 16;      // columns of dw that are written together

/// Where a panel's half lies: which matrix, and which of its rows or columns.
struct Half {
  std::size_t first, count;
};

template <bool kMoments>
HWY_INLINE Half half_of(std::size_t panel, std::size_t half, std::size_t out) {
  const std::size_t first = kMoments ? panel * kHalf : (2 * panel + half) * kHalf;
  return {std::min(first, out), std::min(kHalf, out - std::min(first, out))};
}

template <bool kMoments>
void product_panel(const SparseRows& x, std::size_t panel, std::size_t out,
                   const float* const* weights, const float* b, float* const* y) {
  const Half halves[2] = {half_of<kMoments>(panel, 0, out), half_of<kMoments>(panel, 1, out)};
  const std::size_t columns = x.columns();
  HWY_ALIGN float w[kDepth * kPanel] = {}, sums[(SparseRows::kBlock + 1) * kPanel];
  for (std::size_t first = 0; first < x.rows(); first += SparseRows::kBlock) {
    const std::size_t rows = std::min(SparseRows::kBlock, x.rows() - first);
    for (std::size_t slice = 0; slice < x.slices(); ++slice) {
      const std::size_t k = slice * kDepth, depth = std::min(kDepth, columns - k);
      for (std::size_t h = 0; h < 2; ++h) {
        transpose(halves[h].count, depth, weights[h] + halves[h].first * columns + k, columns,
                  w + h * kHalf, kPanel);
      }
      for (std::size_t n = 0; n <= rows; ++n) {
        Sums<kMoments> sum(slice == 0, sums + n * kPanel);
        sum.add(x.row(n < rows ? first + n : x.rows(), slice), w);
        sum.store(sums + n * kPanel);
      }
    }
    const DF d;
    const float* base = sums + rows * kPanel;
    for (std::size_t h = 0; h < 2; ++h) {
      const float* bias = kMoments && h == 1 ? nullptr : b;
      HWY_ALIGN float offset[kHalf] = {};
      for (std::size_t o = 0; o < halves[h].count; ++o) {
        offset[o] = base[h * kHalf + o] + (bias ? bias[halves[h].first + o] : 0);
      }
      for (std::size_t n = 0; n < rows; ++n) {
        const float* sum = sums + n * kPanel + h * kHalf;
        float* to = y[h] + (first + n) * out + halves[h].first;
        for_lanes(d, halves[h].count, [&](std::size_t o, std::size_t count) HWY_ATTR {
          store(hn::Add(load(d, sum + o, count), load(d, offset + o, count)), d, to + o, count);
        });
      }
    }
  }
}

template <bool kMoments>
void gradient_panel(const SparseRows& x, const float* base, std::size_t panel, std::size_t out,
                    const float* const* dy, float* const* dw) {
  const Half halves[2] = {half_of<kMoments>(panel, 0, out), half_of<kMoments>(panel, 1, out)};
  const std::size_t columns = x.columns();
  HWY_ALIGN float d[SparseRows::kBlock * kPanel] = {}, strip[kStrip * kPanel] = {};
  for (std::size_t block = 0; block < x.blocks(); ++block) {
    const std::size_t first = block * SparseRows::kBlock,
                      rows = std::min(SparseRows::kBlock, x.rows() - first);
    HWY_ALIGN float total[kPanel] = {};
    for (std::size_t n = 0; n < rows; ++n) {
      for (std::size_t h = 0; h < 2; ++h) {
        const float* from = dy[h] + (first + n) * out + halves[h].first;
        std::copy_n(from, halves[h].count, d + n * kPanel + h * kHalf);
      }
      for (std::size_t o = 0; o < kPanel; ++o) total[o] += d[n * kPanel + o];
    }
    for (std::size_t k = 0; k < columns; k += kStrip) {
      const std::size_t width = std::min(kStrip, columns - k);
      for (std::size_t h = 0; h < 2; ++h) {
        if (block == 0) break;
        transpose(halves[h].count, width, dw[h] + halves[h].first * columns + k, columns,
                  strip + h * kHalf, kPanel);
      }
      for (std::size_t j = 0; j < width; ++j) {
        Sums<kMoments> sum(block == 0, strip + j * kPanel);
        const float b = base[k + j];
        sum.add(b, b * b, total);
        for (std::size_t half = 0; half < 2; ++half) {
          sum.add(x.column(block, k + j, half), d + half * kSlice * kPanel);
        }
        sum.store(strip + j * kPanel);
      }
      for (std::size_t h = 0; h < 2; ++h) {
        transpose(width, halves[h].count, strip + h * kHalf, kPanel,
                  dw[h] + halves[h].first * columns + k, columns);
      }
    }
  }
}

// Of each pair of matrices the first belongs to the first half of a panel, the second to the other.
void product(bool moments, const SparseRows& x, std::size_t panel, std::size_t out,
             const float* const* weights, const float* b, float* const* y) {
  const auto run = moments ? product_panel<true> : product_panel<false>;
  run(x, panel, out, weights, b, y);
}
void gradient(bool moments, const SparseRows& x, const float* base, std::size_t panel,
              std::size_t out, const float* const* dy, float* const* dw) {
  const auto run = moments ? gradient_panel<true> : gradient_panel<false>;
  run(x, base, panel, out, dy, dw);
}

}  // namespace
}  // namespace scalemix::inline v0::kernel::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace scalemix::inline v0::kernel {
namespace {

HWY_EXPORT(product);
HWY_EXPORT(gradient);

std::size_t panels(bool moments, std::size_t out) {
  const std::size_t width = moments ? kHalf : kPanel;
  return (out + width - 1) / width;
}

void products(bool moments, const SparseRows& x, std::size_t out, const float* const* weights,
              const float* b, float* const* y) {
  init_target();
  parallel_tiles(panels(moments, out), [&](std::size_t panel) {
    HWY_DYNAMIC_DISPATCH(product)(moments, x, panel, out, weights, b, y);
  });
}

void gradients(bool moments, const SparseRows& x, const float* base, std::size_t out,
               const float* const* dy, float* const* dw) {
  init_target();
  parallel_tiles(panels(moments, out), [&](std::size_t panel) {
    HWY_DYNAMIC_DISPATCH(gradient)(moments, x, base, panel, out, dy, dw);
  });
}

}  // namespace

void sparse_product(const SparseRows& x, std::size_t out, const float* w, const float* b,
                    float* y) {
  const float* const weights[] = {w, w};
  float* const to[] = {y, y};
  products(false, x, out, weights, b, to);
}

void sparse_to_weights(const SparseRows& x, const float* base, std::size_t out, const float* dy,
                       float* dw) {
  const float* const from[] = {dy, dy};
  float* const to[] = {dw, dw};
  gradients(false, x, base, out, from, to);
}

void sparse_moments(const SparseRows& x, std::size_t out, const float* w, const float* b,
                    const float* sigma2, float* y, float* var) {
  const float* const weights[] = {w, sigma2};
  float* const to[] = {y, var};
  products(true, x, out, weights, b, to);
}

void sparse_moments_to_weights(const SparseRows& x, const float* base, std::size_t out,
                               const float* dy, const float* dvar, float* dw, float* dsigma2) {
  const float* const from[] = {dy, dvar};
  float* const to[] = {dw, dsigma2};
  gradients(true, x, base, out, from, to);
}

}  // namespace scalemix::inline v0::kernel
#endif  // HWY_ONCE
