// Products in double, through CBLAS: a library of its own, for what only runs models has none.

#include <cblas.h>
#include <oneapi/dnnl/dnnl.h>

#include <string>

#include "scalemix/kernel/gemm.h"
#include "scalemix/kernel/scale_rows.h"

namespace scalemix::inline v0::kernel {
namespace {

const char* isa_name(dnnl_cpu_isa_t isa) {
  switch (isa) {
    case dnnl_cpu_isa_sse41:
      return "sse41";
    case dnnl_cpu_isa_avx:
      return "avx";
    case dnnl_cpu_isa_avx2:
    case dnnl_cpu_isa_avx2_vnni:
      return "avx2";
    default:
      return isa >= dnnl_cpu_isa_avx512_core ? "avx512" : "any";
  }
}

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

std::string product_libraries() {
  const dnnl_version_t* v = dnnl_version();
  std::string blas = openblas_get_config();  // "OpenBLAS 0.3.21 NO_LAPACKE ..."
  const std::size_t end = blas.find(' ', blas.find(' ') + 1);
  return "oneDNN " + std::to_string(v->major) + "." + std::to_string(v->minor) + "." +
         std::to_string(v->patch) + " " + isa_name(dnnl_get_effective_cpu_isa()) + ", " +
         blas.substr(0, end);
}

}  // namespace scalemix::inline v0::kernel
