// Products in float through oneDNN, for training: a library of its own beside gemm_own.cc, and a
// program links one of the two.

#include <cblas.h>
#include <oneapi/dnnl/dnnl.h>

#include <algorithm>
#include <stdexcept>
#include <string>

#include "scalemix/base/parallel.h"
#include "scalemix/kernel/gemm.h"
#include "scalemix/kernel/gemv.h"
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

constexpr double kAlone = 2e5;      // multiplications that do not repay a second thread
constexpr std::size_t kGroup = 16;  // rows or columns of C that stay together

void part(Trans ta, Trans tb, std::size_t m, std::size_t n, std::size_t k, const float* a,
          std::size_t lda, const float* b, std::size_t ldb, float beta, float* c, std::size_t ldc) {
  const auto letter = [](Trans t) { return t == Trans::yes ? 'T' : 'N'; };
  const auto size = [](std::size_t s) { return static_cast<dnnl_dim_t>(s); };
  const dnnl_status_t status = dnnl_sgemm(letter(ta), letter(tb), size(m), size(n), size(k), 1.0f,
                                          a, size(lda), b, size(ldb), beta, c, size(ldc));
  if (status != dnnl_success) {
    throw std::runtime_error("gemm: oneDNN failed with status " + std::to_string(status));
  }
}

}  // namespace

/// A product is cut by us, along the longer side of C, into a part for each thread: oneDNN's own
/// teams know nothing of threads that another process pushes aside.
void gemm(Trans ta, Trans tb, std::size_t m, std::size_t n, std::size_t k, const float* a,
          std::size_t lda, const float* b, std::size_t ldb, float beta, float* c, std::size_t ldc) {
  if (m == 0 || n == 0) return;
  if (k == 0) return scale_rows(m, n, beta, c, ldc);
  if (m == 1 && ta == Trans::no && tb == Trans::yes) return gemv(n, k, b, ldb, a, beta, c);
  const bool by_column = n >= m;
  const std::size_t length = by_column ? n : m, groups = (length + kGroup - 1) / kGroup;
  const double work = static_cast<double>(m) * static_cast<double>(n) * static_cast<double>(k);
  const std::size_t parts = std::min<std::size_t>(work < kAlone ? 1 : free_threads(), groups);
  if (parts == 1) {
    const SerialScope alone;
    return part(ta, tb, m, n, k, a, lda, b, ldb, beta, c, ldc);
  }
  parallel_tiles(parts, [&](std::size_t p) {
    const std::size_t first = p * groups / parts * kGroup,
                      count = std::min((p + 1) * groups / parts * kGroup, length) - first;
    if (by_column) {
      part(ta, tb, m, count, k, a, lda, b + first * (tb == Trans::yes ? ldb : 1), ldb, beta,
           c + first, ldc);
    } else {
      part(ta, tb, count, n, k, a + first * (ta == Trans::yes ? 1 : lda), lda, b, ldb, beta,
           c + first * ldc, ldc);
    }
  });
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
