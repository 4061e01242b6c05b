#include "scalemix/kernel/conv.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "scalemix/base/parallel.h"
#include "scalemix/kernel/gemm.h"

namespace scalemix::inline v0::kernel {
namespace {

constexpr std::size_t kTiles = 8;              // each has its own part of the scratch
constexpr std::size_t kUnfolded = 128 * 1024;  // floats of an unfolded block that stay in cache

std::size_t ceil_div(std::size_t a, std::size_t b) { return (a + b - 1) / b; }

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

bool empty(const Conv2d& s) { return s.n * s.o * s.out_h() * s.out_w() == 0; }

struct Block {
  std::size_t image, images, row, rows;

  Block(const Conv2d& s, const Cut& cut, std::size_t number)
      : image(number / cut.row_blocks * cut.images),
        images(std::min(cut.images, s.n - image)),
        row(number % cut.row_blocks * cut.rows),
        rows(std::min(cut.rows, s.out_h() - row)) {}
};

/// One output row of one window offset `at`: dst[j] = src[j stride + at - padding], 0 outside.
void unfold_row(const Conv2d& s, const float* src, std::size_t at, float* dst) {
  const std::size_t stride = s.window.stride, padding = s.window.padding, ow = s.out_w();
  const std::size_t first = padding > at ? ceil_div(padding - at, stride) : 0;
  const std::size_t past = s.w + padding > at ? ceil_div(s.w + padding - at, stride) : 0;
  const std::size_t begin = std::min(first, ow), end = std::clamp(past, begin, ow);
  std::fill(dst, dst + begin, 0.0f);
  if (stride == 1 && begin < end) {
    std::copy_n(src + begin + at - padding, end - begin, dst + begin);
  } else {
    for (std::size_t j = begin; j < end; ++j) dst[j] = src[j * stride + at - padding];
  }
  std::fill(dst + end, dst + ow, 0.0f);
}

/// All output rows of a block for one (channel, a, b): one row of the unfolded matrix.
void unfold_line(const Conv2d& s, const Block& block, const float* x, std::size_t line,
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

/// out (O, columns) = w * unfolded + bias
void multiply(const Conv2d& s, std::size_t depth, std::size_t columns, const float* w,
              const float* unfolded, std::size_t ld_unfolded, const float* bias, float* out,
              std::size_t ld_out) {
  for (std::size_t o = 0; bias && o < s.o; ++o) std::fill_n(out + o * ld_out, columns, bias[o]);
  gemm(Trans::no, Trans::no, s.o, columns, depth, w, depth, unfolded, ld_unfolded, bias ? 1 : 0,
       out, ld_out);
}

/// (O, images, pixels) to (images, O, pixels)
void spread_images(const Conv2d& s, const Block& block, std::size_t pixels, const float* product,
                   float* y) {
  for (std::size_t n = 0; n < block.images; ++n) {
    for (std::size_t o = 0; o < s.o; ++o) {
      std::copy_n(product + (o * block.images + n) * pixels, pixels,
                  y + ((block.image + n) * s.o + o) * pixels);
    }
  }
}

void run_block(const Conv2d& s, const Cut& cut, const Block& block, const float* x, const float* w,
               const float* bias, float* scratch, float* y) {
  const std::size_t columns = block.images * block.rows * s.out_w();
  float* out = y + block.image * s.o * cut.pixels + block.row * s.out_w();
  const Window& v = s.window;
  if (v.kernel == 1 && v.stride == 1 && v.padding == 0 && cut.images == 1) {
    const float* in = x + block.image * s.c * cut.pixels + block.row * s.out_w();
    return multiply(s, cut.depth, columns, w, in, cut.pixels, bias, out, cut.pixels);
  }
  for (std::size_t line = 0; line < cut.depth; ++line) {
    unfold_line(s, block, x, line, scratch + line * columns);
  }
  if (cut.images == 1) {
    return multiply(s, cut.depth, columns, w, scratch, columns, bias, out, cut.pixels);
  }
  float* product = scratch + cut.depth * columns;
  multiply(s, cut.depth, columns, w, scratch, columns, bias, product, columns);
  spread_images(s, block, cut.pixels, product, y);
}

/// Calls body(window, out) for every place of every plane: `window` clipped to the image.
struct Clipped {
  std::size_t top, bottom, left, right;
};

template <class Body>
void for_windows(const Pool2d& s, const Body& body) {
  const std::size_t oh = s.out_h(), ow = s.out_w();
  const auto clip = [&](std::size_t at, std::size_t length, std::size_t& first, std::size_t& past) {
    const std::size_t padded = at * s.window.stride, p = s.window.padding;
    first = padded > p ? padded - p : 0;
    past = std::min(padded + s.window.kernel - p, length);
  };
  parallel_tiles(s.n * s.c, [&](std::size_t plane) {
    for (std::size_t i = 0; i < oh * ow; ++i) {
      Clipped at;
      clip(i / ow, s.h, at.top, at.bottom);
      clip(i % ow, s.w, at.left, at.right);
      body(plane * s.h * s.w, at, plane * oh * ow + i);
    }
  });
}

}  // namespace

std::size_t window_length(const Window& window, std::size_t length) {
  const std::size_t padded = length + 2 * window.padding;
  return padded < window.kernel ? 0 : (padded - window.kernel) / window.stride + 1;
}

std::size_t conv2d_scratch(const Conv2d& shape) {
  if (empty(shape)) return 0;
  const Cut cut(shape);
  return cut.tiles * cut.scratch(shape);
}

void conv2d_forward(const Conv2d& shape, const float* x, const float* w, const float* bias,
                    float* scratch, float* y) {
  if (empty(shape)) return;
  const Cut cut(shape);
  // A single block runs outside the pool, and the product inside it may use all threads.
  parallel_tiles(cut.tiles, [&](std::size_t tile) {
    const std::size_t end = (tile + 1) * cut.blocks / cut.tiles;
    for (std::size_t b = tile * cut.blocks / cut.tiles; b < end; ++b) {
      run_block(shape, cut, Block(shape, cut, b), x, w, bias, scratch + tile * cut.scratch(shape),
                y);
    }
  });
}

void max_pool2d(const Pool2d& shape, const float* x, float* y) {
  for_windows(shape, [&](std::size_t plane, const Clipped& at, std::size_t out) {
    float most = -std::numeric_limits<float>::infinity();
    for (std::size_t i = at.top; i < at.bottom; ++i) {
      for (std::size_t j = at.left; j < at.right; ++j) {
        const float v = x[plane + i * shape.w + j];
        if (v > most || std::isnan(v)) most = v;
      }
    }
    y[out] = most;
  });
}

void avg_pool2d(const Pool2d& shape, const float* x, float* y) {
  const float area = static_cast<float>(shape.window.kernel * shape.window.kernel);
  for_windows(shape, [&](std::size_t plane, const Clipped& at, std::size_t out) {
    float sum = 0;
    for (std::size_t i = at.top; i < at.bottom; ++i) {
      for (std::size_t j = at.left; j < at.right; ++j) sum += x[plane + i * shape.w + j];
    }
    y[out] = sum / area;
  });
}

}  // namespace scalemix::inline v0::kernel
