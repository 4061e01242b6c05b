// A bias: added to the columns of a matrix or the channels of images, and its gradient, sums over
// the rows.
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

/// sums (channels) = the sum over rows and pixels of x (rows, channels, pixels), in double.
inline void channel_sums(std::size_t rows, std::size_t channels, std::size_t pixels, const float* x,
                         float* sums) {
  for (std::size_t c = 0; c < channels; ++c) {
    double total[4] = {};  // four at a time, or each addition waits for the last
    for (std::size_t n = 0; n < rows; ++n) {
      const float* plane = x + (n * channels + c) * pixels;
      std::size_t i = 0;
      for (; i + 4 <= pixels; i += 4) {
        for (std::size_t k = 0; k < 4; ++k) total[k] += plane[i + k];
      }
      for (; i < pixels; ++i) total[0] += plane[i];
    }
    sums[c] = static_cast<float>(total[0] + total[1] + total[2] + total[3]);
  }
}

/// y (rows, channels, pixels) = x + bias (channels); y may be x.
inline void add_to_channels(std::size_t rows, std::size_t channels, std::size_t pixels,
                            const float* x, const float* bias, float* y) {
  parallel_tiles(rows, [=](std::size_t n) {
    for (std::size_t c = 0; c < channels; ++c) {
      const std::size_t first = (n * channels + c) * pixels;
      for (std::size_t i = first; i < first + pixels; ++i) y[i] = x[i] + bias[c];
    }
  });
}

}  // namespace scalemix::inline v0::kernel
