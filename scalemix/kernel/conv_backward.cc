#include "scalemix/kernel/conv.h"

#include <algorithm>

#include "scalemix/base/parallel.h"
#include "scalemix/kernel/gemm.h"
#include "scalemix/kernel/unfold.h"

namespace scalemix::inline v0::kernel {
namespace {

using namespace unfold;

/// (images, O, pixels) to (O, images, pixels): dy beside the unfolded block, columns in the same
/// order.
void gather_images(const Conv2d& s, const Block& block, std::size_t pixels, const float* dy,
                   float* out) {
  const std::size_t part = block.rows * s.out_w();
  for (std::size_t o = 0; o < s.o; ++o) {
    for (std::size_t n = 0; n < block.images; ++n, out += part) {
      std::copy_n(dy + ((block.image + n) * s.o + o) * pixels + block.row * s.out_w(), part, out);
    }
  }
}

/// How a backward pass is cut: the blocks of an image stay in one tile, since their gradients
/// overlap in dx.
struct BackwardCut : Cut {
  std::size_t groups, weights, floats;

  explicit BackwardCut(const Conv2d& s)
      : Cut(s),
        groups(blocks / row_blocks),
        weights(s.o * depth),
        floats(most_columns(s) * (depth + s.o) + 2 * weights) {
    tiles = std::min(groups, kTiles);
  }
  /// Calls body(block) for the blocks of a tile.
  template <class Body>
  void for_blocks(const Conv2d& s, std::size_t tile, const Body& body) const {
    const std::size_t end = (tile + 1) * groups / tiles * row_blocks;
    for (std::size_t b = tile * groups / tiles * row_blocks; b < end; ++b) body(Block(s, *this, b));
  }
};

}  // namespace

std::size_t conv2d_backward_scratch(const Conv2d& shape) {
  if (empty(shape)) return 0;
  const BackwardCut cut(shape);
  return cut.tiles * cut.floats;
}

namespace {

/// One gradient of weights: from dy, into dw.
struct Target {
  const float* dy;
  float* dw;
};

/// sum += (or =, the first time) dy of the block times what is unfolded.
void add_product(const Conv2d& s, const BackwardCut& cut, const Block& block, const float* dy,
                 float* unfolded, bool first, float* sum) {
  const std::size_t columns = block.images * block.rows * s.out_w();
  float* gathered = unfolded + cut.depth * columns;
  gather_images(s, block, cut.pixels, dy, gathered);
  gemm(Trans::no, Trans::yes, s.o, cut.depth, columns, gathered, columns, unfolded, columns,
       first ? 0 : 1, sum, cut.depth);
}

/// `squares`: null, or the gradient of weights that meet x^2.
void to_weights(const Conv2d& shape, const float* x, const Target& plain, const Target* squares,
                float* scratch) {
  const std::size_t weights = shape.o * shape.c * shape.window.kernel * shape.window.kernel;
  std::fill_n(plain.dw, weights, 0.0f);
  if (squares) std::fill_n(squares->dw, weights, 0.0f);
  if (empty(shape)) return;
  const BackwardCut cut(shape);
  parallel_tiles(cut.tiles, [&](std::size_t tile) {
    float *sum = scratch + tile * cut.floats, *unfolded = sum + 2 * weights;
    bool first = true;
    cut.for_blocks(shape, tile, [&](const Block& block) {
      unfold::unfold(shape, cut, block, x, unfolded);
      add_product(shape, cut, block, plain.dy, unfolded, first, sum);
      if (squares) {
        square(cut.depth * block.images * block.rows * shape.out_w(), unfolded);
        add_product(shape, cut, block, squares->dy, unfolded, first, sum + weights);
      }
      first = false;
    });
  });
  for (std::size_t tile = 0; tile < cut.tiles; ++tile) {
    const float* sum = scratch + tile * cut.floats;
    for (std::size_t i = 0; i < weights; ++i) plain.dw[i] += sum[i];
    for (std::size_t i = 0; squares && i < weights; ++i) squares->dw[i] += sum[weights + i];
  }
}

}  // namespace

void conv2d_backward_weight(const Conv2d& shape, const float* x, const float* dy, float* scratch,
                            float* dw) {
  to_weights(shape, x, {dy, dw}, nullptr, scratch);
}

void conv2d_moments_backward_weight(const Conv2d& shape, const float* x, const float* dy,
                                    const float* dvar, float* scratch, float* dw, float* dsigma2) {
  const Target squares{dvar, dsigma2};
  to_weights(shape, x, {dy, dw}, &squares, scratch);
}

void conv2d_backward_input(const Conv2d& shape, const float* dy, const float* w, bool add,
                           float* scratch, float* dx) {
  if (!add) std::fill_n(dx, shape.n * shape.c * shape.h * shape.w, 0.0f);
  if (empty(shape)) return;
  const BackwardCut cut(shape);
  parallel_tiles(cut.tiles, [&](std::size_t tile) {
    float* unfolded = scratch + tile * cut.floats;
    cut.for_blocks(shape, tile, [&](const Block& block) {
      const std::size_t columns = block.images * block.rows * shape.out_w();
      float* gathered = unfolded + cut.depth * columns;
      gather_images(shape, block, cut.pixels, dy, gathered);
      gemm(Trans::yes, Trans::no, cut.depth, columns, shape.o, w, cut.depth, gathered, columns, 0,
           unfolded, columns);
      unfold::fold(shape, cut, block, unfolded, dx);
    });
  });
}

}  // namespace scalemix::inline v0::kernel
