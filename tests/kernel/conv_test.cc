#include "scalemix/kernel/conv.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "fixture.h"

namespace scalemix::kernel {
namespace {

std::size_t outputs(const Conv2d& s) { return s.n * s.o * s.out_h() * s.out_w(); }

void expect_conv(const Conv2d& s, bool with_bias) {
  SCOPED_TRACE(::testing::Message() << s.n << "x" << s.c << "x" << s.h << "x" << s.w << " to "
                                    << s.o << ", kernel " << s.window.kernel << " stride "
                                    << s.window.stride << " padding " << s.window.padding);
  const std::size_t depth = s.c * s.window.kernel * s.window.kernel;
  const auto x = values(s.n * s.c * s.h * s.w, -1, 1, 1), w = values(s.o * depth, -1, 1, 2);
  const auto bias = values(s.o, -1, 1, 3);
  const float* b = with_bias ? bias.data() : nullptr;
  // NaN everywhere: what is not written, or read before it is written, shows.
  const float nan = std::numeric_limits<float>::quiet_NaN();
  std::vector<float> scratch(conv2d_scratch(s) + 1, nan), y(outputs(s), nan), exact(outputs(s));
  conv2d_forward(s, x.data(), w.data(), b, scratch.data(), y.data());
  ref::conv2d_forward(s, x.data(), w.data(), b, exact.data());
  const double bound = 1.2e-7 * static_cast<double>(depth + 2);
  for (std::size_t i = 0; i < y.size(); ++i) ASSERT_NEAR(y[i], exact[i], bound) << i;
  EXPECT_TRUE(std::isnan(scratch.back())) << "wrote beyond the scratch it asked for";
}

TEST(Conv, IsTheDirectSumForAllWindows) {
  for (const std::size_t kernel : {1, 2, 3, 5}) {
    for (const std::size_t stride : {1, 2, 3}) {
      for (const std::size_t padding : {0, 1, 2, 4}) {
        const Conv2d s{3, 2, 7, 9, 4, {kernel, stride, padding}};
        expect_conv(s, true);
        expect_conv(s, false);
      }
    }
  }
}

TEST(Conv, IsTheDirectSumForTheLayersOfKnownNetworks) {
  expect_conv({5, 1, 28, 28, 20, {5, 1, 0}}, true);    // LeNet-5, first
  expect_conv({33, 20, 12, 12, 50, {5, 1, 0}}, true);  // second: several images to a block
  expect_conv({2, 3, 32, 32, 16, {3, 1, 1}}, false);   // VGG, first
  expect_conv({3, 64, 32, 32, 8, {3, 1, 1}}, false);   // rows of an image to a block
  expect_conv({9, 96, 4, 4, 10, {3, 1, 1}}, true);     // late, small images
  expect_conv({2, 16, 40, 40, 8, {1, 1, 0}}, true);    // 1x1, straight from the image
  expect_conv({7, 16, 3, 3, 8, {1, 1, 0}}, true);      // 1x1, many small images
  expect_conv({2, 8, 16, 16, 8, {1, 2, 0}}, true);     // shortcut of a residual block
  expect_conv({1, 1, 3, 1500, 2, {3, 1, 0}}, true);    // one row longer than a block
}

TEST(Conv, AKernelAsLargeAsTheImageGivesOnePixel) {
  expect_conv({4, 3, 6, 6, 5, {6, 1, 0}}, true);
  EXPECT_EQ((Conv2d{1, 1, 6, 6, 1, {6, 1, 0}}).out_h(), 1u);
}

TEST(Conv, NothingComesOfNothing) {
  for (const Conv2d s : {Conv2d{0, 1, 5, 5, 1, {3, 1, 0}}, Conv2d{1, 1, 5, 5, 0, {3, 1, 0}},
                         Conv2d{1, 1, 2, 2, 1, {3, 1, 0}}}) {
    float y = 7;
    EXPECT_EQ(conv2d_scratch(s), 0u);
    conv2d_forward(s, nullptr, nullptr, nullptr, nullptr, &y);
    EXPECT_EQ(y, 7);
  }
}

TEST(Conv, ThreadsChangeNoBitWhereThereAreSeveralBlocks) {
  const Conv2d s{20, 8, 12, 12, 16, {3, 1, 1}};
  const auto x = values(s.n * s.c * s.h * s.w, -1, 1, 1), w = values(s.o * s.c * 9, -1, 1, 2);
  std::vector<float> scratch(conv2d_scratch(s)), first(outputs(s)), y(outputs(s));
  conv2d_forward(s, x.data(), w.data(), nullptr, scratch.data(), first.data());
  for_some_threads([&] {
    conv2d_forward(s, x.data(), w.data(), nullptr, scratch.data(), y.data());
    EXPECT_EQ(y, first);
  });
}

TEST(Conv, NanReachesOnlyTheWindowsThatSeeIt) {
  const Conv2d s{1, 1, 5, 5, 1, {3, 1, 0}};
  std::vector<float> x(25, 1), w(9, 1), scratch(conv2d_scratch(s)), y(9);
  x[0] = std::numeric_limits<float>::quiet_NaN();
  conv2d_forward(s, x.data(), w.data(), nullptr, scratch.data(), y.data());
  EXPECT_TRUE(std::isnan(y[0]));
  for (std::size_t i = 1; i < 9; ++i) EXPECT_EQ(y[i], 9);
}

/// A convolution is linear in x and in w, so its backward passes are its adjoints.
void expect_adjoint(const Conv2d& s) {
  SCOPED_TRACE(::testing::Message() << s.n << "x" << s.c << "x" << s.h << "x" << s.w << " to "
                                    << s.o << ", kernel " << s.window.kernel << " stride "
                                    << s.window.stride << " padding " << s.window.padding);
  const std::size_t weights = s.o * s.c * s.window.kernel * s.window.kernel;
  const auto x = values(s.n * s.c * s.h * s.w, -1, 1, 1), w = values(weights, -1, 1, 2);
  const auto dy = values(outputs(s), -1, 1, 3);
  const float nan = std::numeric_limits<float>::quiet_NaN();
  std::vector<float> scratch(conv2d_backward_scratch(s) + 1, nan), dw(weights, nan),
      dx(x.size(), nan), y(dy.size());
  ref::conv2d_forward<float>(s, x.data(), w.data(), nullptr, y.data());
  const double want = dot(dy, y), bound = 1e-6 * std::sqrt(dot(dy, dy) * dot(y, y)) + 1e-12;
  conv2d_backward_weight(s, x.data(), dy.data(), scratch.data(), dw.data());
  EXPECT_NEAR(dot(dw, w), want, bound);
  conv2d_backward_input(s, dy.data(), w.data(), false, scratch.data(), dx.data());
  EXPECT_NEAR(dot(dx, x), want, bound);
  conv2d_backward_input(s, dy.data(), w.data(), true, scratch.data(), dx.data());
  EXPECT_NEAR(dot(dx, x), 2 * want, 2 * bound);
  EXPECT_TRUE(std::isnan(scratch.back())) << "wrote beyond the scratch it asked for";
}

TEST(Conv, TheBackwardPassesAreItsAdjoints) {
  for (const std::size_t kernel : {1, 2, 3, 5}) {
    for (const std::size_t stride : {1, 2, 3}) {
      for (const std::size_t padding : {0, 1, 2, 4})
        expect_adjoint({3, 2, 7, 9, 4, {kernel, stride, padding}});
    }
  }
  expect_adjoint({5, 1, 28, 28, 20, {5, 1, 0}});    // LeNet-5, first
  expect_adjoint({33, 20, 12, 12, 50, {5, 1, 0}});  // second: several images to a block
  expect_adjoint({3, 64, 32, 32, 8, {3, 1, 1}});    // rows of an image to a block
  expect_adjoint({1, 1, 3, 1500, 2, {3, 1, 0}});    // one row longer than a block
}

TEST(Conv, BothMomentsAreTwoConvolutionsBitForBit) {
  for (const Conv2d& s : {Conv2d{3, 2, 7, 9, 4, {3, 2, 1}}, Conv2d{5, 1, 28, 28, 20, {5, 1, 0}},
                          Conv2d{33, 20, 12, 12, 50, {5, 1, 0}}, Conv2d{4, 3, 5, 5, 2, {1, 1, 0}},
                          Conv2d{3, 64, 32, 32, 8, {3, 1, 1}}, Conv2d{0, 2, 7, 9, 4, {3, 2, 1}}}) {
    const std::size_t weights = s.o * s.c * s.window.kernel * s.window.kernel, out = outputs(s);
    const auto x = values(s.n * s.c * s.h * s.w, -1, 1, 1), w = values(weights, -1, 1, 2),
               sigma2 = values(weights, 0, 1, 3), bias = values(s.o, -1, 1, 4),
               dy = values(out, -1, 1, 5), dvar = values(out, -1, 1, 6);
    auto x2 = x;
    for (float& value : x2) value *= value;
    std::vector<float> scratch(std::max(conv2d_scratch(s), conv2d_backward_scratch(s)));
    std::vector<float> y(out), var(out), y1(out), var1(out), dw(weights), ds(weights), dw1 = dw,
                                                                                       ds1 = ds;
    conv2d_forward(s, x.data(), w.data(), bias.data(), scratch.data(), y1.data());
    conv2d_forward(s, x2.data(), sigma2.data(), nullptr, scratch.data(), var1.data());
    conv2d_moments(s, x.data(), w.data(), bias.data(), sigma2.data(), scratch.data(), y.data(),
                   var.data());
    EXPECT_EQ(var, var1);
    if (s.window.kernel > 1) {
      EXPECT_EQ(y, y1);  // 1 x 1 alone multiplies the image where it lies
    }
    for (std::size_t i = 0; i < out; ++i) ASSERT_NEAR(y[i], y1[i], 1e-6);
    conv2d_backward_weight(s, x.data(), dy.data(), scratch.data(), dw1.data());
    conv2d_backward_weight(s, x2.data(), dvar.data(), scratch.data(), ds1.data());
    conv2d_moments_backward_weight(s, x.data(), dy.data(), dvar.data(), scratch.data(), dw.data(),
                                   ds.data());
    EXPECT_EQ(dw, dw1);
    EXPECT_EQ(ds, ds1);
  }
}

TEST(Conv, ThreadsChangeNoBitOfABackwardPass) {
  const Conv2d s{40, 4, 12, 12, 6, {3, 1, 1}};
  const auto x = values(s.n * s.c * s.h * s.w, -1, 1, 1), w = values(s.o * s.c * 9, -1, 1, 2);
  const auto dy = values(outputs(s), -1, 1, 3);
  std::vector<float> scratch(conv2d_backward_scratch(s)), dw(w.size()), dx(x.size()), dw1, dx1;
  for_some_threads([&] {
    conv2d_backward_weight(s, x.data(), dy.data(), scratch.data(), dw.data());
    conv2d_backward_input(s, dy.data(), w.data(), false, scratch.data(), dx.data());
    if (dw1.empty()) dw1 = dw, dx1 = dx;
    EXPECT_EQ(dw, dw1);
    EXPECT_EQ(dx, dx1);
  });
}

}  // namespace
}  // namespace scalemix::kernel
