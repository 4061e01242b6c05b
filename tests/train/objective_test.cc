#include "scalemix/train/objective.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "scalemix/base/error.h"

namespace scalemix::train {
namespace {

std::vector<float> weights(const char* name, std::size_t samples, std::vector<float> nll) {
  std::vector<float> w(nll.size());
  weigh(Objective(name).row(), samples, nll.size() / samples, nll.data(), w.data());
  return w;
}

// Structured-shrinkage notes 3.3: the ten weights of S = 10.
TEST(Objective, TailAdaptiveWeightsAreThePublishedOnes) {
  const double published[] = {0.3414, 0.1707, 0.1138, 0.0854, 0.0683,
                              0.0569, 0.0488, 0.0427, 0.0379, 0.0341};
  const std::size_t rank[] = {3, 0, 9, 1, 2, 8, 4, 7, 5, 6};
  std::vector<float> nll;
  for (const std::size_t r : rank) nll.push_back(float(r) * float(r) - 5);  // smallest nll: rank 0
  const std::vector<float> w = weights("tail_adaptive", 10, nll);
  for (std::size_t s = 0; s < 10; ++s) EXPECT_NEAR(w[s] / 10, published[rank[s]], 5e-5);
}

TEST(Objective, EqualDrawsShareTheirWeights) {
  const std::vector<float> w = weights("tail_adaptive", 4, {2, 1, 2, 3});
  const double h = 1 + 0.5 + 1 / 3.0 + 0.25;
  EXPECT_NEAR(w[1], 4 / h, 1e-6);
  EXPECT_NEAR(w[0], 4 * (0.5 + 1 / 3.0) / 2 / h, 1e-6);
  EXPECT_EQ(w[0], w[2]);
  EXPECT_NEAR(w[3], 1 / h, 1e-6);
  for (const float same : weights("tail_adaptive", 3, {7, 7, 7})) EXPECT_NEAR(same, 1, 1e-6);
}

TEST(Objective, ImportanceWeightsAreTheSlopeOfTheBound) {
  const std::vector<float> nll{0.5f, 2, 1, 700, 800, 701};  // (S = 3, 2 rows): 0.5 1 800; 2 700 701
  const std::vector<float> w = weights("importance", 3, nll);
  const auto bound = [](double a, double b, double c) {
    return std::log((std::exp(-a) + std::exp(-b) + std::exp(-c)) / 3);
  };
  const double slope = -(bound(0.5 + 1e-6, 1, 800) - bound(0.5 - 1e-6, 1, 800)) / 2e-6;
  EXPECT_NEAR(w[0] / 3, slope, 1e-6);
  EXPECT_NEAR(w[2] / 3, 1 - slope, 1e-6);
  EXPECT_EQ(w[4], 0);  // far out, without overflow
  EXPECT_NEAR(w[1], 3, 1e-6);
  const std::vector<float> far = weights("importance", 2, {700, 701});
  EXPECT_NEAR(far[0] / 2, 1 / (1 + std::exp(-1.0)), 1e-6);
}

TEST(Objective, ARowThatDivergedIsLeftToTheLoss) {
  for (const ObjectiveRow& row : objectives()) {
    const std::string name(row.name);
    for (const float bad : {NAN, INFINITY, -INFINITY}) {
      const std::vector<float> w = weights(name.c_str(), 3, {1, 5, bad, 2, 4, 3});
      EXPECT_EQ(w[0] + w[2] + w[4], 3) << name;
      EXPECT_NEAR(w[1] + w[3] + w[5], 3, 1e-5) << name;
    }
  }
}

TEST(Objective, EveryRowsWeightsHaveMeanOneAndOneDrawHasOne) {
  for (const ObjectiveRow& row : objectives()) {
    const std::string name(row.name);
    const std::vector<float> w = weights(name.c_str(), 3, {1, 4, 2, 2, 0.5f, 9, 3, 3, 7});
    for (std::size_t n = 0; n < 3; ++n) EXPECT_NEAR(w[n] + w[3 + n] + w[6 + n], 3, 1e-5) << name;
    for (const float one : weights(name.c_str(), 1, {5, -2, 0})) EXPECT_EQ(one, 1) << name;
  }
  EXPECT_THAT([] { Objective("importence"); },
              testing::ThrowsMessage<ConfigError>(testing::HasSubstr("did you mean 'importance'")));
}

}  // namespace
}  // namespace scalemix::train
