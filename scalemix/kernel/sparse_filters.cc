// The SIMD half of sparse_filters.h, compiled once per instruction set.
#include "scalemix/kernel/sparse_filters.h"

#include <algorithm>
#include <numeric>

#ifndef HWY_COMPILE_ALL_ATTAINABLE
#define HWY_COMPILE_ALL_ATTAINABLE  // the scalar target too, which tests compare the others with
#endif
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "scalemix/kernel/sparse_filters.cc"
#include "hwy/foreach_target.h"  // must precede highway.h
#include "hwy/highway.h"
#include "scalemix/base/parallel.h"
#include "scalemix/kernel/lanes-inl.h"
#include "scalemix/kernel/target.h"

#ifndef SCALEMIX_KERNEL_SPARSE_FILTERS_VIEW_
#define SCALEMIX_KERNEL_SPARSE_FILTERS_VIEW_
namespace scalemix::inline v0::kernel {

inline constexpr std::size_t kMostVectors = 8;            // sums that stay in registers
inline constexpr std::size_t kSlack = kMostVectors * 16;  // floats read beyond the last image

/// Where the parts of packed filters lie. Counts and places are 32-bit words among the floats.
struct FilterView {
  const std::uint32_t *start, *place;  // (O + 1), (left): of a weight's number for output 0
  const float* value;                  // (left)
};

/// The planes that an output's numbers are summed in.
struct Plane {
  std::size_t width, length;  // of a line; to the last number that is wanted
  std::size_t out_w;          // of a line, what is wanted
};

}  // namespace scalemix::inline v0::kernel
#endif

HWY_BEFORE_NAMESPACE();
namespace scalemix::inline v0::kernel::HWY_NAMESPACE {
namespace {

/// What is wanted of numbers [first, first + count) of a plane, to the lines of y.
void write_lines(const Plane& plane, std::size_t first, std::size_t count, const float* from,
                 float* y) {
  for (std::size_t at = first, end = first + count; at < end;) {
    const std::size_t line = at / plane.width, column = at % plane.width;
    const std::size_t wanted = column < plane.out_w ? std::min(plane.out_w - column, end - at) : 0;
    std::copy_n(from + (at - first), wanted, y + line * plane.out_w + column);
    at = wanted > 0 ? at + wanted : (line + 1) * plane.width;
  }
}

/// Numbers [first, first + kVectors vectors) of output o's plane.
template <std::size_t kVectors>
HWY_INLINE void strip(const FilterView& w, std::size_t o, const Plane& plane, std::size_t first,
                      const float* x, float b, float* y) {
  const DF d;
  constexpr std::size_t kLanes = hn::MaxLanes(DF());
  VF sum[kVectors];
  for (std::size_t v = 0; v < kVectors; ++v) sum[v] = set(b);
  for (std::size_t k = w.start[o]; k < w.start[o + 1]; ++k) {
    const VF weight = set(w.value[k]);
    const float* from = x + w.place[k] + first;
    for (std::size_t v = 0; v < kVectors; ++v) {
      sum[v] = hn::MulAdd(weight, hn::LoadU(d, from + v * kLanes), sum[v]);
    }
  }
  HWY_ALIGN float sums[kVectors * kLanes];
  for (std::size_t v = 0; v < kVectors; ++v) hn::Store(sum[v], d, sums + v * kLanes);
  write_lines(plane, first, std::min(kVectors * kLanes, plane.length - first), sums, y);
}

/// Outputs [first, last) of one image.
void some_outputs(const FilterView& w, std::size_t first, std::size_t last, const Plane& plane,
                  const float* x, const float* b, std::size_t pixels, float* y) {
  constexpr std::size_t kLanes = hn::MaxLanes(DF());
  static_assert(kMostVectors * kLanes <= kSlack);
  for (std::size_t o = first; o < last; ++o) {
    const float bias = b ? b[o] : 0;
    float* out = y + o * pixels;
    for (std::size_t at = 0; at < plane.length;) {
      const std::size_t left = plane.length - at;
      if (left > 4 * kLanes) {
        strip<kMostVectors>(w, o, plane, at, x, bias, out);
        at += kMostVectors * kLanes;
      } else if (left > 2 * kLanes) {
        strip<4>(w, o, plane, at, x, bias, out);
        at += 4 * kLanes;
      } else {
        strip<2>(w, o, plane, at, x, bias, out);
        at += 2 * kLanes;
      }
    }
  }
}

}  // namespace
}  // namespace scalemix::inline v0::kernel::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace scalemix::inline v0::kernel {
namespace {

HWY_EXPORT(some_outputs);

constexpr std::size_t kTile = std::size_t{1} << 18;  // multiplications that repay a thread

/// How an image lies in scratch: (C, s, s, height, width).
struct Phases {
  std::size_t s, height, width;

  explicit Phases(const Conv2d& shape)
      : s(shape.window.stride),
        height((shape.h + 2 * shape.window.padding + s - 1) / s),
        width((shape.w + 2 * shape.window.padding + s - 1) / s) {}

  std::size_t plane() const { return height * width; }
  std::size_t channel() const { return s * s * plane(); }
  std::size_t image(const Conv2d& shape) const { return shape.c * channel(); }
  /// Where weight (c, i, j) finds its number for output (0, 0).
  std::size_t place(std::size_t c, std::size_t i, std::size_t j) const {
    return c * channel() + (i % s * s + j % s) * plane() + i / s * width + j / s;
  }
};

/// One image (C, H, W) to its phases, with zeros around it.
void arrange(const Conv2d& shape, const Phases& phases, const float* x, float* to) {
  const std::size_t s = phases.s, p = shape.window.padding;
  std::fill_n(to, phases.image(shape), 0.0f);
  for (std::size_t c = 0; c < shape.c; ++c) {
    for (std::size_t i = 0; i < shape.h; ++i) {
      const float* line = x + (c * shape.h + i) * shape.w;
      if (s == 1) {
        std::copy_n(line, shape.w, to + phases.place(c, i + p, p));
        continue;
      }
      for (std::size_t j = 0; j < shape.w; ++j) to[phases.place(c, i + p, j + p)] = line[j];
    }
  }
}

FilterView view(std::size_t outputs, const float* packed) {
  const auto* words = reinterpret_cast<const std::uint32_t*>(packed);
  const std::size_t left = words[outputs];
  return {words, words + outputs + 1, packed + outputs + 1 + left};
}

}  // namespace

std::size_t sparse_filters_size(std::span<const std::uint32_t> left) {
  return left.size() + 1 + 2 * std::accumulate(left.begin(), left.end(), std::size_t{0});
}

void pack_sparse_filters(const Conv2d& shape, const float* w, float* packed) {
  const std::size_t k = shape.window.kernel, row = shape.c * k * k;
  const Phases phases(shape);
  auto* words = reinterpret_cast<std::uint32_t*>(packed);
  const auto left =
      static_cast<std::size_t>(std::count_if(w, w + shape.o * row, [](float v) { return v != 0; }));
  std::uint32_t* place = words + shape.o + 1;
  float* value = packed + shape.o + 1 + left;
  std::uint32_t count = 0;
  words[0] = 0;
  for (std::size_t o = 0; o < shape.o; ++o) {
    for (std::size_t i = 0; i < row; ++i) {
      if (w[o * row + i] == 0) continue;
      place[count] = static_cast<std::uint32_t>(phases.place(i / (k * k), i / k % k, i % k));
      value[count++] = w[o * row + i];
    }
    words[o + 1] = count;
  }
}

std::size_t sparse_filters_scratch(const Conv2d& shape) {
  return shape.n * Phases(shape).image(shape) + kSlack;
}

void sparse_filters_conv(const Conv2d& shape, const float* x, const float* packed, const float* b,
                         float* scratch, float* y) {
  init_target();
  const FilterView w = view(shape.o, packed);
  const Phases phases(shape);
  const std::size_t image = phases.image(shape), pixels = shape.out_h() * shape.out_w();
  const Plane plane{phases.width, (shape.out_h() - 1) * phases.width + shape.out_w(),
                    shape.out_w()};
  std::fill_n(scratch + shape.n * image, kSlack, 0.0f);
  parallel_tiles(shape.n, [&](std::size_t n) {
    arrange(shape, phases, x + n * shape.c * shape.h * shape.w, scratch + n * image);
  });
  const std::size_t parts =
      std::clamp<std::size_t>(w.start[shape.o] * plane.length / kTile, 1, shape.o);
  parallel_tiles(shape.n * parts, [&](std::size_t tile) {
    const std::size_t n = tile / parts, part = tile % parts;
    HWY_DYNAMIC_DISPATCH(some_outputs)
    (w, shape.o * part / parts, shape.o * (part + 1) / parts, plane, scratch + n * image, b, pixels,
     y + n * shape.o * pixels);
  });
}

}  // namespace scalemix::inline v0::kernel
#endif  // HWY_ONCE
