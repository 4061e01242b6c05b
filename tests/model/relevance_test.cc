#include "scalemix/model/relevance.h"

#include <gtest/gtest.h>

#include "scalemix/model/architecture.h"
#include "scalemix/model/method.h"

namespace scalemix::model {
namespace {

Model table_model(const std::vector<float>& weight, const std::vector<float>& log_sigma2) {
  Model m;
  m.spec = architecture("linear", {.input = {3}, .task = Task::regression, .outputs = 1});
  apply_method(m.spec, "svdo");
  const std::string name = m.spec.layers[0].name;
  m.tensors[name + ".weight"] = Tensor::of({1, 3}, weight);
  m.tensors[name + ".log_sigma2"] = Tensor::of({1, 3}, log_sigma2);
  m.tensors[name + ".bias"] = Tensor::of({1}, std::vector<float>{0});
  return m;
}

TEST(InputRelevance, IsTheShareOfTheSquaredWeightsThatAreLeft) {
  // The third weight drowns in its noise: log alpha = 8.
  const auto share = input_relevance(table_model({1, -3, 2}, {-10, -10, 20}));
  ASSERT_TRUE(share);
  EXPECT_NEAR((*share)[0], 0.1, 1e-6);
  EXPECT_NEAR((*share)[1], 0.9, 1e-6);
  EXPECT_EQ((*share)[2], 0);
}

TEST(InputRelevance, OfAnEmptiedLayerIsZero) {
  const auto share = input_relevance(table_model({1, 1, 1}, {20, 20, 20}));
  ASSERT_TRUE(share);
  EXPECT_EQ(*share, (std::vector<double>{0, 0, 0}));
}

TEST(InputRelevance, IsNotReadOffAConvolution) {
  Model m;
  m.spec =
      architecture("lenet5", {.input = {1, 28, 28}, .task = Task::classification, .outputs = 10});
  EXPECT_FALSE(input_relevance(m));
}

}  // namespace
}  // namespace scalemix::model
