// NovoGrad against its formulas, tensor by tensor, and against optax.

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
    const double factor = rule("novograd").reduce(squares, rate.own, {&v});
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

/// After 100 steps of 0.01 of optax.novograd (0.1.9 with jax 0.4.23, eps 1e-8) on three tensors with
/// the loss sum c_i (w_i - t_i)^2 / 2, c_i = (1 + (7 i + k) mod 5) / 3, t_i = sin(0.7 i + 2 k), from
/// w_i = cos(1.3 i + k), for the k-th tensor.
struct Optax {
  const char* word;
  double decay;
  std::vector<float> after[3];
};

TEST(Novograd, AHundredStepsAreThoseOfOptax) {
  const Optax all[] = {
      {"novograd:settings=optax",
       0,
       {{-0.00343841128f, 0.642218709f, 0.980353892f, 0.865673721f, 0.333933473f, -0.355347276f},
        {0.903805435f},
        {-0.756629229f, -0.999903023f, -0.772756696f, -0.181600362f, 0.494427472f, 0.937216759f,
         0.937688708f, 0.50101614f, -0.173738852f, -0.764410913f, -0.999868035f}}},
      {"novograd:settings=optax",
       0.01,
       {{-0.00494879298f, 0.644492388f, 0.989263773f, 0.86146754f, 0.335571021f, -0.357421309f},
        {0.903630793f},
        {-0.757108152f, -0.999667287f, -0.773958087f, -0.183182895f, 0.494561225f, 0.939785242f,
         0.939944863f, 0.501728773f, -0.175394684f, -0.762266159f, -1.00012994f}}},
      {"novograd",
       0.01,
       {{-0.0500087142f, 0.613635302f, 0.99459976f, 0.884715796f, 0.338290662f, -0.396147519f},
        {0.909738541f},
        {-0.738093317f, -0.989395916f, -0.791574478f, -0.109081261f, 0.45915544f, 0.898363411f,
         0.835770667f, 0.511036873f, -0.0980862379f, -0.698816657f, -0.978356242f}}}};
  for (const Optax& c : all) {
    SCOPED_TRACE(c.word);
    const std::vector<double> own = rule_values(c.word);
    for (std::size_t k = 0; k < 3; ++k) {
      const std::size_t n = c.after[k].size();
      Tensor t{std::vector<float>(n)};
      for (std::size_t i = 0; i < n; ++i) {
        t.w[i] =
            static_cast<float>(std::cos(1.3 * static_cast<double>(i) + static_cast<double>(k)));
      }
      for (int step = 0; step < 100; ++step) {
        std::vector<float> g(n);
        for (std::size_t i = 0; i < n; ++i) {
          const double target = std::sin(0.7 * static_cast<double>(i) + 2 * static_cast<double>(k));
          g[i] =
              static_cast<float>(static_cast<double>(1 + (7 * i + k) % 5) / 3 * (t.w[i] - target));
        }
        t.step({.lr = 0.01, .decay = c.decay, .own = own}, g, true);
      }
      for (std::size_t i = 0; i < n; ++i) EXPECT_NEAR(t.w[i], c.after[k][i], 1e-5) << k << ' ' << i;
    }
  }
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
