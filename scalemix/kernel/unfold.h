// How a convolution is cut into blocks, and the unfolding of one: shared by conv.cc and
// conv_backward.cc.
#pragma once

#include <algorithm>

#include "scalemix/kernel/conv.h"

namespace scalemix::inline v0::kernel::unfold {

inline constexpr std::size_t kTiles = 8;  // each has its own part of the scratch
inline constexpr std::size_t kUnfolded =
    128 * 1024;  // floats of an unfolded block that stay in cache

inline std::size_t ceil_div(std::size_t a, std::size_t b) { return (a + b - 1) / b; }

/// How a convolution is cut: blocks of some output rows of one image, or of some whole small
/// images.
struct Cut {
  std::size_t depth;         // C k k
  std::size_t pixels;        // H' W'
  std::size_t images, rows;  // of a block
  std::size_t row_blocks, blocks, tiles;

  explicit Cut(const Conv2d& s)
      : depth(s.c * s.window.kernel * s.window.kernel), pixels(s.out_h() * s.out_w()) {
    const std::size_t fit = kUnfolded / std::max<std::size_t>(depth, 1);
    const std::size_t columns = std::clamp<std::size_t>(fit, 128, 1024);
    images = std::min(std::max<std::size_t>(columns / pixels, 1), s.n);
    rows = pixels <= columns ? s.out_h() : std::max<std::size_t>(columns / s.out_w(), 1);
    row_blocks = ceil_div(s.out_h(), rows);
    blocks = ceil_div(s.n, images) * row_blocks;
    tiles = std::min(blocks, kTiles);
  }
  std::size_t most_columns(const Conv2d& s) const { return images * rows * s.out_w(); }
  /// Floats of one tile: the unfolded block, and its product where that does not go straight to y.
  std::size_t scratch(const Conv2d& s) const {
    return most_columns(s) * (depth + (images > 1 ? s.o : 0));
  }
};

inline bool empty(const Conv2d& s) { return s.n * s.o * s.out_h() * s.out_w() == 0; }

struct Block {
  std::size_t image, images, row, rows;

  Block(const Conv2d& s, const Cut& cut, std::size_t number)
      : image(number / cut.row_blocks * cut.images),
        images(std::min(cut.images, s.n - image)),
        row(number % cut.row_blocks * cut.rows),
        rows(std::min(cut.rows, s.out_h() - row)) {}
};

/// The output places of a row at which window offset `at` lies inside the image.
struct Inside {
  std::size_t begin, end;

  Inside(const Conv2d& s, std::size_t at) {
    const std::size_t stride = s.window.stride, padding = s.window.padding, ow = s.out_w();
    const std::size_t first = padding > at ? ceil_div(padding - at, stride) : 0;
    const std::size_t past = s.w + padding > at ? ceil_div(s.w + padding - at, stride) : 0;
    begin = std::min(first, ow);
    end = std::clamp(past, begin, ow);
  }
};

/// One output row of one window offset `at`: dst[j] = src[j stride + at - padding], 0 outside.
inline void unfold_row(const Conv2d& s, const float* src, std::size_t at, float* dst) {
  const std::size_t stride = s.window.stride, padding = s.window.padding, ow = s.out_w();
  const auto [begin, end] = Inside(s, at);
  std::fill(dst, dst + begin, 0.0f);
  if (stride == 1 && begin < end) {
    std::copy_n(src + begin + at - padding, end - begin, dst + begin);
  } else {
    for (std::size_t j = begin; j < end; ++j) dst[j] = src[j * stride + at - padding];
  }
  std::fill(dst + end, dst + ow, 0.0f);
}

/// All output rows of a block for one (channel, a, b): one row of the unfolded matrix.
inline void unfold_line(const Conv2d& s, const Block& block, const float* x, std::size_t line,
                        float* dst) {
  const std::size_t k = s.window.kernel, padding = s.window.padding;
  const std::size_t channel = line / (k * k), a = line / k % k, b = line % k;
  for (std::size_t n = block.image; n < block.image + block.images; ++n) {
    const float* plane = x + (n * s.c + channel) * s.h * s.w;
    for (std::size_t i = block.row; i < block.row + block.rows; ++i, dst += s.out_w()) {
      const std::size_t row = i * s.window.stride + a;  // in the padded image
      if (row < padding || row >= s.h + padding) {
        std::fill_n(dst, s.out_w(), 0.0f);
      } else {
        unfold_row(s, plane + (row - padding) * s.w, b, dst);
      }
    }
  }
}

}  // namespace scalemix::inline v0::kernel::unfold
