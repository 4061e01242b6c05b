// A dense layer's product with weights in the order in which it reads them: panels of 32 units, in
// each the weights of the first input, of the second, ... Worth its memory where the same weights
// meet many batches.
//
//   y (m, n) = x (m, k) W^T + b,   W (n, k)
//
// Bits: the same for any number of threads. The order of the weights is the same for every SIMD
// target.
#pragma once

#include <cstddef>

namespace scalemix::inline v0::kernel {

/// Floats of the packed weights: those of n rounded up to whole panels.
std::size_t packed_size(std::size_t n, std::size_t k);

/// `ldw`: stride between rows of W.
void pack(std::size_t n, std::size_t k, const float* w, std::size_t ldw, float* packed);

/// b may be null. `ldx`, `ldy`: stride between rows. y may not overlap what is read.
void packed_product(std::size_t m, std::size_t n, std::size_t k, const float* x, std::size_t ldx,
                    const float* packed, const float* b, float* y, std::size_t ldy);

namespace ref {
/// The specification, from the weights as they were, summed in double.
template <class T>
void packed_product(std::size_t m, std::size_t n, std::size_t k, const T* x, std::size_t ldx,
                    const T* w, std::size_t ldw, const T* b, T* y, std::size_t ldy) {
  for (std::size_t i = 0; i < m; ++i) {
    for (std::size_t j = 0; j < n; ++j) {
      double sum = b ? b[j] : 0;
      for (std::size_t l = 0; l < k; ++l) {
        sum += static_cast<double>(x[i * ldx + l]) * w[j * ldw + l];
      }
      y[i * ldy + j] = static_cast<T>(sum);
    }
  }
}
}  // namespace ref

}  // namespace scalemix::inline v0::kernel
