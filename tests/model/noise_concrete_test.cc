// Concrete dropout: its draws, its penalty, what becomes of p.

#include <gtest/gtest.h>

#include <cmath>

#include "scalemix/model/noise_tensors.h"
#include "tests/model/fixtures.h"

namespace scalemix::model {
namespace {

/// The multipliers of `rows` rows of a layer with `in` inputs at drop probability p.
std::vector<float> multipliers(double p, std::size_t rows, std::size_t in) {
  const Spec spec = made("linear", {{in}, Task::regression, 1}, {"concrete"});
  const Layer& layer = spec.layers.front();
  const NoiseUse use = noise_use(layer.noise.front(), layer, {in});
  auto logit = static_cast<float>(std::log(p / (1 - p)));
  std::vector<float> x(rows * in, 1), y(x.size()), kept(use.kind->kept(use, rows, true));
  At at{.use = use, .train = true, .stream = {.seed = 4, .stream = 9}, .rows = rows};
  at.own[0] = &logit;
  at.kept = kept.data();
  use.kind->forward(at, x.data(), y.data());
  return y;
}

TEST(Concrete, AboutAShareOfPIsDroppedAndTheRestIsScaledUp) {
  for (const double p : {0.1, 0.5, 0.8}) {
    const std::vector<float> m = multipliers(p, 2000, 10);
    double dropped = 0, mean = 0;
    for (const float v : m) {
      ASSERT_GE(v, 0);
      ASSERT_LE(v, 1 / (1 - p) * (1 + 1e-5));
      dropped += v < 0.5 / (1 - p);
      mean += v / double(m.size());
    }
    // d > 1/2 exactly where the logistic draw is above -logit_p, with probability p.
    EXPECT_NEAR(dropped / double(m.size()), p, 5 * std::sqrt(p * (1 - p) / 20000));
    EXPECT_NEAR(mean, 1, 0.08);
  }
}

TEST(Concrete, ThePenaltyIsWeightsTimesScaleLessTheEntropyOfEveryInput) {
  Model m = filled_model(made("linear", {{3}, Task::regression, 1}, {"concrete:length=0.5"}));
  m.tensors["linear1.weight"] = Tensor::of({1, 3}, std::vector<float>{1, -2, 2});
  m.tensors["linear1.logit_p"] = Tensor::of({1}, std::vector<float>{0});  // p = 1/2
  const Layer& layer = m.spec.layers.front();
  const NoiseTensors tensors(m, layer, layer.noise.front());
  EXPECT_NEAR(tensors.kind().penalty(tensors.at()), 0.125 * 9 / 0.5 - 3 * std::log(2.0), 1e-6);
}

TEST(Concrete, StartsAtItsPAndStaysWhereASigmoidIsOne) {
  const Spec spec = made("linear", {{3}, Task::regression, 1}, {"concrete:p=0.2"});
  const std::vector<LayerTensor> found = tensors(spec.layers.front());
  ASSERT_EQ(found.back().name, "logit_p");
  EXPECT_NEAR(1 / (1 + std::exp(-found.back().initial)), 0.2, 1e-12);
  const NoiseUse use = noise_use(spec.layers[0].noise[0], spec.layers[0], {3});
  float logit = 40;
  At at{.use = use};
  at.own[0] = &logit;
  use.kind->settle(at);
  EXPECT_EQ(logit, 15);
}

TEST(Concrete, APNextToZeroOrOneStartsWhereItsNumbersAreFinite) {
  for (const char* p : {"0.9999999999999999", "1e-320"}) {
    const Spec spec = made("linear", {{3}, Task::regression, 1}, {std::string("concrete:p=") + p});
    Model m = filled_model(spec);
    const double logit = tensors(spec.layers.front()).back().initial;
    m.tensors["linear1.logit_p"] = Tensor::of({1}, std::vector<float>{static_cast<float>(logit)});
    const Layer& layer = m.spec.layers.front();
    const NoiseTensors at(m, layer, layer.noise.front());
    EXPECT_TRUE(std::isfinite(at.kind().penalty(at.at()))) << p;
    EXPECT_LE(std::abs(logit), 15) << p;
  }
}

TEST(Concrete, ANoiseLayerDrawsForWhatItsSiteSays) {
  const auto use = [](Site at, Shape in, std::size_t width,
                      std::vector<std::int64_t> columns = {}) {
    Layer layer{.type = "noise", .site = 3};
    layer.noise = {noise_of("concrete")};
    layer.at = at;
    layer.width = width;
    layer.columns = std::move(columns);
    return noise_use(layer.noise.front(), layer, in);
  };
  EXPECT_EQ(use(Site::unit, {7}, 7).site.columns, 7u);
  EXPECT_EQ(use(Site::channel, {2, 4, 4}, 2).site.columns, 2u);
  EXPECT_EQ(use(Site::unit, {2, 4, 4}, 32).site.columns, 32u);
  const NoiseUse row = use(Site::layer, {7}, 3, {2});
  EXPECT_EQ(row.site.columns, row.columns.size());
  EXPECT_EQ(row.site.inner, 7u);
  EXPECT_EQ(row.site.width, 3u);
}

TEST(Concrete, AnImageDropsWholeChannels) {
  const Spec spec = made("lenet5", image_problem(), {"concrete"});
  const NoiseUse use = noise_use(spec.layers[0].noise[0], spec.layers[0], {1, 16, 16});
  EXPECT_EQ(use.site.columns, 1u);
  EXPECT_EQ(use.site.inner, 256u);
}

}  // namespace
}  // namespace scalemix::model
