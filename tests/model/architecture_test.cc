#include "scalemix/model/architecture.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "scalemix/base/error.h"
#include "scalemix/model/layer_kind.h"
#include "tests/model/fixtures.h"

namespace scalemix::model {
namespace {

using testing::HasSubstr;

std::size_t weights(const Spec& spec) {
  std::size_t count = 0;
  for_each_layer(spec, [&](const Layer& layer, const Shape&) {
    if (!has_weights(layer)) return;
    count += elements(tensors(layer)[0].shape);
  });
  return count;
}

std::size_t weight_layers(const Spec& spec) {
  std::size_t count = 0;
  for_each_layer(spec, [&](const Layer& layer, const Shape&) { count += has_weights(layer); });
  return count;
}

const Problem kDigits{{1, 28, 28}, Task::classification, 10};
const Problem kCifar{{3, 32, 32}, Task::classification, 10};

TEST(Architecture, HasThePublishedNumbersOfWeights) {
  EXPECT_EQ(weights(architecture("mlp:300-100", kDigits)), 266200u);
  EXPECT_EQ(weights(architecture("lenet5", kDigits)), 430500u);
}

TEST(Architecture, ResnetHas6NPlus2WeightLayersOutsideItsShortcuts) {
  for (const std::size_t n : {1, 3}) {
    const Spec spec = architecture("resnet:" + std::to_string(n), kCifar);
    EXPECT_EQ(weight_layers(spec), 6 * n + 2 + 2);
  }
}

TEST(Architecture, VggHasThirteenConvolutionsAndTwoLinearLayers) {
  EXPECT_EQ(weight_layers(architecture("vgg", kCifar)), 15u);
  const Spec half = architecture("vgg:0.5", kCifar);
  EXPECT_EQ(half.layers[0].out, 32u);
  EXPECT_EQ(half.layers[1].eps, 1e-3);
  EXPECT_FALSE(half.layers[0].bias);
}

TEST(Architecture, PlainLinearModelIsOneLayer) {
  for (const char* word : {"linear", "mlp"}) {
    const Spec spec = architecture(word, table_problem());
    ASSERT_EQ(spec.layers.size(), 1u);
    EXPECT_EQ(spec.layers[0].in, 7u);
    EXPECT_EQ(spec.layers[0].out, 2u);
  }
}

TEST(Architecture, MlpRepeatsWidthsAndTakesAnActivation) {
  const Spec spec = architecture("mlp:7x3-5,tanh", kDigits);
  std::vector<std::string> types;
  std::vector<std::size_t> widths;
  for (const Layer& layer : spec.layers) {
    types.push_back(layer.type);
    if (layer.type == "linear") widths.push_back(layer.out);
  }
  EXPECT_EQ(widths, (std::vector<std::size_t>{7, 7, 7, 5, kDigits.outputs}));
  EXPECT_EQ(types[2], "tanh");
  EXPECT_EQ(types.size(), 10u);  // a flatten in front
  for (const char* bad : {"mlp:7x", "mlp:x3", "mlp:7x0", "mlp:7x20000", "mlp:7,tan", "mlp:7x3x2"}) {
    EXPECT_THROW(architecture(bad, kDigits), ConfigError) << bad;
  }
}

TEST(Architecture, MlpFlattensImages) {
  const Spec spec = architecture("mlp:5", kDigits);
  EXPECT_EQ(spec.layers[0].type, "flatten");
  EXPECT_EQ(spec.layers[1].in, 784u);
}

TEST(Architecture, EveryExampleOfTheTableIsValid) {
  for (const ArchitectureRow& row : architectures()) {
    const Spec spec = architecture(row.example, kCifar);
    EXPECT_EQ(spec.architecture, row.example);
    for_each_layer(spec, [&](const Layer& layer, const Shape&) { EXPECT_GT(layer.site, 0u); });
  }
}

TEST(Architecture, BadWordsSayWhatWasExpected) {
  const auto refusal = [](const std::string& word) {
    return message_of<ConfigError>([&] { architecture(word, kDigits); });
  };
  EXPECT_THAT(refusal("lenet"),
              HasSubstr("unknown architecture 'lenet', did you mean 'lenet5'? (known: "));
  EXPECT_THAT(refusal("net.jsn"), HasSubstr("resnet, FILE.json, FILE.safetensors)"));
  EXPECT_THAT(refusal("mlp:"), HasSubstr("mlp: expected something after ':'"));
  EXPECT_THAT(refusal("mlp:9,rleu"),
              HasSubstr("mlp: unknown activation 'rleu', did you mean 'relu'? (known: "));
  EXPECT_THAT(refusal("mlp:300-"),
              HasSubstr("mlp: expected a whole number in [1, 1000000], got ''"));
  EXPECT_THAT(refusal("mlp:0"), HasSubstr("got '0'"));
  EXPECT_THAT(refusal("mlp:-5"), HasSubstr("got ''"));
  EXPECT_THAT(refusal("mlp:99999999999999999999"), HasSubstr("mlp: expected"));
  EXPECT_THAT(refusal("resmlp:50"), HasSubstr("expected WIDTHxBLOCKS"));
  EXPECT_THAT(refusal("lenet5:2"), HasSubstr("takes no argument"));
  EXPECT_THAT(refusal("resnet"), HasSubstr("resnet: expected a whole number"));
  const auto vgg = [](const std::string& word) {
    return message_of<ConfigError>([&] { architecture(word, kCifar); });
  };
  EXPECT_THAT(vgg("vgg:half"), HasSubstr("vgg: scale must be a number"));
  EXPECT_THAT(message_of<std::domain_error>([] { architecture("vgg:nan", kCifar); }),
              HasSubstr("vgg: scale must be in (0, 128], got nan"));
  EXPECT_THAT(vgg("vgg:0.001"), HasSubstr("expected a scale"));
}

TEST(Architecture, DataThatDoesNotFitIsRefused) {
  const auto refusal = [](const std::string& word, const Problem& problem) {
    return message_of<std::invalid_argument>([&] { architecture(word, problem); });
  };
  EXPECT_THAT(refusal("lenet5", table_problem()),
              HasSubstr("needs images (C, H, W), got rows of 7"));
  EXPECT_THAT(refusal("lenet5", {{1, 15, 28}, Task::classification, 2}),
              HasSubstr("at least 16 x 16"));
  EXPECT_THAT(refusal("vgg", kDigits), HasSubstr("at least 32 x 32, got 28 x 28"));
  EXPECT_THAT(refusal("mlp", {{7}, Task::classification, 1}),
              HasSubstr("outputs: expected at least 2"));
  EXPECT_THAT(refusal("mlp", {{}, Task::regression, 1}), HasSubstr("input: expected"));
}

TEST(Architecture, AFileMayLeaveOpenWhatTheDataSays) {
  const Folder folder;
  const std::string path = folder.file("net.json");
  write_bytes(path,
              R"({"layers": [{"type": "linear", "out": 9}, {"type": "batch_norm"}, {"type": "tanh"},
    {"type": "noise", "law": "gaussian:alpha=0.5"}, {"type": "linear"}]})");
  const Spec spec = architecture(path, table_problem());
  EXPECT_EQ(spec.architecture, path);
  EXPECT_EQ(spec.layers[0].in, 7u);
  EXPECT_EQ(spec.layers[1].in, 9u);
  EXPECT_EQ(spec.layers[3].width, 9u);
  EXPECT_EQ(spec.layers[4].in, 9u);
  EXPECT_EQ(spec.layers[4].out, 2u);
}

TEST(Architecture, ASpecWrittenOutIsReadBackAsItWas) {
  const Folder folder;
  for (const Case& form : short_forms()) {
    const Spec spec = architecture(form.word, form.problem);
    const std::string path = folder.file("net.json");
    write_bytes(path, to_json(spec).dump());
    EXPECT_EQ(to_json(architecture(path, form.problem)), to_json(spec)) << form.word;
  }
}

TEST(Architecture, BadFilesAreRefusedByName) {
  const Folder folder;
  const std::string path = folder.file("net.json");
  const auto refusal = [&](const std::string& text) {
    write_bytes(path, text);
    return message_of<DataError>([&] { architecture(path, table_problem()); });
  };
  EXPECT_THAT(refusal("{\"layers\": ["), HasSubstr("net.json: not JSON"));
  EXPECT_THAT(refusal("{}"), HasSubstr("net.json: layers: missing"));
  EXPECT_THAT(refusal(R"({"input": [8], "layers": []})"), HasSubstr("made for input (8)"));
  EXPECT_THAT(refusal(R"({"layers": [{"type": "linear", "in": 3}]})"),
              HasSubstr("linear: expected 3 inputs, got 7"));
  const auto absent = [&] { architecture(folder.file("none.json"), table_problem()); };
  EXPECT_THAT(message_of<FileError>(absent), HasSubstr("none.json: no such file"));
  std::filesystem::create_directory(folder.file("folder.json"));
  EXPECT_THROW(architecture(folder.file("folder.json"), table_problem()), FileError);
}

}  // namespace
}  // namespace scalemix::model
