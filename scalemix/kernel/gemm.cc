#include "scalemix/kernel/gemm.h"

#include <oneapi/dnnl/dnnl.h>

#include <stdexcept>
#include <string>

#include "scalemix/kernel/gemv.h"
#include "scalemix/kernel/scale_rows.h"

namespace scalemix::inline v0::kernel {

void gemm(Trans ta, Trans tb, std::size_t m, std::size_t n, std::size_t k, const float* a,
          std::size_t lda, const float* b, std::size_t ldb, float beta, float* c, std::size_t ldc) {
  if (m == 0 || n == 0) return;
  if (k == 0) return scale_rows(m, n, beta, c, ldc);
  if (m == 1 && ta == Trans::no && tb == Trans::yes) return gemv(n, k, b, ldb, a, beta, c);
  const auto letter = [](Trans t) { return t == Trans::yes ? 'T' : 'N'; };
  const auto size = [](std::size_t s) { return static_cast<dnnl_dim_t>(s); };
  const dnnl_status_t status = dnnl_sgemm(letter(ta), letter(tb), size(m), size(n), size(k), 1.0f,
                                          a, size(lda), b, size(ldb), beta, c, size(ldc));
  if (status != dnnl_success) {
    throw std::runtime_error("gemm: oneDNN failed with status " + std::to_string(status));
  }
}

}  // namespace scalemix::inline v0::kernel
