#include "scalemix/signal/orthonormal.h"

#include <algorithm>
#include <vector>

#include "scalemix/base/check.h"

extern "C" {
void dgeqrf_(const int* m, const int* n, double* a, const int* lda, double* tau, double* work,
             const int* lwork, int* info);
void dorgqr_(const int* m, const int* n, const int* k, double* a, const int* lda, const double* tau,
             double* work, const int* lwork, int* info);
}

namespace scalemix::inline v0::signal {
namespace {

/// a (m, n), column by column, m >= n: its Q in place, signs fixed by R's diagonal.
void orthonormal_columns(int m, int n, double* a) {
  std::vector<double> tau(static_cast<std::size_t>(n)), work(64 * static_cast<std::size_t>(n));
  const int size = static_cast<int>(work.size());
  int info = 0;
  dgeqrf_(&m, &n, a, &m, tau.data(), work.data(), &size, &info);
  check(info == 0, "orthonormalise", "the QR factorisation failed");
  std::vector<double> sign(static_cast<std::size_t>(n));
  for (int j = 0; j < n; ++j) sign[j] = a[j * static_cast<std::ptrdiff_t>(m) + j] < 0 ? -1 : 1;
  dorgqr_(&m, &n, &n, a, &m, tau.data(), work.data(), &size, &info);
  check(info == 0, "orthonormalise", "the QR factorisation failed");
  for (int j = 0; j < n; ++j) {
    double* column = a + j * static_cast<std::ptrdiff_t>(m);
    for (int i = 0; i < m; ++i) column[i] *= sign[j];
  }
}

}  // namespace

void orthonormalise(std::size_t rows, std::size_t columns, double* g) {
  if (rows < columns) {  // row by row is the transpose, column by column
    return orthonormal_columns(static_cast<int>(columns), static_cast<int>(rows), g);
  }
  std::vector<double> turned(rows * columns);
  for (std::size_t i = 0; i < rows; ++i) {
    for (std::size_t j = 0; j < columns; ++j) turned[j * rows + i] = g[i * columns + j];
  }
  orthonormal_columns(static_cast<int>(rows), static_cast<int>(columns), turned.data());
  for (std::size_t i = 0; i < rows; ++i) {
    for (std::size_t j = 0; j < columns; ++j) g[i * columns + j] = turned[j * rows + i];
  }
}

}  // namespace scalemix::inline v0::signal
