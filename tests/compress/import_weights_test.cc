// PyTorch state dicts as models: by our names, in order, by given names; and what is refused.

#include <cstring>

#include "scalemix/base/error.h"
#include "scalemix/compress/import_weights.h"
#include "scalemix/compress/module_names.h"
#include "tests/compress/fixtures.h"

namespace scalemix::compress {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

using Names = std::map<std::string, std::string>;

/// The tensors of a model, under these names instead of its layers'.
Container state_dict(const Model& m, const Names& modules) {
  Container out;
  for (const auto& [layer, module] : modules) {
    const std::size_t before = out.tensors.size();
    for (const auto& [name, tensor] : m.tensors) {
      const std::size_t dot = name.rfind('.');
      if (name.substr(0, dot) == layer) out.tensors[module + name.substr(dot)] = tensor;
    }
    EXPECT_GT(out.tensors.size(), before) << layer;
  }
  return out;
}

Model read(const Container& weights, const Spec& spec, const Names& names = {}) {
  return import_weights(weights, "w.safetensors", spec, names).model;
}

void expect_same_tensors(const Model& a, const Model& b) {
  ASSERT_EQ(a.tensors.size(), b.tensors.size());
  for (const auto& [name, tensor] : a.tensors) {
    if (name == "output.log_precision") continue;
    EXPECT_EQ(tensor.floats(), b.tensors.at(name).floats()) << name;
  }
}

Model mlp_model() { return filled_model(made("mlp:6-5", table_problem())); }

TEST(ImportWeights, EveryArchitectureByItsOwnNames) {
  for (const Case& c : short_forms()) {
    SCOPED_TRACE(c.word);
    const Model m = filled_model(made(c.word, c.problem));
    const Model got = read({.tensors = m.tensors, .metadata = {}}, m.spec);
    expect_same_tensors(m, got);
    if (c.problem.task == Task::regression) {
      EXPECT_EQ(got.tensors.at("output.log_precision").floats(),
                m.tensors.at("output.log_precision").floats());
    }
  }
}

TEST(ImportWeights, ModulesInNaturalOrder) {
  const Model m = mlp_model();
  const Container weights =
      state_dict(m, {{"linear1", "net.2"}, {"linear2", "net.10"}, {"linear3", "net.11"}});
  const Model got = read(weights, m.spec);
  expect_same_tensors(m, got);
  EXPECT_THAT(got.tensors.at("output.log_precision").floats(), ElementsAre(0, 0));
}

TEST(ImportWeights, ModulesOfAKindAreAListOfTheirOwn) {
  // As torchvision names a residual network: bn1 comes before conv1, fc before layer1.
  const Problem problem{{1, 8, 8}, Task::classification, 3};
  const Model m = filled_model(made("resnet:1", problem));
  const Names names{{"conv1", "conv1"},
                    {"bn1", "bn1"},
                    {"conv2", "layer1.0.conv1"},
                    {"bn2", "layer1.0.bn1"},
                    {"conv3", "layer1.0.conv2"},
                    {"bn3", "layer1.0.bn2"},
                    {"conv4", "layer2.0.conv1"},
                    {"bn4", "layer2.0.bn1"},
                    {"conv5", "layer2.0.conv2"},
                    {"bn5", "layer2.0.bn2"},
                    {"conv6", "layer2.0.downsample.0"},
                    {"bn6", "layer2.0.downsample.1"},
                    {"conv7", "layer3.0.conv1"},
                    {"bn7", "layer3.0.bn1"},
                    {"conv8", "layer3.0.conv2"},
                    {"bn8", "layer3.0.bn2"},
                    {"conv9", "layer3.0.downsample.0"},
                    {"bn9", "layer3.0.downsample.1"},
                    {"linear1", "fc"}};
  Container weights = state_dict(m, names);
  weights.tensors["bn1.num_batches_tracked"] = Tensor::of({}, std::vector<std::int64_t>{7});
  expect_same_tensors(m, read(weights, m.spec));
}

TEST(ImportWeights, GivenNamesComeFirst) {
  const Model m = filled_model(made("mlp:6-6", {{6}, Task::regression, 6}));
  const Container weights =
      state_dict(m, {{"linear1", "last"}, {"linear2", "first"}, {"linear3", "middle"}});
  expect_same_tensors(m, read(weights, m.spec, {{"last", "linear1"}, {"first", "linear2"}}));
  EXPECT_NE(read(weights, m.spec).tensors.at("linear1.weight").floats(),
            m.tensors.at("linear1.weight").floats());
  // One name is enough; the others keep their order.
  expect_same_tensors(m, read(weights, m.spec, {{"last", "linear1"}}));
}

TEST(ImportWeights, OtherFloatsAreRounded) {
  const Spec spec = made("linear", {{2}, Task::regression, 1});
  Container weights;
  weights.tensors["fc.weight"] = Tensor::of({1, 2}, std::vector<double>{0.1, -1e-3});
  const auto bias = [&](const char* dtype, std::uint16_t bits) {
    Tensor t{dtype, {1}, std::vector<std::byte>(2)};
    std::memcpy(t.bytes.data(), &bits, 2);
    weights.tensors["fc.bias"] = t;
    return read(weights, spec).tensors.at("linear1.bias").floats()[0];
  };
  EXPECT_EQ(bias("F16", 0x3e00), 1.5f);
  EXPECT_EQ(bias("BF16", 0xc020), -2.5f);
  EXPECT_THAT(read(weights, spec).tensors.at("linear1.weight").floats(), ElementsAre(0.1f, -1e-3f));
  weights.tensors["fc.bias"] = Tensor::of({1}, std::vector<std::int64_t>{3});
  EXPECT_THAT(
      message_of<DataError>([&] { read(weights, spec); }),
      HasSubstr("w.safetensors: tensor 'fc.bias': expected F32, F64, F16 or BF16, got I64"));
}

TEST(ImportWeights, RefusesWithBothSidesAndTheirShapes) {
  const Model m = mlp_model();
  const Container good = state_dict(m, {{"linear1", "a"}, {"linear2", "b"}, {"linear3", "c"}});
  const auto says = [&](const Container& weights, const Names& names = {}) {
    return message_of<DataError>([&] { read(weights, m.spec, names); });
  };
  Container missing = good;
  missing.tensors.erase("c.weight");
  missing.tensors.erase("c.bias");
  EXPECT_THAT(
      says(missing),
      AllOf(HasSubstr("w.safetensors: nothing is left for layer linear3, a linear with weight "
                      "(2, 5), bias (2)"),
            HasSubstr("a: bias (6), weight (6, 7); b: bias (5), weight (5, 6)")));
  Container more = good;
  more.tensors["d.weight"] = Tensor::of({2, 2}, std::vector<float>(4));
  EXPECT_THAT(says(more), AllOf(HasSubstr("'d' (weight (2, 2)) is left over"),
                                HasSubstr("linear1: weight (6, 7), bias (6); linear2:")));
  Container shape = good;
  shape.tensors["b.weight"] = Tensor::of({6, 5}, std::vector<float>(30));
  EXPECT_THAT(says(shape),
              HasSubstr("'b' has bias (5), weight (6, 5), layer linear2 (linear) expects "
                        "weight (5, 6), bias (5)"));
  Container bare = good;
  bare.tensors.erase("b.bias");
  EXPECT_THAT(says(bare), HasSubstr("\"bias\": false"));
  Container extra = good;
  extra.tensors["b.weight_g"] = Tensor::of({5, 1}, std::vector<float>(5));
  EXPECT_THAT(says(extra), HasSubstr("'b' has bias (5), weight (5, 6), weight_g (5, 1), layer "
                                     "linear2 (linear) takes only weight (5, 6), bias (5)"));
  EXPECT_THAT(says({}), HasSubstr("tensors: none"));
  const auto config = [&](const Names& names) {
    return message_of<ConfigError>([&] { read(good, m.spec, names); });
  };
  EXPECT_THAT(config({{"z", "linear1"}}),
              HasSubstr("w.safetensors has no tensors z.*, only of a, b, c"));
  EXPECT_THAT(config({{"a", "conv1"}}),
              HasSubstr("no layer with weights is called conv1, only linear1, linear2, linear3"));
  EXPECT_THAT(config({{"a", "linear1"}, {"b", "linear1"}}), HasSubstr("linear1 is given twice"));
}

TEST(ImportWeights, NamesAsText) {
  EXPECT_EQ(read_names("fc1=linear1,fc2.0=linear2"),
            (Names{{"fc1", "linear1"}, {"fc2.0", "linear2"}}));
  EXPECT_TRUE(read_names("").empty());
  for (const char* bad : {"fc1", "=linear1", "fc1=", "a=b,a=c", "a=b,,c=d"}) {
    EXPECT_THROW(read_names(bad), ConfigError) << bad;
  }
}

TEST(ImportWeights, NaturalOrder) {
  const std::vector<std::string> order{"",
                                       "a",
                                       "a.2",
                                       "a.10",
                                       "a2",
                                       "a2.b",
                                       "a02.c",
                                       "a10",
                                       "b",
                                       "layer1.0.conv1",
                                       "layer1.0.conv2",
                                       "layer1.1.conv1",
                                       "layer10"};
  for (std::size_t i = 0; i < order.size(); ++i) {
    for (std::size_t j = 0; j < order.size(); ++j) {
      EXPECT_EQ(natural_less(order[i], order[j]), i < j) << order[i] << " " << order[j];
    }
  }
  EXPECT_NE(natural_less("a01", "a1"), natural_less("a1", "a01"));
}

TEST(ImportWeights, ClassesAreCounted) {
  const Spec spec = made("linear", {{2}, Task::classification, 2});
  Container weights;
  weights.tensors["0.weight"] = Tensor::of({2, 2}, std::vector<float>(4));
  weights.tensors["0.bias"] = Tensor::of({2}, std::vector<float>(2));
  EXPECT_THAT(
      import_weights(weights, "w", spec, {}, {.classes = {"a", "b"}}).model.preprocessing.classes,
      ElementsAre("a", "b"));
  EXPECT_THAT(
      message_of<DataError>([&] { import_weights(weights, "w", spec, {}, {.classes = {"a"}}); }),
      HasSubstr("class names or one for each of 2, got 1"));
}

}  // namespace
}  // namespace scalemix::compress
