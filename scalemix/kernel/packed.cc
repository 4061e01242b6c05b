#include "scalemix/kernel/packed.h"

#include <algorithm>

#include "scalemix/base/parallel.h"
#include "scalemix/kernel/product_block.h"

namespace scalemix::inline v0::kernel {

std::size_t packed_size(std::size_t n, std::size_t k) {
  return (n + kPanel - 1) / kPanel * kPanel * k;
}

void pack(std::size_t n, std::size_t k, const float* w, std::size_t ldw, float* packed) {
  for (std::size_t first = 0; first < n; first += kPanel) {
    pack_panel(std::min(kPanel, n - first), k, w + first * ldw, ldw, packed + first * k);
  }
}

void packed_product(std::size_t m, std::size_t n, std::size_t k, const float* x, std::size_t ldx,
                    const float* packed, const float* b, float* y, std::size_t ldy) {
  if (m == 0 || n == 0) return;
  const ProductTiles tiles(m, n, k);
  const Cuts depths(k, most_depth(m));
  parallel_tiles(tiles.count(), [&](std::size_t tile) {
    const std::size_t row = tiles.rows.first(tile / tiles.panels.count);
    const std::size_t panel = tiles.panels.first(tile % tiles.panels.count);
    const std::size_t column = panel * kPanel;
    float* c = y + row * ldy + column;
    for (std::size_t part = 0; part < depths.count; ++part) {
      const std::size_t depth = depths.first(part);
      const bool first = part == 0;
      product_block({.rows = tiles.rows.size(tile / tiles.panels.count),
                     .columns = std::min(tiles.panels.length * kPanel, n - column),
                     .depth = depths.size(part),
                     .a = x + row * ldx + depth,
                     .lda = ldx,
                     .trans_a = false,
                     .b = packed + panel * kPanel * k + depth * kPanel,
                     .panel = kPanel * k,
                     .ldb = kPanel,
                     .from = first ? b + (b ? column : 0) : c,
                     .ldfrom = first ? 0 : ldy,
                     .beta = first && !b ? 0.0f : 1.0f,
                     .c = c,
                     .ldc = ldy});
    }
  });
}

}  // namespace scalemix::inline v0::kernel
