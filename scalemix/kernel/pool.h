// Pooling of images (N, C, H, W), forward and backward. A plane stands alone, so the number of
// threads changes no bit.
#pragma once

#include <cstddef>

#include "scalemix/kernel/window.h"

namespace scalemix::inline v0::kernel {

struct Pool2d {
  std::size_t n, c, h, w;  // input
  Window window;           // Requires padding <= kernel / 2

  std::size_t out_h() const { return window_length(window, h); }
  std::size_t out_w() const { return window_length(window, w); }
};

/// Largest of each window; padding never wins, NaN always does. y may not overlap x.
void max_pool2d(const Pool2d& shape, const float* x, float* y);

/// Sum of each window over kernel^2: padding counts as zeros. y may not overlap x.
void avg_pool2d(const Pool2d& shape, const float* x, float* y);

/// dx is overwritten: dy goes to the first largest (max), or in equal parts to all of a window
/// (average).
void max_pool2d_backward(const Pool2d& shape, const float* x, const float* dy, float* dx);
void avg_pool2d_backward(const Pool2d& shape, const float* dy, float* dx);

/// Of whole planes: y (planes) from x (planes, inner), and dx from dy; NaN and ties as above.
void max_plane(std::size_t planes, std::size_t inner, const float* x, float* y);
void mean_plane(std::size_t planes, std::size_t inner, const float* x, float* y);
void max_plane_backward(std::size_t planes, std::size_t inner, const float* x, const float* dy,
                        float* dx);
void mean_plane_backward(std::size_t planes, std::size_t inner, const float* dy, float* dx);

}  // namespace scalemix::inline v0::kernel
