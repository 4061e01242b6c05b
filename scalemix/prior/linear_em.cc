#include "scalemix/prior/linear_em.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "scalemix/base/check.h"

// As OpenBLAS itself exports LAPACK (signal/gaussian_process.cc says why): the unblocked routines, which
// stay on one thread. Between matrices of this size, threads would wait longer than they work.
extern "C" {
void dpotf2_(const char* uplo, const int* n, double* a, const int* lda, int* info, std::size_t);
void dtrti2_(const char* uplo, const char* diagonal, const int* n, double* a, const int* lda,
             int* info, std::size_t, std::size_t);
void dlauu2_(const char* uplo, const int* n, double* a, const int* lda, int* info, std::size_t);
}

namespace scalemix::inline v0::prior {
namespace {

constexpr const char* kWho = "linear_em";
constexpr double kLeastNoise = 1e-12;  // of the targets' mean square

/// The sums that all rounds need.
struct Sums {
  std::size_t n, k;
  std::vector<double> xx, xy;  // (K, K), (K)
  double yy = 0;

  Sums(std::span<const double> x, std::span<const double> y)
      : n(y.size()), k(x.size() / y.size()), xx(k * k), xy(k) {
    for (std::size_t r = 0; r < n; ++r) {
      const double* row = &x[r * k];
      yy += y[r] * y[r];
      for (std::size_t i = 0; i < k; ++i) {
        xy[i] += row[i] * y[r];
        for (std::size_t j = 0; j <= i; ++j) xx[i * k + j] += row[i] * row[j];
      }
    }
    for (std::size_t i = 0; i < k; ++i) {
      for (std::size_t j = 0; j < i; ++j) xx[j * k + i] = xx[i * k + j];
    }
  }
};

/// The posterior in terms of B = I + D X'X D / s2, D = diag(sqrt v), whose eigenvalues are 1 and more:
/// S = D B^-1 D, |S^-1| = |B| / prod v.
class Posterior {
 public:
  Posterior(const Sums& s, const std::vector<double>& v, double s2) : covariance(s.k * s.k) {
    std::vector<double> d(s.k);
    for (std::size_t i = 0; i < s.k; ++i) d[i] = std::sqrt(v[i]);
    for (std::size_t i = 0; i < s.k; ++i) {
      for (std::size_t j = 0; j < s.k; ++j) {
        covariance[i * s.k + j] = (i == j) + d[i] * d[j] * s.xx[i * s.k + j] / s2;
      }
    }
    const int size = static_cast<int>(s.k);
    int info = 0;
    dpotf2_("U", &size, covariance.data(), &size, &info, 1);
    check(info == 0, kWho, "the posterior's precision could not be factorised");
    for (std::size_t i = 0; i < s.k; ++i) log_det += 2 * std::log(covariance[i * s.k + i]);
    dtrti2_("U", "N", &size, covariance.data(), &size, &info, 1, 1);
    check(info == 0, kWho, "the posterior's precision could not be inverted");
    dlauu2_("U", &size, covariance.data(), &size, &info, 1);
    mean.resize(s.k);
    for (std::size_t i = 0; i < s.k; ++i) {
      for (std::size_t j = 0; j <= i; ++j) {
        const double value = covariance[i * s.k + j] * d[i] * d[j];
        covariance[i * s.k + j] = covariance[j * s.k + i] = value;
      }
    }
    for (std::size_t i = 0; i < s.k; ++i) {
      for (std::size_t j = 0; j < s.k; ++j) mean[i] += covariance[i * s.k + j] * s.xy[j] / s2;
    }
    double fitted = 0;  // y' X mu
    for (std::size_t i = 0; i < s.k; ++i) fitted += mean[i] * s.xy[i];
    const auto n = static_cast<double>(s.n);
    evidence = -(n * std::log(2 * std::numbers::pi * s2) + log_det + (s.yy - fitted) / s2) / 2;
  }

  /// |y - X mu|^2 + tr(X'X S)
  double squares(const Sums& s) const {
    double sum = s.yy;
    for (std::size_t i = 0; i < s.k; ++i) {
      sum -= 2 * mean[i] * s.xy[i];
      for (std::size_t j = 0; j < s.k; ++j) {
        sum += s.xx[i * s.k + j] * (mean[i] * mean[j] + covariance[i * s.k + j]);
      }
    }
    return sum;
  }

  std::vector<double> covariance, mean;
  double log_det = 0, evidence = 0;
};

void check_arguments(std::span<const double> x, std::span<const double> y, const LinearOptions& o) {
  check(!y.empty() && !x.empty() && x.size() % y.size() == 0, kWho,
        "expected a row of x for each y, and at least one column");
  for (const double value : x) check_finite(kWho, "x", value);
  for (const double value : y) check_finite(kWho, "y", value);
  check_positive(kWho, "sigma0", o.sigma0);
  if (o.noise_variance != 0) check_positive(kWho, "noise_variance", o.noise_variance);
  if (!o.hyper.row().minus_log) {
    fail<std::domain_error>(kWho, "the hyper-prior must have a density", o.hyper.word());
  }
}

}  // namespace

LinearFit linear_em(std::span<const double> x, std::span<const double> y, const LinearOptions& o) {
  check_arguments(x, y, o);
  const Sums s(x, y);
  const double unit = o.sigma0 * o.sigma0, mean_square = s.yy / static_cast<double>(s.n);
  const double least = std::max(mean_square * kLeastNoise, 1e-300);
  LinearFit fit;
  fit.scale2.assign(s.k, 1);
  fit.noise_variance = o.noise_variance != 0 ? o.noise_variance : std::max(mean_square, least);
  for (int round = 0; round < o.most_rounds && !fit.settled; ++round) {
    std::vector<double> v(s.k);
    double objective = 0;
    for (std::size_t i = 0; i < s.k; ++i) {
      v[i] = fit.scale2[i] * unit;
      if (o.shared && i > 0) continue;
      objective -= o.hyper.row().minus_log(o.hyper.values(), fit.scale2[i]);
    }
    const Posterior posterior(s, v, fit.noise_variance);
    objective += posterior.evidence;
    fit.settled = !fit.objective.empty() &&
                  objective - fit.objective.back() <= o.tolerance * (1 + std::abs(objective));
    fit.objective.push_back(objective);
    fit.mean = posterior.mean;
    fit.variance.resize(s.k);
    for (std::size_t i = 0; i < s.k; ++i) fit.variance[i] = posterior.covariance[i * s.k + i];
    if (fit.settled) break;
    double all = 0;
    for (std::size_t i = 0; i < s.k; ++i) {
      const double m = (fit.mean[i] * fit.mean[i] + fit.variance[i]) / unit;
      all += m;
      if (!o.shared) fit.scale2[i] = o.hyper.mode(1, m).scale2;
    }
    if (o.shared) {
      fit.scale2.assign(s.k, o.hyper.mode(static_cast<double>(s.k), all).scale2);
    }
    if (o.noise_variance == 0) {
      fit.noise_variance = std::max(posterior.squares(s) / static_cast<double>(s.n), least);
    }
  }
  return fit;
}

}  // namespace scalemix::inline v0::prior
