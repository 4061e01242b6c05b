// The SIMD half of left_weights.h, compiled once per instruction set.
#include "scalemix/kernel/left_weights.h"

#include <algorithm>
#include <numeric>

#ifndef HWY_COMPILE_ALL_ATTAINABLE
#define HWY_COMPILE_ALL_ATTAINABLE  // the scalar target too, which tests compare the others with
#endif
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "scalemix/kernel/left_weights.cc"
#include "hwy/foreach_target.h"  // must precede highway.h
#include "hwy/highway.h"
#include "scalemix/base/parallel.h"
#include "scalemix/kernel/lanes-inl.h"
#include "scalemix/kernel/line.h"
#include "scalemix/kernel/target.h"
#include "scalemix/kernel/transpose-inl.h"

#ifndef SCALEMIX_KERNEL_LEFT_WEIGHTS_VIEW_
#define SCALEMIX_KERNEL_LEFT_WEIGHTS_VIEW_
namespace scalemix::inline v0::kernel {
namespace {

constexpr std::size_t kTurnedRows = 64;  // that lie side by side, at most

/// Rows that were turned together: number j of row n at numbers[j * width + n]. Those beyond `rows` are 0.
struct TurnedPanel {
  std::size_t first, rows, width;  // width: whole lines
  const float* numbers;
};

/// What the numbers of a result are sums over: number i of weights i * outer + place * inner.
struct LeftSums {
  const std::uint32_t *start, *place;
  std::size_t outer, inner;
};

}  // namespace
}  // namespace scalemix::inline v0::kernel
#endif

HWY_BEFORE_NAMESPACE();
namespace scalemix::inline v0::kernel::HWY_NAMESPACE {
namespace {

template <std::size_t kLines>
constexpr std::size_t vectors() {
  return kLines * kLineFloats / hn::MaxLanes(DF());
}

/// Columns [first, last) of a panel, which lie from `to` on.
void turn(const TurnedPanel& p, std::size_t columns, std::size_t first, std::size_t last,
          const float* x, float* to) {
  for (std::size_t j = first; j < last; j += kLineFloats) {
    const std::size_t count = std::min(kLineFloats, last - j);
    for (std::size_t i = j; p.rows < p.width && i < j + count; ++i) {
      std::fill_n(to + (i + 1) * p.width - kLineFloats, kLineFloats, 0.0f);
    }
    transpose(p.rows, count, x + p.first * columns + j, columns, to + j * p.width, p.width);
  }
}

/// Numbers [first, last) of the rows of a panel, of y (rows, numbers).
template <std::size_t kLines>
HWY_INLINE void sums(const LeftSums& l, const TurnedPanel& p, std::size_t first, std::size_t last,
                     std::size_t numbers, const float* w, const float* b, float* y) {
  const DF d;
  constexpr std::size_t kLanes = hn::MaxLanes(DF()), kWidth = kLines * kLineFloats;
  HWY_ALIGN float strip[kLineFloats * kWidth];
  for (std::size_t i = first; i < last; i += kLineFloats) {
    const std::size_t end = std::min(i + kLineFloats, last);
    for (std::size_t o = i; o < end; ++o) {
      VF sum[vectors<kLines>()];
      for (VF& s : sum) s = set(b ? b[o] : 0);
      for (std::size_t k = l.start[o]; k < l.start[o + 1]; ++k) {
        const VF weight = set(w[o * l.outer + l.place[k] * l.inner]);
        const float* row = p.numbers + l.place[k] * kWidth;
        for (std::size_t v = 0; v < vectors<kLines>(); ++v) {
          sum[v] = hn::MulAdd(weight, hn::Load(d, row + v * kLanes), sum[v]);
        }
      }
      for (std::size_t v = 0; v < vectors<kLines>(); ++v) {
        hn::Store(sum[v], d, strip + (o - i) * kWidth + v * kLanes);
      }
    }
    transpose(end - i, p.rows, strip, kWidth, y + p.first * numbers + i, numbers);
  }
}

void some_sums(const LeftSums& l, const TurnedPanel& p, std::size_t first, std::size_t last,
               std::size_t numbers, const float* w, const float* b, float* y) {
  switch (p.width / kLineFloats) {
    case 1:
      return sums<1>(l, p, first, last, numbers, w, b, y);
    case 2:
      return sums<2>(l, p, first, last, numbers, w, b, y);
    case 3:
      return sums<3>(l, p, first, last, numbers, w, b, y);
    default:
      return sums<4>(l, p, first, last, numbers, w, b, y);
  }
}

/// What the rows of a panel give to the weights of outputs [first, last), or add to it.
template <std::size_t kLines>
HWY_INLINE void to_weights(const LeftSums& l, const float* x, const float* dy, std::size_t first,
                           std::size_t last, bool add, float* dw) {
  const DF d;
  constexpr std::size_t kLanes = hn::MaxLanes(DF()), kWidth = kLines * kLineFloats;
  for (std::size_t o = first; o < last; ++o) {
    VF slope[vectors<kLines>()];
    for (std::size_t v = 0; v < vectors<kLines>(); ++v) {
      slope[v] = hn::Load(d, dy + o * kWidth + v * kLanes);
    }
    for (std::size_t k = l.start[o]; k < l.start[o + 1]; ++k) {
      const float* row = x + l.place[k] * kWidth;
      VF sum = hn::Mul(slope[0], hn::Load(d, row));
      for (std::size_t v = 1; v < vectors<kLines>(); ++v) {
        sum = hn::MulAdd(slope[v], hn::Load(d, row + v * kLanes), sum);
      }
      const float total = hn::GetLane(hn::SumOfLanes(d, sum));
      float& to = dw[o * l.outer + l.place[k]];
      to = add ? to + total : total;
    }
  }
}

void some_to_weights(const LeftSums& l, const TurnedPanel& x, const float* dy, std::size_t first,
                     std::size_t last, float* dw) {
  const bool add = x.first > 0;
  switch (x.width / kLineFloats) {
    case 1:
      return to_weights<1>(l, x.numbers, dy, first, last, add, dw);
    case 2:
      return to_weights<2>(l, x.numbers, dy, first, last, add, dw);
    case 3:
      return to_weights<3>(l, x.numbers, dy, first, last, add, dw);
    default:
      return to_weights<4>(l, x.numbers, dy, first, last, add, dw);
  }
}

}  // namespace
}  // namespace scalemix::inline v0::kernel::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace scalemix::inline v0::kernel {
namespace {

HWY_EXPORT(turn);
HWY_EXPORT(some_sums);
HWY_EXPORT(some_to_weights);

constexpr std::size_t kColumnsTogether = 256;        // that are turned in one tile
constexpr std::size_t kTile = std::size_t{1} << 12;  // weights left that repay a thread

std::size_t panels(std::size_t rows) { return (rows + kTurnedRows - 1) / kTurnedRows; }

/// Panel p of rows that were turned.
TurnedPanel panel(std::size_t p, std::size_t rows, std::size_t columns, const float* turned) {
  const std::size_t first = p * kTurnedRows, count = std::min(kTurnedRows, rows - first);
  return {first, count, whole_lines(count),
          line_start(const_cast<float*>(turned)) + first * columns};
}

/// Parts of `numbers` results that repay a thread each.
std::size_t parts(std::size_t numbers, std::size_t left) {
  const std::size_t lines = whole_lines(numbers) / kLineFloats;
  return std::clamp<std::size_t>(left / kTile, 1, std::max<std::size_t>(lines, 1));
}

/// Where part i of them begins, at a whole line.
std::size_t part_start(std::size_t i, std::size_t all, std::size_t numbers) {
  const std::size_t lines = whole_lines(numbers) / kLineFloats;
  return std::min(numbers, lines * i / all * kLineFloats);
}

void all_sums(const LeftSums& l, std::size_t left, std::size_t rows, std::size_t columns,
              std::size_t numbers, const float* turned, const float* w, const float* b, float* y) {
  init_target();
  const std::size_t of = parts(numbers, left);
  parallel_tiles(panels(rows) * of, [&](std::size_t tile) {
    const std::size_t i = tile % of;
    HWY_DYNAMIC_DISPATCH(some_sums)
    (l, panel(tile / of, rows, columns, turned), part_start(i, of, numbers),
     part_start(i + 1, of, numbers), numbers, w, b, y);
  });
}

/// Starts of each of `count` lists from their lengths, which stand one place further on.
void add_up(std::vector<std::uint32_t>& start) {
  std::partial_sum(start.begin(), start.end(), start.begin());
}

}  // namespace

void LeftWeights::list(std::size_t out, std::size_t columns, const std::uint8_t* on) {
  out_ = out;
  columns_ = columns;
  row_start_.assign(out + 1, 0);
  column_start_.assign(columns + 1, 0);
  for (std::size_t o = 0; o < out; ++o) {
    for (std::size_t j = 0; j < columns; ++j) {
      if (!on[o * columns + j]) continue;
      ++row_start_[o + 1];
      ++column_start_[j + 1];
    }
  }
  add_up(row_start_);
  add_up(column_start_);
  column_.resize(row_start_[out]);
  row_.resize(row_start_[out]);
  std::vector<std::uint32_t> next(column_start_.begin(), column_start_.end() - 1);
  std::size_t k = 0;
  for (std::size_t o = 0; o < out; ++o) {
    for (std::size_t j = 0; j < columns; ++j) {
      if (!on[o * columns + j]) continue;
      column_[k++] = static_cast<std::uint32_t>(j);
      row_[next[j]++] = static_cast<std::uint32_t>(o);
    }
  }
}

void LeftWeights::clear() { *this = {}; }

std::size_t LeftWeights::before(std::size_t place) const {
  const std::size_t o = place / columns_;
  if (o == out_) return left();
  const auto begin = column_.begin() + row_start_[o], end = column_.begin() + row_start_[o + 1];
  return static_cast<std::size_t>(std::lower_bound(begin, end, place % columns_) - column_.begin());
}

void LeftWeights::places(std::size_t first, std::size_t last, std::uint32_t* to) const {
  const auto row = std::upper_bound(row_start_.begin(), row_start_.end(), first) - 1;
  auto o = static_cast<std::size_t>(row - row_start_.begin());
  for (std::size_t k = first; k < last; ++k) {
    while (k == row_start_[o + 1]) ++o;
    *to++ = static_cast<std::uint32_t>(o * columns_ + column_[k]);
  }
}

std::size_t turned_size(std::size_t rows, std::size_t columns) {
  return whole_lines(rows) * columns + kLineFloats;
}

void turn_rows(std::size_t rows, std::size_t columns, const float* x, float* turned) {
  init_target();
  const std::size_t of = (columns + kColumnsTogether - 1) / kColumnsTogether;
  parallel_tiles(panels(rows) * of, [&](std::size_t tile) {
    const TurnedPanel p = panel(tile / of, rows, columns, turned);
    const std::size_t first = tile % of * kColumnsTogether;
    HWY_DYNAMIC_DISPATCH(turn)
    (p, columns, first, std::min(first + kColumnsTogether, columns), x,
     const_cast<float*>(p.numbers));
  });
}

void left_product(const LeftWeights& left, std::size_t rows, const float* x, const float* w,
                  const float* b, float* y) {
  all_sums({left.row_start(), left.column(), left.columns(), 1}, left.left(), rows, left.columns(),
           left.out(), x, w, b, y);
}

void left_to_input(const LeftWeights& left, std::size_t rows, const float* dy, const float* w,
                   float* dx) {
  all_sums({left.column_start(), left.row(), 1, left.columns()}, left.left(), rows, left.out(),
           left.columns(), dy, w, nullptr, dx);
}

void left_to_weights(const LeftWeights& left, std::size_t rows, const float* x, const float* dy,
                     float* dw) {
  init_target();
  const LeftSums l{left.row_start(), left.column(), left.columns(), 1};
  const std::size_t of = parts(left.out(), left.left());
  parallel_tiles(of, [&](std::size_t i) {
    for (std::size_t p = 0; p < panels(rows); ++p) {
      HWY_DYNAMIC_DISPATCH(some_to_weights)
      (l, panel(p, rows, left.columns(), x), panel(p, rows, left.out(), dy).numbers,
       part_start(i, of, left.out()), part_start(i + 1, of, left.out()), dw);
    }
  });
}

}  // namespace scalemix::inline v0::kernel
#endif  // HWY_ONCE
