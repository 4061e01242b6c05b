// A product with one row: what gemm.h takes for it, where a call of a library costs as much as a
// small layer.
#pragma once

#include <cstddef>

namespace scalemix::inline v0::kernel {

/// y (n) = W (n, k) x (k) + beta y; beta 0 does not read y. `ldw`: stride between rows of W.
/// Bits: the same for any number of threads.
void gemv(std::size_t n, std::size_t k, const float* w, std::size_t ldw, const float* x, float beta,
          float* y);

}  // namespace scalemix::inline v0::kernel
