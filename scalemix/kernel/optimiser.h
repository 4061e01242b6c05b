// Optimiser updates over flat parameter storage: one pass, everything fused.
//
//   adam  m = b1 m + (1 - b1) g';  v = b2 v + (1 - b2) g'^2
//         w -= lr * (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + eps)   (Kingma & Ba 2015, Alg. 1)
//   sgd   m = momentum * m + g';  w -= lr * (nesterov ? g' + momentum * m : m)
//
// with g' = scale * g + decay * w in both. The constants of a step are rounded to float once; every
// operation after that is rounded exactly and never fused, so updates have the same bits on every
// SIMD target and for any number of threads. n may be 0.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>

namespace scalemix::inline v0::kernel {

struct Adam {
  double lr = 1e-3, beta1 = 0.9, beta2 = 0.999, eps = 1e-8;
  double decay = 0;  // L2, added to the gradient
};
/// `step` counts from 1. `scale` multiplies the gradient first (clipping).
void adam(const Adam& options, std::uint64_t step, float scale, std::size_t n, const float* g,
          float* m, float* v, float* w);

struct Sgd {
  double lr = 1e-2, momentum = 0.9, decay = 0;
  bool nesterov = false;
};
void sgd(const Sgd& options, float scale, std::size_t n, const float* g, float* m, float* w);

/// Sum of squares in double over fixed tiles.
double sum_squares(std::size_t n, const float* x);

namespace ref {
/// The specification, slow on purpose. T is float or double.
template <class T>
void adam(const Adam& o, std::uint64_t step, double scale, std::size_t n, const T* g, T* m, T* v,
          T* w) {
  const double t = static_cast<double>(step);
  for (std::size_t i = 0; i < n; ++i) {
    const double gi = scale * g[i] + o.decay * w[i];
    const double mi = o.beta1 * m[i] + (1 - o.beta1) * gi;
    const double vi = o.beta2 * v[i] + (1 - o.beta2) * gi * gi;
    const double mean = mi / (1 - std::pow(o.beta1, t)), square = vi / (1 - std::pow(o.beta2, t));
    m[i] = static_cast<T>(mi);
    v[i] = static_cast<T>(vi);
    w[i] = static_cast<T>(w[i] - o.lr * mean / (std::sqrt(square) + o.eps));
  }
}

template <class T>
void sgd(const Sgd& o, double scale, std::size_t n, const T* g, T* m, T* w) {
  for (std::size_t i = 0; i < n; ++i) {
    const double gi = scale * g[i] + o.decay * w[i];
    const double mi = o.momentum * m[i] + gi;
    m[i] = static_cast<T>(mi);
    w[i] = static_cast<T>(w[i] - o.lr * (o.nesterov ? gi + o.momentum * mi : mi));
  }
}

template <class T>
double sum_squares(std::size_t n, const T* x) {
  double sum = 0;
  for (std::size_t i = 0; i < n; ++i) sum += static_cast<double>(x[i]) * x[i];
  return sum;
}
}  // namespace ref

}  // namespace scalemix::inline v0::kernel
