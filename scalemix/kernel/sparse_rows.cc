// The SIMD half of marking, compiled once per instruction set.
#include "scalemix/kernel/sparse_rows.h"

#include <algorithm>

#ifndef HWY_COMPILE_ALL_ATTAINABLE
#define HWY_COMPILE_ALL_ATTAINABLE  // the scalar target too, which tests compare the others with
#endif
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "scalemix/kernel/sparse_rows.cc"
#include "hwy/foreach_target.h"  // must precede highway.h
#include "hwy/highway.h"
#include "scalemix/base/parallel.h"
#include "scalemix/kernel/sparse-inl.h"
#include "scalemix/kernel/target.h"
#include "scalemix/kernel/transpose-inl.h"

HWY_BEFORE_NAMESPACE();
namespace scalemix::inline v0::kernel::HWY_NAMESPACE {
namespace {

/// square may be null.
void mark_row(const float* x, const float* base, std::size_t columns, float* change, float* square,
              std::uint64_t* bits) {
  const DF d;
  for_lanes(d, columns, [&](std::size_t j, std::size_t count) HWY_ATTR {
    const VF value = load(d, x + j, count), b = load(d, base + j, count);
    store(hn::Sub(value, b), d, change + j, count);
    if (square == nullptr) return;
    store(hn::Sub(hn::Mul(value, value), hn::Mul(b, b)), d, square + j, count);
  });
  for (std::size_t j = 0; j < columns; j += kSlice) {
    *bits++ = marks(change + j, std::min(kSlice, columns - j));
  }
}

/// Columns from ... to - 1 of a block; square may be null.
void mark_columns(const float* change, const float* square, std::size_t rows, std::size_t columns,
                  std::size_t from, std::size_t to, float* change_by_column,
                  float* square_by_column, std::uint64_t* bits) {
  constexpr std::size_t kBlock = SparseRows::kBlock;
  transpose(rows, to - from, change + from, columns, change_by_column + from * kBlock, kBlock);
  if (square != nullptr) {
    transpose(rows, to - from, square + from, columns, square_by_column + from * kBlock, kBlock);
  }
  for (std::size_t j = from; j < to; ++j) {
    const float* column = change_by_column + j * kBlock;
    bits[2 * j] = marks(column, std::min(rows, kSlice));
    bits[2 * j + 1] = marks(column + kSlice, std::max(rows, kSlice) - kSlice);
  }
}

}  // namespace
}  // namespace scalemix::inline v0::kernel::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace scalemix::inline v0::kernel {
namespace {

HWY_EXPORT(mark_row);
HWY_EXPORT(mark_columns);

}  // namespace

std::size_t SparseRows::memory(std::size_t rows, std::size_t columns) {
  const SparseRows x(rows, columns, nullptr);
  const std::size_t bits = (rows + 1) * x.slices() + 2 * x.blocks() * columns;
  return 2 * (bits + (rows + 1) * columns + x.blocks() * columns * kBlock);
}

SparseRows::SparseRows(std::size_t rows, std::size_t columns, float* memory)
    : rows_(rows), columns_(columns), row_bits_(reinterpret_cast<std::uint64_t*>(memory)) {
  column_bits_ = row_bits_ + (rows + 1) * slices();
  change_ = reinterpret_cast<float*>(column_bits_ + 2 * blocks() * columns);
  square_ = change_ + (rows + 1) * columns;
  change_by_column_ = square_ + (rows + 1) * columns;
  square_by_column_ = change_by_column_ + blocks() * columns * kBlock;
}

void SparseRows::mark(const float* x, const float* base, bool squares) const {
  init_target();
  const auto row = [&](std::size_t n, const float* values, const float* from) {
    HWY_DYNAMIC_DISPATCH(mark_row)
    (values, from, columns_, change_ + n * columns_, squares ? square_ + n * columns_ : nullptr,
     row_bits_ + n * slices());
  };
  constexpr std::size_t kRows = 16;
  parallel_tiles((rows_ + kRows - 1) / kRows, [&](std::size_t tile) {
    for (std::size_t n = tile * kRows; n < std::min(rows_, (tile + 1) * kRows); ++n) {
      row(n, x + n * columns_, base);
    }
  });
  float* zeros = change_by_column_;  // not yet in use
  std::fill_n(zeros, columns_, 0.0f);
  row(rows_, base, zeros);
  parallel_tiles(slices(), [&](std::size_t slice) {
    const std::size_t from = slice * kSlice, to = std::min(columns_, from + kSlice);
    for (std::size_t block = 0; block < blocks(); ++block) {
      const std::size_t first = block * kBlock, column = block * columns_;
      HWY_DYNAMIC_DISPATCH(mark_columns)
      (change_ + first * columns_, squares ? square_ + first * columns_ : nullptr,
       std::min(kBlock, rows_ - first), columns_, from, to, change_by_column_ + column * kBlock,
       square_by_column_ + column * kBlock, column_bits_ + 2 * column);
    }
  });
}

}  // namespace scalemix::inline v0::kernel
#endif  // HWY_ONCE
