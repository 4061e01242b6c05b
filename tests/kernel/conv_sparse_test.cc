#include "scalemix/kernel/conv_sparse.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "fixture.h"

namespace scalemix::kernel {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

/// What a backward pass takes, with zeros in dy and dvar, and room for what it gives.
struct Data {
  Conv2d s;
  std::size_t weights = s.o * s.c * s.window.kernel * s.window.kernel,
              pixels = s.n * s.c * s.h * s.w, places = s.n * s.o * s.out_h() * s.out_w();
  std::vector<float> x = values(pixels, -1, 1, 1), w = values(weights, -1, 1, 2),
                     sigma2 = values(weights, 0, 1, 3), dy = values(places, -1, 1, 4),
                     dvar = values(places, -1, 1, 5);
  // NaN everywhere: what is not written, or read before it is written, shows.
  std::vector<float> dw, dsigma2, dx, scratch;

  Data(const Conv2d& s, double share) : s(s) {
    const auto pick = values(places, 0, 1, 6);
    for (std::size_t i = 0; i < places; ++i) {
      if (pick[i] >= share) dy[i] = dvar[i] = 0;
      if (i % 7 == 3) dy[i] = 0;  // one of the two alone
    }
    clear();
  }
  void clear() {
    dw.assign(weights, kNan), dsigma2.assign(weights, kNan), dx.assign(pixels, kNan);
    scratch.assign(conv2d_sparse_backward_scratch(s) + 1, kNan);
  }
  void run(bool moments, bool to_input = true) {
    clear();
    ConvGradients g{x.data(), w.data(), dy.data(), dw.data(), to_input ? dx.data() : nullptr};
    if (moments) g.sigma2 = sigma2.data(), g.dvar = dvar.data(), g.dsigma2 = dsigma2.data();
    conv2d_sparse_backward(s, g, scratch.data());
    EXPECT_TRUE(std::isnan(scratch.back())) << "wrote beyond the scratch it asked for";
  }

  /// dw and dx by the definition, in double: of dy with x^power and `by`.
  void exact(const std::vector<float>& dy, const std::vector<float>& by, int power,
             std::vector<double>& dw, std::vector<double>& dx) const {
    const std::size_t k = s.window.kernel, oh = s.out_h(), ow = s.out_w();
    for (std::size_t i = 0; i < places; ++i) {
      const std::size_t n = i / (s.o * oh * ow), o = i / (oh * ow) % s.o;
      for (std::size_t j = 0; j < s.c * k * k; ++j) {
        const std::size_t row = i / ow % oh * s.window.stride + j / k % k - s.window.padding;
        const std::size_t column = i % ow * s.window.stride + j % k - s.window.padding;
        if (row >= s.h || column >= s.w) continue;  // below 0 wraps
        const std::size_t at = ((n * s.c + j / (k * k)) * s.h + row) * s.w + column;
        const std::size_t weight = o * s.c * k * k + j;
        dw[weight] += double{dy[i]} * std::pow(double{x[at]}, power);
        dx[at] += double{dy[i]} * by[weight] * power * std::pow(double{x[at]}, power - 1);
      }
    }
  }
};

void expect_near(const std::vector<float>& got, const std::vector<double>& want, double bound) {
  for (std::size_t i = 0; i < got.size(); ++i) ASSERT_NEAR(got[i], want[i], bound) << i;
}

void expect_gradients(const Conv2d& s, double share) {
  SCOPED_TRACE(testing::Message() << s.n << "x" << s.c << "x" << s.h << "x" << s.w << " to " << s.o
                                  << ", kernel " << s.window.kernel << " stride " << s.window.stride
                                  << " padding " << s.window.padding);
  Data d(s, share);
  std::vector<double> dw(d.weights), dsigma2(d.weights), dx(d.pixels);
  const double bound = 4e-7 * static_cast<double>(d.places / s.o + s.o * d.weights / s.o / s.c + 4);
  d.exact(d.dy, d.w, 1, dw, dx);
  d.run(false);
  expect_near(d.dw, dw, bound);
  expect_near(d.dx, dx, bound);
  d.exact(d.dvar, d.sigma2, 2, dsigma2, dx);
  d.run(true);
  expect_near(d.dw, dw, bound);
  expect_near(d.dsigma2, dsigma2, bound);
  expect_near(d.dx, dx, bound);
  d.run(true, false);
  expect_near(d.dsigma2, dsigma2, bound);
}

TEST(ConvSparse, IsTheDenseSumForAllWindowsOnEveryTarget) {
  for_every_target([] {
    for (const std::size_t kernel : {1, 2, 3, 5}) {
      for (const std::size_t stride : {1, 2, 3}) {
        for (const std::size_t padding : {0, 1, 4}) {
          expect_gradients({3, 2, 7, 9, 4, {kernel, stride, padding}}, 0.25);
        }
      }
    }
  });
}

TEST(ConvSparse, IsTheDenseSumForTheLayersOfKnownNetworksOnEveryTarget) {
  for_every_target([] {
    expect_gradients({3, 1, 28, 28, 20, {5, 1, 0}}, 0.2);   // LeNet-5, first
    expect_gradients({5, 20, 12, 12, 50, {5, 1, 0}}, 0.2);  // second
    expect_gradients({2, 33, 9, 9, 70, {3, 1, 1}}, 0.1);    // outputs in two slices
    expect_gradients({5, 16, 3, 3, 8, {3, 1, 1}}, 1);       // many small images, nothing zero
    expect_gradients({2, 5, 6, 6, 3, {6, 1, 0}}, 0);        // one place an image, all zero
    expect_gradients({19, 3, 12, 12, 5, {3, 1, 1}}, 0.2);   // images and slices to a tile
  });
}

TEST(ConvSparse, NothingComesOfNothing) {
  for (const Conv2d s : {Conv2d{0, 1, 5, 5, 1, {3, 1, 0}}, Conv2d{1, 1, 2, 2, 1, {3, 1, 0}}}) {
    Data d(s, 1);
    d.run(true);
    for (const auto* all : {&d.dw, &d.dsigma2, &d.dx}) {
      for (const float v : *all) EXPECT_EQ(v, 0);
    }
  }
}

TEST(ConvSparse, ThreadsChangeNoBit) {
  Data d({21, 8, 12, 12, 16, {3, 1, 1}}, 0.2);
  std::vector<std::vector<float>> ends;
  for_some_threads([&] {
    d.run(true);
    std::vector<float> all = d.dw;
    all.insert(all.end(), d.dsigma2.begin(), d.dsigma2.end());
    all.insert(all.end(), d.dx.begin(), d.dx.end());
    ends.push_back(all);
  });
  EXPECT_EQ(ends[0], ends[1]);
  EXPECT_EQ(ends[0], ends[2]);
}

TEST(ConvSparse, NanOfEitherGradientIsNotLeftOut) {
  for (const bool of_variance : {false, true}) {
    Data d({1, 1, 6, 6, 2, {3, 1, 0}}, 0.2);
    (of_variance ? d.dvar : d.dy)[5] = kNan;  // output 0, row 1, column 1
    d.run(true);
    const std::vector<float>& hit = of_variance ? d.dsigma2 : d.dw;
    for (std::size_t j = 0; j < 9; ++j) {
      EXPECT_TRUE(std::isnan(hit[j]));
      EXPECT_FALSE(std::isnan(hit[9 + j]));
    }
    for (std::size_t i = 0; i < 36; ++i) {
      const std::size_t row = i / 6, column = i % 6;
      EXPECT_EQ(std::isnan(d.dx[i]), row >= 1 && row < 4 && column >= 1 && column < 4) << i;
    }
  }
}

}  // namespace
}  // namespace scalemix::kernel
