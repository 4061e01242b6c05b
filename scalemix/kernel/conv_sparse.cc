// The SIMD half of conv_sparse.h, compiled once per instruction set.
#include "scalemix/kernel/conv_sparse.h"

#include <algorithm>
#include <array>
#include <cstdint>

#ifndef HWY_COMPILE_ALL_ATTAINABLE
#define HWY_COMPILE_ALL_ATTAINABLE  // the scalar target too, which tests compare the others with
#endif
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "scalemix/kernel/conv_sparse.cc"
#include "hwy/foreach_target.h"  // must precede highway.h
#include "hwy/highway.h"
#include "scalemix/base/parallel.h"
#include "scalemix/kernel/channels_last.h"
#include "scalemix/kernel/sparse-inl.h"
#include "scalemix/kernel/target.h"
#include "scalemix/kernel/transpose-inl.h"

HWY_BEFORE_NAMESPACE();
namespace scalemix::inline v0::kernel::HWY_NAMESPACE {
namespace {

using namespace channels_last;

/// Some slices of the images that stand in memory.
struct Block {
  std::size_t slices = 0, places = 0;
  std::size_t first[kSlices],
      count[kSlices];                // of a slice: where dy of output 0 begins; its places
  std::size_t at[kSlices * kSlice];  // of a place: what it meets first in the images
};

template <bool kMoments>
class Tile {
 public:
  Tile(const Last& last, const ConvGradients& g, const float* packed, float* scratch)
      : l_(last),
        g_(g),
        packed_(packed),
        sums_(scratch),
        x_(sums_ + last.packed()),
        dx_(x_ + last.standing()),
        dy_(dx_ + last.standing()),
        dvar_(dy_ + last.turned()),
        by_output_(reinterpret_cast<std::uint64_t*>(dvar_ + last.turned())),
        by_place_(by_output_ + kSlices * last.s.o) {}

  void run(std::size_t from, std::size_t to) {
    std::fill_n(x_, l_.standing(), 0.0f);  // the padding stays
    bool begin = true;
    for (std::size_t n = from; n < to; n += l_.images) {
      const std::size_t images = std::min(l_.images, to - n);
      for (std::size_t i = 0; i < images; ++i) turn(n + i, x_ + i * l_.image);
      if (g_.dx) std::fill_n(dx_, l_.standing(), 0.0f);
      const std::size_t slices = images * l_.slices;
      for (std::size_t slice = 0; slice < slices; slice += kSlices, begin = false) {
        add(block(n, slice, std::min(kSlices, slices - slice)), begin);
      }
      for (std::size_t i = 0; g_.dx && i < images; ++i) turn_back(n + i, dx_ + i * l_.image);
    }
  }

 private:
  const Conv2d& s() const { return l_.s; }
  const float* dvar(std::size_t at) const { return kMoments ? g_.dvar + at : nullptr; }
  float* inner(float* image) const { return image + s().window.padding * (l_.row + s().c); }
  void turn(std::size_t n, float* image) const {
    for (std::size_t i = 0; i < s().h; ++i) {
      transpose(s().c, s().w, g_.x + (n * s().c * s().h + i) * s().w, s().h * s().w,
                inner(image) + i * l_.row, s().c);
    }
  }
  void turn_back(std::size_t n, float* image) const {
    for (std::size_t i = 0; i < s().h; ++i) {
      transpose(s().w, s().c, inner(image) + i * l_.row, s().c,
                g_.dx + (n * s().c * s().h + i) * s().w, s().h * s().w);
    }
  }

  Block block(std::size_t n, std::size_t slice, std::size_t slices) const {
    Block b;
    b.slices = slices;
    for (std::size_t k = 0; k < slices; ++k) {
      const std::size_t image = (slice + k) / l_.slices, pixel = (slice + k) % l_.slices * kSlice;
      b.first[k] = (n + image) * s().o * l_.pixels + pixel;
      b.count[k] = std::min(kSlice, l_.pixels - pixel);
      for (std::size_t p = 0; p < b.count[k]; ++p) {
        b.at[k * kSlice + p] = image * l_.image + l_.place(pixel + p);
      }
    }
    return b;
  }

  void add(const Block& b, bool begin) {
    HWY_ALIGN float panel[kSlices * kSlice * kPanel + kSlack];
    mark(b);
    if (g_.dx) turn_gradients(b);
    for (std::size_t p = 0; p < l_.panels; ++p) {
      std::array<Run, kPanel + 1> runs;
      const std::size_t count = l_.runs(p, runs);
      fill(b, runs.data(), count, panel);
      to_weights(b, p, begin, panel);
      if (g_.dx) to_input(b, p, runs.data(), count, panel);
    }
  }

  /// A row of the panel a place: what it meets, and of moments its squares behind it.
  void fill(const Block& b, const Run* runs, std::size_t count, float* panel) const {
    const DF d;
    const std::size_t lanes = hn::Lanes(d);
    for (std::size_t k = 0; k < b.slices; ++k) {
      for (std::size_t p = k * kSlice; p < k * kSlice + b.count[k]; ++p) {
        const float* from = x_ + b.at[p];
        float* to = panel + p * kPanel;
        for (const Run* r = runs; r < runs + count; ++r) {
          // Whole vectors: what they write too much is overwritten, or never read.
          for (std::size_t i = 0; i < r->count; i += lanes) {
            hn::StoreU(hn::LoadU(d, from + r->image + i), d, to + r->panel + i);
          }
        }
        for (std::size_t i = 0; kMoments && i < kHalf; i += lanes) {
          const VF v = hn::LoadU(d, to + i);
          hn::StoreU(hn::Mul(v, v), d, to + kHalf + i);
        }
      }
    }
  }

  /// Of dy and dvar together.
  std::uint64_t marks_of(const float* dy, const float* dvar, std::size_t count) const {
    return marks(dy, count) | (kMoments ? marks(dvar, count) : 0);
  }

  void mark(const Block& b) {
    for (std::size_t k = 0; k < b.slices; ++k) {
      for (std::size_t o = 0; o < s().o; ++o) {
        const std::size_t at = b.first[k] + o * l_.pixels;
        by_output_[k * s().o + o] = marks_of(g_.dy + at, dvar(at), b.count[k]);
      }
    }
  }

  /// dy and dvar with the outputs of a place side by side, and their marks.
  void turn_gradients(const Block& b) {
    for (std::size_t k = 0; k < b.slices; ++k) {
      const std::size_t to = k * kSlice * s().o;
      transpose(s().o, b.count[k], g_.dy + b.first[k], l_.pixels, dy_ + to, s().o);
      if (kMoments) transpose(s().o, b.count[k], dvar(b.first[k]), l_.pixels, dvar_ + to, s().o);
      for (std::size_t i = k * kSlice; i < k * kSlice + b.count[k]; ++i) {
        for (std::size_t slice = 0; slice < l_.output_slices(); ++slice) {
          const std::size_t o = slice * kSlice, at = i * s().o + o;
          by_place_[i * l_.output_slices() + slice] =
              marks_of(dy_ + at, dvar_ + at, std::min(kSlice, s().o - o));
        }
      }
    }
  }

  void to_weights(const Block& b, std::size_t p, bool begin, const float* panel) {
    for (std::size_t o = 0; o < s().o; ++o) {
      float* stored = sums_ + (p * s().o + o) * kPanel;
      Sums<kMoments> sum(begin, stored);
      for (std::size_t k = 0; k < b.slices; ++k) {
        const std::size_t at = b.first[k] + o * l_.pixels;
        const SparseSlice slice{by_output_[k * s().o + o], g_.dy + at, dvar(at)};
        sum.add(slice, panel + k * kSlice * kPanel);
      }
      sum.store(stored);
    }
  }

  void to_input(const Block& b, std::size_t p, const Run* runs, std::size_t count,
                const float* panel) {
    const DF d;
    const std::size_t lanes = hn::Lanes(d);
    HWY_ALIGN float own[kPanel + kSlack];
    for (std::size_t k = 0; k < b.slices; ++k) {
      for (std::size_t i = k * kSlice; i < k * kSlice + b.count[k]; ++i) {
        Sums<kMoments> sum(true, nullptr);
        for (std::size_t slice = 0; slice < l_.output_slices(); ++slice) {
          const std::size_t o = slice * kSlice, at = i * s().o + o;
          const std::uint64_t bits = by_place_[i * l_.output_slices() + slice];
          sum.add({bits, dy_ + at, dvar_ + at}, packed_ + (p * s().o + o) * kPanel);
        }
        sum.store(own);
        for (std::size_t j = 0; kMoments && j < kHalf; j += lanes) {
          const VF x = hn::LoadU(d, panel + i * kPanel + j), twice = hn::Add(x, x);
          hn::StoreU(hn::MulAdd(twice, hn::LoadU(d, own + kHalf + j), hn::LoadU(d, own + j)), d,
                     own + j);
        }
        for (const Run* r = runs; r < runs + count; ++r) {
          float* to = dx_ + b.at[i] + r->image;
          for (std::size_t j = 0; j < r->count; j += lanes) {
            const VF more =
                hn::IfThenElseZero(hn::FirstN(d, r->count - j), hn::LoadU(d, own + r->panel + j));
            hn::StoreU(hn::Add(hn::LoadU(d, to + j), more), d, to + j);
          }
        }
      }
    }
  }

  const Last& l_;
  const ConvGradients& g_;
  const float* packed_;
  float *sums_, *x_, *dx_, *dy_, *dvar_;
  std::uint64_t *by_output_, *by_place_;  // (slices, O); (places, slices of outputs)
};

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
    const auto first = [&](std::size_t t) {
      return std::min(shape.n, t * last.groups / last.tiles * last.images);
    };
    HWY_DYNAMIC_DISPATCH(run_images)
    (last, g, first(tile), first(tile + 1), packed, tiles + tile * last.tile());
  });
  unpack(last, g, tiles);
}

}  // namespace scalemix::inline v0::kernel
#endif  // HWY_ONCE
