// Methods that rewrite networks or say more than one value: lists over places, independent components,
// stochastic depth, words that stand for another's settings.

#include <gmock/gmock.h>

#include "scalemix/base/error.h"
#include "scalemix/model/layer_kind.h"
#include "scalemix/model/method.h"
#include "scalemix/model/noise.h"
#include "tests/model/fixtures.h"

namespace scalemix::model {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::vector<Noise> noises(const Spec& spec) {
  std::vector<Noise> out;
  for_each_layer(spec, [&](const Layer& layer, const Shape&) {
    out.insert(out.end(), layer.noise.begin(), layer.noise.end());
  });
  return out;
}

TEST(MethodWord, AValueForEachPlace) {
  const Spec spec = made("mlp:6-5-4", table_problem(), {"bernoulli:p=0.2/0.5/0.4,input=0.1"});
  const std::vector<Noise> found = noises(spec);
  ASSERT_EQ(found.size(), 4u);
  EXPECT_EQ(found[0].law, "bernoulli:p=0.1");
  EXPECT_EQ(found[1].law, "bernoulli:p=0.2");
  EXPECT_EQ(found[2].law, "bernoulli:p=0.5");
  EXPECT_EQ(found[3].law, "bernoulli:p=0.4");
  EXPECT_THAT(spec.methods, ElementsAre("bernoulli:p=0.2/0.5/0.4,input=0.1"));
  const Spec svdo = made("mlp:6-5", table_problem(), {"svdo:threshold=1/2/3,init=-8/-9/-10"});
  EXPECT_EQ(noises(svdo)[1].values[0], 2);
  EXPECT_EQ(noises(svdo)[2].values[1], -10);
  // What is remembered makes the same again.
  EXPECT_EQ(noises(made("mlp:6-5", table_problem(), svdo.methods)), noises(svdo));
}

TEST(MethodWord, ListsMustFitThePlaces) {
  const auto refusal = [](const char* word) {
    return message_of<ConfigError>([&] { made("mlp:6-5", table_problem(), {word}); });
  };
  EXPECT_THAT(refusal("bernoulli:p=0.2/0.5/0.4"), HasSubstr("3 values of p for 2 places"));
  EXPECT_THAT(refusal("svdo:threshold=1/2/3,init=-8/-9"), HasSubstr("init has 2 values"));
  EXPECT_THROW(made("mlp:6-5", table_problem(), {"bernoulli:p=0.2/1.5"}), std::domain_error);
}

TEST(Method, WordsThatStandForSettings) {
  const Spec a2 = made("mlp:6-5", table_problem(), {"vdo_a2:p=0.2"});
  EXPECT_EQ(noises(a2)[0].kind, "vdo_a");
  EXPECT_NEAR(setting(noises(a2)[0], "factor"), 1.0 / 3, 1e-15);
  EXPECT_EQ(noises(made("mlp:6-5", table_problem(), a2.methods)), noises(a2));
  const Spec vbd = made("mlp:6-5", table_problem(), {"vbd"});
  EXPECT_EQ(setting(noises(vbd)[0], "depth"), 0);
  EXPECT_THAT(vbd.methods[0], testing::StartsWith("vbd:"));
}

TEST(Method, DropBlockStandsAfterConvolutionsAndInformationPerChannel) {
  const Problem images{{1, 28, 28}, Task::classification, 3};
  const Spec block = made("lenet5", images, {"dropblock:block=3"});
  EXPECT_THAT(types(block.layers),
              ElementsAre("conv2d", "relu", "max_pool", "noise", "conv2d", "relu", "max_pool",
                          "noise", "flatten", "linear", "relu", "linear"));
  EXPECT_THAT(
      message_of<std::invalid_argument>([&] { made("lenet5", images, {"dropblock:block=7"}); }),
      HasSubstr("block must be at most"));
  const Spec information = made("lenet5", image_problem(), {"information"});
  for (const Layer& layer : information.layers) {
    if (layer.type == "noise" && layer.at == Site::channel) EXPECT_EQ(layer.width, 20u);
  }
}

TEST(Method, StochasticDepthHasItsRatesAndGates) {
  const auto rates = [](const char* word) {
    std::vector<std::string> out;
    for (const Noise& n : noises(made("resmlp:6x3", table_problem(), {word}))) {
      out.push_back(n.law.empty() ? std::to_string(n.values[0]).substr(0, 4) : n.law);
    }
    return out;
  };
  EXPECT_THAT(rates("stochastic_depth:p=0.6,rates=linspace"),
              ElementsAre("bernoulli:p=0", "bernoulli:p=0.3", "bernoulli:p=0.6"));
  EXPECT_THAT(rates("stochastic_depth:p=0.6,rates=constant,gate=batch"),
              ElementsAre("0.60", "0.60", "0.60"));
}

TEST(Method, DropConnectKnowsMasksAndInference) {
  const Spec spec =
      made("mlp:6-5", table_problem(), {"dropconnect:p=0.3,mask=row,inference=moments"});
  const Noise noise = noises(spec)[0];
  EXPECT_EQ(noise.law, "bernoulli:p=0.3");
  EXPECT_EQ(noise_place(noise, spec.layers[0], true), Where::row_weights);
  EXPECT_EQ(noise_place(noise, spec.layers[0], false), Where::moments);
  EXPECT_THAT(spec.methods, ElementsAre("dropconnect:bernoulli:p=0.3,mask=row,inference=moments"));
  EXPECT_EQ(noises(made("mlp:6-5", table_problem(), spec.methods)), noises(spec));
  EXPECT_THROW(made("mlp:6-5", table_problem(), {"dropconnect:half_cauchy,inference=moments"}),
               std::invalid_argument);
  EXPECT_THAT(message_of<std::invalid_argument>(
                  [&] { made("lenet5", image_problem(), {"dropconnect:mask=row"}); }),
              HasSubstr("dense layers only"));
}

// ------------------------------------------------------------------------------ ic

TEST(Ic, StandsBeforeWeightsAndTheOtherNormalisationsGo) {
  const Spec mlp = made("mlp:6-5", table_problem(), {"ic"});
  EXPECT_THAT(types(mlp.layers),
              ElementsAre("batch_norm", "noise", "linear", "relu", "batch_norm", "noise", "linear",
                          "relu", "batch_norm", "noise", "linear"));
  EXPECT_THAT(mlp.methods, ElementsAre("ic:p=0.05,order=a,first=on"));
  EXPECT_EQ(types(made("mlp:6-5", table_problem(), {"ic:first=off"}).layers)[0], "linear");
  const Spec vgg = made("vgg:0.03125", colour_problem(), {"ic:first=off"});
  bool before = false;
  std::size_t norms = 0;
  for (const Layer& layer : vgg.layers) {
    norms += layer.type == "batch_norm";
    if (has_weights(layer)) {
      EXPECT_TRUE(layer.bias);
      EXPECT_TRUE(before || layer.name == "conv1");
    }
    before = layer.type == "noise";
  }
  EXPECT_EQ(norms, noises(vgg).size());
}

TEST(Ic, OrdersOfAResidualBranch) {
  const auto branch = [](const char* word) {
    const Spec spec = made("resnet:1", image_problem(), {word});
    for (const Layer& layer : spec.layers) {
      if (layer.type == "residual") return types(layer.branch);
    }
    return std::vector<std::string>{};
  };
  EXPECT_THAT(branch("ic:order=a"), ElementsAre("relu", "batch_norm", "noise", "conv2d", "relu",
                                                "batch_norm", "noise", "conv2d"));
  EXPECT_THAT(branch("ic:order=b"), ElementsAre("batch_norm", "noise", "conv2d", "relu",
                                                "batch_norm", "noise", "conv2d", "relu"));
  EXPECT_THAT(branch("ic:order=c"), ElementsAre("conv2d", "relu", "batch_norm", "noise", "conv2d",
                                                "relu", "batch_norm", "noise"));
  const Spec a = made("resnet:1", image_problem(), {"ic:order=a"});
  for (std::size_t i = 0; i + 1 < a.layers.size(); ++i) {
    if (a.layers[i].type != "residual") continue;
    // One activation after the last block, none after the others.
    EXPECT_EQ(a.layers[i + 1].type, a.layers[i + 1].type == "residual" ? "residual" : "relu");
  }
}

TEST(Ic, ANetworkWithoutWeightsIsRefused) {
  Spec spec{.input = {3}, .task = Task::classification, .outputs = 3, .layers = {{.type = "relu"}}};
  spec.number();
  EXPECT_THROW(apply_method(spec, "ic"), std::invalid_argument);
}

}  // namespace
}  // namespace scalemix::model
