// What is left of a network, counted by hand and as a published table counts it.

#include "scalemix/compress/left.h"

#include "scalemix/compress/plain.h"
#include "scalemix/compress/shrink.h"
#include "tests/compress/fixtures.h"

namespace scalemix::compress {
namespace {

using ::testing::ElementsAre;

/// A network of these sizes that reads `read` of 784 inputs.
Left published(const std::string& word, std::size_t read) {
  Model m;
  m.spec = made(word, {{784}, Task::classification, 10}, {});
  for_each_layer(m.spec, [&](const Layer& layer, const Shape&) {
    if (!has_weights(layer)) return;
    std::vector<float> w(weight_count(layer), 0.5f);
    for (std::size_t e = 0; layer.in == 784 && e < w.size(); ++e) {
      if (e % 784 >= read) w[e] = 0;
    }
    m.tensors[layer.name + ".weight"] = Tensor::of(weight_shape(layer), w);
  });
  return left_of(m);
}

/// Neklyudov et al. (2017), the table of LeNet-500-300: SBP and SparseVD, flops against the original's.
TEST(Left, CountsAsThePublishedTableDoes) {
  const Left dense = published("mlp:500-300", 784), sbp = published("mlp:160-55", 245),
             sparse = published("mlp:217-130", 537);
  EXPECT_EQ(dense.multiplications, 784 * 500 + 500 * 300 + 300 * 10);
  EXPECT_EQ(text_of(sbp.sizes), "245-160-55");
  EXPECT_NEAR(dense.multiplications / sbp.multiplications, 11.23, 0.005);
  EXPECT_NEAR(dense.multiplications / sparse.multiplications, 3.73, 0.005);
  EXPECT_EQ(sbp.weights, 245u * 160 + 160 * 55 + 55 * 10);
}

TEST(Left, OfConvolutionsChannelsAndWhatTheFirstDenseLayerReads) {
  Model m = filled_model(made("lenet5", {{1, 16, 16}, Task::classification, 3}, {}));
  EXPECT_THAT(left_of(m).sizes, ElementsAre(20, 50, 50, 500));
  Model wide = filled_model(made("lenet5", {{2, 28, 28}, Task::classification, 3}, {}));
  clear_unit(wide, "conv1", 3);  // a channel
  clear(wide, "conv1.bias", 3, 1);
  clear_input(wide, "conv1", 1, 2);
  for (const std::size_t place : {0, 16 * 7 + 2, 799}) clear_input(wide, "linear1", place, 800);
  clear_unit(wide, "linear1", 8);
  const Shrunk small = shrink(wide);
  const Left left = left_of(small.model);
  EXPECT_THAT(left.sizes, ElementsAre(19, 50, 797, 499));
  EXPECT_EQ(left.multiplications, 24 * 24 * 25 * 19 + 8 * 8 * 25 * 19 * 50 + 797 * 499 + 499 * 3);
  EXPECT_EQ(left.weights, 25u * 19 + 25 * 19 * 50 + 797 * 499 + 499 * 3);
}

/// Zeros between what is read are multiplied.
TEST(Left, ASingleWeightKeepsItsInput) {
  Model m = filled_model(made("mlp:4", table_problem(), {}));
  const double all = left_of(m).multiplications;
  const std::size_t inputs = elements(m.spec.input);
  for (const std::size_t o : {0, 1, 2}) clear(m, "linear1.weight", o * inputs + 1, 1);
  EXPECT_EQ(left_of(m).multiplications, all);
  EXPECT_EQ(left_of(m).sizes[0], inputs);
  clear(m, "linear1.weight", 3 * inputs + 1, 1);
  EXPECT_EQ(left_of(m).sizes[0], inputs - 1);
  EXPECT_EQ(left_of(m).multiplications, all - 4);
}

/// Every number of a tensor, but those named.
void set(Model& m, const std::string& name, float all, const std::vector<std::size_t>& places = {},
         float there = 0) {
  Tensor& t = m.tensors.at(name);
  std::vector<float> values(t.count(), all);
  for (const std::size_t place : places) values.at(place) = there;
  t = Tensor::of(t.shape, values);
}

/// A method of mlp:6-5 on 7 inputs that switches off what `off` says, and what is left then.
struct SwitchedOff {
  const char* method;
  void (*off)(Model&);
  std::vector<std::size_t> left;
};

const SwitchedOff kSwitchedOff[] = {
    {"sbp",  // units 2 of the first layer and 0 and 3 of the second
     [](Model& m) {
       for (const char* layer : {"linear1", "linear2", "linear3"}) {
         set(m, std::string(layer) + ".mu", -0.5f);
       }
       set(m, "linear1.log_sigma", -3, {2}, 3);
       set(m, "linear2.log_sigma", -3, {0, 3}, 3);
       set(m, "linear3.log_sigma", -3);
     },
     {7, 5, 3}},
    {"sbp:place=input",  // inputs 1 and 5, unit 0 of the second layer
     [](Model& m) {
       for (const char* layer : {"linear1", "linear2", "linear3"}) {
         set(m, std::string(layer) + ".mu", -0.5f);
       }
       set(m, "linear1.log_sigma", -3, {1, 5}, 3);
       set(m, "linear2.log_sigma", -3);
       set(m, "linear3.log_sigma", -3, {0}, 3);
     },
     {5, 6, 4}},
    {"l0",  // input 1, unit 4 of the first layer
     [](Model& m) {
       set(m, "linear1.log_alpha", 2, {1}, -4);
       set(m, "linear2.log_alpha", 2, {4}, -4);
       set(m, "linear3.log_alpha", 2);
     },
     {6, 5, 5}},
    {"gnj:threshold=0",  // inputs 0 and 6, unit 1 of the second layer
     [](Model& m) {
       for (const char* layer : {"linear1", "linear2", "linear3"}) {
         set(m, std::string(layer) + ".scale", 0.9f);
       }
       set(m, "linear1.scale_log_var", -9, {0, 6}, 1);
       set(m, "linear2.scale_log_var", -9);
       set(m, "linear3.scale_log_var", -9, {1}, 1);
     },
     {5, 6, 4}},
    {"gsm:group=row,off=0.001",  // unit 3 of the first layer, by what leaves it
     [](Model& m) {
       for (const char* layer : {"linear1", "linear2", "linear3"}) {
         set(m, std::string(layer) + ".log_sigma2", -20);
       }
       clear_input(m, "linear2", 3, 6);
       set(m, "linear2.log_sigma2", -20);
     },
     {7, 5, 5}},
    {"gsm:group=filter,off=0.001",  // unit 2 of the first layer, by what enters it
     [](Model& m) {
       for (const char* layer : {"linear1", "linear2", "linear3"}) {
         set(m, std::string(layer) + ".log_sigma2", -20);
       }
       clear_unit(m, "linear1", 2);
     },
     {7, 5, 5}},
    {"svdo",  // unit 5 of the first layer, weight by weight
     [](Model& m) {
       for (const char* layer : {"linear2", "linear3"}) {
         set(m, std::string(layer) + ".log_sigma2", -20);
       }
       set(m, "linear1.log_sigma2", -20, {35, 36, 37, 38, 39, 40, 41}, 5);
     },
     {7, 5, 5}}};

/// Whatever switches units off: the network made plain and smaller has none of them, and says the same.
TEST(Left, UnitsThatAMethodSwitchesOffAreNotThere) {
  for (const SwitchedOff& of : kSwitchedOff) {
    Model m = filled_model(made("mlp:6-5", table_problem(), {of.method}));
    of.off(m);
    const Shrunk small = shrink(plain(m));
    EXPECT_EQ(left_of(small.model).sizes, of.left) << of.method;
    expect_same(outputs(m, 6), outputs(small.model, 6));
  }
}

/// Noise on what convolutions take is noise of channels; behind flatten, of single numbers.
TEST(Left, ChannelsThatNoiseOnInputsSwitchesOffAreNotThere) {
  Model m =
      filled_model(made("lenet5", {{1, 20, 20}, Task::classification, 3}, {"sbp:place=input"}));
  for (const char* layer : {"conv1", "conv2", "linear1", "linear2"}) {
    set(m, std::string(layer) + ".mu", -0.5f);
    set(m, std::string(layer) + ".log_sigma", -3);
  }
  set(m, "conv2.log_sigma", -3, {3, 18}, 3);
  set(m, "linear1.log_sigma", -3, {7, 30, 199}, 3);
  const Shrunk small = shrink(plain(m));
  const Left left = left_of(small.model);
  EXPECT_THAT(left.sizes, ElementsAre(18, 50, 197, 500));
  EXPECT_EQ(left.weights, 18u * 25 + 50 * 18 * 25 + 500 * 197 + 500 * 3);
  expect_same(outputs(m, 3), outputs(small.model, 3));
}

}  // namespace
}  // namespace scalemix::compress
