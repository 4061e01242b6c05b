#include "scalemix/predict/sparsity.h"

#include <cmath>

#include "scalemix/model/noise_tensors.h"
#include "tests/model/fixtures.h"

namespace scalemix::predict {
namespace {

using namespace model;  // specs and models to predict with

Model svdo_model() {
  Model model = filled_model(made("linear", {{4}, Task::regression, 1}, {"svdo:threshold=3"}));
  model.tensors["linear1.weight"] = Tensor::of({1, 4}, std::vector<float>{1, -2, 1, 0});
  // log_alpha: -5, 4 - log 4 = 2.61, 3.5, clipped to 8.
  model.tensors["linear1.log_sigma2"] = Tensor::of({1, 4}, std::vector<float>{-5, 4, 3.5, -1});
  return model;
}

TEST(Sparsity, WeightsAtOrAboveTheThresholdCountAsZero) {
  const Model model = svdo_model();
  EXPECT_EQ(deterministic_weights(model, model.spec.layers[0]), (std::vector<float>{1, -2, 0, 0}));
  const std::vector<LayerSparsity> found = sparsity(model);
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].name, "linear1");
  EXPECT_EQ(found[0].weights, 4u);
  EXPECT_EQ(found[0].nonzero, 2u);
}

TEST(Sparsity, AWeightThatLiesExactlyAtTheThresholdIsGone) {
  Model model = svdo_model();
  Layer& layer = model.spec.layers[0];
  std::vector<float> log_alpha(4);
  const NoiseTensors tensors(model, layer, layer.noise[0]);
  tensors.kind().log_alpha(tensors.at(), log_alpha.data());
  layer.noise[0].values[0] = log_alpha[1];
  EXPECT_EQ(deterministic_weights(model, layer), (std::vector<float>{1, 0, 0, 0}));
}

TEST(Sparsity, WeightsThatAreGoneHaveNoVariance) {
  const Model model = svdo_model();
  const Layer& layer = model.spec.layers[0];
  const NoiseTensors tensors(model, layer, layer.noise[0]);
  std::vector<float> variance(4);
  At at = tensors.at();
  at.prepared = variance.data();
  tensors.kind().prepare(at);
  EXPECT_FLOAT_EQ(variance[0], std::exp(-5.0f));
  EXPECT_FLOAT_EQ(variance[1], std::exp(4.0f));
  EXPECT_EQ(variance[2], 0);
  EXPECT_EQ(variance[3], 0);
}

TEST(Sparsity, DropconnectScalesByTheMedianWhereThereIsNoMean) {
  const Problem problem{{4}, Task::regression, 1};
  Model plain = filled_model(made("linear", problem));
  const std::vector<float> w = plain.tensors["linear1.weight"].floats();
  const Model scaled = filled_model(made("linear", problem, {"dropconnect:half_cauchy:scale=2"}));
  const Model kept = filled_model(made("linear", problem, {"dropconnect:p=0.5"}));
  EXPECT_EQ(deterministic_weights(kept, kept.spec.layers[0]), w);
  const std::vector<float> got = deterministic_weights(scaled, scaled.spec.layers[0]);
  for (std::size_t i = 0; i < w.size(); ++i) EXPECT_FLOAT_EQ(got[i], 2 * w[i]);
}

TEST(Sparsity, LayersComeInExecutionOrder) {
  const Model model = filled_model(made("resmlp:6x1", table_problem()));
  std::vector<std::string> names;
  for (const LayerSparsity& layer : sparsity(model)) names.push_back(layer.name);
  EXPECT_EQ(names, (std::vector<std::string>{"linear1", "linear2", "linear3", "linear4"}));
}

}  // namespace
}  // namespace scalemix::predict
