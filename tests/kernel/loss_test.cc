#include "scalemix/kernel/loss.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "fixture.h"

namespace scalemix::kernel {
namespace {

TEST(Loss, CategoricalIsTheCrossEntropyAndItsGradientThatOfFiniteDifferences) {
  const std::size_t rows = 3, classes = 4;
  auto f = values(rows * classes, -3, 3);
  const std::int64_t label[] = {2, 0, 3};
  std::vector<float> df(f.size()), unused(f.size());
  const double nll = categorical_nll(rows, classes, f.data(), label, df.data());
  double want = 0;
  for (std::size_t r = 0; r < rows; ++r) {
    double sum = 0;
    for (std::size_t c = 0; c < classes; ++c)
      sum += std::exp(static_cast<double>(f[r * classes + c]));
    want += (std::log(sum) - f[r * classes + static_cast<std::size_t>(label[r])]) / rows;
  }
  EXPECT_NEAR(nll, want, 1e-12);
  for (std::size_t i = 0; i < f.size(); ++i) {
    auto up = f, down = f;
    up[i] += 0.01f;
    down[i] -= 0.01f;
    const double slope = (categorical_nll(rows, classes, up.data(), label, unused.data()) -
                          categorical_nll(rows, classes, down.data(), label, unused.data())) /
                         (static_cast<double>(up[i]) - down[i]);
    EXPECT_NEAR(df[i], slope, 2e-5);
  }
}

TEST(Loss, CategoricalNeitherOverflowsNorHidesNan) {
  const float large[] = {1000, 0, -1000}, nan[] = {0, std::numeric_limits<float>::quiet_NaN(), 0};
  const std::int64_t label[] = {1};
  float df[3];
  EXPECT_DOUBLE_EQ(categorical_nll(1, 3, large, label, df), 1000);
  EXPECT_FLOAT_EQ(df[0], 1);
  EXPECT_FLOAT_EQ(df[1], -1);
  EXPECT_TRUE(std::isnan(categorical_nll(1, 3, nan, label, df)));
}

/// Rows 4 and 1 of a teacher of three classes.
struct Taught {
  std::vector<float> f = values(6, -3, 3), soft = values(15, -4, 0, 9), df = std::vector<float>(6);
  std::vector<std::int32_t> label{0, 2, 1, 0, 1};
  std::int64_t row[2] = {4, 1};
  double loss(double temperature, double hard) {
    return distil_nll(2, 3, f.data(), row, label.data(), soft.data(), temperature, hard, df.data());
  }
};

TEST(Loss, DistilHasTheGradientOfFiniteDifferences) {
  for (const double temperature : {0.5, 1.0, 4.0}) {
    for (const double hard : {0.0, 0.3, 1.0}) {
      Taught t;
      t.loss(temperature, hard);
      const std::vector<float> df = t.df;
      for (std::size_t i = 0; i < 6; ++i) {
        Taught up, down;
        up.f[i] += 0.01f;
        down.f[i] -= 0.01f;
        const double slope = (up.loss(temperature, hard) - down.loss(temperature, hard)) /
                             (static_cast<double>(up.f[i]) - down.f[i]);
        EXPECT_NEAR(df[i], slope, 1e-4) << temperature << ' ' << hard;
      }
    }
  }
}

TEST(Loss, DistilIsCrossEntropyAndDivergence) {
  Taught t;
  const std::int64_t label[] = {1, 2};
  std::vector<float> df(6);
  EXPECT_NEAR(t.loss(7, 1), categorical_nll(2, 3, t.f.data(), label, df.data()), 1e-12);
  EXPECT_EQ(t.df, df);
  // By hand, of one row at T = 2: q = softmax(soft / 2), p = softmax(f / 2).
  const float f[] = {1, 0}, soft[] = {std::log(0.9f), std::log(0.1f)};
  const std::int32_t one = 0;
  const std::int64_t row = 0;
  const double a = std::sqrt(0.9), b = std::sqrt(0.1), q = a / (a + b),
               p = 1 / (1 + std::exp(-0.5));
  const double divergence = q * std::log(q / p) + (1 - q) * std::log((1 - q) / (1 - p));
  EXPECT_NEAR(distil_nll(1, 2, f, &row, &one, soft, 2, 0, df.data()), 4 * divergence, 1e-7);
  EXPECT_NEAR(df[0], 2 * (p - q), 1e-6);
  // A student that says what the teacher says has nothing to learn, whatever the scale of its logits.
  for (std::size_t c = 0; c < 3; ++c) {
    t.f[c] = t.soft[12 + c] + 5;
    t.f[3 + c] = t.soft[3 + c] - 2;
  }
  EXPECT_NEAR(t.loss(3, 0), 0, 1e-7);
  for (const float slope : t.df) EXPECT_NEAR(slope, 0, 1e-7);
}

TEST(Loss, GaussianIsTheNegativeLogDensityAndItsGradientThatOfFiniteDifferences) {
  const std::size_t rows = 5, outputs = 2;
  const auto f = values(rows * outputs, -1, 1), t = values(rows * outputs, -1, 1, 2);
  const std::vector<float> lp = {0.5f, -1.25f};
  std::vector<float> df(f.size()), dlp(outputs), unused(f.size());
  const auto nll = [&](const std::vector<float>& mean, const std::vector<float>& log_precision) {
    return gaussian_nll(rows, outputs, mean.data(), t.data(), log_precision.data(), unused.data(),
                        nullptr);
  };
  // -log N(3; 1, 1/4) = 4 * 4 / 2 - log(4) / 2 + log(2 pi) / 2
  const float one = 1, three = 3, log_four = std::log(4.0f);
  float d;
  EXPECT_NEAR(gaussian_nll(1, 1, &one, &three, &log_four, &d, nullptr),
              8 - std::log(4.0) / 2 + 0.9189385332, 1e-6);
  gaussian_nll(rows, outputs, f.data(), t.data(), lp.data(), df.data(), dlp.data());
  for (std::size_t i = 0; i < f.size(); ++i) {
    auto mean = f;
    const float at = mean[i];
    mean[i] = at + 0.01f;
    const double up = nll(mean, lp), above = mean[i];
    mean[i] = at - 0.01f;
    EXPECT_NEAR(df[i], (up - nll(mean, lp)) / (above - mean[i]), 1e-5);
  }
  for (std::size_t o = 0; o < outputs; ++o) {
    auto high = lp, low = lp;
    high[o] += 0.01f;
    low[o] -= 0.01f;
    EXPECT_NEAR(dlp[o], (nll(f, high) - nll(f, low)) / (static_cast<double>(high[o]) - low[o]),
                1e-4);
  }
}

}  // namespace
}  // namespace scalemix::kernel
