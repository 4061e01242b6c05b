// Optimiser updates over flat parameter storage: one pass, everything fused.
//
//   adam  m = b1 m + (1 - b1) g;  v = b2 v + (1 - b2) g^2
//         w -= lr * (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + eps)          (Kingma & Ba 2015, Alg. 1)
//   sgd   g' = g + decay * w;  m = momentum * m + g';  w -= lr * (nesterov ? g' + momentum * m : m)
#pragma once

#include <cstddef>
#include <cstdint>

namespace scalemix::inline v0::kernel {

struct Adam {
  double lr = 1e-3, beta1 = 0.9, beta2 = 0.999, eps = 1e-8;
  double decay = 0;  // L2, added to the gradient
};
/// `step` counts from 1. `scale` multiplies the gradient first (clipping).
void adam(const Adam& options, std::uint64_t step, float scale, std::size_t n, const float* g, float* m,
          float* v, float* w);

struct Sgd {
  double lr = 1e-2, momentum = 0.9, decay = 0;
  bool nesterov = false;
};
void sgd(const Sgd& options, float scale, std::size_t n, const float* g, float* m, float* w);

/// Sum of squares in double over fixed tiles.
double sum_squares(std::size_t n, const float* x);

}  // namespace scalemix::inline v0::kernel
