#include "scalemix/data/generate.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "scalemix/base/parallel.h"
#include "scalemix/data/standardise.h"

namespace scalemix::data {
namespace {

template <class Make>
void expect_rows_do_not_depend_on_their_number(Make make) {
  const Dataset few = make(20, 3), many = make(300, 3), other = make(20, 4);
  EXPECT_TRUE(std::equal(few.x.begin(), few.x.end(), many.x.begin()));
  EXPECT_TRUE(std::equal(few.y.begin(), few.y.end(), many.y.begin()));
  EXPECT_TRUE(std::equal(few.label.begin(), few.label.end(), many.label.begin()));
  EXPECT_NE(few.x, other.x);
  EXPECT_EQ(few.x.size(), 20 * few.width());
  EXPECT_EQ(few.splits.at(0).train.size() + few.splits.at(0).test.size(), 20u);
}

TEST(Generate, RowsArePureFunctionsOfSeedAndRow) {
  expect_rows_do_not_depend_on_their_number([](auto n, auto s) { return friedman1(n, s); });
  expect_rows_do_not_depend_on_their_number([](auto n, auto s) { return moons(n, s); });
  expect_rows_do_not_depend_on_their_number([](auto n, auto s) { return glyphs(n, s); });
}

TEST(Generate, RefusesTooFewRowsAndNegativeNoise) {
  EXPECT_THROW(friedman1(1), std::domain_error);
  EXPECT_THROW(moons(0), std::domain_error);
  EXPECT_THROW(glyphs(1), std::domain_error);
  EXPECT_THROW(friedman1(10, 0, -1), std::domain_error);
  EXPECT_THROW(moons(10, 0, std::nan("")), std::domain_error);
}

TEST(Friedman1, FollowsItsFormulaWithoutNoise) {
  const Dataset data = friedman1(500, 1, 0);
  for (std::size_t i = 0; i < 500; ++i) {
    const float* x = data.x.data() + 10 * i;
    const double y = 10 * std::sin(std::numbers::pi * x[0] * x[1]) + 20 * std::pow(x[2] - 0.5, 2) +
                     10 * x[3] + 5 * x[4];
    EXPECT_NEAR(data.y[i], y, 1e-5);
    EXPECT_TRUE(std::all_of(x, x + 10, [](float v) { return v > 0 && v < 1; }));
  }
}

TEST(Friedman1, AddsStandardNormalNoise) {
  const std::size_t n = 4000;
  const Dataset clean = friedman1(n, 1, 0), noisy = friedman1(n, 1);
  double mean = 0, square = 0;
  for (std::size_t i = 0; i < n; ++i) {
    const double e = noisy.y[i] - clean.y[i];
    mean += e / static_cast<double>(n);
    square += e * e / static_cast<double>(n);
  }
  // Five standard errors: 1 / sqrt(n) of the mean, sqrt(2 / n) of the mean square.
  EXPECT_NEAR(mean, 0, 5 / std::sqrt(n));
  EXPECT_NEAR(square, 1, 5 * std::sqrt(2.0 / n));
}

TEST(Moons, LieOnTheirHalfCirclesWithoutNoise) {
  const Dataset data = moons(400, 2, 0);
  for (std::size_t i = 0; i < 400; ++i) {
    const double x0 = data.x[2 * i], x1 = data.x[2 * i + 1];
    const bool lower = data.label[i] == 1;
    EXPECT_NEAR(std::hypot(lower ? x0 - 1 : x0, lower ? x1 - 0.5 : x1), 1, 1e-6);
    EXPECT_TRUE(lower ? x1 <= 0.5 : x1 >= 0);
  }
  EXPECT_NEAR(std::count(data.label.begin(), data.label.end(), 1), 200, 60);
}

TEST(Glyphs, AreBytesAndBalanced) {
  const Dataset data = glyphs(1000, 5);
  for (const float x : data.x) ASSERT_TRUE(x >= 0 && x <= 255 && x == std::floor(x));
  for (int digit = 0; digit < 10; ++digit) {
    EXPECT_EQ(std::count(data.label.begin(), data.label.end(), digit), 100);
  }
  EXPECT_TRUE(data.images());
}

TEST(Glyphs, DoNotDependOnTheNumberOfThreads) {
  const int before = threads();
  set_threads(1);
  const Dataset one = glyphs(300, 6);
  set_threads(3);
  const Dataset three = glyphs(300, 6);
  set_threads(before);
  EXPECT_EQ(one.x, three.x);
}

/// Test accuracy of softmax regression trained by full gradient descent with momentum.
double linear_accuracy(const Dataset& data) {
  const Split& split = data.splits.at(0);
  const Standardisation s = standardise(data, split.train);
  const std::size_t k = data.width(), c = data.classes.size();
  std::vector<float> w((k + 1) * c, 0), dw(w.size()), step(w.size(), 0), x(k + 1, 1), p(c);
  const auto scores = [&](std::uint32_t row) {
    for (std::size_t j = 0; j < k; ++j) x[j] = (data.x[row * k + j] - s.mean[j]) / s.scale[j];
    std::fill(p.begin(), p.end(), 0.0f);
    for (std::size_t j = 0; j <= k; ++j) {
      for (std::size_t o = 0; o < c; ++o) p[o] += x[j] * w[j * c + o];
    }
  };
  for (int epoch = 0; epoch < 60; ++epoch) {
    std::fill(dw.begin(), dw.end(), 0.0f);
    for (const std::uint32_t row : split.train) {
      scores(row);
      const float top = *std::max_element(p.begin(), p.end());
      float sum = 0;
      for (float& v : p) sum += v = std::exp(v - top);
      for (float& v : p) v /= sum;
      p[static_cast<std::size_t>(data.label[row])] -= 1;
      for (std::size_t j = 0; j <= k; ++j) {
        for (std::size_t o = 0; o < c; ++o) dw[j * c + o] += x[j] * p[o];
      }
    }
    for (std::size_t i = 0; i < w.size(); ++i) {
      step[i] = 0.9f * step[i] - 0.2f / static_cast<float>(split.train.size()) * dw[i];
      w[i] += step[i];
    }
  }
  std::size_t right = 0;
  for (const std::uint32_t row : split.test) {
    scores(row);
    right += std::max_element(p.begin(), p.end()) - p.begin() == data.label[row];
  }
  return static_cast<double>(right) / static_cast<double>(split.test.size());
}

TEST(Glyphs, AreTooHardForALinearModelButNotNoise) {
  const double accuracy = linear_accuracy(glyphs(3500, 0));
  EXPECT_LT(accuracy, 0.95);
  EXPECT_GT(accuracy, 0.5);
}

}  // namespace
}  // namespace scalemix::data
