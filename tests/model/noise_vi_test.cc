// The divergence of `vi` is exact.

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>
#include <optional>

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
  const Layer& layer = m.spec.layers.front();
  const NoiseTensors tensors(m, layer, layer.noise.front());
  float mean = 0;
  tensors.kind().stand_in(tensors.at(), &mean);
  EXPECT_EQ(mean, 0.001f);
  EXPECT_EQ(noise_kind("vi").threshold, nullptr);
}

/// A layer 5 -> 3 with filled tensors, weights and standard deviations times `factor`.
struct Stabilised {
  explicit Stabilised(const std::string& word, float factor = 1)
      : model(filled_model(made("linear", {{5}, Task::regression, 3}, {word}))) {
    for (const char* name : {"linear1.weight", "linear1.log_sigma2"}) {
      std::vector<float> v = model.tensors[name].floats();
      for (float& x : v) {
        x = std::string(name) == "linear1.weight" ? x * factor : x + 2 * std::log(factor);
      }
      model.tensors[name] = Tensor::of({3, 5}, v);
    }
    tensors.emplace(model, model.spec.layers.front(), model.spec.layers.front().noise.front());
    prepared.resize(30);
    At at = tensors->at();
    at.prepared = prepared.data();
    tensors->kind().prepare(at);
    means.resize(15);
    tensors->kind().stand_in(at, means.data());
  }
  Model model;
  std::optional<NoiseTensors> tensors;
  std::vector<float> prepared, means;
};

// signal-propagation.md 9: a ReLU layer keeps its input's size where fan_in E w^2 = 2.
TEST(Vi, StabilisingWeightsHaveTheSecondMomentOfTheirPrior) {
  for (const double sigma0 : {1.0, 0.5}) {
    const Stabilised layer("vi:prior=stabilising,sigma0=" + std::to_string(sigma0));
    double sum = 0;
    for (std::size_t i = 0; i < 15; ++i) {
      EXPECT_FLOAT_EQ(layer.prepared[15 + i], layer.means[i]) << i;
      sum += layer.prepared[i] + layer.means[i] * layer.means[i];
    }
    EXPECT_NEAR(5 * sum / 15, 2 * sigma0 * sigma0, 1e-6);
  }
}

TEST(Vi, StabilisingPassesDoNotKnowTheSizeOfTheWeights) {
  const Stabilised one("vi:prior=stabilising"), seven("vi:prior=stabilising", 7);
  for (std::size_t i = 0; i < 30; ++i) EXPECT_NEAR(one.prepared[i], seven.prepared[i], 1e-6);
  EXPECT_NEAR(penalty_of(one.model), penalty_of(seven.model), 1e-4);
}

TEST(Vi, TheStabilisingDivergenceIsThatOfOneScaleForTheLayer) {
  const Stabilised layer("vi:prior=stabilising"), scale("gsm:group=matrix,hyper=flat");
  EXPECT_NEAR(penalty_of(layer.model), penalty_of(scale.model), 1e-5);
}

}  // namespace
}  // namespace scalemix::model
