// Normalisation, forward and backward. Sums run in double over fixed pieces, so the number of
// threads changes no bit.
//
//   batch   x (rows, channels, inner): mean and variance of each channel over rows and inner
//           (Ioffe & Szegedy 2015)
//   layer   x (rows, n): mean and variance of each row (Ba, Kiros & Hinton 2016)
//
//   h = (x - mean) / sqrt(var + eps),  y = weight h + bias,  var over the count, not count - 1
//   dweight = sum dy h,  dbias = sum dy,  with g = weight dy and means over what was normalised:
//   dx = (g - mean(g) - h mean(g h)) / sqrt(var + eps)
#pragma once

#include <cstddef>

namespace scalemix::inline v0::kernel {

struct Channels {
  std::size_t rows, channels, inner;
};

/// Writes mean and inv_sd = 1 / sqrt(var + eps), both (channels). y may be x.
void batch_norm_forward(const Channels& shape, const float* x, const float* weight,
                        const float* bias, double eps, float* mean, float* inv_sd, float* y);

/// dx may be dy, or null; dweight and dbias (channels) are overwritten.
void batch_norm_backward(const Channels& shape, const float* x, const float* weight,
                         const float* mean, const float* inv_sd, const float* dy, float* dx,
                         float* dweight, float* dbias);

/// running = (1 - momentum) running + momentum (mean, var count / (count - 1)).
void running_statistics(const Channels& shape, const float* mean, const float* inv_sd, double eps,
                        double momentum, float* running_mean, float* running_var);

/// mean and inv_sd (rows) may be null; weight and bias (n). y may be x.
void layer_norm_forward(std::size_t rows, std::size_t n, const float* x, const float* weight,
                        const float* bias, double eps, float* mean, float* inv_sd, float* y);

/// dx may be dy, or null; dweight and dbias (n) are overwritten.
void layer_norm_backward(std::size_t rows, std::size_t n, const float* x, const float* weight,
                         const float* mean, const float* inv_sd, const float* dy, float* dx,
                         float* dweight, float* dbias);

}  // namespace scalemix::inline v0::kernel
