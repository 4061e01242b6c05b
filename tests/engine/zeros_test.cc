#include "scalemix/engine/zeros.h"

#include <gtest/gtest.h>

#include "scalemix/model/build.h"
#include "scalemix/model/method.h"
#include "scalemix/model/noise.h"

namespace scalemix {
namespace {

TEST(Zeros, AreLeftOutOfGradientsBehindAMaxPool) {
  const auto pooled = [](const std::vector<std::string>& types, std::size_t stride) {
    std::vector<model::Layer> layers;
    for (const std::string& type : types) {
      layers.push_back({.type = type, .in = 4, .kernel = 2, .stride = stride});
    }
    return engine::pooled(layers, 0, {4, 8, 8});
  };
  EXPECT_TRUE(pooled({"max_pool"}, 2));
  EXPECT_TRUE(pooled({"relu", "noise", "max_pool"}, 2));
  EXPECT_FALSE(pooled({"max_pool"}, 1));  // every number may be the largest of some window
  EXPECT_FALSE(pooled({"avg_pool"}, 2));
  EXPECT_FALSE(pooled({"batch_norm", "max_pool"}, 2));
  EXPECT_FALSE(pooled({"relu"}, 2));
  const auto repays = [](std::size_t in, std::size_t side, const char* noise) {
    model::Layer conv = model::conv2d(in, 20, {5});
    if (*noise) conv.noise = {model::noise_of(noise)};
    return engine::repays_listing(conv, {20, side, side});
  };
  EXPECT_TRUE(repays(1, 24, "svdo"));
  EXPECT_FALSE(repays(1, 24, ""));  // 25 numbers of a panel of 64
  EXPECT_TRUE(repays(20, 8, ""));
  EXPECT_FALSE(repays(20, 7, "svdo"));  // 49 places
  EXPECT_FALSE(engine::repays_listing(model::linear(3, 500), {500}));
}

TEST(Zeros, OfTheDataAreLeftOutWhereTheFirstLayerIsMostOfTheWork) {
  const auto repays = [](const std::vector<std::size_t>& hidden, std::size_t rows = 50) {
    return engine::repays_marking(model::mlp({{40}, Task::classification, 3}, hidden), rows);
  };
  EXPECT_TRUE(repays({32}));
  EXPECT_FALSE(repays({20}));          // units
  EXPECT_FALSE(repays({32, 32, 32}));  // 40 of 106
  EXPECT_FALSE(repays({32}, 31));      // rows
  model::Spec noisy = model::mlp({{40}, Task::classification, 3}, {32});
  model::apply_method(noisy, "bernoulli:p=0.3,input=0.1");
  EXPECT_FALSE(engine::repays_marking(noisy, 50));
}

}  // namespace
}  // namespace scalemix
