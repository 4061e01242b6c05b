// The SIMD half of sparse_weights.h, compiled once per instruction set.
#include "scalemix/kernel/sparse_weights.h"

#include <algorithm>
#include <cstring>
#include <numeric>

#ifndef HWY_COMPILE_ALL_ATTAINABLE
#define HWY_COMPILE_ALL_ATTAINABLE  // the scalar target too, which tests compare the others with
#endif
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "scalemix/kernel/sparse_weights.cc"
#include "hwy/foreach_target.h"  // must precede highway.h
#include "hwy/highway.h"
#include "scalemix/base/parallel.h"
#include "scalemix/kernel/lanes-inl.h"
#include "scalemix/kernel/line.h"
#include "scalemix/kernel/target.h"
#include "scalemix/kernel/transpose-inl.h"

#ifndef SCALEMIX_KERNEL_SPARSE_WEIGHTS_VIEW_
#define SCALEMIX_KERNEL_SPARSE_WEIGHTS_VIEW_
namespace scalemix::inline v0::kernel {

inline constexpr std::size_t kSliceRows = 16;
inline constexpr std::size_t kStrip = 16;      // columns that are transposed together
inline constexpr std::size_t kPanelRows = 64;  // rows of x that are transposed together, at most

/// Where the parts of packed weights lie. Counts and places are 32-bit words among the floats.
struct PackedView {
  std::size_t left;  // numbers
  Fetch fetch;
  const std::uint32_t *row_start, *column;       // (out + 1), (left)
  const std::uint32_t *slice_start, *slice_row;  // (slices + 1), (slices, 16)
  const std::uint32_t* slice_column;             // (steps, 16)
  const float *value, *slice_value;              // (left), (steps, 16)
};

}  // namespace scalemix::inline v0::kernel
#endif

HWY_BEFORE_NAMESPACE();
namespace scalemix::inline v0::kernel::HWY_NAMESPACE {
namespace {

using Four [[gnu::vector_size(16)]] = float;

Four load_four(const float* p) {
  Four out;
  std::memcpy(&out, p, sizeof out);
  return out;
}

/// What the sums of a slice's 16 rows are of y.
void write_slice(const PackedView& w, std::size_t s, std::size_t out, const float* sums,
                 const float* b, float* y) {
  for (std::size_t r = 0; r < kSliceRows; ++r) {
    const std::size_t o = w.slice_row[s * kSliceRows + r];
    if (o < out) y[o] = b ? b[o] + sums[r] : sums[r];
  }
}

/// As slices_times; what a gather would fetch is loaded number by number.
void slices_times_loads(const PackedView& w, std::size_t first, std::size_t last, std::size_t out,
                        const float* x, const float* b, float* y) {
  constexpr std::size_t kFours = kSliceRows / 4;
  for (std::size_t s = first; s < last; ++s) {
    Four sum[kFours] = {};
    for (std::size_t k = w.slice_start[s]; k < w.slice_start[s + 1]; ++k) {
      const std::uint32_t* at = w.slice_column + k * kSliceRows;
      for (std::size_t v = 0; v < kFours; ++v, at += 4) {
        const Four numbers{x[at[0]], x[at[1]], x[at[2]], x[at[3]]};
        sum[v] += load_four(w.slice_value + k * kSliceRows + 4 * v) * numbers;
      }
    }
    float sums[kSliceRows];
    std::memcpy(sums, sum, sizeof sums);
    write_slice(w, s, out, sums, b, y);
  }
}

/// Slices [first, last) of the product with one row x.
void slices_times(const PackedView& w, std::size_t first, std::size_t last, std::size_t out,
                  const float* x, const float* b, float* y) {
  const DF d;
  const hn::RebindToSigned<DF> di;
  constexpr std::size_t kLanes = hn::MaxLanes(DF());
  constexpr std::size_t kVectors = kSliceRows / kLanes;
  if (w.fetch == Fetch::load) return slices_times_loads(w, first, last, out, x, b, y);
  for (std::size_t s = first; s < last; ++s) {
    VF sum[kVectors];
    for (std::size_t v = 0; v < kVectors; ++v) sum[v] = hn::Zero(d);
    for (std::size_t k = w.slice_start[s]; k < w.slice_start[s + 1]; ++k) {
      for (std::size_t v = 0; v < kVectors; ++v) {
        const std::size_t at = k * kSliceRows + v * kLanes;
        const auto places =
            hn::LoadU(di, reinterpret_cast<const std::int32_t*>(w.slice_column) + at);
        sum[v] =
            hn::MulAdd(hn::LoadU(d, w.slice_value + at), hn::GatherIndex(d, x, places), sum[v]);
      }
    }
    HWY_ALIGN float sums[kSliceRows];
    for (std::size_t v = 0; v < kVectors; ++v) hn::Store(sum[v], d, sums + v * kLanes);
    write_slice(w, s, out, sums, b, y);
  }
}

/// Outputs [first, last) of x transposed (columns, kVectors vectors), transposed.
template <std::size_t kVectors>
HWY_INLINE void panel_times(const PackedView& w, std::size_t first, std::size_t last,
                            const float* x, const float* b, float* y) {
  const DF d;
  constexpr std::size_t kLanes = hn::MaxLanes(DF());
  constexpr std::size_t kWidth = kVectors * kLanes;
  std::size_t k = w.row_start[first];
  for (std::size_t o = first; o < last; ++o) {
    VF sum[kVectors];
    for (std::size_t v = 0; v < kVectors; ++v) sum[v] = set(b ? b[o] : 0);
    for (const std::size_t end = w.row_start[o + 1]; k < end; ++k) {
      const VF weight = set(w.value[k]);
      const float* row = x + w.column[k] * kWidth;
      for (std::size_t v = 0; v < kVectors; ++v) {
        sum[v] = hn::MulAdd(weight, hn::Load(d, row + v * kLanes), sum[v]);
      }
    }
    for (std::size_t v = 0; v < kVectors; ++v)
      hn::Store(sum[v], d, y + (o - first) * kWidth + v * kLanes);
  }
}

template <std::size_t kVectors>
void panel(const PackedView& w, std::size_t rows, std::size_t out, std::size_t columns,
           const float* x, const float* b, float* turned, float* y) {
  constexpr std::size_t kWidth = kVectors * hn::MaxLanes(DF());
  HWY_ALIGN float strip[kStrip * kWidth];
  // In strips of a cache line, so that neither side leaves the first cache. Lanes beyond the rows hold
  // whatever was there: a lane meets no other, and theirs are not written out.
  for (std::size_t j = 0; j < columns; j += kStrip) {
    transpose(rows, std::min(kStrip, columns - j), x + j, columns, turned + j * kWidth, kWidth);
  }
  for (std::size_t o = 0; o < out; o += kStrip) {
    const std::size_t last = std::min(o + kStrip, out);
    panel_times<kVectors>(w, o, last, turned, b, strip);
    transpose(last - o, rows, strip, kWidth, y + o, out);
  }
}

/// At most kPanelRows rows; as few vectors as they need.
void some_rows(const PackedView& w, std::size_t rows, std::size_t out, std::size_t columns,
               const float* x, const float* b, float* scratch, float* y) {
  constexpr std::size_t kLanes = hn::MaxLanes(DF());
  constexpr std::size_t kMost = kPanelRows / kLanes;
  if constexpr (kMost >= 2) {
    if (2 * rows <= kPanelRows) {
      if constexpr (kMost >= 4) {
        if (4 * rows <= kPanelRows) {
          return panel<kMost / 4>(w, rows, out, columns, x, b, scratch, y);
        }
      }
      return panel<kMost / 2>(w, rows, out, columns, x, b, scratch, y);
    }
  }
  panel<kMost>(w, rows, out, columns, x, b, scratch, y);
}

}  // namespace
}  // namespace scalemix::inline v0::kernel::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace scalemix::inline v0::kernel {
namespace {

HWY_EXPORT(slices_times);
HWY_EXPORT(some_rows);

constexpr std::size_t kHeader = kLineFloats;         // the two counts, and Fetch
constexpr std::size_t kTile = std::size_t{1} << 15;  // weights left that repay a thread

/// The longest row of each 16, the rows in falling order.
template <class Longest>
void each_slice(std::vector<std::uint32_t> left, const Longest& f) {
  std::sort(left.rbegin(), left.rend());
  for (std::size_t first = 0; first < left.size(); first += kSliceRows) f(left[first]);
}

struct Sizes {
  std::size_t left, steps, slices, out;

  explicit Sizes(std::span<const std::uint32_t> rows)
      : left(std::accumulate(rows.begin(), rows.end(), std::size_t{0})),
        steps(0),
        slices((rows.size() + kSliceRows - 1) / kSliceRows),
        out(rows.size()) {
    each_slice({rows.begin(), rows.end()}, [this](std::uint32_t longest) { steps += longest; });
  }
  Sizes(std::size_t left, std::size_t steps, std::size_t out)
      : left(left), steps(steps), slices((out + kSliceRows - 1) / kSliceRows), out(out) {}

  std::size_t row_start() const { return kHeader; }
  std::size_t column() const { return row_start() + whole_lines(out + 1); }
  std::size_t value() const { return column() + whole_lines(left); }
  std::size_t slice_start() const { return value() + whole_lines(left); }
  std::size_t slice_row() const { return slice_start() + whole_lines(slices + 1); }
  std::size_t slice_column() const { return slice_row() + slices * kSliceRows; }
  std::size_t slice_value() const { return slice_column() + steps * kSliceRows; }
  std::size_t all() const { return slice_value() + steps * kSliceRows; }
};

PackedView view(std::size_t out, const float* packed) {
  const auto* words = reinterpret_cast<const std::uint32_t*>(packed);
  const Sizes at(words[0], words[1], out);
  return {at.left,
          static_cast<Fetch>(words[2]),
          words + at.row_start(),
          words + at.column(),
          words + at.slice_start(),
          words + at.slice_row(),
          words + at.slice_column(),
          packed + at.value(),
          packed + at.slice_value()};
}

/// The rows by falling length, equal ones in order.
std::vector<std::uint32_t> longest_first(const std::vector<std::uint32_t>& left) {
  std::vector<std::uint32_t> order(left.size());
  std::iota(order.begin(), order.end(), 0u);
  std::stable_sort(order.begin(), order.end(),
                   [&](std::uint32_t a, std::uint32_t b) { return left[a] > left[b]; });
  return order;
}

}  // namespace

std::vector<std::uint32_t> left_per_row(std::size_t out, std::size_t columns, const float* w) {
  std::vector<std::uint32_t> left(out);
  for (std::size_t o = 0; o < out; ++o) {
    const auto zeros = std::count(w + o * columns, w + (o + 1) * columns, 0.0f);
    left[o] = static_cast<std::uint32_t>(columns - static_cast<std::size_t>(zeros));
  }
  return left;
}

std::size_t sparse_weights_size(std::span<const std::uint32_t> left) { return Sizes(left).all(); }

Fetch best_fetch() {
#if defined(__x86_64__)
  static const bool slow = __builtin_cpu_is("amd");
  return slow ? Fetch::load : Fetch::gather;
#else
  return Fetch::load;  // no gathers
#endif
}

void pack_sparse_weights(std::size_t out, std::size_t columns, const float* w, float* packed,
                         Fetch fetch) {
  const std::vector<std::uint32_t> left = left_per_row(out, columns, w);
  const Sizes at(left);
  auto* words = reinterpret_cast<std::uint32_t*>(packed);
  std::fill_n(words, at.all(), 0u);
  words[0] = static_cast<std::uint32_t>(at.left);
  words[1] = static_cast<std::uint32_t>(at.steps);
  words[2] = static_cast<std::uint32_t>(fetch);
  std::size_t k = 0;
  for (std::size_t o = 0; o < out; ++o) {
    for (std::size_t j = 0; j < columns; ++j) {
      if (w[o * columns + j] == 0) continue;
      words[at.column() + k] = static_cast<std::uint32_t>(j);
      packed[at.value() + k++] = w[o * columns + j];
    }
    words[at.row_start() + o + 1] = static_cast<std::uint32_t>(k);
  }
  const std::vector<std::uint32_t> order = longest_first(left);
  std::size_t step = 0;
  for (std::size_t s = 0; s < at.slices; ++s) {
    const std::size_t longest = left[order[s * kSliceRows]];
    for (std::size_t r = 0; r < kSliceRows; ++r) {
      const std::size_t place = s * kSliceRows + r;
      words[at.slice_row() + place] = place < out ? order[place] : static_cast<std::uint32_t>(out);
      if (place >= out) continue;
      const std::size_t first = words[at.row_start() + order[place]], count = left[order[place]];
      for (std::size_t i = 0; i < longest && count > 0; ++i) {
        const std::size_t to = (step + i) * kSliceRows + r, from = first + std::min(i, count - 1);
        words[at.slice_column() + to] = words[at.column() + from];
        packed[at.slice_value() + to] = i < count ? packed[at.value() + from] : 0.0f;
      }
    }
    step += longest;
    words[at.slice_start() + s + 1] = static_cast<std::uint32_t>(step);
  }
}

std::size_t sparse_weights_scratch(std::size_t rows, std::size_t columns) {
  if (rows <= kFewRows) return 0;
  return (rows + kPanelRows - 1) / kPanelRows * kPanelRows * columns + kLineFloats;
}

void sparse_weights_product(std::size_t rows, std::size_t out, std::size_t columns, const float* x,
                            const float* packed, const float* b, float* scratch, float* y) {
  init_target();
  const PackedView w = view(out, packed);
  if (rows <= kFewRows) {
    const std::size_t slices = (out + kSliceRows - 1) / kSliceRows,
                      tiles = std::max<std::size_t>(1, std::min(slices, w.left / kTile));
    parallel_tiles(rows * tiles, [&](std::size_t tile) {
      const std::size_t n = tile / tiles, part = tile % tiles;
      HWY_DYNAMIC_DISPATCH(slices_times)
      (w, slices * part / tiles, slices * (part + 1) / tiles, out, x + n * columns, b, y + n * out);
    });
    return;
  }
  float* line = line_start(scratch);
  parallel_tiles((rows + kPanelRows - 1) / kPanelRows, [&](std::size_t tile) {
    const std::size_t first = tile * kPanelRows;
    HWY_DYNAMIC_DISPATCH(some_rows)
    (w, std::min(kPanelRows, rows - first), out, columns, x + first * columns, b,
     line + first * columns, y + first * out);
  });
}

}  // namespace scalemix::inline v0::kernel
#endif  // HWY_ONCE
