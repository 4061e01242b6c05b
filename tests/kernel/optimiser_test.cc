#include "scalemix/kernel/optimiser.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "fixture.h"

namespace scalemix::kernel {
namespace {

struct State {
  std::vector<float> m, v, w;
  explicit State(std::size_t n)
      : m(values(n, -1, 1, 5)), v(values(n, 0, 1, 6)), w(values(n, -1, 1, 7)) {}
};

void expect_near(const std::vector<float>& got, const std::vector<double>& exact, double bound) {
  for (std::size_t i = 0; i < got.size(); ++i) ASSERT_NEAR(got[i], exact[i], bound) << i;
}

std::vector<double> in_double(const std::vector<float>& x) { return {x.begin(), x.end()}; }

TEST(Optimiser, AdamIsTheReferenceOnEveryTarget) {
  const Adam options{.lr = 0.01, .decay = 0.1};
  for_every_target([&] {
    for (const std::size_t n : kSizes) {
      State s(n);
      const auto g = values(n, -3, 3, 8);
      auto m = in_double(s.m), v = in_double(s.v), w = in_double(s.w);
      const auto gd = in_double(g);
      for (std::uint64_t step = 1; step <= 5; ++step) {
        adam(options, step, 0.5f, n, g.data(), s.m.data(), s.v.data(), s.w.data());
        ref::adam(options, step, 0.5, n, gd.data(), m.data(), v.data(), w.data());
      }
      expect_near(s.m, m, 1e-6);
      expect_near(s.v, v, 1e-6);
      expect_near(s.w, w, 1e-6);
    }
  });
}

TEST(Optimiser, SgdIsTheReferenceOnEveryTarget) {
  for (const bool nesterov : {false, true}) {
    const Sgd options{.lr = 0.05, .momentum = 0.8, .decay = 0.1, .nesterov = nesterov};
    for_every_target([&] {
      for (const std::size_t n : kSizes) {
        State s(n);
        const auto g = values(n, -3, 3, 8);
        auto m = in_double(s.m), w = in_double(s.w);
        const auto gd = in_double(g);
        for (int step = 1; step <= 5; ++step) {
          sgd(options, 0.5f, n, g.data(), s.m.data(), s.w.data());
          ref::sgd(options, 0.5, n, gd.data(), m.data(), w.data());
        }
        expect_near(s.m, m, 3e-6);
        expect_near(s.w, w, 3e-6);
      }
    });
  }
}

TEST(Optimiser, UpdatesHaveTheSameBitsOnEveryTargetAndForAnyThreads) {
  const std::size_t n = 3 * Tiles::kLeast + 5;
  const auto g = values(n, -3, 3, 8);
  const auto run = [&] {
    State s(n);
    for (std::uint64_t step = 1; step <= 3; ++step) {
      adam({.decay = 0.1}, step, 0.3f, n, g.data(), s.m.data(), s.v.data(), s.w.data());
      sgd({.decay = 0.1, .nesterov = true}, 0.3f, n, g.data(), s.m.data(), s.w.data());
    }
    return s;
  };
  const State first = run();
  const auto same = [&] {
    const State s = run();
    EXPECT_EQ(s.m, first.m);
    EXPECT_EQ(s.v, first.v);
    EXPECT_EQ(s.w, first.w);
  };
  for_every_target(same);
  for_some_threads(same);
}

TEST(Optimiser, TheFirstAdamStepIsTheLearningRateAgainstTheGradientsSign) {
  // m / (1 - b1) = g and v / (1 - b2) = g^2, so the step is lr g / (|g| + eps) whatever the betas.
  const float g[] = {1e-3f, -5, 700};
  float m[3] = {}, v[3] = {}, w[3] = {};
  adam({.lr = 0.1}, 1, 1, 3, g, m, v, w);
  EXPECT_NEAR(w[0], -0.1, 2e-6);
  EXPECT_NEAR(w[1], 0.1, 1e-6);
  EXPECT_NEAR(w[2], -0.1, 1e-6);
}

TEST(Optimiser, AGradientOfZeroMovesNothingFromRest) {
  const float g[2] = {};
  float m[2] = {}, v[2] = {}, w[] = {3, -4};
  adam({}, 1, 1, 2, g, m, v, w);
  EXPECT_EQ(w[0], 3);
  EXPECT_EQ(w[1], -4);
}

TEST(Optimiser, LateStepsHaveNoBiasCorrection) {
  const float g[] = {2};
  float m[] = {1}, v[] = {4}, w[] = {0};
  adam({.lr = 1, .beta1 = 0.5, .beta2 = 0.5, .eps = 0}, 1000000, 1, 1, g, m, v, w);
  EXPECT_NEAR(w[0], -1.5 / 2, 1e-6);  // m = 1.5, v = 4
}

TEST(Optimiser, MomentumGathersAGeometricSum) {
  const float g[] = {1};
  float m[] = {0}, w[] = {0};
  for (int step = 0; step < 3; ++step) sgd({.lr = 1, .momentum = 0.5}, 1, 1, g, m, w);
  EXPECT_EQ(m[0], 1.75f);
  EXPECT_EQ(w[0], -(1 + 1.5f + 1.75f));
}

TEST(Optimiser, NesterovLooksOneStepAhead) {
  const float g[] = {1};
  float m[] = {0}, w[] = {0};
  sgd({.lr = 1, .momentum = 0.5, .nesterov = true}, 1, 1, g, m, w);
  EXPECT_EQ(w[0], -1.5f);
}

TEST(Optimiser, SumOfSquaresIsInDouble) {
  for_every_target([] {
    for (const std::size_t n : kSizes) {
      const auto x = values(n, -10, 10);
      const double exact = ref::sum_squares(n, x.data());
      EXPECT_NEAR(sum_squares(n, x.data()), exact, 1e-13 * exact);
    }
    // In float these overflow, or the small one is lost.
    const float x[] = {1e30f, 3, 1e-30f}, y[] = {4096, 0.001f};
    EXPECT_NEAR(sum_squares(3, x), 1e60, 1e53);
    EXPECT_NEAR(sum_squares(2, y) - 16777216, 1e-6, 1e-8);
  });
}

TEST(Optimiser, SumOfSquaresHasTheSameBitsForAnyThreads) {
  const auto x = values(9 * Tiles::kLeast + 1, -1, 1);
  const double first = sum_squares(x.size(), x.data());
  for_some_threads([&] { EXPECT_EQ(sum_squares(x.size(), x.data()), first); });
}

TEST(Optimiser, NanInAGradientReachesTheWeight) {
  for_every_target([] {
    const float g[] = {std::numeric_limits<float>::quiet_NaN(), 1};
    float m[2] = {}, v[2] = {}, w[2] = {};
    adam({}, 1, 1, 2, g, m, v, w);
    EXPECT_TRUE(std::isnan(w[0]));
    EXPECT_FALSE(std::isnan(w[1]));
    EXPECT_TRUE(std::isnan(sum_squares(2, g)));
  });
}

TEST(Tiles, CoverEveryElementOnceWithAtMostSixtyFour) {
  for (const std::size_t n : {std::size_t{0}, std::size_t{1}, Tiles::kLeast, Tiles::kLeast + 1,
                              64 * Tiles::kLeast, 64 * Tiles::kLeast + 1, std::size_t{123456789}}) {
    const Tiles tiles(n);
    std::size_t covered = 0;
    for (std::size_t t = 0; t < tiles.count(); ++t) {
      EXPECT_EQ(tiles.first(t), covered);
      EXPECT_GT(tiles.length(t), 0u);
      covered += tiles.length(t);
    }
    EXPECT_EQ(covered, n);
    EXPECT_LE(tiles.count(), Tiles::kMost);
  }
}

}  // namespace
}  // namespace scalemix::kernel
