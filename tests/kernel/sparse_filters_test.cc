#include "scalemix/kernel/sparse_filters.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "fixture.h"
#include "scalemix/kernel/sparse_weights.h"

namespace scalemix::kernel {
namespace {

/// (O, C, k, k) of which about a share is not zero; every fifth filter has none left.
std::vector<float> filters(const Conv2d& s, double share) {
  const std::size_t row = s.c * s.window.kernel * s.window.kernel;
  auto w = values(s.o * row, -1, 1, 1);
  const auto keep = values(s.o * row, 0, 1, 2);
  for (std::size_t i = 0; i < w.size(); ++i) {
    if (keep[i] >= share || i / row % 5 == 4) w[i] = 0;
  }
  return w;
}

std::vector<float> convolved(const Conv2d& s, const std::vector<float>& x,
                             const std::vector<float>& w, const float* b) {
  const std::size_t row = s.c * s.window.kernel * s.window.kernel;
  std::vector<float> packed(sparse_filters_size(left_per_row(s.o, row, w.data())), NAN),
      scratch(sparse_filters_scratch(s), NAN), y(s.n * s.o * s.out_h() * s.out_w(), NAN);
  pack_sparse_filters(s, w.data(), packed.data());
  sparse_filters_conv(s, x.data(), packed.data(), b, scratch.data(), y.data());
  return y;
}

const std::vector<Conv2d>& shapes() {
  static const std::vector<Conv2d> all{
      {1, 1, 1, 1, 1, {1, 1, 0}},    {2, 1, 28, 28, 6, {5, 1, 0}}, {3, 3, 9, 7, 5, {3, 1, 1}},
      {2, 2, 12, 12, 7, {5, 1, 2}},  {2, 3, 8, 8, 6, {3, 2, 1}},   {2, 2, 9, 11, 5, {3, 2, 0}},
      {1, 4, 10, 10, 3, {2, 3, 2}},  {2, 5, 6, 6, 4, {1, 1, 0}},   {2, 5, 7, 6, 4, {1, 2, 0}},
      {1, 1, 40, 37, 11, {7, 1, 3}}, {2, 3, 4, 4, 2, {4, 1, 0}}};
  return all;
}

TEST(SparseFilters, TheConvolutionIsTheReferenceOnEveryTarget) {
  for_every_target([] {
    for (const Conv2d& s : shapes()) {
      for (const double share : {0.0, 0.1, 1.0}) {
        SCOPED_TRACE(testing::Message() << s.c << " x " << s.h << " x " << s.w << ", window "
                                        << s.window.kernel << " stride " << s.window.stride
                                        << " padding " << s.window.padding << ", " << share);
        const auto w = filters(s, share), x = values(s.n * s.c * s.h * s.w, -1, 1, 3),
                   bias = values(s.o, -1, 1, 4);
        for (const float* b : {static_cast<const float*>(nullptr), bias.data()}) {
          const auto y = convolved(s, x, w, b);
          std::vector<float> expected(y.size());
          ref::conv2d_forward(s, x.data(), w.data(), b, expected.data());
          for (std::size_t i = 0; i < y.size(); ++i) ASSERT_NEAR(y[i], expected[i], 2e-5) << i;
        }
      }
    }
  });
}

TEST(SparseFilters, AZeroWeightDoesNotReadItsNumber) {
  const Conv2d s{2, 3, 8, 8, 5, {3, 1, 1}};
  auto w = filters(s, 0.5);
  for (std::size_t o = 0; o < s.o; ++o) std::fill_n(w.begin() + o * 27 + 9, 9, 0.0f);
  auto x = values(s.n * s.c * 64, -1, 1, 3);
  for (std::size_t n = 0; n < s.n; ++n) {
    std::fill_n(x.begin() + (n * s.c + 1) * 64, 64,
                n == 0 ? NAN : std::numeric_limits<float>::infinity());
  }
  for (const float y : convolved(s, x, w, nullptr)) EXPECT_TRUE(std::isfinite(y));
}

TEST(SparseFilters, ThreadsChangeNoBit) {
  const Conv2d s{3, 20, 24, 24, 50, {5, 1, 0}};
  const auto w = filters(s, 0.2), x = values(s.n * s.c * s.h * s.w, -1, 1, 3);
  std::vector<std::vector<float>> ends;
  for_some_threads([&] { ends.push_back(convolved(s, x, w, nullptr)); });
  EXPECT_EQ(ends[0], ends[1]);
  EXPECT_EQ(ends[0], ends[2]);
}

}  // namespace
}  // namespace scalemix::kernel
