// The loop of every product of our own: a tile of C stays in registers while the depth goes by, and
// such tiles go over a block. Compiled once per instruction set.
#include "scalemix/kernel/product_block.h"

#include <algorithm>
#include <cstddef>
#include <utility>

#ifndef HWY_COMPILE_ALL_ATTAINABLE
#define HWY_COMPILE_ALL_ATTAINABLE  // the scalar target too, which tests compare the others with
#endif
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "scalemix/kernel/product_block.cc"
#include "hwy/cache_control.h"
#include "hwy/foreach_target.h"  // must precede highway.h
#include "hwy/highway.h"
#include "scalemix/kernel/lanes-inl.h"
#include "scalemix/kernel/target.h"
#include "scalemix/kernel/transpose-inl.h"

HWY_BEFORE_NAMESPACE();
namespace scalemix::inline v0::kernel::HWY_NAMESPACE {
namespace {

static_assert(kPanel % (2 * hn::MaxLanes(DF())) == 0, "a pair of vectors lies in one panel");

// Rows of a tile of two vectors: sums, the vectors of B and one number of A fill the registers.
constexpr std::size_t kTileRows = HWY_TARGET <= HWY_AVX3 ? 12 : 6;
// Sums in flight, or each addition waits for the last: with few rows a tile has more vectors, and
// where there are no more, several sums along the depth.
constexpr std::size_t kLeastSums = 8;
constexpr std::size_t tile_vectors(std::size_t rows) { return rows == 1 ? 8 : rows <= 3 ? 4 : 2; }

// As load and store of lanes-inl.h, but a part of a vector costs no more than a whole one.
#if HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX2
HWY_INLINE VF load_part(DF d, const float* p, std::size_t count) {
  return hn::MaskedLoad(hn::FirstN(d, count), d, p);
}
HWY_INLINE void store_part(VF v, DF d, float* p, std::size_t count) {
  hn::BlendedStore(v, hn::FirstN(d, count), d, p);
}
#else
HWY_INLINE VF load_part(DF d, const float* p, std::size_t count) { return load(d, p, count); }
HWY_INLINE void store_part(VF v, DF d, float* p, std::size_t count) { store(v, d, p, count); }
#endif

/// The sums of a tile: kRows times kVectors, and kDeep of each along the depth.
template <std::size_t kRows, std::size_t kVectors, std::size_t kDeep>
struct Sums {
  VF of[kDeep][kRows][kVectors];

  HWY_INLINE Sums() {
    for (auto& deep : of) {
      for (auto& row : deep) {
        for (VF& v : row) v = hn::Zero(DF());
      }
    }
  }
  /// Adds A(row, l) B(l, vector) to the sums `deep`.
  template <bool kTransA>
  HWY_INLINE void add(const float* const* a, std::size_t lda, const float* const* b,
                      std::size_t ldb, std::size_t l, std::size_t deep) {
    VF right[kVectors];
    for (std::size_t v = 0; v < kVectors; ++v) right[v] = hn::LoadU(DF(), b[v] + l * ldb);
    for (std::size_t r = 0; r < kRows; ++r) {
      const VF left = set(a[r][kTransA ? l * lda : l]);
      for (std::size_t v = 0; v < kVectors; ++v) {
        of[deep][r][v] = hn::MulAdd(left, right[v], of[deep][r][v]);
      }
    }
  }
  HWY_INLINE VF total(std::size_t r, std::size_t v) const {
    VF sum = of[0][r][v];
    for (std::size_t i = 1; i < kDeep; ++i) sum = hn::Add(sum, of[i][r][v]);
    return sum;
  }
};

/// C's vectors from column j on, of kRows rows from `row` on.
template <bool kTransA, std::size_t kRows, std::size_t kVectors>
HWY_INLINE void tile(const ProductBlock& p, std::size_t row, std::size_t j) {
  constexpr std::size_t kDeep = (kLeastSums + kRows * kVectors - 1) / (kRows * kVectors);
  const DF d;
  const std::size_t lanes = hn::Lanes(d);
  const float *a[kRows], *b[kVectors];
  for (std::size_t r = 0; r < kRows; ++r) a[r] = p.a + (kTransA ? row + r : (row + r) * p.lda);
  for (std::size_t v = 0; v < kVectors; ++v) b[v] = p.b_at(j + v * lanes);
  for (std::size_t r = 0; r < kRows; ++r) {
    for (std::size_t v = 0; v < kVectors; ++v) {
      hwy::Prefetch(p.c + (row + r) * p.ldc + j + v * lanes);
    }
  }
  Sums<kRows, kVectors, kDeep> sums;
  std::size_t l = 0;
  for (; l + kDeep <= p.depth; l += kDeep) {
    for (std::size_t i = 0; i < kDeep; ++i) {
      sums.template add<kTransA>(a, p.lda, b, p.ldb, l + i, i);
    }
  }
  for (; l < p.depth; ++l) sums.template add<kTransA>(a, p.lda, b, p.ldb, l, 0);
  for (std::size_t r = 0; r < kRows; ++r) {
    const float* from = p.from + (row + r) * p.ldfrom;
    float* c = p.c + (row + r) * p.ldc;
    for (std::size_t v = 0; v < kVectors; ++v) {
      const std::size_t at = j + v * lanes;
      const bool whole = at + lanes <= p.columns;
      VF sum = sums.total(r, v);
      if (p.beta != 0) {
        const VF before = whole ? hn::LoadU(d, from + at) : load_part(d, from + at, p.columns - at);
        sum = hn::MulAdd(set(p.beta), before, sum);
      }
      whole ? hn::StoreU(sum, d, c + at) : store_part(sum, d, c + at, p.columns - at);
    }
  }
}

/// `vectors` vectors of C's columns from j on, of `count` strips of kRows rows from `row` on.
template <bool kTransA, std::size_t kRows>
void strips(const ProductBlock& p, std::size_t row, std::size_t count, std::size_t j,
            std::size_t vectors) {
  [&]<std::size_t... kLess>(std::index_sequence<kLess...>) {
    const auto run = [&]<std::size_t kVectors>() {
      for (std::size_t s = 0; s < count; ++s) {
        tile<kTransA, kRows, kVectors>(p, row + s * kRows, j);
      }
    };
    static_cast<void>(
        ((vectors == kLess + 1 && (run.template operator()<kLess + 1>(), true)) || ...));
  }
  (std::make_index_sequence<tile_vectors(kRows)>());
}

template <bool kTransA>
void strips_of(std::size_t rows, const ProductBlock& p, std::size_t row, std::size_t count,
               std::size_t j, std::size_t vectors) {
  [&]<std::size_t... kLess>(std::index_sequence<kLess...>) {
    static_cast<void>(
        ((rows == kLess + 1 && (strips<kTransA, kLess + 1>(p, row, count, j, vectors), true)) ||
         ...));
  }
  (std::make_index_sequence<kTileRows>());
}

/// All of a block. Strips of rows and groups of vectors are about equally large; what a group reads
/// of B stays in cache while the strips go by.
template <bool kTransA>
void all_tiles(const ProductBlock& p) {
  const std::size_t count = (p.rows + kTileRows - 1) / kTileRows, rows = p.rows / count;
  const std::size_t longer = p.rows % count;  // strips that are a row longer come first
  const std::size_t lanes = hn::Lanes(DF()), vectors = (p.columns + lanes - 1) / lanes;
  const std::size_t most = tile_vectors(rows + (longer > 0)), groups = (vectors + most - 1) / most;
  for (std::size_t g = 0; g < groups; ++g) {
    const std::size_t first = g * vectors / groups, width = (g + 1) * vectors / groups - first;
    strips_of<kTransA>(rows + 1, p, 0, longer, first * lanes, width);
    strips_of<kTransA>(rows, p, longer * (rows + 1), count - longer, first * lanes, width);
  }
}

void pack_panel_here(std::size_t units, std::size_t depth, const float* w, std::size_t ldw,
                     float* panel) {
  transpose(units, depth, w, ldw, panel, kPanel);
  for (std::size_t l = 0; units < kPanel && l < depth; ++l) {
    std::fill(panel + l * kPanel + units, panel + (l + 1) * kPanel, 0.0f);
  }
}

void product_block_here(const ProductBlock& p) {
  p.trans_a ? all_tiles<true>(p) : all_tiles<false>(p);
}

}  // namespace
}  // namespace scalemix::inline v0::kernel::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace scalemix::inline v0::kernel {
namespace {

HWY_EXPORT(product_block_here);
HWY_EXPORT(pack_panel_here);

}  // namespace

void product_block(const ProductBlock& block) {
  init_target();
  HWY_DYNAMIC_DISPATCH(product_block_here)(block);
}

void pack_panel(std::size_t units, std::size_t depth, const float* w, std::size_t ldw,
                float* panel) {
  init_target();
  HWY_DYNAMIC_DISPATCH(pack_panel_here)(units, depth, w, ldw, panel);
}

}  // namespace scalemix::inline v0::kernel
#endif  // HWY_ONCE
