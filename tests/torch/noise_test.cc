#include "scalemix/torch/nn/noise.h"

#include <gmock/gmock.h>

#include <sstream>

#include "scalemix/torch/op/noise.h"
#include "tests/torch/op_check.h"

namespace scalemix {
namespace {

using namespace op_check;
using ::testing::HasSubstr;

nn::Noise seeded(const std::string& law, const std::string& site = "unit",
                 const std::string& mode = "multiply") {
  return nn::Noise(nn::NoiseOptions(law, site).mode(mode).draws({.seed = 11, .stream = 5}));
}

TEST(NoiseModuleTest, IsTheOpWithoutTheReplicaAxisOneDrawACall) {
  const at::Tensor x = spread({3, 4, 2}, at::kFloat), p = at::tensor({0.25}, at::kDouble);
  for (const std::string site : {"unit", "channel", "layer", "weight"}) {
    for (const std::string mode : {"multiply", "add"}) {
      nn::Noise noise = seeded("gaussian:alpha=0.25", site, mode);
      for (int64_t step = 0; step < 3; ++step) {
        const at::Tensor expected =
            op::noise(x.unsqueeze(0), seeds({11}), "gaussian", p, site, mode, 5, step);
        EXPECT_TRUE(same_bits(noise(x), expected[0])) << site << " " << mode << " " << step;
      }
    }
  }
}

TEST(NoiseModuleTest, EvalDrawsNothingAndUsesTheCentreOrTheMean) {
  const at::Tensor x = spread({3, 4}, at::kFloat);
  const auto evaluated = [&](const std::string& law, const std::string& mode) {
    nn::Noise noise = seeded(law, "unit", mode);
    noise->eval();
    const at::Tensor y = noise(x);
    EXPECT_EQ(noise->draws.draw.item<int64_t>(), 0);
    return y;
  };
  EXPECT_TRUE(same_bits(evaluated("bernoulli:p=0.5", "multiply"), x));
  EXPECT_TRUE(close(evaluated("half_cauchy:scale=3", "multiply"), x * 3, 1e-6));
  EXPECT_TRUE(same_bits(evaluated("normal:scale=2", "add"), x));
  EXPECT_TRUE(same_bits(evaluated("gaussian:alpha=1", "add"), x + 1));
}

TEST(NoiseModuleTest, RowsOfAPartOfTheBatchDrawWhatTheWholeDraws) {
  const at::Tensor x = spread({6, 5}, at::kFloat);
  nn::Noise whole = seeded("bernoulli:p=0.5"), part = seeded("bernoulli:p=0.5");
  part->draws.row0 = 4;
  EXPECT_TRUE(same_bits(part(x.narrow(0, 4, 2)), whole(x).narrow(0, 4, 2).contiguous()));
}

TEST(NoiseModuleTest, SeedsComeFromTorchsGeneratorAndDiffer) {
  torch::manual_seed(3);
  nn::Noise a("bernoulli:p=0.5"), b("bernoulli:p=0.5");
  torch::manual_seed(3);
  nn::Noise again("bernoulli:p=0.5");
  EXPECT_TRUE(a->draws.seed.equal(again->draws.seed));
  EXPECT_FALSE(a->draws.seed.equal(b->draws.seed));
}

TEST(NoiseModuleTest, ASavedModuleGoesOnWithTheNoiseItWouldHaveDrawn) {
  const at::Tensor x = spread({3, 4}, at::kFloat);
  nn::Noise noise = seeded("laplace:alpha=0.5");
  noise(x);
  std::stringstream file;
  torch::save(noise, file);
  nn::Noise loaded(nn::NoiseOptions("laplace:alpha=0.5").draws({.stream = 5}));
  torch::load(loaded, file);
  EXPECT_TRUE(same_bits(loaded(x), noise(x)));
}

TEST(NoiseModuleTest, ACloneHasACounterOfItsOwn) {
  const at::Tensor x = spread({3, 4}, at::kFloat);
  nn::Noise noise = seeded("laplace:alpha=0.5");
  noise(x);
  const auto copy = std::dynamic_pointer_cast<nn::NoiseImpl>(noise->clone());
  const at::Tensor next = noise(x);
  noise(x);
  EXPECT_TRUE(same_bits(copy->forward(x), next));
}

TEST(NoiseModuleTest, AnotherTypeLeavesTheSeedAndTheCounterWhatTheyAre) {
  const int64_t seed = (int64_t{1} << 62) + 1;  // no floating type has it
  nn::Noise noise(nn::NoiseOptions("gaussian").draws({.seed = seed}));
  torch::nn::Sequential net(torch::nn::Linear(4, 3), noise);
  net->forward(at::ones({2, 4}));
  net->to(at::kDouble);
  EXPECT_TRUE(noise->draws.seed.equal(seeds({seed})));
  EXPECT_EQ(noise->draws.draw.item<int64_t>(), 1);
  EXPECT_EQ(noise->named_buffers()["seed"].scalar_type(), at::kLong);
  EXPECT_EQ(net->forward(at::ones({2, 4}, at::kDouble)).scalar_type(), at::kDouble);
  net->to(at::kCPU, at::kFloat);
  EXPECT_TRUE(noise->draws.seed.equal(seeds({seed})));
  EXPECT_EQ(noise->draws.draw.item<int64_t>(), 2);
}

TEST(NoiseModuleTest, StandsInASequentialAndPrintsItself) {
  torch::nn::Sequential net(torch::nn::Linear(4, 3), nn::Noise("bernoulli:p=0.25", "layer"));
  EXPECT_EQ(net->forward(spread({2, 4}, at::kFloat)).sizes(), at::IntArrayRef({2, 3}));
  std::ostringstream text;
  text << net;
  EXPECT_THAT(text.str(),
              HasSubstr("scalemix::nn::Noise(bernoulli:p=0.25, site=layer, mode=multiply)"));
}

TEST(NoiseModuleTest, WrongWordsSayWhatThereIs) {
  const auto message = [](const std::string& law, const std::string& site,
                          const std::string& mode) {
    return message_of([&] { seeded(law, site, mode); });
  };
  EXPECT_THAT(message("gausian", "unit", "multiply"), HasSubstr("did you mean 'gaussian'?"));
  EXPECT_THAT(message("gaussian", "pixel", "multiply"),
              HasSubstr("Noise: expected a site of unit channel layer weight, got pixel"));
  EXPECT_THAT(message("gaussian", "unit", "mul"),
              HasSubstr("Noise: expected a mode of multiply add, got mul"));
  EXPECT_THAT(message("half_cauchy", "unit", "add"),
              HasSubstr("Noise: the mean of half_cauchy must be finite, got inf"));
}

}  // namespace
}  // namespace scalemix
