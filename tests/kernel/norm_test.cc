// Normalisation against plain loops in double, on every SIMD target; the backward pass against
// central differences.

#include "scalemix/kernel/norm.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "fixture.h"

namespace scalemix::kernel {
namespace {

std::vector<float> numbers(std::size_t n, std::uint32_t number, double shift = 0) {
  const Stream stream{99, number, 0};
  std::vector<float> out(n);
  for (std::size_t i = 0; i < n; ++i) {
    out[i] = static_cast<float>(shift + 4 * stream.uniform(i) - 2);
  }
  return out;
}

/// What is normalised together: indices of x by group.
using Groups = std::vector<std::vector<std::size_t>>;

Groups channels(const Channels& s) {
  Groups out(s.channels);
  for (std::size_t i = 0; i < s.rows * s.channels * s.inner; ++i) {
    out[i / s.inner % s.channels].push_back(i);
  }
  return out;
}

std::vector<double> normalised(const Groups& groups, const std::vector<double>& x, double eps) {
  std::vector<double> out(x.size());
  for (const auto& group : groups) {
    double mean = 0, var = 0;
    for (const std::size_t i : group) mean += x[i] / double(group.size());
    for (const std::size_t i : group) var += (x[i] - mean) * (x[i] - mean) / double(group.size());
    for (const std::size_t i : group) out[i] = (x[i] - mean) / std::sqrt(var + eps);
  }
  return out;
}

void of_a_batch_equals_its_formula_and_its_slopes() {
  constexpr double kEps = 1e-3;
  for (const Channels s : {Channels{5, 3, 1}, Channels{7, 70, 1}, Channels{3, 4, 25},
                           Channels{2, 3, 64}, Channels{4, 2, 3}}) {
    const std::size_t n = s.rows * s.channels * s.inner;
    const std::vector<float> x = numbers(n, 1, 30), w = numbers(s.channels, 2),
                             b = numbers(s.channels, 3), dy = numbers(n, 4);
    std::vector<float> mean(s.channels), inv(s.channels), y(n);
    batch_norm_forward(s, x.data(), w.data(), b.data(), kEps, mean.data(), inv.data(), y.data());
    std::vector<double> exact(x.begin(), x.end());
    const std::vector<double> h = normalised(channels(s), exact, kEps);
    const auto channel = [&](std::size_t i) { return i / s.inner % s.channels; };
    for (std::size_t i = 0; i < n; ++i) {
      EXPECT_NEAR(y[i], h[i] * w[channel(i)] + b[channel(i)], 2e-5) << i;
    }
    std::vector<float> in_place = x;
    batch_norm_forward(s, in_place.data(), w.data(), b.data(), kEps, mean.data(), inv.data(),
                       in_place.data());
    EXPECT_EQ(in_place, y);

    std::vector<float> dx(n), dw(s.channels), db(s.channels);
    batch_norm_backward(s, x.data(), w.data(), mean.data(), inv.data(), dy.data(), dx.data(),
                        dw.data(), db.data());
    const auto objective = [&] {
      const std::vector<double> at = normalised(channels(s), exact, kEps);
      double sum = 0;
      for (std::size_t i = 0; i < n; ++i) sum += dy[i] * (at[i] * w[channel(i)] + b[channel(i)]);
      return sum;
    };
    for (std::size_t i = 0; i < n; i += 1 + n / 9) {
      const double before = exact[i], step = 1e-4;
      exact[i] = before + step;
      const double up = objective();
      exact[i] = before - step;
      const double down = objective();
      exact[i] = before;
      EXPECT_NEAR(dx[i], (up - down) / (2 * step), 2e-4) << i;
    }
    const Groups groups = channels(s);
    for (std::size_t c = 0; c < s.channels; ++c) {
      double to_weight = 0, to_bias = 0;
      for (const std::size_t i : groups[c]) to_weight += dy[i] * h[i], to_bias += dy[i];
      EXPECT_NEAR(dw[c], to_weight, 1e-4);
      EXPECT_NEAR(db[c], to_bias, 1e-4);
    }
    std::vector<float> over = dy;
    batch_norm_backward(s, x.data(), w.data(), mean.data(), inv.data(), over.data(), over.data(),
                        dw.data(), db.data());
    EXPECT_EQ(over, dx);
  }
}

void of_a_row_equals_its_formula_and_its_slopes() {
  constexpr double kEps = 1e-3;
  constexpr std::size_t kRows = 3, kN = 71;
  const std::vector<float> x = numbers(kRows * kN, 1, -20), w = numbers(kN, 2), b = numbers(kN, 3),
                           dy = numbers(kRows * kN, 4);
  Groups rows(kRows);
  for (std::size_t i = 0; i < kRows * kN; ++i) rows[i / kN].push_back(i);
  std::vector<float> mean(kRows), inv(kRows), y(x.size()), plain(x.size());
  layer_norm_forward(kRows, kN, x.data(), w.data(), b.data(), kEps, mean.data(), inv.data(),
                     y.data());
  layer_norm_forward(kRows, kN, x.data(), w.data(), b.data(), kEps, nullptr, nullptr, plain.data());
  EXPECT_EQ(plain, y);
  std::vector<double> exact(x.begin(), x.end());
  const std::vector<double> h = normalised(rows, exact, kEps);
  for (std::size_t i = 0; i < x.size(); ++i) EXPECT_NEAR(y[i], h[i] * w[i % kN] + b[i % kN], 2e-5);
  std::vector<float> dx(x.size()), dw(kN), db(kN);
  layer_norm_backward(kRows, kN, x.data(), w.data(), mean.data(), inv.data(), dy.data(), dx.data(),
                      dw.data(), db.data());
  const auto objective = [&] {
    const std::vector<double> at = normalised(rows, exact, kEps);
    double sum = 0;
    for (std::size_t i = 0; i < at.size(); ++i) sum += dy[i] * at[i] * w[i % kN];
    return sum;
  };
  for (std::size_t i = 0; i < x.size(); i += 19) {
    const double before = exact[i], step = 1e-4;
    exact[i] = before + step;
    const double up = objective();
    exact[i] = before - step;
    const double down = objective();
    exact[i] = before;
    EXPECT_NEAR(dx[i], (up - down) / (2 * step), 2e-4) << i;
  }
  for (std::size_t k = 0; k < kN; k += 10) {
    double to_weight = 0, to_bias = 0;
    for (std::size_t r = 0; r < kRows; ++r) {
      to_weight += dy[r * kN + k] * h[r * kN + k];
      to_bias += dy[r * kN + k];
    }
    EXPECT_NEAR(dw[k], to_weight, 1e-4);
    EXPECT_NEAR(db[k], to_bias, 1e-4);
  }
}

void running_statistics_take_a_tenth_of_the_unbiased_variance() {
  const Channels s{5, 2, 1};
  const std::vector<float> x{1, 10, 2, 10, 3, 10, 4, 10, 5, 10};  // variances 2 and 0
  std::vector<float> one(2, 1), zero(2), mean(2), inv(2), y(10), running_mean(2, 1),
      running_var(2, 1);
  batch_norm_forward(s, x.data(), one.data(), zero.data(), 1e-5, mean.data(), inv.data(), y.data());
  running_statistics(s, mean.data(), inv.data(), 1e-5, 0.1, running_mean.data(),
                     running_var.data());
  EXPECT_NEAR(running_mean[0], 0.9 + 0.3, 1e-6);
  EXPECT_NEAR(running_mean[1], 0.9 + 1, 1e-6);
  EXPECT_NEAR(running_var[0], 0.9 + 0.1 * 2 * 5 / 4, 1e-6);
  EXPECT_NEAR(running_var[1], 0.9, 1e-6);
  EXPECT_TRUE(std::isfinite(y[1]));
}

TEST(Norm, OfABatchEqualsItsFormulaAndItsSlopes) {
  for_every_target(of_a_batch_equals_its_formula_and_its_slopes);
}
TEST(Norm, OfARowEqualsItsFormulaAndItsSlopes) {
  for_every_target(of_a_row_equals_its_formula_and_its_slopes);
}
TEST(Norm, RunningStatisticsTakeATenthOfTheUnbiasedVariance) {
  for_every_target(running_statistics_take_a_tenth_of_the_unbiased_variance);
}

}  // namespace
}  // namespace scalemix::kernel
