// One thread's share of conv_sparse.h: some images, one after the other. Included once per target,
// after foreach_target.h.
#if defined(SCALEMIX_KERNEL_CONV_SPARSE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef SCALEMIX_KERNEL_CONV_SPARSE_INL_H_
#undef SCALEMIX_KERNEL_CONV_SPARSE_INL_H_
#else
#define SCALEMIX_KERNEL_CONV_SPARSE_INL_H_
#endif

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>

#include "scalemix/kernel/channels_last.h"
#include "scalemix/kernel/conv_sparse.h"
#include "scalemix/kernel/sparse-inl.h"
#include "scalemix/kernel/transpose-inl.h"

HWY_BEFORE_NAMESPACE();
namespace scalemix::inline v0::kernel::HWY_NAMESPACE {

using namespace channels_last;
static_assert(hn::MaxLanes(DF()) <= kSlack);

/// Up to 64 places of an image.
struct Slice {
  std::size_t dy, count;   // where dy of output 0 begins; places
  std::size_t at[kSlice];  // of a place: what it meets first in the image
};

template <bool kMoments>
class Tile {
 public:
  Tile(const Last& last, const ConvGradients& g, const float* packed, float* scratch)
      : s_(last.s),
        l_(last),
        g_(g),
        packed_(packed),
        sums_(scratch),
        x_(sums_ + last.packed()),
        dx_(x_ + last.standing()),
        by_output_(reinterpret_cast<Entry*>(dx_ + last.standing())),
        by_place_(by_output_ + kSlice * s_.o),
        of_output_(reinterpret_cast<std::uint32_t*>(by_place_ + kSlice * s_.o)),
        of_place_(of_output_ + s_.o + 1) {}

  void run(std::size_t from, std::size_t to) {
    std::fill_n(x_, l_.standing(), 0.0f);  // the padding stays
    for (std::size_t n = from; n < to; ++n) {
      turn(n);
      if (g_.dx) std::fill_n(dx_, l_.standing(), 0.0f);
      for (std::size_t slice = 0; slice < l_.slices; ++slice) {
        add(places(n, slice), n == from && slice == 0);
      }
      if (g_.dx) turn_back(n);
    }
  }

 private:
  std::size_t inner() const { return s_.window.padding * (l_.row + s_.c); }
  void turn(std::size_t n) {
    for (std::size_t i = 0; i < s_.h; ++i) {
      transpose(s_.c, s_.w, g_.x + (n * s_.c * s_.h + i) * s_.w, s_.h * s_.w,
                x_ + inner() + i * l_.row, s_.c);
    }
  }
  void turn_back(std::size_t n) const {
    for (std::size_t i = 0; i < s_.h; ++i) {
      transpose(s_.w, s_.c, dx_ + inner() + i * l_.row, s_.c, g_.dx + (n * s_.c * s_.h + i) * s_.w,
                s_.h * s_.w);
    }
  }

  Slice places(std::size_t n, std::size_t slice) const {
    const std::size_t pixel = slice * kSlice;
    Slice out;
    out.dy = n * s_.o * l_.pixels + pixel;
    out.count = std::min(kSlice, l_.pixels - pixel);
    for (std::size_t p = 0; p < out.count; ++p) out.at[p] = l_.place(pixel + p);
    return out;
  }

  void add(const Slice& slice, bool begin) {
    HWY_ALIGN float panel[kSlice * kPanel + kSlack];
    list_by_output(slice);
    if (g_.dx) list_by_place(slice);
    for (std::size_t p = 0; p < l_.panels; ++p) {
      std::array<Run, kPanel + 1> runs;
      const std::size_t count = l_.runs(p, runs);
      fill(slice, runs.data(), count, panel);
      to_weights(p, begin, panel);
      if (!g_.dx) continue;
      to_input(slice, p, panel);
      scatter(slice, runs.data(), count, panel);
    }
  }

  /// Where dy or dvar is not zero: entry of_output_[o] ... of by_output_.
  void list_by_output(const Slice& slice) {
    std::uint32_t n = 0;
    for (std::size_t o = 0; o < s_.o; ++o) {
      of_output_[o] = n;
      const std::size_t at = slice.dy + o * l_.pixels;
      const float *dy = g_.dy + at, *dvar = kMoments ? g_.dvar + at : nullptr;
      std::uint64_t bits = marks(dy, slice.count);
      if (kMoments) bits |= marks(dvar, slice.count);
      for (; bits != 0; bits &= bits - 1) {
        const auto p = static_cast<std::uint32_t>(std::countr_zero(bits));
        by_output_[n++] = {p, dy[p], kMoments ? dvar[p] : 0};
      }
    }
    of_output_[s_.o] = n;
  }

  /// The same sorted by places.
  void list_by_place(const Slice& slice) {
    std::fill_n(of_place_, slice.count + 1, 0u);
    for (std::uint32_t i = 0; i < of_output_[s_.o]; ++i) ++of_place_[by_output_[i].row + 1];
    for (std::size_t p = 0; p < slice.count; ++p) of_place_[p + 1] += of_place_[p];
    std::array<std::uint32_t, kSlice> next;
    std::copy_n(of_place_, slice.count, next.data());
    for (std::uint32_t o = 0; o < s_.o; ++o) {
      for (std::uint32_t i = of_output_[o]; i < of_output_[o + 1]; ++i) {
        const Entry& e = by_output_[i];
        by_place_[next[e.row]++] = {o, e.dy, e.dvar};
      }
    }
  }

  /// A row of the panel a place: what it meets, and of moments its squares behind it.
  void fill(const Slice& slice, const Run* runs, std::size_t count, float* panel) const {
    for (std::size_t p = 0; p < slice.count; ++p) {
      const float* from = x_ + slice.at[p];
      float* to = panel + p * kPanel;
      for (const Run* r = runs; r < runs + count; ++r) {
        copy(from + r->image, r->count, l_.panel_width - r->panel, to + r->panel);
      }
    }
  }

  /// A run and, of moments, its squares. Whole vectors: the last reaches back, or what a short run
  /// writes too much, where there is room, is overwritten by the next.
  HWY_INLINE static void copy(const float* from, std::size_t count, std::size_t room, float* to) {
    const DF d;
    const std::size_t lanes = hn::Lanes(d);
    if (count < lanes && lanes > room) {
      const auto mask = hn::FirstN(d, count);
      const VF v = hn::LoadU(d, from);
      hn::BlendedStore(v, mask, d, to);
      if (kMoments) hn::BlendedStore(hn::Mul(v, v), mask, d, to + kHalf);
      return;
    }
    for (std::size_t i = 0; i < count; i += lanes) {
      const std::size_t at = count < lanes ? 0 : std::min(i, count - lanes);
      const VF v = hn::LoadU(d, from + at);
      hn::StoreU(v, d, to + at);
      if (kMoments) hn::StoreU(hn::Mul(v, v), d, to + kHalf + at);
    }
  }

  /// Adds the rows that entries begin ... end - 1 name.
  HWY_INLINE static void add(const Entry* begin, const Entry* end, const float* panel,
                             Sums<kMoments>& sum) {
    for (const Entry* e = begin; e < end; ++e) sum.add(e->dy, e->dvar, panel + e->row * kPanel);
  }

  void to_weights(std::size_t p, bool begin, const float* panel) {
    for (std::size_t o = 0; o < s_.o; ++o) {
      float* stored = sums_ + (p * s_.o + o) * kPanel;
      Sums<kMoments> sum(begin, stored);
      add(by_output_ + of_output_[o], by_output_ + of_output_[o + 1], panel, sum);
      sum.store(stored);
    }
  }

  /// The gradients of what the places met, in the panel.
  void to_input(const Slice& slice, std::size_t p, float* panel) const {
    const float* weights = packed_ + p * s_.o * kPanel;
    for (std::size_t i = 0; i < slice.count; ++i) {
      Sums<kMoments> sum(true, nullptr);
      add(by_place_ + of_place_[i], by_place_ + of_place_[i + 1], weights, sum);
      sum.store_gradient(panel + i * kPanel, panel + i * kPanel);
    }
  }

  /// Adds them to where it came from: place below place, since neighbours in a row overlap, and to
  /// read what was written a moment ago takes long.
  void scatter(const Slice& slice, const Run* runs, std::size_t count, const float* panel) {
    const DF d;
    const std::size_t lanes = hn::Lanes(d), below = s_.out_w();
    for (std::size_t column = 0; column < std::min(below, slice.count); ++column) {
      for (std::size_t p = column; p < slice.count; p += below) {
        const float* from = panel + p * kPanel;
        for (const Run* r = runs; r < runs + count; ++r) {
          for (std::size_t i = 0; i < r->count; i += lanes) {
            const VF v = hn::LoadU(d, from + r->panel + i);
            const VF more = hn::IfThenElseZero(hn::FirstN(d, r->count - i), v);
            float* to = dx_ + slice.at[p] + r->image + i;
            hn::StoreU(hn::Add(hn::LoadU(d, to), more), d, to);
          }
        }
      }
    }
  }

  const Conv2d& s_;
  const Last& l_;
  const ConvGradients& g_;
  const float* packed_;
  float *sums_, *x_, *dx_;
  Entry *by_output_, *by_place_;
  std::uint32_t *of_output_, *of_place_;
};

}  // namespace scalemix::inline v0::kernel::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
