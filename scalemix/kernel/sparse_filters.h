// Convolution of images with filters most of whose weights are zero, which are not read.
//
// An image lies padded and, for a stride s, in its s^2 phases (pixels of one remainder by s on both axes),
// so that one weight meets neighbours for neighbours of an output's plane, rows and all: the plane is
// taken as one long row, and what falls between its lines is not written out. Nothing is unfolded.
//
// Shapes and meaning are those of kernel/conv.h. The same bits for any number of threads; the sums run
// over what is left, so they are not those of conv2d_forward.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "scalemix/kernel/conv.h"

namespace scalemix::inline v0::kernel {

/// Floats of packed filters with so many weights left in each (left_per_row() of w as (O, C k k)).
std::size_t sparse_filters_size(std::span<const std::uint32_t> left);

/// Packs w (O, C, k, k) for images of this shape; shape.n does not matter.
void pack_sparse_filters(const Conv2d& shape, const float* w, float* packed);

/// Floats of scratch for shape.n images.
std::size_t sparse_filters_scratch(const Conv2d& shape);

/// y (N, O, H', W') = x * w + b; b (O) may be null.
void sparse_filters_conv(const Conv2d& shape, const float* x, const float* packed, const float* b,
                         float* scratch, float* y);

}  // namespace scalemix::inline v0::kernel
