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

/// Inside a branch: linear2 to linear3 of the first block.
TEST(Shrink, UnitsGoWithinBranches) {
  Model m = filled_model(made("resmlp:6x3", table_problem(), {}));
  clear_unit(m, "linear2", 1);
  clear_input(m, "linear5", 4, 6);
  const Shrunk small = shrink(m);
  EXPECT_THAT(units_of(small.model), ElementsAre(6, 5, 6, 5, 6, 6, 6, 2));
  check_model(small.model);
  expect_same(outputs(m, 9), outputs(small.model, 9));
}

/// A unit that all blocks leave as it is, and one that none of them reads.
TEST(Shrink, UnitsOfTheStreamThroughBlocksGo) {
  for (const char* word : {"resmlp:6x2", "skipmlp:6x2"}) {
    Model m = filled_model(made(word, table_problem(), {}));
    const bool one_each = std::string_view(word).starts_with("skip");
    std::vector<std::string> writers{"linear1", "linear3", "linear5"},
        readers{"linear2", "linear4", "linear6"};
    if (one_each) {
      writers = {"linear1", "linear2", "linear3"};
      readers = {"linear2", "linear3", "linear4"};
    }
    for (const std::string& w : writers) clear_unit(m, w, 2);
    for (const std::string& r : readers) clear_input(m, r, 5, 6);
    const Shrunk small = shrink(m);
    const std::vector<std::size_t> one{4, 4, 4, 2}, two{4, 6, 4, 6, 4, 2};
    EXPECT_EQ(units_of(small.model), one_each ? one : two);
    check_model(small.model);
    expect_same(outputs(m, 9), outputs(small.model, 9));
    // One that writes something else, or reads, is enough to keep it.
    for (const std::string& w : writers) {
      Model other = m;
      Tensor& t = other.tensors.at(w + ".weight");
      std::vector<float> values = t.floats();
      values[2 * (values.size() / 6)] = 0.7f;
      t = Tensor::of(t.shape, values);
      EXPECT_EQ(units_of(shrink(other).model)[0], 5u) << w;
      expect_same(outputs(other, 9), outputs(shrink(other).model, 9));
    }
    for (const std::string& r : readers) {
      Model other = m;
      Tensor& t = other.tensors.at(r + ".weight");
      std::vector<float> values = t.floats();
      values[5] = 0.7f;
      t = Tensor::of(t.shape, values);
      EXPECT_EQ(units_of(shrink(other).model)[0], 5u) << r;
      expect_same(outputs(other, 9), outputs(shrink(other).model, 9));
    }
  }
}

/// Where the shortcut has weights, it writes and reads beside the branch.
TEST(Shrink, ShortcutsWithWeightsWriteAndRead) {
  Model m = filled_model(made("resnet:1", image_problem(), {}));
  ASSERT_THAT(units_of(m), ElementsAre(16, 16, 16, 32, 32, 32, 64, 64, 64, 3));
  const Shrunk whole = shrink(m);
  EXPECT_TRUE(whole.layers.empty());
  // conv5 and conv6 write what conv7 and conv9 read; conv8 and conv9 what the last layer reads.
  clear_input(m, "conv7", 3, 32);
  clear_input(m, "conv9", 3, 32);
  clear_unit(m, "conv8", 60);
  clear_unit(m, "conv9", 60);
  clear_input(m, "conv2", 7, 16);  // conv4 and conv6 read it still
  const Shrunk small = shrink(m);
  EXPECT_THAT(units_of(small.model), ElementsAre(16, 16, 16, 32, 31, 31, 64, 63, 63, 3));
  check_model(small.model);
  expect_same(outputs(m, 3), outputs(small.model, 3));
  clear_input(m, "conv4", 7, 16);
  EXPECT_EQ(units_of(shrink(m).model)[0], 16u);
  clear_input(m, "conv6", 7, 16);
  EXPECT_THAT(units_of(shrink(m).model), ElementsAre(15, 16, 15, 32, 31, 31, 64, 63, 63, 3));
  expect_same(outputs(m, 3), outputs(shrink(m).model, 3));
}

TEST(Shrink, AShortcutWithWeightsMustAgree) {
  Model m = filled_model(made("resnet:1", image_problem(), {}));
  clear_unit(m, "conv9", 60);
  EXPECT_TRUE(shrink(m).layers.empty());
  clear_unit(m, "conv8", 60);
  EXPECT_EQ(shrink(m).layers.size(), 2u);
}

/// The branch reads tanh of a constant, the shortcut the constant.
TEST(Shrink, BranchAndShortcutEachTakeTheirConstant) {
  Model m = filled_model(
      chain({{5}, Task::classification, 3},
            {linear(5, 4), residual({activation("tanh"), linear(4, 3)}, {linear(4, 3)})}));
  clear_unit(m, "linear1", 2);
  m.tensors.at("linear1.bias") = Tensor::of({4}, std::vector<float>{0.7f, -0.4f, 0.9f, 0.2f});
  const Shrunk small = shrink(m);
  EXPECT_EQ(units_of(small.model)[0], 3u);
  expect_same(outputs(m, 9), outputs(small.model, 9));
}

/// Behind flatten a channel is 16 numbers, which a block adds to and a normalisation scales one by one.
TEST(Shrink, ChannelsStayWhereNumbersAreWrittenOrNormalised) {
  const Problem problem{{1, 6, 6}, Task::classification, 3};
  for (const bool block : {true, false}) {
    const Layer between = block ? residual({linear(48, 48), activation("tanh")}) : batch_norm(48);
    Model m = filled_model(chain(problem, {conv2d(1, 3, {3}), flatten(), between, linear(48, 3)}));
    clear_unit(m, "conv1", 1);
    const Shrunk small = shrink(m);
    EXPECT_TRUE(small.layers.empty());
    check_model(small.model);
    expect_same(outputs(m, 4), outputs(small.model, 4));
  }
}

/// Noise on weights of one layer in the stream is enough: its columns are numbered.
TEST(Shrink, AStreamWithANoisyLayerStays) {
  for (const char* noisy : {"linear2", "linear3"}) {
    Spec spec = made("resmlp:6x1", table_problem(), {"dropconnect:p=0.2"});
    for_each_layer(spec, [&](Layer& layer) {
      if (layer.name != noisy) layer.noise.clear();
    });
    Model m = filled_model(spec);
    clear_input(m, "linear2", 4, 6);
    clear_input(m, "linear4", 4, 6);
    EXPECT_TRUE(shrink(m).layers.empty()) << noisy;
  }
}

TEST(Shrink, BlocksDrawTheNoiseThatTheyDrew) {
  Model m = filled_model(made("resmlp:6x2", table_problem(), {"bernoulli:p=0.4"}));
  for (const char* reader : {"linear2", "linear4", "linear6"}) clear_input(m, reader, 1, 6);
  clear_input(m, "linear3", 4, 6);
  const Shrunk small = shrink(m);
  EXPECT_THAT(units_of(small.model), ElementsAre(5, 5, 5, 6, 5, 2));
  expect_same(outputs(m, 9, {.samples = 3, .seed = 4}),
              outputs(small.model, 9, {.samples = 3, .seed = 4}));
}

}  // namespace
}  // namespace scalemix::compress
