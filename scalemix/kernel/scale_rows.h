// What is left of a product without a depth.
#pragma once

#include <algorithm>
#include <cstddef>

namespace scalemix::inline v0::kernel {

/// C = beta C: what is left of the product when k is 0. beta 0 does not read C.
template <class T>
void scale_rows(std::size_t m, std::size_t n, T beta, T* c, std::size_t ldc) {
  for (std::size_t i = 0; i < m; ++i) {
    if (beta == 0) {
      std::fill_n(c + i * ldc, n, T{0});
    } else {
      for (std::size_t j = 0; j < n; ++j) c[i * ldc + j] *= beta;
    }
  }
}

}  // namespace scalemix::inline v0::kernel
