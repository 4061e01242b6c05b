#include "scalemix/kernel/pool.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "fixture.h"

namespace scalemix::kernel {
namespace {

TEST(WindowLength, RoundsDownAndIsZeroWhereItDoesNotFit) {
  EXPECT_EQ(window_length({2, 2, 0}, 5), 2u);
  EXPECT_EQ(window_length({3, 1, 1}, 5), 5u);
  EXPECT_EQ(window_length({3, 2, 1}, 5), 3u);
  EXPECT_EQ(window_length({5, 1, 0}, 4), 0u);
  EXPECT_EQ(window_length({5, 1, 1}, 4), 2u);
}

TEST(Pool, TakesTheLargestAndTheMean) {
  const float x[] = {1, 2, 5, 3,  //
                     4, 3, 1, 0,  //
                     9, 9, 9, 9};
  const Pool2d s{1, 1, 3, 4, {2, 2, 0}};  // the last row is left over
  float y[2];
  max_pool2d(s, x, y);
  EXPECT_EQ(y[0], 4);
  EXPECT_EQ(y[1], 5);
  avg_pool2d(s, x, y);
  EXPECT_EQ(y[0], 2.5f);
  EXPECT_EQ(y[1], 2.25f);
}

TEST(Pool, PaddingNeverWinsAMaximumAndCountsAsZeroInAMean) {
  const float x[] = {-1, -2, -3, -4};
  const Pool2d s{1, 1, 2, 2, {2, 2, 1}};
  float y[4];
  max_pool2d(s, x, y);
  for (int i = 0; i < 4; ++i) EXPECT_EQ(y[i], x[i]);
  avg_pool2d(s, x, y);
  for (int i = 0; i < 4; ++i) EXPECT_EQ(y[i], x[i] / 4);
}

TEST(Pool, NanWinsWhereverItStands) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  for (int at = 0; at < 4; ++at) {
    float x[] = {1, 2, 3, 4}, y = 0;
    x[at] = nan;
    max_pool2d({1, 1, 2, 2, {2, 2, 0}}, x, &y);
    EXPECT_TRUE(std::isnan(y)) << at;
  }
}

TEST(Pool, MinusInfinityStays) {
  const float low = -std::numeric_limits<float>::infinity();
  const float x[] = {low, low, low, low};
  float y = 0;
  max_pool2d({1, 1, 2, 2, {2, 2, 0}}, x, &y);
  EXPECT_EQ(y, low);
}

TEST(Pool, EveryPlaneStandsAlone) {
  const Pool2d s{3, 2, 5, 4, {3, 2, 1}};
  const auto x = values(3 * 2 * 5 * 4, -1, 1);
  std::vector<float> all(6 * s.out_h() * s.out_w()), one(s.out_h() * s.out_w());
  const Pool2d single{1, 1, 5, 4, s.window};
  for (auto* pool : {&max_pool2d, &avg_pool2d}) {
    pool(s, x.data(), all.data());
    for (std::size_t plane = 0; plane < 6; ++plane) {
      pool(single, &x[plane * 20], one.data());
      for (std::size_t i = 0; i < one.size(); ++i) EXPECT_EQ(all[plane * one.size() + i], one[i]);
    }
  }
}

/// What max_pool2d and its backward pass are for 2 x 2 windows, a number at a time.
void two_by_two(const Pool2d& s, const float* x, const float* dy, float* y, float* dx) {
  std::fill_n(dx, s.n * s.c * s.h * s.w, 0.0f);
  for (std::size_t plane = 0; plane < s.n * s.c; ++plane) {
    for (std::size_t i = 0; i < s.out_h() * s.out_w(); ++i) {
      const std::size_t row = i / s.out_w() * 2, column = i % s.out_w() * 2;
      std::size_t best = (plane * s.h + row) * s.w + column;
      for (const std::size_t at : {best, best + 1, best + s.w, best + s.w + 1}) {
        if (x[at] > x[best] || (std::isnan(x[at]) && !std::isnan(x[best]))) best = at;
      }
      const std::size_t out = plane * s.out_h() * s.out_w() + i;
      y[out] = x[best];
      dx[best] = dy[out];
    }
  }
}

TEST(Pool, OfTwoByTwoIsTheLargestAndItsGradientGoesThere) {
  for (const std::size_t h : {2, 3, 8}) {
    for (const std::size_t w : {2, 5, 9, 24, 31}) {
      const Pool2d s{2, 3, h, w, {2, 2, 0}};
      auto x = values(6 * h * w, -1, 1, 1);
      for (std::size_t i = 0; i < x.size(); i += 3) x[i] = i % 2 ? 0.25f : 0.5f;  // ties
      for (std::size_t i = 0; i < x.size(); i += 17) x[i] = std::nanf("");
      const std::size_t outputs = 6 * s.out_h() * s.out_w();
      const auto dy = values(outputs, 1, 2, 2);
      std::vector<float> y(outputs), dx(x.size(), 7), want_y(outputs), want_dx(x.size());
      max_pool2d(s, x.data(), y.data());
      max_pool2d_backward(s, x.data(), dy.data(), dx.data());
      two_by_two(s, x.data(), dy.data(), want_y.data(), want_dx.data());
      for (std::size_t i = 0; i < outputs; ++i) {
        EXPECT_TRUE(y[i] == want_y[i] || (std::isnan(y[i]) && std::isnan(want_y[i])));
      }
      EXPECT_EQ(dx, want_dx);
    }
  }
}

TEST(Pool, TheBackwardPassOfMaxGoesToTheLargestAndOfAverageToAll) {
  const Pool2d s{1, 1, 3, 3, {2, 1, 0}};
  const float x[] = {1, 2, 3, 4, 9, 5, 6, 7, 8}, dy[] = {1, 10, 100, 1000};
  float dx[9];
  max_pool2d_backward(s, x, dy, dx);
  EXPECT_EQ(std::vector<float>(dx, dx + 9), (std::vector<float>{0, 0, 0, 0, 1111, 0, 0, 0, 0}));
  avg_pool2d_backward(s, dy, dx);
  EXPECT_EQ(std::vector<float>(dx, dx + 9),
            (std::vector<float>{0.25f, 2.75f, 2.5f, 25.25f, 277.75f, 252.5f, 25, 275, 250}));
}

TEST(Pool, AverageBackwardIsTheAdjointForAllWindows) {
  for (const std::size_t stride : {1, 2, 3}) {
    for (const std::size_t padding : {0, 1}) {
      const Pool2d s{2, 3, 7, 8, {3, stride, padding}};
      const auto x = values(2 * 3 * 7 * 8, -1, 1, 1),
                 dy = values(2 * 3 * s.out_h() * s.out_w(), -1, 1, 2);
      std::vector<float> y(dy.size()), dx(x.size());
      avg_pool2d(s, x.data(), y.data());
      avg_pool2d_backward(s, dy.data(), dx.data());
      EXPECT_NEAR(dot(dy, y), dot(dx, x), 1e-5);
    }
  }
}

}  // namespace
}  // namespace scalemix::kernel
