// Gaussian-process regression on a kernel matrix, such as gram()'s: exact, by Cholesky.
//
//   y = f(x) + e,  f ~ GP(0, K),  e ~ N(0, noise)
//   mean     = K* (K + (noise + jitter) I)^-1 Y
//   variance = k** - K* (K + (noise + jitter) I)^-1 K*^T, its diagonal, not below 0
//   log p(Y) = -tr Y^T (K + ...)^-1 Y / 2 - M log det(K + ...) / 2 - M N log(2 pi) / 2
//
// Jitter is relative: jitter = relative * mean(diag K), so that results do not change when kernel
// and targets are scaled. Where the matrix is not positive definite in double, the relative jitter
// goes up tenfold until it is, from 1e-14 if it was 0; what was taken can be asked for. With the
// NTK the mean is what gradient descent converges to, and the variance has no such meaning.
//
// Classification: targets are one-hot rows less the mean 1/C, the class is the largest mean (least
// squares on classes: Lee et al. 2018, Deep neural networks as Gaussian processes, section 3).
//
// Source: Rasmussen & Williams (2006), Gaussian processes for machine learning, algorithm 2.1.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace scalemix::inline v0::signal {

struct GpOptions {
  double noise = 0;  // variance of e, in the kernel's units
  double relative_jitter = 0;
};

class GaussianProcess {
 public:
  /// `kernel` (N, N) symmetric and row-major, of which the lower triangle is read; the factor takes
  /// its place. `y` (N, M). Throws std::invalid_argument for sizes that do not fit or N or M of 0;
  /// std::domain_error if noise or jitter is negative or not finite, if the matrix holds what is
  /// not finite, or if no jitter up to mean(diag K) helps (it is no kernel then).
  GaussianProcess(std::vector<double> kernel, const std::vector<double>& y, std::size_t outputs,
                  const GpOptions& options = {});

  /// What was added to the diagonal beside the noise, over mean(diag K).
  double relative_jitter() const { return relative_jitter_; }
  /// In nats, all outputs together.
  double log_marginal_likelihood() const { return log_likelihood_; }

  /// (rows, M): the posterior mean where the kernel with the training rows is `cross` (rows, N).
  std::vector<double> mean(const std::vector<double>& cross, std::size_t rows) const;
  /// (rows): the posterior variance of f there, the same for every output; `prior` (rows) is k**.
  std::vector<double> variance(const std::vector<double>& cross,
                               const std::vector<double>& prior) const;

  std::size_t rows() const { return n_; }
  std::size_t outputs() const { return m_; }

 private:
  void factorise(const std::vector<double>& diagonal, const GpOptions& options);

  std::size_t n_, m_;
  std::vector<double> factor_;   // (N, N), the lower triangle
  std::vector<double> weights_;  // (N, M): (K + ...)^-1 Y
  double relative_jitter_ = 0, log_likelihood_ = 0;
};

/// One-hot rows of `classes` numbers less 1 / classes: (N, classes). Throws std::domain_error for a
/// label that is none.
std::vector<double> class_targets(const std::vector<std::int32_t>& label, std::size_t classes);

/// The largest of each row of (N, classes); the first of equals.
std::vector<std::int32_t> class_of(const std::vector<double>& mean, std::size_t classes);

}  // namespace scalemix::inline v0::signal
