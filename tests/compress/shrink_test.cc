// A network without its silent units gives the numbers that it gave with them, drawn ones too.

#include "scalemix/compress/shrink.h"

#include "tests/compress/fixtures.h"

namespace scalemix::compress {
namespace {

using ::testing::ElementsAre;

std::vector<std::size_t> units_of(const Model& m) {
  std::vector<std::size_t> out;
  for_each_layer(m.spec, [&](const Layer& layer, const Shape&) {
    if (has_weights(layer)) out.push_back(layer.out);
  });
  return out;
}

TEST(Shrink, UnitsWithoutInputGiveTheirConstantsToTheNextBias) {
  for (const char* word : {"mlp:6-5", "mlp:6-5,tanh", "mlp:6-5,sigmoid"}) {
    Model m = filled_model(made(word, table_problem(), {}));
    clear_unit(m, "linear1", 0);
    clear_unit(m, "linear1", 4);
    clear_unit(m, "linear2", 3);
    const Shrunk small = shrink(m);
    EXPECT_THAT(units_of(small.model), ElementsAre(4, 4, 2));
    ASSERT_EQ(small.layers.size(), 2u);
    EXPECT_EQ(small.layers[0].name, "linear1");
    EXPECT_EQ(small.layers[0].before, 6u);
    EXPECT_EQ(small.layers[0].after, 4u);
    check_model(small.model);
    expect_same(outputs(m, 9), outputs(small.model, 9));
  }
}

TEST(Shrink, UnitsThatNobodyReadsGoAndThenThoseThatFedThem) {
  Model m = filled_model(made("mlp:6-5", table_problem(), {}));
  clear_input(m, "linear3", 2, 5);
  clear_input(m, "linear2", 1, 6);
  for (const std::size_t o : {0, 1, 3, 4}) clear(m, "linear2.weight", o * 6 + 5, 1);
  // Unit 5 of the first layer is read by unit 2 of the second alone, which nobody reads.
  const Shrunk small = shrink(m);
  EXPECT_THAT(units_of(small.model), ElementsAre(4, 4, 2));
  expect_same(outputs(m, 9), outputs(small.model, 9));
}

TEST(Shrink, ChannelsGoThroughPoolsFlattenAndBatchNormalisation) {
  Model lenet = filled_model(made("lenet5", {{1, 16, 16}, Task::classification, 3}, {}));
  clear_unit(lenet, "conv1", 3);
  clear_input(lenet, "conv2", 5, 20);
  clear_unit(lenet, "conv2", 7);
  clear_input(lenet, "linear1", 11, 50);
  const Shrunk small = shrink(lenet);
  EXPECT_THAT(units_of(small.model), ElementsAre(18, 48, 500, 3));
  expect_same(outputs(lenet, 4), outputs(small.model, 4));

  Model vgg = filled_model(made("vgg:0.0625", colour_problem(), {}));
  clear_input(vgg, "conv3", 1, 4);
  const Shrunk less = shrink(vgg);
  EXPECT_EQ(units_of(less.model)[1], 3u);
  expect_same(outputs(vgg, 2), outputs(less.model, 2));
}

/// bn(b) goes into the next bias where no padding would see it.
TEST(Shrink, AConstantBehindBatchNormalisationIsCarried) {
  const Problem problem{{5}, Task::classification, 3};
  Model m =
      filled_model(chain(problem, {linear(5, 4), batch_norm(4), activation("elu"), linear(4, 3)}));
  clear_unit(m, "linear1", 2);
  const Shrunk small = shrink(m);
  EXPECT_THAT(units_of(small.model), ElementsAre(3, 3));
  expect_same(outputs(m, 5), outputs(small.model, 5));
}

TEST(Shrink, PaddingKeepsAConstantThatIsNotZero) {
  const auto net = [&](std::size_t padding) {
    return filled_model(chain({{1, 6, 6}, Task::classification, padding ? 72u : 32u},
                              {conv2d(1, 3, {.kernel = 1}), activation("tanh"),
                               conv2d(3, 2, {.kernel = 3, .padding = padding}), flatten()}));
  };
  for (const std::size_t padding : {0, 1}) {
    Model m = net(padding);
    clear_unit(m, "conv1", 1);
    const Shrunk small = shrink(m);
    EXPECT_EQ(units_of(small.model)[0], padding ? 3u : 2u);
    expect_same(outputs(m, 3), outputs(small.model, 3));
    clear(m, "conv1.bias", 1, 1);  // tanh(0) = 0, which padding does not change
    EXPECT_EQ(units_of(shrink(m).model)[0], 2u);
    expect_same(outputs(m, 3), outputs(shrink(m).model, 3));
  }
}

/// Noise that multiplies leaves a zero alone; a constant behind it would be drawn.
TEST(Shrink, ANetworkDrawsTheNoiseThatItDrew) {
  for (const char* method : {"bernoulli:p=0.4", "gaussian:alpha=0.3", "tabu:p=0.3"}) {
    Model m = filled_model(made("mlp:6-5", table_problem(), {method}));
    clear_input(m, "linear2", 1, 6);
    clear_input(m, "linear2", 4, 6);
    clear_unit(m, "linear2", 0);
    const Shrunk small = shrink(m);
    EXPECT_EQ(units_of(small.model)[0], 4u) << method;
    const predict::PredictOptions drawn{.samples = 5, .seed = 3};
    expect_same(outputs(m, 4, drawn), outputs(small.model, 4, drawn));
    expect_same(outputs(m, 4), outputs(small.model, 4));
  }
  Model images = filled_model(
      made("lenet5", {{1, 16, 16}, Task::classification, 3}, {"spatial:p=0.3", "bernoulli:p=0.2"}));
  clear_input(images, "conv2", 2, 20);
  clear_input(images, "linear1", 9, 50);
  const predict::PredictOptions drawn{.samples = 3, .seed = 3};
  const Shrunk small = shrink(images);
  EXPECT_THAT(units_of(small.model), ElementsAre(19, 49, 500, 3));
  expect_same(outputs(images, 3, drawn), outputs(small.model, 3, drawn));
}

TEST(Shrink, AConstantThatNoiseWouldDrawStays) {
  for (const char* method : {"bernoulli:p=0.4", "additive:gaussian:alpha=0.3"}) {
    Model m = filled_model(made("mlp:6", table_problem(), {method}));
    clear_unit(m, "linear1", 1);
    m.tensors.at("linear1.bias") = Tensor::of({6}, std::vector<float>(6, 0.7f));
    EXPECT_EQ(units_of(shrink(m).model)[0], 6u) << method;
  }
}

TEST(Shrink, OneUnitStaysAndLayersWithNoiseOfTheirOwnStay) {
  Model m = filled_model(made("mlp:4", table_problem(), {}));
  clear(m, "linear2.weight", 0, 8);
  EXPECT_EQ(units_of(shrink(m).model)[0], 1u);
  Model noisy = filled_model(made("mlp:4-3", table_problem(), {"dropconnect:p=0.2"}));
  clear_unit(noisy, "linear1", 1);
  EXPECT_TRUE(shrink(noisy).layers.empty());
  Model blocks = filled_model(made("skipmlp:6x2", table_problem(), {}));
  clear_unit(blocks, "linear2", 1);
  EXPECT_TRUE(shrink(blocks).layers.empty());
}

}  // namespace
}  // namespace scalemix::compress
