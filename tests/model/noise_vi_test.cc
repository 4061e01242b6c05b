// The divergence of `vi` is exact.

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "scalemix/model/noise_tensors.h"
#include "tests/model/fixtures.h"

namespace scalemix::model {
namespace {

/// One weight w with log_sigma2 under `word`.
Model one_weight(const std::string& word, float w, float log_sigma2) {
  Model m = filled_model(made("linear", {{1}, Task::regression, 1}, {word}));
  m.tensors["linear1.weight"] = Tensor::of({1, 1}, std::vector<float>{w});
  m.tensors["linear1.log_sigma2"] = Tensor::of({1, 1}, std::vector<float>{log_sigma2});
  return m;
}

double penalty_of(const Model& m) {
  const Layer& layer = m.spec.layers.front();
  const NoiseTensors tensors(m, layer, layer.noise.front());
  return tensors.kind().penalty(tensors.at());
}

/// E_q [log q - log p] by the trapezoidal rule, which is exact to rounding for such integrands.
double divergence(double w, double sigma, double sigma0) {
  const auto log_density = [](double x, double mean, double sd) {
    const double z = (x - mean) / sd;
    return -z * z / 2 - std::log(sd) - std::log(2 * std::numbers::pi) / 2;
  };
  double sum = 0;
  constexpr double kStep = 1e-3;
  for (double z = -12; z <= 12; z += kStep) {
    const double x = w + sigma * z, q = std::exp(-z * z / 2) / std::sqrt(2 * std::numbers::pi);
    sum += kStep * q * (log_density(x, w, sigma) - log_density(x, 0, sigma0));
  }
  return sum;
}

TEST(Vi, ThePenaltyIsTheDivergenceOfTwoNormals) {
  for (const double sigma0 : {0.3, 1.0, 4.0}) {
    for (const double w : {-1.5, 0.0, 0.2}) {
      for (const double log_sigma2 : {-6.0, -1.0, 0.5}) {
        const std::string word = "vi:sigma0=" + std::to_string(sigma0);
        const double got =
            penalty_of(one_weight(word, static_cast<float>(w), static_cast<float>(log_sigma2)));
        const double want = divergence(static_cast<float>(w), std::exp(log_sigma2 / 2), sigma0);
        EXPECT_NEAR(got, want, 1e-6 * (1 + want)) << w << " " << log_sigma2;
      }
    }
  }
}

TEST(Vi, APosteriorThatIsThePriorCostsNothing) {
  EXPECT_NEAR(penalty_of(one_weight("vi:sigma0=0.5", 0, std::log(0.25f))), 0, 1e-7);
  EXPECT_GT(penalty_of(one_weight("vi:sigma0=0.5", 0.1f, std::log(0.25f))), 0);
}

TEST(Vi, NoWeightIsSwitchedOff) {
  const Model m = one_weight("vi", 0.001f, 2);
  EXPECT_EQ(noise_kind("vi").stand_in, nullptr);
  EXPECT_EQ(noise_kind("vi").threshold, nullptr);
}

}  // namespace
}  // namespace scalemix::model
