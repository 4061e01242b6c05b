// The product seam: every dense product of the project goes through here, but for those with packed
// weights (packed.h). Row-major. What lies behind it is chosen at link time: for scalemix::core
// oneDNN in float (gemm_onednn.cc) and CBLAS in double (gemm_double.cc); for scalemix::runtime our
// own loops in float (gemm_own.cc), and nothing in double. A single row in float is gemv.h's in both.
//
//   C (m, n) = A' (m, k) B' (k, n) + beta C,   A' = A or A^T as stored, likewise B'
//
// `lda ldb ldc`: stride between stored rows; std::runtime_error if one is too short. Bits: fixed for
// a given machine, library and thread count (our own: for any); a product's path never depends on
// how many replicas stand beside it.
#pragma once

#include <cstddef>
#include <string>

namespace scalemix::inline v0::kernel {

enum class Trans : bool { no, yes };

void gemm(Trans ta, Trans tb, std::size_t m, std::size_t n, std::size_t k, const float* a,
          std::size_t lda, const float* b, std::size_t ldb, float beta, float* c, std::size_t ldc);
void gemm(Trans ta, Trans tb, std::size_t m, std::size_t n, std::size_t k, const double* a,
          std::size_t lda, const double* b, std::size_t ldb, double beta, double* c,
          std::size_t ldc);

/// What the products go through: "oneDNN 2.6.0 avx2, OpenBLAS 0.3.21", or of the runtime "scalemix
/// avx2". Part of what bits depend on.
std::string product_libraries();

}  // namespace scalemix::inline v0::kernel
