// Convolution of images, forward and backward. Square window, stride and padding; the
// channel is the second axis.
//
//   x (N, C, H, W)   w (O, C, k, k)   bias (O) or null   y (N, O, H', W')
//   y[n,o,i,j] = bias[o] + sum_{c,a,b} w[o,c,a,b] x[n, c, i s + a - p, j s + b - p]
//   H' = (H + 2 p - k) / s + 1, rounded down; s stride, p padding; x is 0 outside the image
//
// The image is unfolded block by block into scratch and multiplied by gemm.h. Blocks depend on the
// shape alone, so the number of threads changes no bit unless the whole convolution is one block,
// whose product may use all threads. Nothing is allocated (oneDNN's inside aside).
#pragma once

#include <cstddef>

#include "scalemix/kernel/window.h"

namespace scalemix::inline v0::kernel {

struct Conv2d {
  std::size_t n, c, h, w;  // input
  std::size_t o;           // output channels
  Window window;

  std::size_t out_h() const { return window_length(window, h); }
  std::size_t out_w() const { return window_length(window, w); }
};

/// Number of floats conv2d_forward needs in `scratch`.
std::size_t conv2d_scratch(const Conv2d& shape);

/// y is overwritten; it may not overlap x, w or scratch.
void conv2d_forward(const Conv2d& shape, const float* x, const float* w, const float* bias,
                    float* scratch, float* y);

/// Both moments of local reparameterisation with x unfolded once: y as conv2d_forward has it, and
/// var (N, O, H', W'), the convolution of x^2 with sigma2 (O, C, k, k).
void conv2d_moments(const Conv2d& shape, const float* x, const float* w, const float* bias,
                    const float* sigma2, float* scratch, float* y, float* var);

/// Number of floats the backward functions need in `scratch`.
std::size_t conv2d_backward_scratch(const Conv2d& shape);

/// dw (O, C, k, k) = sum over rows and places of dy (N, O, H', W') times what w met; overwritten.
void conv2d_backward_weight(const Conv2d& shape, const float* x, const float* dy, float* scratch,
                            float* dw);

/// The same of both moments: dw from dy and x, dsigma2 from dvar and x^2.
void conv2d_moments_backward_weight(const Conv2d& shape, const float* x, const float* dy,
                                    const float* dvar, float* scratch, float* dw, float* dsigma2);

/// dx (N, C, H, W): overwritten, or added to.
void conv2d_backward_input(const Conv2d& shape, const float* dy, const float* w, bool add,
                           float* scratch, float* dx);

namespace ref {
/// The specification of conv2d_forward, summed in double. T is float or double.
template <class T>
void conv2d_forward(const Conv2d& s, const T* x, const T* w, const T* bias, T* y) {
  const std::size_t k = s.window.kernel, oh = s.out_h(), ow = s.out_w();
  for (std::size_t i = 0; i < s.n * s.o * oh * ow; ++i) {
    const std::size_t n = i / (s.o * oh * ow), o = i / (oh * ow) % s.o;
    double sum = bias ? bias[o] : 0;
    for (std::size_t j = 0; j < s.c * k * k; ++j) {
      // Positions in the padded image.
      const std::size_t row = i / ow % oh * s.window.stride + j / k % k;
      const std::size_t column = i % ow * s.window.stride + j % k;
      const std::size_t p = s.window.padding;
      if (row < p || row >= s.h + p || column < p || column >= s.w + p) continue;
      const std::size_t at = ((n * s.c + j / (k * k)) * s.h + row - p) * s.w + column - p;
      sum += static_cast<double>(w[o * s.c * k * k + j]) * x[at];
    }
    y[i] = static_cast<T>(sum);
  }
}
}  // namespace ref

}  // namespace scalemix::inline v0::kernel
