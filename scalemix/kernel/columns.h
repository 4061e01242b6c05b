// Sums over the rows of a matrix: the gradient of a bias.
#pragma once

#include <algorithm>
#include <cstddef>

#include "scalemix/base/parallel.h"

namespace scalemix::inline v0::kernel {

/// sums (columns) = the sum over rows of x (rows, columns), in double. T is float or double.
template <class T>
void column_sums(std::size_t rows, std::size_t columns, const T* x, T* sums) {
  constexpr std::size_t kTile = 64;  // columns
  parallel_tiles((columns + kTile - 1) / kTile, [=](std::size_t tile) {
    const std::size_t first = tile * kTile, count = std::min(kTile, columns - first);
    double total[kTile] = {};
    for (std::size_t n = 0; n < rows; ++n) {
      for (std::size_t j = 0; j < count; ++j) total[j] += x[n * columns + first + j];
    }
    std::copy_n(total, count, sums + first);
  });
}

}  // namespace scalemix::inline v0::kernel
