// The backward pass through a convolution where most of dy is zero: behind a max pool of 2 x 2 a window
// has one gradient in four places, or none. Both gradients of a layer are made at once:
//
//   dw = dy * x,   dsigma2 = dvar * x^2,   dx = dy * w + 2 x (dvar * sigma2)
//
// the sums of conv.h without their zeros; shapes as there. What is not zero is listed by outputs
// and by places, and every entry adds a row of a panel of 64 numbers to sums that stay in
// registers: a row of what its place meets for the weights, of the weights for dx. Images are
// turned channels last, so that what a place meets are k runs of k C numbers, and are never
// unfolded as a whole.
//
// Bits: the same for any number of threads; they are not those of conv.h, whose sums run in another
// order. NaN in dy or dvar reaches what the dense sums would let it reach, NaN in x only what has a
// gradient. Nothing is allocated.
#pragma once

#include <cstddef>

#include "scalemix/kernel/conv.h"

namespace scalemix::inline v0::kernel {

struct ConvGradients {
  const float *x, *w, *dy;        // as conv.h has them
  float *dw, *dx;                 // overwritten; dx null: not wanted
  const float *sigma2 = nullptr,  // (O, C, k, k)
      *dvar = nullptr;            // (N, O, H', W')
  float* dsigma2 = nullptr;       // overwritten; the three are given together or not at all
};

/// Number of floats conv2d_sparse_backward needs in `scratch`.
std::size_t conv2d_sparse_backward_scratch(const Conv2d& shape);
/// What is written may overlap neither scratch nor what is read.
void conv2d_sparse_backward(const Conv2d& shape, const ConvGradients& gradients, float* scratch);

}  // namespace scalemix::inline v0::kernel
