// A network without the blocks that are off gives the numbers that it gave with them.

#include "scalemix/compress/fold_blocks.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "scalemix/model/build.h"
#include "scalemix/predict/predictor.h"
#include "tests/model/fixtures.h"

namespace scalemix::compress {
namespace {

using namespace model;

/// The weights of these layers are far below the share from which a group counts as on.
Model with_off(const Spec& spec, const std::vector<std::string>& layers) {
  Model m = filled_model(spec);
  for (const std::string& name : layers) {
    const Shape shape = m.tensors.at(name + ".weight").shape;
    m.tensors[name + ".weight"] = Tensor::of(shape, std::vector<float>(elements(shape), 1e-4f));
    m.tensors[name + ".log_sigma2"] = Tensor::of(shape, std::vector<float>(elements(shape), -19));
  }
  return m;
}

std::vector<float> outputs(const Model& m, std::size_t rows) {
  const predict::Predictor predictor(m);
  predict::Context context(predictor);
  std::vector<float> out;
  predict::predict_outputs(context, model::values(rows * predictor.width(), 3), rows, {}, out);
  return out;
}

Spec deep(const std::string& method = "add:off=0.05") {
  return made("skipmlp:6x4", table_problem(), {method});
}

TEST(FoldBlocks, TheNumbersStay) {
  const Model m = with_off(deep(), {"linear2", "linear4"});
  EXPECT_EQ(blocks_off(m), (std::vector<std::string>{"block1", "block3"}));
  const Folded folded = fold_blocks(m);
  EXPECT_EQ(folded.removed, blocks_off(m));
  folded.model.spec.validate();
  EXPECT_EQ(folded.model.spec.layers.size() + 2, m.spec.layers.size());
  EXPECT_EQ(folded.model.tensors.count("linear2.weight"), 0u);
  const std::vector<float> before = outputs(m, 9), after = outputs(folded.model, 9);
  ASSERT_EQ(before.size(), after.size());
  double largest = 0;
  for (std::size_t i = 0; i < before.size(); ++i) {
    EXPECT_NEAR(before[i], after[i], 1e-5 * (1 + std::abs(before[i])));
    largest = std::max(largest, std::abs(static_cast<double>(before[i])));
  }
  EXPECT_GT(largest, 0.1);
}

TEST(FoldBlocks, AllOfThemMayGo) {
  const Model m = with_off(deep(), {"linear2", "linear3", "linear4", "linear5"});
  const Folded folded = fold_blocks(m);
  EXPECT_EQ(folded.removed.size(), 4u);
  const std::vector<float> before = outputs(m, 5), after = outputs(folded.model, 5);
  for (std::size_t i = 0; i < before.size(); ++i) EXPECT_NEAR(before[i], after[i], 1e-5);
}

/// What the last layer of a branch says counts, whatever is before it, blocks in it too.
TEST(FoldBlocks, TheLastLayerOfABranchDecides) {
  const auto zero = [](Model& m, const std::string& name) {
    Tensor& t = m.tensors.at(name);
    t = Tensor::of(t.shape, std::vector<float>(t.count(), 0));
  };
  Model m = filled_model(made("resmlp:6x2", table_problem(), {}));
  zero(m, "linear3.weight");
  EXPECT_TRUE(fold_blocks(m).removed.empty());  // a rectifier is in its constant's way
  zero(m, "linear3.bias");
  const Folded folded = fold_blocks(m);
  EXPECT_EQ(folded.removed, (std::vector<std::string>{"block1"}));
  check_model(folded.model);
  EXPECT_EQ(outputs(folded.model, 5), outputs(m, 5));

  Model nested = filled_model(chain(
      {{4}, Task::regression, 2},
      {linear(4, 6), residual({residual({linear(6, 6), relu()}), linear(6, 6), activation("tanh")}),
       linear(6, 2)}));
  zero(nested, "linear3.weight");
  const Folded inner = fold_blocks(nested);
  ASSERT_EQ(inner.removed.size(), 1u);
  check_model(inner.model);
  const std::vector<float> before = outputs(nested, 5), after = outputs(inner.model, 5);
  for (std::size_t i = 0; i < before.size(); ++i) EXPECT_NEAR(before[i], after[i], 1e-5);
}

TEST(FoldBlocks, BlocksThatAreOnStay) {
  const Folded folded = fold_blocks(filled_model(deep()));
  EXPECT_TRUE(folded.removed.empty());
  // Without a share from which groups count as on, none is off.
  EXPECT_TRUE(blocks_off(with_off(deep("add"), {"linear2"})).empty());
}

TEST(FoldBlocks, AConstantDoesNotPassNoiseOrAnActivation) {
  // A rectifier behind the block; noise that multiplies what the last layer takes.
  for (const bool noise : {false, true}) {
    Spec spec = made("skipmlp:6x1", table_problem(), {"add:off=0.05"});
    Layer between = noise ? made("mlp:6", {{6}, Task::regression, 2}, {"bernoulli:p=0.5,input=0.5"})
                                .layers.front()
                          : relu();
    between.name = "between";
    between.site = 99;
    spec.layers.insert(spec.layers.end() - 1, between);
    spec.validate();
    const Model m = with_off(spec, {"linear2"});
    EXPECT_EQ(blocks_off(m).size(), 1u);
    EXPECT_TRUE(fold_blocks(m).removed.empty()) << noise;
  }
}

TEST(FoldBlocks, ASecondBlockThatIsOffStaysBehindOneThatCannotGo) {
  Spec spec = made("skipmlp:6x2", table_problem(), {"add:off=0.05"});
  Layer between = relu();
  between.name = "between";
  spec.layers.insert(spec.layers.begin() + 3, between);
  spec.validate();
  const Model m = with_off(spec, {"linear2", "linear3"});
  EXPECT_EQ(fold_blocks(m).removed, std::vector<std::string>{"block2"});
}

}  // namespace
}  // namespace scalemix::compress
