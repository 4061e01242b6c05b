#include "scalemix/metric/regression.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "scalemix/base/check.h"
#include "scalemix/metric/uncertainty.h"

namespace scalemix::inline v0::metric {
namespace {

void check_sizes(const char* who, std::size_t rows, std::size_t other) {
  check(rows > 0, who, "no rows");
  check(rows == other, who, "spans must have the same length");
}

double sum_squared_error(std::span<const double> y, std::span<const double> mean) {
  double sum = 0;
  for (std::size_t n = 0; n < y.size(); ++n) sum += (y[n] - mean[n]) * (y[n] - mean[n]);
  return sum;
}

/// log (1/T) sum_t exp(-precision / 2 (y - draw_t)^2), draws `stride` apart.
double log_mean_kernel(double y, const double* draws, std::size_t count, std::size_t stride,
                       double precision) {
  const auto exponent = [&](std::size_t t) {
    const double miss = y - draws[t * stride];
    return -precision / 2 * miss * miss;
  };
  double most = -std::numeric_limits<double>::infinity(), sum = 0;
  for (std::size_t t = 0; t < count; ++t) most = std::max(exponent(t), most);
  if (std::isinf(most)) return most;
  for (std::size_t t = 0; t < count; ++t) sum += std::exp(exponent(t) - most);
  return most + std::log(sum / static_cast<double>(count));
}

}  // namespace

double rmse(std::span<const double> y, std::span<const double> mean) {
  check_sizes("rmse", y.size(), mean.size());
  return std::sqrt(sum_squared_error(y, mean) / static_cast<double>(y.size()));
}

double mae(std::span<const double> y, std::span<const double> mean) {
  check_sizes("mae", y.size(), mean.size());
  double sum = 0;
  for (std::size_t n = 0; n < y.size(); ++n) sum += std::abs(y[n] - mean[n]);
  return sum / static_cast<double>(y.size());
}

double r2(std::span<const double> y, std::span<const double> mean) {
  check_sizes("r2", y.size(), mean.size());
  if (std::all_of(y.begin(), y.end(), [&](double v) { return v == y[0]; })) {
    return std::numeric_limits<double>::quiet_NaN();
  }
  const std::vector<double> constant(y.size(), mean_and_error(y).mean);
  return 1 - sum_squared_error(y, mean) / sum_squared_error(y, constant);
}

double gaussian_log_likelihood(std::span<const double> y, std::span<const double> mean,
                               std::span<const double> variance) {
  check_sizes("gaussian_log_likelihood", y.size(), mean.size());
  check_sizes("gaussian_log_likelihood", y.size(), variance.size());
  double sum = 0;
  for (std::size_t n = 0; n < y.size(); ++n) {
    const double v = check_positive("gaussian_log_likelihood", "variance", variance[n]);
    sum -= ((y[n] - mean[n]) * (y[n] - mean[n]) / v + std::log(2 * std::numbers::pi * v)) / 2;
  }
  return sum / static_cast<double>(y.size());
}

double mc_log_likelihood(std::span<const double> y, std::span<const double> draws,
                         double precision) {
  const std::size_t rows = y.size();
  check(rows > 0 && !draws.empty(), "mc_log_likelihood", "no rows or no draws");
  check(draws.size() % rows == 0, "mc_log_likelihood", "draws must hold whole draws of every row");
  check_positive("mc_log_likelihood", "precision", precision);
  double sum = 0;
  for (std::size_t n = 0; n < rows; ++n) {
    sum += log_mean_kernel(y[n], &draws[n], draws.size() / rows, rows, precision);
  }
  return sum / static_cast<double>(rows) + std::log(precision / (2 * std::numbers::pi)) / 2;
}

double gaussian_crps(std::span<const double> y, std::span<const double> mean,
                     std::span<const double> variance) {
  check_sizes("gaussian_crps", y.size(), mean.size());
  check_sizes("gaussian_crps", y.size(), variance.size());
  double sum = 0;
  for (std::size_t n = 0; n < y.size(); ++n) {
    if (variance[n] <= 0) {
      fail<std::domain_error>("gaussian_crps", "variance must be positive", variance[n]);
    }
    const double sd = std::sqrt(variance[n]);
    const double z = (y[n] - mean[n]) / sd;
    const double density = std::exp(-z * z / 2) / std::sqrt(2 * std::numbers::pi);
    sum += sd * (z * std::erf(z / std::numbers::sqrt2) + 2 * density - std::numbers::inv_sqrtpi);
  }
  return sum / static_cast<double>(y.size());
}

double quantile_loss(std::span<const double> y, std::span<const double> quantile, double level) {
  check_sizes("quantile_loss", y.size(), quantile.size());
  if (!(level > 0 && level < 1)) {
    fail<std::domain_error>("quantile_loss", "level must be in (0, 1)", level);
  }
  double sum = 0;
  for (std::size_t n = 0; n < y.size(); ++n) {
    sum += std::max(level * (y[n] - quantile[n]), (1 - level) * (quantile[n] - y[n]));
  }
  return sum / static_cast<double>(y.size());
}

double interval_coverage(std::span<const double> y, std::span<const double> lower,
                         std::span<const double> upper) {
  check_sizes("interval_coverage", y.size(), lower.size());
  check_sizes("interval_coverage", y.size(), upper.size());
  std::size_t inside = 0;
  for (std::size_t n = 0; n < y.size(); ++n) inside += lower[n] <= y[n] && y[n] <= upper[n];
  return static_cast<double>(inside) / static_cast<double>(y.size());
}

}  // namespace scalemix::inline v0::metric
