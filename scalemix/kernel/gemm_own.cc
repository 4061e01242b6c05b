// Products in float without a library: the seam of a product that only runs models, where
// gemm_onednn.cc would bring oneDNN.
#include <algorithm>
#include <stdexcept>
#include <string>

#include "scalemix/base/parallel.h"
#include "scalemix/kernel/gemm.h"
#include "scalemix/kernel/gemv.h"
#include "scalemix/kernel/product_block.h"
#include "scalemix/kernel/scale_rows.h"
#include "scalemix/kernel/target.h"

namespace scalemix::inline v0::kernel {
namespace {

// Rows that repay a copy of B, whose rows are read there without a stride.
constexpr std::size_t kRowsToCopy = 24;

struct Factor {
  const float* p;
  std::size_t ld;
  Trans trans;

  /// Where the element (row, column) of the factor lies, transposed or not.
  const float* at(std::size_t row, std::size_t column) const {
    return trans == Trans::yes ? p + column * ld + row : p + row * ld + column;
  }
};

/// A panel of B's `columns`: where it lies, or a copy.
void set_panel(const Factor& b, std::size_t depth, std::size_t column, float* copy,
               ProductBlock& block) {
  const float* from = b.at(depth, column);
  block.panel = kPanel;
  if (b.trans == Trans::no && block.columns == kPanel && block.rows < kRowsToCopy) {
    block.b = from;
    block.ldb = b.ld;
    return;
  }
  block.b = copy;
  block.ldb = kPanel;
  if (b.trans == Trans::yes) {
    pack_panel(block.columns, block.depth, from, b.ld, copy);
    return;
  }
  for (std::size_t l = 0; l < block.depth; ++l, from += b.ld, copy += kPanel) {
    if (block.columns == kPanel) {
      std::copy_n(from, kPanel, copy);  // of a length that the compiler knows
    } else {
      std::copy_n(from, block.columns, copy);
      std::fill(copy + block.columns, copy + kPanel, 0.0f);
    }
  }
}

/// What a thread does: some rows of one panel of C.
struct Tile {
  std::size_t row, rows, column, columns;
};

void multiply(const Factor& a, const Factor& b, std::size_t k, float beta, float* c,
              std::size_t ldc, const Tile& t) {
  alignas(64) float copy[kMostDepth * kPanel];
  const Cuts depths(k, kMostDepth);
  float* to = c + t.row * ldc + t.column;
  for (std::size_t part = 0; part < depths.count; ++part) {
    const std::size_t depth = depths.first(part);
    ProductBlock block{.rows = t.rows,
                       .columns = t.columns,
                       .depth = depths.size(part),
                       .a = a.at(t.row, depth),
                       .lda = a.ld,
                       .trans_a = a.trans == Trans::yes,
                       .b = nullptr,
                       .panel = 0,
                       .ldb = 0,
                       .from = to,
                       .ldfrom = ldc,
                       .beta = part == 0 ? beta : 1.0f,
                       .c = to,
                       .ldc = ldc};
    set_panel(b, depth, t.column, copy, block);
    product_block(block);
  }
}

}  // namespace

void gemm(Trans ta, Trans tb, std::size_t m, std::size_t n, std::size_t k, const float* a,
          std::size_t lda, const float* b, std::size_t ldb, float beta, float* c, std::size_t ldc) {
  if (m == 0 || n == 0) return;
  if (lda < (ta == Trans::yes ? m : k) || ldb < (tb == Trans::yes ? k : n) || ldc < n) {
    throw std::runtime_error("gemm: a stride is less than a row");
  }
  if (k == 0) return scale_rows(m, n, beta, c, ldc);
  if (m == 1 && ta == Trans::no && tb == Trans::yes) return gemv(n, k, b, ldb, a, beta, c);
  if (n == 1 && ta == Trans::no && (tb == Trans::yes || ldb == 1) && ldc == 1) {
    return gemv(m, k, a, lda, b, beta, c);
  }
  const Factor left{a, lda, ta}, right{b, ldb, tb};
  const ProductTiles tiles(m, n, k);
  parallel_tiles(tiles.count(), [&](std::size_t tile) {
    const std::size_t rows = tile / tiles.panels.count, panels = tile % tiles.panels.count;
    for (std::size_t p = 0; p < tiles.panels.size(panels); ++p) {
      const std::size_t column = (tiles.panels.first(panels) + p) * kPanel;
      multiply(
          left, right, k, beta, c, ldc,
          {tiles.rows.first(rows), tiles.rows.size(rows), column, std::min(kPanel, n - column)});
    }
  });
}

std::string product_libraries() {
  init_target();
  return "scalemix " + active_target();
}

}  // namespace scalemix::inline v0::kernel
