// How a convolution is cut into blocks, and the unfolding of one: shared by conv.cc and
// conv_backward.cc.
#pragma once

#include <algorithm>
#include <cstring>
#include <type_traits>

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

/// One row of the unfolded matrix: what one (channel, a, b) of the kernel meets in a block.
struct Line {
  std::size_t channel, a, b;
  std::size_t begin, end, width;  // of an output row of `width`, begin to end lies inside the image

  Line(const Conv2d& s, std::size_t number) : width(s.out_w()) {
    const std::size_t k = s.window.kernel, stride = s.window.stride, padding = s.window.padding;
    channel = number / (k * k), a = number / k % k, b = number % k;
    const std::size_t first = padding > b ? ceil_div(padding - b, stride) : 0;
    const std::size_t past = s.w + padding > b ? ceil_div(s.w + padding - b, stride) : 0;
    begin = std::min(first, width);
    end = std::clamp(past, begin, width);
  }

  /// Cuts the output rows of every image of the block into those that lie inside and those that are
  /// all padding: inside(x, u, rows), where pixel `begin` of the first lies at x in the image and
  /// the row at u in the line; outside(u, rows). The next row is stride * W and `width` further.
  template <class Inside, class Outside>
  void for_rows(const Conv2d& s, const Block& block, const Inside& inside,
                const Outside& outside) const {
    const std::size_t stride = s.window.stride, padding = s.window.padding;
    const std::size_t first = padding > a ? ceil_div(padding - a, stride) : 0;
    const std::size_t past = s.h + padding > a ? ceil_div(s.h + padding - a, stride) : 0;
    const std::size_t end_row = block.row + block.rows;
    const std::size_t top = std::clamp(first, block.row, end_row);
    const std::size_t bottom = begin == end ? top : std::clamp(past, top, end_row);
    std::size_t u = 0;
    for (std::size_t n = block.image; n < block.image + block.images; ++n) {
      outside(u, top - block.row);
      u += (top - block.row) * width;
      if (top < bottom) {
        const std::size_t row = (n * s.c + channel) * s.h + top * stride + a - padding;
        inside(row * s.w + begin * stride + b - padding, u, bottom - top);
      }
      u += (bottom - top) * width;
      outside(u, end_row - bottom);
      u += (end_row - bottom) * width;
    }
  }
};

/// Calls body(length) with n as a constant if it is one of kLengths; whether it was.
template <std::size_t... kLengths, class Body>
inline bool with_one_of(std::size_t n, const Body& body) {
  return ((n == kLengths && (body(std::integral_constant<std::size_t, kLengths>()), true)) || ...);
}

/// body(length) with a length that the compiler knows where it is one of the usual: rows are short,
/// and a call of memcpy would take longer than the copy.
template <class Body>
inline void with_length(std::size_t n, const Body& body) {
  if (!with_one_of<4, 8, 12, 16, 24, 32>(n, body)) body(n);
}

/// dst (depth, columns) = the unfolded block.
inline void unfold(const Conv2d& s, const Cut& cut, const Block& block, const float* x,
                   float* dst) {
  const std::size_t stride = s.window.stride, columns = block.images * block.rows * s.out_w();
  for (std::size_t number = 0; number < cut.depth; ++number, dst += columns) {
    const Line line(s, number);
    line.for_rows(
        s, block,
        [&](std::size_t from, std::size_t to, std::size_t rows) {
          if (line.end - line.begin < line.width) std::fill_n(dst + to, rows * line.width, 0.0f);
          with_length(line.end - line.begin, [&](auto length) {
            const float* src = x + from;
            float* out = dst + to + line.begin;
            for (std::size_t r = 0; r < rows; ++r, src += stride * s.w, out += line.width) {
              if (stride == 1) {
                std::memcpy(out, src, length * sizeof(float));
              } else {
                for (std::size_t j = 0; j < length; ++j) out[j] = src[j * stride];
              }
            }
          });
        },
        [&](std::size_t to, std::size_t rows) { std::fill_n(dst + to, rows * line.width, 0.0f); });
  }
}

/// An unfolded block of x becomes that of x^2.
inline void square(std::size_t n, float* unfolded) {
  for (std::size_t i = 0; i < n; ++i) unfolded[i] *= unfolded[i];
}

/// The adjoint of unfold: adds src (depth, columns) to where it came from in dx.
inline void fold(const Conv2d& s, const Cut& cut, const Block& block, const float* src, float* dx) {
  const std::size_t stride = s.window.stride, columns = block.images * block.rows * s.out_w();
  for (std::size_t number = 0; number < cut.depth; ++number, src += columns) {
    const Line line(s, number);
    line.for_rows(
        s, block,
        [&](std::size_t to, std::size_t from, std::size_t rows) {
          with_length(line.end - line.begin, [&](auto length) {
            const float* __restrict in = src + from + line.begin;
            float* __restrict out = dx + to;
            for (std::size_t r = 0; r < rows; ++r, in += line.width, out += stride * s.w) {
              if (stride == 1) {
                for (std::size_t j = 0; j < length; ++j) out[j] += in[j];
              } else {
                for (std::size_t j = 0; j < length; ++j) out[j * stride] += in[j];
              }
            }
          });
        },
        [](std::size_t, std::size_t) {});
  }
}

}  // namespace scalemix::inline v0::kernel::unfold
