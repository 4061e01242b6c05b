#include "scalemix/kernel/conv.h"

#include <algorithm>

#include "scalemix/base/parallel.h"
#include "scalemix/kernel/gemm.h"
#include "scalemix/kernel/unfold.h"

namespace scalemix::inline v0::kernel {
namespace {

using namespace unfold;

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

/// One product of an unfolded block: where its weights are and where it goes.
struct Target {
  const float *w, *bias;
  float* y;
};

/// Multiplies what is unfolded in scratch.
void run_product(const Conv2d& s, const Cut& cut, const Block& block, const Target& target,
                 float* scratch) {
  const std::size_t columns = block.images * block.rows * s.out_w();
  if (cut.images == 1) {
    float* out = target.y + block.image * s.o * cut.pixels + block.row * s.out_w();
    return multiply(s, cut.depth, columns, target.w, scratch, columns, target.bias, out,
                    cut.pixels);
  }
  float* product = scratch + cut.depth * columns;
  multiply(s, cut.depth, columns, target.w, scratch, columns, target.bias, product, columns);
  spread_images(s, block, cut.pixels, product, target.y);
}

void run_block(const Conv2d& s, const Cut& cut, const Block& block, const float* x,
               const Target& target, float* scratch) {
  const Window& v = s.window;
  if (v.kernel == 1 && v.stride == 1 && v.padding == 0 && cut.images == 1) {
    const std::size_t columns = block.rows * s.out_w();
    const float* in = x + block.image * s.c * cut.pixels + block.row * s.out_w();
    float* out = target.y + block.image * s.o * cut.pixels + block.row * s.out_w();
    return multiply(s, cut.depth, columns, target.w, in, cut.pixels, target.bias, out, cut.pixels);
  }
  unfold::unfold(s, cut, block, x, scratch);
  run_product(s, cut, block, target, scratch);
}

/// Calls body(block, scratch of its tile) for every block. A single block runs outside the pool,
/// and the product inside it may use all threads.
template <class Body>
void for_blocks(const Conv2d& s, float* scratch, const Body& body) {
  const Cut cut(s);
  parallel_tiles(cut.tiles, [&](std::size_t tile) {
    const std::size_t end = (tile + 1) * cut.blocks / cut.tiles;
    for (std::size_t b = tile * cut.blocks / cut.tiles; b < end; ++b) {
      body(cut, Block(s, cut, b), scratch + tile * cut.scratch(s));
    }
  });
}

}  // namespace

std::size_t conv2d_scratch(const Conv2d& shape) {
  if (empty(shape)) return 0;
  const Cut cut(shape);
  return cut.tiles * cut.scratch(shape);
}

void conv2d_forward(const Conv2d& shape, const float* x, const float* w, const float* bias,
                    float* scratch, float* y) {
  if (empty(shape)) return;
  for_blocks(shape, scratch, [&](const Cut& cut, const Block& block, float* own) {
    run_block(shape, cut, block, x, {w, bias, y}, own);
  });
}

void conv2d_moments(const Conv2d& shape, const float* x, const float* w, const float* bias,
                    const float* sigma2, float* scratch, float* y, float* var) {
  if (empty(shape)) return;
  for_blocks(shape, scratch, [&](const Cut& cut, const Block& block, float* own) {
    unfold::unfold(shape, cut, block, x, own);
    run_product(shape, cut, block, {w, bias, y}, own);
    square(cut.depth * block.images * block.rows * shape.out_w(), own);
    run_product(shape, cut, block, {sigma2, nullptr, var}, own);
  });
}

}  // namespace scalemix::inline v0::kernel
