// Blocks of a matrix on their way between memory and the pairs' maps.
#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

#include "scalemix/kernel/gram_map.h"

namespace scalemix::inline v0::signal {

/// Pairs of one tile of either kernel: (kSide, kSide), one per thread.
struct GramBlock {
  static constexpr std::size_t kSide = kernel::kGramSide;

  std::vector<double> nngp, ntk;

  GramBlock() : nngp(kSide * kSide), ntk(kSide * kSide) {}
  static GramBlock& mine() {
    thread_local GramBlock block;
    return block;
  }
};

/// One tile of a matrix in memory, `stride` numbers per row.
struct GramTile {
  static constexpr std::size_t kSide = kernel::kGramSide;

  double* at;
  std::size_t stride, rows, columns;

  void load(double* block) const {
    for (std::size_t i = 0; i < rows; ++i) std::copy_n(at + i * stride, columns, block + i * kSide);
  }
  void store(const double* block) const {
    for (std::size_t i = 0; i < rows; ++i) std::copy_n(block + i * kSide, columns, at + i * stride);
  }
  /// The block's column i is the tile's row i.
  void load_transposed(double* block) const {
    for_patches([&](std::size_t i, std::size_t j) { block[j * kSide + i] = at[i * stride + j]; });
  }
  void store_transposed(const double* block) const {
    for_patches([&](std::size_t i, std::size_t j) { at[i * stride + j] = block[j * kSide + i]; });
  }
  /// The same, only right of the diagonal or only left of it.
  void store_upper(const double* block) const {
    for (std::size_t i = 0; i < rows; ++i) {
      for (std::size_t j = i + 1; j < columns; ++j) at[i * stride + j] = block[i * kSide + j];
    }
  }
  void store_lower_transposed(const double* block) const {
    for (std::size_t i = 0; i < rows; ++i) {
      for (std::size_t j = 0; j < std::min(i, columns); ++j) {
        at[i * stride + j] = block[j * kSide + i];
      }
    }
  }

 private:
  static constexpr std::size_t kPatch = 8;  // a cache line each way

  template <class Move>
  void for_patches(const Move& move) const {
    for (std::size_t i0 = 0; i0 < rows; i0 += kPatch) {
      for (std::size_t j0 = 0; j0 < columns; j0 += kPatch) {
        for (std::size_t i = i0; i < std::min(rows, i0 + kPatch); ++i) {
          for (std::size_t j = j0; j < std::min(columns, j0 + kPatch); ++j) move(i, j);
        }
      }
    }
  }
};

}  // namespace scalemix::inline v0::signal
