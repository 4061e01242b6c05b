// The products of our own, of which packed.cc and gemm_own.cc are made: a block of one, and how a
// product is cut into blocks. The order in which an element of C is summed depends on the shape of
// the product alone.
#pragma once

#include <algorithm>
#include <cstddef>

namespace scalemix::inline v0::kernel {

inline constexpr std::size_t kPanel = 32;  // columns of B side by side, on every SIMD target

/// The depth of a block: a panel of B stays in the first-level cache while the rows go by. With few
/// rows nothing is read again, and each block costs a start.
inline constexpr std::size_t kMostDepth = 256;
constexpr std::size_t most_depth(std::size_t rows) { return rows <= 3 ? 1024 : kMostDepth; }

/// C (rows, columns) = A (rows, depth) B (depth, columns) + beta from (rows, columns)
struct ProductBlock {
  std::size_t rows, columns, depth;
  const float* a;
  std::size_t lda;
  bool trans_a;  // stored (depth, rows)
  const float* b;
  std::size_t panel, ldb;  // from a panel of B to the next, from one of its rows to the next
  const float* from;       // not read if beta is 0; may be C
  std::size_t ldfrom;      // 0: the same row for all
  float beta;
  float* c;
  std::size_t ldc;

  const float* b_at(std::size_t column) const {
    return b + column / kPanel * panel + column % kPanel;
  }
};

/// Computes the block.
void product_block(const ProductBlock& block);

/// A panel of B (depth, kPanel) from the rows of B^T, w (units, depth); 0 beyond them.
void pack_panel(std::size_t units, std::size_t depth, const float* w, std::size_t ldw,
                float* panel);

/// n cut into as few parts of at most `most` as will do, all about equally long; a part's length is
/// a multiple of `step` but for the last.
struct Cuts {
  std::size_t n, length, count;

  Cuts(std::size_t n, std::size_t most, std::size_t step = 1) : n(n) {
    const auto ceil_div = [](std::size_t a, std::size_t b) { return (a + b - 1) / b; };
    const std::size_t parts = std::max<std::size_t>(ceil_div(n, most), 1);
    length = std::max<std::size_t>(ceil_div(ceil_div(n, parts), step) * step, 1);
    count = std::max<std::size_t>(ceil_div(n, length), 1);
  }
  std::size_t first(std::size_t part) const { return part * length; }
  std::size_t size(std::size_t part) const { return std::min(length, n - first(part)); }
};

/// The tiles of threads over C: some rows and some panels each. They depend on the shape alone.
struct ProductTiles {
  static constexpr std::size_t kMostRows = 132;  // rows of A that stay in the second-level cache
  static constexpr std::size_t kWork = std::size_t{1} << 20;  // multiplications worth a thread
  Cuts rows, panels;

  ProductTiles(std::size_t m, std::size_t n, std::size_t k)
      : rows(m, kMostRows, 12), panels((n + kPanel - 1) / kPanel, panels_of(rows.length, k), 1) {}
  std::size_t count() const { return rows.count * panels.count; }

 private:
  /// A row or two take as long as reading the weights, as long as 8 would.
  static std::size_t panels_of(std::size_t rows, std::size_t k) {
    const std::size_t panel = std::max<std::size_t>(rows, 8) * kPanel * std::max<std::size_t>(k, 1);
    return std::max<std::size_t>(kWork / panel, 1);
  }
};

}  // namespace scalemix::inline v0::kernel
