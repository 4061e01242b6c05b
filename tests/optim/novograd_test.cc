// NovoGrad against its formulas, tensor by tensor.

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "scalemix/optim/rule.h"

namespace scalemix::optim {
namespace {

/// A tensor with all that is kept for it.
struct Tensor {
  std::vector<float> w;
  std::vector<float> m = std::vector<float>(w.size());
  double v = 0;

  void step(const Rate& rate, const std::vector<float>& g, bool decays = false) {
    double squares = 0;
    for (const float number : g) squares += static_cast<double>(number) * number;
    const double factor = rule("novograd").reduce(squares, {}, {&v});
    if (factor == 0) return;
    rule("novograd")
        .update(rate, 1,
                {.count = w.size(),
                 .g = g.data(),
                 .w = w.data(),
                 .arrays = {m.data()},
                 .decays = decays,
                 .scale = static_cast<float>(factor)});
  }
};

TEST(Novograd, ThreeStepsOfTwoTensorsAreThoseOfTheFormulas) {
  Tensor a{{1, -2}}, b{{0.5f}};
  const Rate rate{.lr = 0.1, .decay = 0.01};
  // The norms of a's gradients are 5, 10, 13; of b's 2, 0.5, 8. a decays.
  a.step(rate, {3, 4}, true);
  a.step(rate, {-6, 8}, true);
  a.step(rate, {5, 12}, true);
  b.step(rate, {2});
  b.step(rate, {-0.5f});
  b.step(rate, {8});

  const double va2 = 0.98 * 25 + 0.02 * 100, va3 = 0.98 * va2 + 0.02 * 169;
  EXPECT_NEAR(a.v, va3, 1e-12);
  EXPECT_NEAR(va3, 29.35, 1e-12);
  const double m01 = 3.0 / 5 + 0.01 * 1, w01 = 1 - 0.1 * m01;
  const double m02 = 0.95 * m01 - 6 / std::sqrt(va2) + 0.01 * w01, w02 = w01 - 0.1 * m02;
  const double m03 = 0.95 * m02 + 5 / std::sqrt(va3) + 0.01 * w02, w03 = w02 - 0.1 * m03;
  const double m11 = 4.0 / 5 - 0.01 * 2, w11 = -2 - 0.1 * m11;
  const double m12 = 0.95 * m11 + 8 / std::sqrt(va2) + 0.01 * w11, w12 = w11 - 0.1 * m12;
  const double m13 = 0.95 * m12 + 12 / std::sqrt(va3) + 0.01 * w12, w13 = w12 - 0.1 * m13;
  EXPECT_NEAR(a.w[0], w03, 1e-6);
  EXPECT_NEAR(a.w[1], w13, 1e-6);
  EXPECT_NEAR(a.m[0], m03, 1e-6);
  EXPECT_NEAR(a.m[1], m13, 1e-6);

  const double vb2 = 0.98 * 4 + 0.02 * 0.25, vb3 = 0.98 * vb2 + 0.02 * 64;
  const double m1 = 1, m2 = 0.95 * m1 - 0.5 / std::sqrt(vb2), m3 = 0.95 * m2 + 8 / std::sqrt(vb3);
  EXPECT_NEAR(b.v, vb3, 1e-12);
  EXPECT_NEAR(b.m[0], m3, 1e-6);
  EXPECT_NEAR(b.w[0], 0.5 - 0.1 * (m1 + m2 + m3), 1e-6);
}

TEST(Novograd, TheNormIsThatOfManyGradientsAndNotOfTheLast) {
  double v = 0;
  const auto reduce = rule("novograd").reduce;
  EXPECT_NEAR(reduce(1, {}, {&v}), 1, 1e-7);
  EXPECT_NEAR(reduce(100, {}, {&v}), 1 / std::sqrt(0.98 + 0.02 * 100), 1e-7);
  for (int i = 0; i < 2000; ++i) reduce(100, {}, {&v});
  EXPECT_NEAR(reduce(100, {}, {&v}), 0.1, 1e-7);
}

TEST(Novograd, TheFirstGradientThatIsNotZeroStartsTheNorm) {
  Tensor late{{1, 1}};
  for (int i = 0; i < 3; ++i) late.step({.lr = 0.1, .decay = 0.5}, {0, 0}, true);
  EXPECT_EQ(late.v, 0);
  EXPECT_EQ(late.w, (std::vector<float>{1, 1}));
  late.step({.lr = 0.1}, {30, 40});
  EXPECT_EQ(late.v, 2500);
  EXPECT_NEAR(late.w[0], 1 - 0.1 * 0.6, 1e-6);
  EXPECT_NEAR(late.w[1], 1 - 0.1 * 0.8, 1e-6);
}

TEST(Novograd, AGradientOfZeroLeavesEverythingAsItIs) {
  Tensor t{{1, -1}};
  t.step({.lr = 0.1, .decay = 0.5}, {3, 4}, true);
  const Tensor before = t;
  t.step({.lr = 0.1, .decay = 0.5}, {0, 0}, true);
  EXPECT_EQ(t.w, before.w);
  EXPECT_EQ(t.m, before.m);
  EXPECT_EQ(t.v, before.v);
}

TEST(Novograd, EpsIsAddedToTheRoot) {
  double v = 0;
  EXPECT_NEAR(rule("novograd").reduce(1e-16, {}, {&v}), 1 / (1e-8 + 1e-8), 1);
  EXPECT_EQ(v, 1e-16);
}

TEST(Novograd, NotEvenTheLargestGradientsOverflow) {
  double v = 0;
  const double factor = rule("novograd").reduce(1e76, {}, {&v});  // of numbers of 1e38
  EXPECT_NEAR(factor * 1e38, 1, 1e-6);
  EXPECT_NEAR(rule("novograd").reduce(1, {}, {&v}) * std::sqrt(0.98) * 1e38, 1, 1e-6);
}

TEST(Novograd, NanInAGradientIsNotTakenForZero) {
  double v = 1;
  EXPECT_TRUE(std::isnan(rule("novograd").reduce(std::nan(""), {}, {&v})));
}

}  // namespace
}  // namespace scalemix::optim
