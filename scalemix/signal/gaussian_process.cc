#include "scalemix/signal/gaussian_process.h"

#include <cblas.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <numeric>
#include <string>

#include "scalemix/base/check.h"
#include "scalemix/kernel/gemm.h"

// LAPACK's Cholesky factorisation, as OpenBLAS itself exports it: LAPACKE would bring a second
// library, linked to whichever BLAS the system prefers.
extern "C" void dpotrf_(const char* uplo, const int* n, double* a, const int* lda, int* info,
                        std::size_t uplo_length);

namespace scalemix::inline v0::signal {
namespace {

constexpr double kLeastJitter = 1e-14, kMostJitter = 1;
constexpr const char* kWho = "gaussian_process";

/// Factorises the lower triangle of a row-major matrix in place. For LAPACK, which counts by
/// columns, it is the upper one.
bool cholesky(std::vector<double>& a, std::size_t n) {
  const int size = static_cast<int>(n);
  int info = 0;
  dpotrf_("U", &size, a.data(), &size, &info, 1);
  return info == 0;
}

/// b = L^-1 b, or L^-T b; b has `columns` numbers per row.
void solve(CBLAS_TRANSPOSE transposed, const std::vector<double>& factor, std::size_t n,
           std::vector<double>& b, std::size_t columns) {
  cblas_dtrsm(CblasRowMajor, CblasLeft, CblasLower, transposed, CblasNonUnit, static_cast<int>(n),
              static_cast<int>(columns), 1.0, factor.data(), static_cast<int>(n), b.data(),
              static_cast<int>(columns));
}

void check_share(const char* name, double value) {
  check_finite(kWho, name, value);
  if (value < 0) fail<std::domain_error>(kWho, std::string(name) + " must not be negative", value);
}

}  // namespace

GaussianProcess::GaussianProcess(std::vector<double> kernel, const std::vector<double>& y,
                                 std::size_t outputs, const GpOptions& options)
    : n_(outputs ? y.size() / outputs : 0), m_(outputs), factor_(std::move(kernel)), weights_(y) {
  check(n_ > 0 && y.size() == n_ * m_, kWho,
        "y must hold one row of outputs for each training row");
  check(factor_.size() == n_ * n_, kWho,
        "the kernel must have a row and a column for each row of y");
  check_share("noise", options.noise);
  check_share("relative_jitter", options.relative_jitter);
  std::vector<double> diagonal(n_);
  for (std::size_t i = 0; i < n_; ++i) {
    diagonal[i] = factor_[i * n_ + i];
    for (std::size_t j = 0; j <= i; ++j) check_finite(kWho, "the kernel", factor_[i * n_ + j]);
  }
  for (const double value : y) check_finite(kWho, "y", value);
  factorise(diagonal, options);
  solve(CblasNoTrans, factor_, n_, weights_, m_);
  const double fit = std::inner_product(weights_.begin(), weights_.end(), weights_.begin(), 0.0);
  solve(CblasTrans, factor_, n_, weights_, m_);
  double log_root = 0;  // log det / 2
  for (std::size_t i = 0; i < n_; ++i) log_root += std::log(factor_[i * n_ + i]);
  const auto m = static_cast<double>(m_), n = static_cast<double>(n_);
  log_likelihood_ = -fit / 2 - m * log_root - m * n * std::log(2 * std::numbers::pi) / 2;
}

void GaussianProcess::factorise(const std::vector<double>& diagonal, const GpOptions& options) {
  const double mean =
      std::accumulate(diagonal.begin(), diagonal.end(), 0.0) / static_cast<double>(n_);
  // The factor is made in the lower triangle; the upper one keeps the kernel for the next try.
  for (std::size_t i = 0; i < n_; ++i) {
    for (std::size_t j = 0; j < i; ++j) factor_[j * n_ + i] = factor_[i * n_ + j];
  }
  for (double jitter = options.relative_jitter; jitter <= kMostJitter;
       jitter = std::max(kLeastJitter, 10 * jitter)) {
    for (std::size_t i = 0; i < n_; ++i) {
      for (std::size_t j = 0; j < i; ++j) factor_[i * n_ + j] = factor_[j * n_ + i];
      factor_[i * n_ + i] = diagonal[i] + options.noise + jitter * mean;
    }
    relative_jitter_ = jitter;
    if (cholesky(factor_, n_)) return;
  }
  fail<std::domain_error>(
      kWho, "the kernel is not positive definite, whatever is added to its diagonal; its mean is",
      mean);
}

std::vector<double> GaussianProcess::mean(const std::vector<double>& cross,
                                          std::size_t rows) const {
  check(cross.size() == rows * n_, kWho, "cross must have a column for each training row");
  std::vector<double> out(rows * m_);
  kernel::gemm(kernel::Trans::no, kernel::Trans::no, rows, m_, n_, cross.data(), n_,
               weights_.data(), m_, 0.0, out.data(), m_);
  return out;
}

std::vector<double> GaussianProcess::variance(const std::vector<double>& cross,
                                              const std::vector<double>& prior) const {
  const std::size_t rows = prior.size();
  check(cross.size() == rows * n_, kWho, "cross must have a column for each training row");
  std::vector<double> solved(n_ * rows), out(prior);
  for (std::size_t r = 0; r < rows; ++r) {
    for (std::size_t i = 0; i < n_; ++i) solved[i * rows + r] = cross[r * n_ + i];
  }
  solve(CblasNoTrans, factor_, n_, solved, rows);
  for (std::size_t i = 0; i < n_; ++i) {
    for (std::size_t r = 0; r < rows; ++r) out[r] -= solved[i * rows + r] * solved[i * rows + r];
  }
  for (double& v : out) v = std::max(v, 0.0);
  return out;
}

std::vector<double> class_targets(const std::vector<std::int32_t>& label, std::size_t classes) {
  check(classes > 0, kWho, "there are no classes");
  std::vector<double> out(label.size() * classes, -1 / static_cast<double>(classes));
  for (std::size_t i = 0; i < label.size(); ++i) {
    if (label[i] < 0 || static_cast<std::size_t>(label[i]) >= classes) {
      fail<std::domain_error>(kWho, "a label must be below the number of classes", label[i]);
    }
    out[i * classes + static_cast<std::size_t>(label[i])] += 1;
  }
  return out;
}

std::vector<std::int32_t> class_of(const std::vector<double>& mean, std::size_t classes) {
  check(classes > 0 && mean.size() % classes == 0, kWho, "a mean has one number for each class");
  std::vector<std::int32_t> out(mean.size() / classes);
  for (std::size_t i = 0; i < out.size(); ++i) {
    const auto row = mean.begin() + static_cast<std::ptrdiff_t>(i * classes);
    out[i] = static_cast<std::int32_t>(
        std::max_element(row, row + static_cast<std::ptrdiff_t>(classes)) - row);
  }
  return out;
}

}  // namespace scalemix::inline v0::signal
