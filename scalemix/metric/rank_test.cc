#include "scalemix/metric/rank_test.h"

#include <algorithm>
#include <boost/math/distributions/chi_squared.hpp>
#include <boost/math/distributions/fisher_f.hpp>
#include <boost/math/distributions/normal.hpp>
#include <cmath>
#include <limits>
#include <numeric>

#include "scalemix/base/check.h"
#include "scalemix/base/order.h"

namespace scalemix::inline v0::metric {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();

std::size_t rows_of(std::span<const double> values, std::size_t methods) {
  check(methods >= 2 && values.size() >= 2 * methods && values.size() % methods == 0, "rank test",
        "needs two methods and two problems at least, and a value for each pair");
  for (const double v : values) {
    if (std::isnan(v)) fail<std::domain_error>("rank test", "values must be numbers", v);
  }
  return values.size() / methods;
}

/// Ranks from 1; `descending`: the largest is 1. Equal values share their mean.
std::vector<double> ranks(std::span<const double> values, bool descending) {
  const std::vector<std::size_t> order = descending ? falling_order(values) : rising_order(values);
  std::vector<double> out(values.size());
  for (std::size_t i = 0; i < order.size();) {
    std::size_t end = i + 1;
    while (end < order.size() && values[order[end]] == values[order[i]]) ++end;
    for (std::size_t j = i; j < end; ++j) {
      out[order[j]] = static_cast<double>(i + end + 1) / 2;
    }
    i = end;
  }
  return out;
}

/// Ranks within each row.
std::vector<double> row_ranks(std::span<const double> values, std::size_t k) {
  std::vector<double> out;
  for (std::size_t i = 0; i < values.size(); i += k) {
    const std::vector<double> row = ranks(values.subspan(i, k), true);
    out.insert(out.end(), row.begin(), row.end());
  }
  return out;
}

std::vector<double> column_sums(std::span<const double> values, std::size_t k) {
  std::vector<double> out(k);
  for (std::size_t i = 0; i < values.size(); ++i) out[i % k] += values[i];
  return out;
}

double sum_of_squares(std::span<const double> values) {
  return std::inner_product(values.begin(), values.end(), values.begin(), 0.0);
}

void divide(std::vector<double>& values, double by) {
  for (double& v : values) v /= by;
}

double chi_squared_tail(double statistic, double k) {
  return cdf(complement(boost::math::chi_squared(k - 1), std::max(statistic, 0.0)));
}

double f_tail(double statistic, double k, double n) {
  if (std::isinf(statistic)) return 0;
  return cdf(complement(boost::math::fisher_f(k - 1, (k - 1) * (n - 1)), std::max(statistic, 0.0)));
}

/// a / b of an F statistic, b = 0 where nothing is left to chance.
double ratio(double a, double b) { return b > 1e-12 * std::abs(a) ? a / b : a > 0 ? kInf : 0; }

}  // namespace

RankTest friedman(std::span<const double> values, std::size_t methods) {
  const auto n = static_cast<double>(rows_of(values, methods)), k = static_cast<double>(methods);
  RankTest test;
  test.mean_rank = column_sums(row_ranks(values, methods), methods);
  divide(test.mean_rank, n);
  test.statistic =
      12 * n / (k * (k + 1)) * (sum_of_squares(test.mean_rank) - k * (k + 1) * (k + 1) / 4);
  test.p = chi_squared_tail(test.statistic, k);
  return test;
}

RankTest iman_davenport(std::span<const double> values, std::size_t methods) {
  RankTest test = friedman(values, methods);
  const auto n = static_cast<double>(values.size() / methods), k = static_cast<double>(methods);
  test.statistic = ratio((n - 1) * test.statistic, n * (k - 1) - test.statistic);
  test.p = f_tail(test.statistic, k, n);
  return test;
}

RankTest aligned_ranks(std::span<const double> values, std::size_t methods) {
  const auto n = static_cast<double>(rows_of(values, methods)), k = static_cast<double>(methods);
  std::vector<double> aligned(values.begin(), values.end());
  for (std::size_t i = 0; i < aligned.size(); i += methods) {
    const double mean =
        std::accumulate(values.begin() + static_cast<std::ptrdiff_t>(i),
                        values.begin() + static_cast<std::ptrdiff_t>(i + methods), 0.0) /
        k;
    for (std::size_t j = 0; j < methods; ++j) aligned[i + j] -= mean;
  }
  const std::vector<double> rank = ranks(aligned, true);
  RankTest test;
  test.mean_rank = column_sums(rank, methods);
  double rows = 0;
  for (std::size_t i = 0; i < rank.size(); i += methods) {
    double row = 0;
    for (std::size_t j = 0; j < methods; ++j) row += rank[i + j];
    rows += row * row;
  }
  const double all = k * n;
  test.statistic =
      ratio((k - 1) * (sum_of_squares(test.mean_rank) - k * n * n / 4 * (all + 1) * (all + 1)),
            all * (all + 1) * (2 * all + 1) / 6 - rows / k);
  test.p = std::isinf(test.statistic) ? 0 : chi_squared_tail(test.statistic, k);
  divide(test.mean_rank, n);
  return test;
}

RankTest quade(std::span<const double> values, std::size_t methods) {
  const std::size_t rows = rows_of(values, methods);
  const auto n = static_cast<double>(rows), k = static_cast<double>(methods);
  std::vector<double> range;
  for (std::size_t i = 0; i < rows; ++i) {
    const auto row = values.subspan(i * methods, methods);
    range.push_back(*std::max_element(row.begin(), row.end()) -
                    *std::min_element(row.begin(), row.end()));
  }
  const std::vector<double> weight = ranks(range, false);
  std::vector<double> s = row_ranks(values, methods);
  RankTest test;
  test.mean_rank = column_sums(s, methods);
  divide(test.mean_rank, n);
  for (std::size_t i = 0; i < s.size(); ++i) s[i] = weight[i / methods] * (s[i] - (k + 1) / 2);
  const double a = sum_of_squares(s), b = sum_of_squares(column_sums(s, methods)) / n;
  test.statistic = ratio((n - 1) * b, a - b);
  test.p = f_tail(test.statistic, k, n);
  return test;
}

std::vector<double> against_control(std::span<const double> values, std::size_t methods,
                                    std::size_t control) {
  check(control < methods, "rank test", "the control must be one of the methods");
  const std::vector<double> rank = friedman(values, methods).mean_rank;
  const auto n = static_cast<double>(values.size() / methods), k = static_cast<double>(methods);
  const double scale = std::sqrt(k * (k + 1) / (6 * n));
  std::vector<double> p;
  for (std::size_t j = 0; j < methods; ++j) {
    if (j == control) continue;
    const double z = std::abs(rank[j] - rank[control]) / scale;
    p.push_back(2 * cdf(complement(boost::math::normal(), z)));
  }
  p = finner(p);
  p.insert(p.begin() + static_cast<std::ptrdiff_t>(control), 1.0);
  return p;
}

std::vector<double> finner(std::span<const double> p) {
  const std::vector<std::size_t> order = rising_order(p);
  std::vector<double> out(p.size());
  double largest = 0;
  for (std::size_t i = 0; i < order.size(); ++i) {
    const double power = static_cast<double>(p.size()) / static_cast<double>(i + 1);
    largest = std::max(largest, -std::expm1(power * std::log1p(-p[order[i]])));
    out[order[i]] = largest;
  }
  return out;
}

}  // namespace scalemix::inline v0::metric
