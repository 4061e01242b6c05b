// Products in double, through CBLAS: a library of its own, for what only runs models has none.

#include <cblas.h>

#include "scalemix/kernel/gemm.h"
#include "scalemix/kernel/scale_rows.h"

namespace scalemix::inline v0::kernel {
namespace {

CBLAS_TRANSPOSE cblas(Trans t) { return t == Trans::yes ? CblasTrans : CblasNoTrans; }

}  // namespace

void gemm(Trans ta, Trans tb, std::size_t m, std::size_t n, std::size_t k, const double* a,
          std::size_t lda, const double* b, std::size_t ldb, double beta, double* c,
          std::size_t ldc) {
  if (m == 0 || n == 0) return;
  if (k == 0) return scale_rows(m, n, beta, c, ldc);
  const auto size = [](std::size_t s) { return static_cast<int>(s); };
  cblas_dgemm(CblasRowMajor, cblas(ta), cblas(tb), size(m), size(n), size(k), 1.0, a, size(lda), b,
              size(ldb), beta, c, size(ldc));
}

}  // namespace scalemix::inline v0::kernel
