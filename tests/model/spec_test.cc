#include "scalemix/model/spec.h"

#include <gmock/gmock.h>

#include <limits>
#include <nlohmann/json.hpp>
#include <set>

#include "scalemix/kernel/activation.h"
#include "scalemix/law/any_law.h"
#include "scalemix/model/layer_kind.h"
#include "scalemix/model/noise.h"
#include "tests/model/fixtures.h"

namespace scalemix::model {
namespace {

using nlohmann::json;
using testing::HasSubstr;

json small() {
  return json::parse(R"({
    "input": [1, 8, 8], "task": "classification", "outputs": 3,
    "layers": [
      {"type": "conv2d", "in": 1, "out": 2, "kernel": 3},
      {"type": "relu"},
      {"type": "max_pool", "kernel": 2, "stride": 2},
      {"type": "flatten"},
      {"type": "noise", "law": "bernoulli:p=0.5", "width": 18},
      {"type": "linear", "in": 18, "out": 3}
    ]})");
}

std::string refusal(const json& object) {
  return message_of<std::invalid_argument>([&] { spec_from_json(object); });
}

TEST(Spec, ReadsJsonAndNumbersItsLayers) {
  const Spec spec = spec_from_json(small());
  EXPECT_EQ(spec.input, (Shape{1, 8, 8}));
  EXPECT_EQ(spec.task, Task::classification);
  ASSERT_EQ(spec.layers.size(), 6u);
  EXPECT_EQ(spec.layers[0].name, "conv1");
  EXPECT_EQ(spec.layers[0].site, 1u);
  EXPECT_EQ(spec.layers[5].name, "linear1");
  EXPECT_EQ(spec.layers[5].site, 6u);
}

TEST(Spec, EveryShortFormUnderEveryMethodSurvivesJson) {
  std::size_t made_count = 0, refused = 0;
  for (const Case& form : short_forms()) {
    for (const MethodRow& row : methods()) {
      const std::string word =
          row.name == "additive" ? "additive:normal:scale=0.1" : std::string(row.name);
      Spec spec = architecture(form.word, form.problem);
      try {
        apply_method(spec, word);
      } catch (const std::invalid_argument&) {
        ++refused;  // no such place in this architecture
        continue;
      }
      const json written = to_json(spec);
      EXPECT_EQ(to_json(spec_from_json(written)), written) << form.word << " " << word;
      EXPECT_EQ(json::parse(written.dump()), written) << form.word << " " << word;
      ++made_count;
    }
  }
  // Without a second weight layer: every law and what else stands at units. Without a convolution:
  // spatial and dropblock, which wants images of 3 x 3 besides. Without a residual block:
  // stochastic_depth.
  const std::size_t laws = law::laws().size() - 1;  // normal is no multiplier
  // fast: all but the four forms that are chains of dense layers.
  const std::size_t forms = short_forms().size();
  EXPECT_EQ(refused, 2 * (laws + 10) + 2 * 6 + 3 + 6 + forms - 4);
  EXPECT_EQ(made_count + refused, short_forms().size() * methods().size());
}

TEST(Spec, WritesOnlyTheFieldsThatATypeUses) {
  const json written = to_json(spec_from_json(small()));
  EXPECT_EQ(written["layers"][1], json::parse(R"({"type": "relu", "name": "relu1", "site": 2})"));
  EXPECT_FALSE(written["layers"][0].contains("noise"));
}

TEST(Spec, EveryActivationIsALayerButTheIdentity) {
  std::vector<std::string> layers;
  for (const LayerKind& kind : layer_kinds()) layers.emplace_back(kind.name);
  EXPECT_THAT(layers, testing::Not(testing::Contains("identity")));
  for (const kernel::ActivationRow& row : kernel::activations()) {
    if (row.activation == kernel::Activation::identity) continue;
    const LayerKind& kind = layer_kind(row.name);
    EXPECT_EQ(kind.summary, row.summary);
    EXPECT_EQ(kind.optional.size(), row.of_layer ? 1u : 0u) << row.name;
    Layer layer;
    layer.type = row.name;
    EXPECT_EQ(kind.output(layer, {3, 4, 5}), (Shape{3, 4, 5})) << row.name;
    layer.slope = std::numeric_limits<double>::infinity();
    if (row.of_layer) {
      EXPECT_THROW(kind.output(layer, {3}), std::invalid_argument);
    }
  }
}

TEST(Spec, ErrorsNameThePlaceInTheFile) {
  json bad = small();
  bad["layers"][2]["kernal"] = 2;
  EXPECT_THAT(refusal(bad), HasSubstr("layers[2]: unknown key 'kernal', did you mean 'kernel'?"));
  bad = small();
  bad["layers"][1]["type"] = "rleu";
  EXPECT_THAT(refusal(bad),
              HasSubstr("layers[1].type: unknown layer type 'rleu', did you mean 'relu'?"));
  bad = small();
  bad["layers"][0]["out"] = "two";
  EXPECT_THAT(refusal(bad), HasSubstr("layers[0].out: expected a whole number, got string"));
  bad = small();
  bad["layers"][5].erase("in");
  EXPECT_THAT(refusal(bad), HasSubstr("layers[5].in: missing"));
  bad = small();
  bad["layers"][4]["at"] = "chanel";
  EXPECT_THAT(refusal(bad), HasSubstr("layers[4].at: must be one of unit, channel, layer"));
  bad = small();
  bad["task"] = 3;
  EXPECT_THAT(refusal(bad), HasSubstr("task: expected a text, got number"));
  bad = small();
  bad.erase("input");
  EXPECT_THAT(refusal(bad), HasSubstr("input: missing"));
}

TEST(Spec, ShapesThatDoNotFitAreRefusedWithPlaceNameAndNumbers) {
  json bad = small();
  bad["layers"][5]["in"] = 19;
  EXPECT_THAT(refusal(bad), HasSubstr("layers[5]: linear1: expected 19 inputs, got 18"));
  bad = small();
  bad["layers"][4]["width"] = 17;
  EXPECT_THAT(refusal(bad), HasSubstr("layers[4]: noise1: expected width 18"));
  bad = small();
  bad["outputs"] = 4;
  EXPECT_THAT(refusal(bad), HasSubstr("the network gives (3), expected (4)"));
  bad = small();
  bad["layers"].erase(3);
  bad["layers"].erase(3);
  EXPECT_THAT(refusal(bad), HasSubstr("put flatten before it"));
  bad = small();
  bad["layers"][4]["law"] = "bernouli";
  EXPECT_THAT(refusal(bad), HasSubstr("layers[4]: noise1: law: "));
  bad = small();
  bad["layers"][4]["law"] = "bernoulli:p=1";
  EXPECT_THAT(refusal(bad), HasSubstr("layers[4]: noise1: law: "));
}

TEST(Spec, PlacesInsideBranchesAreNamed) {
  json bad = json::parse(R"({
    "input": [4], "task": "regression", "outputs": 4,
    "layers": [{"type": "residual", "branch": [
      {"type": "relu"}, {"type": "linear", "in": 5, "out": 4}]}]})");
  EXPECT_THAT(refusal(bad), HasSubstr("layers[0].branch[1]: linear1: expected 5 inputs, got 4"));
  bad["layers"][0]["branch"][1]["in"] = 4;
  bad["layers"][0]["branch"][1]["out"] = 3;
  EXPECT_THAT(refusal(bad), HasSubstr("layers[0]: block1: the branch gives (3), the shortcut (4)"));
}

TEST(Spec, NumbersThatWouldOverflowAreRefused) {
  for (const char* value : {"-1", "2147483648", "18446744073709551615", "1e3", "4.5", "true"}) {
    json bad = small();
    bad["layers"][5]["out"] = json::parse(value);
    EXPECT_THAT(refusal(bad), HasSubstr("layers[5].out: expected")) << value;
  }
  json bad = small();
  bad["input"] = {2147483647, 2147483647, 2147483647};
  EXPECT_THAT(refusal(bad), HasSubstr("2^31 numbers or more"));
  bad = small();
  bad["layers"][5]["out"] = 2147483647;
  EXPECT_THAT(refusal(bad), HasSubstr("layers[5]: 2^31 numbers or more"));
}

json nested(std::size_t depth) {
  json layer{{"type", "relu"}};
  for (std::size_t d = 0; d < depth; ++d) {
    layer = {{"type", "residual"}, {"branch", json::array({layer})}};
  }
  return {{"input", {2}}, {"task", "regression"}, {"outputs", 2}, {"layers", json::array({layer})}};
}

TEST(Spec, NestingIsBounded) {
  EXPECT_EQ(spec_from_json(nested(63)).layers.size(), 1u);
  EXPECT_THAT(refusal(nested(64)), HasSubstr("nested more than 64 deep"));
  EXPECT_THAT(refusal(nested(500)), HasSubstr("nested more than 64 deep"));
}

TEST(Spec, NamesAndSitesMustBeUnique) {
  json bad = small();
  bad["layers"][1]["name"] = "conv1";
  bad["layers"][0]["name"] = "conv1";
  EXPECT_THAT(refusal(bad), HasSubstr("layers[1]: the name 'conv1' is taken"));
  bad = small();
  bad["layers"][0]["site"] = 4;
  bad["layers"][1]["site"] = 4;
  EXPECT_THAT(refusal(bad), HasSubstr("site 4 is another layer's"));
  bad["layers"][1]["site"] = 1u << 28;
  EXPECT_THAT(refusal(bad), HasSubstr("site must be below 2^27"));
  bad = small();
  bad["layers"][0]["name"] = "a.b";
  EXPECT_THAT(refusal(bad), HasSubstr("got 'a.b'"));
}

TEST(Spec, NumberingKeepsWhatIsThere) {
  Spec spec = spec_from_json(small());
  Layer extra;
  extra.type = "tanh";
  spec.layers.insert(spec.layers.begin() + 2, extra);
  spec.number();
  EXPECT_EQ(spec.layers[2].site, 7u);
  EXPECT_EQ(spec.layers[2].name, "tanh1");
  EXPECT_EQ(spec.layers[3].site, 3u);
}

TEST(Spec, ALayerDrawsOneKindOfNoiseAtMost) {
  json bad = small();
  bad["layers"][5]["noise"] =
      json::parse(R"([{"kind": "dropconnect", "law": "bernoulli:p=0.5"}, {"kind": "svdo"}])");
  EXPECT_THAT(refusal(bad), HasSubstr("cannot have both dropconnect:bernoulli:p=0.5 and svdo"));
  bad["layers"][5]["noise"] = json::parse(R"([{"kind": "svod"}])");
  EXPECT_THAT(refusal(bad), HasSubstr("unknown noise 'svod', did you mean 'svdo'?"));
  bad["layers"][5]["noise"] = json::parse(R"([{"kind": "svdo", "treshold": 3}])");
  EXPECT_THAT(refusal(bad), HasSubstr("unknown key 'treshold', did you mean 'threshold'?"));
  bad["layers"][5]["noise"] = json::parse(R"([{"kind": "svdo", "threshold": 9}])");
  EXPECT_THAT(refusal(bad), HasSubstr("threshold must be in [-8, 8], got 9"));
  bad["layers"][5]["noise"] = json::parse(R"([{"kind": "dropconnect"}])");
  EXPECT_THAT(refusal(bad), HasSubstr("dropconnect takes a law"));
  bad["layers"][5]["noise"] = json::parse(R"([{"kind": "svdo", "law": "poisson"}])");
  EXPECT_THAT(refusal(bad), HasSubstr("svdo takes no law"));
  bad = small();
  bad["layers"][4]["law"] = nullptr;
  bad["layers"][4].erase("law");
  bad["layers"][4]["noise"] = json::parse(R"([{"kind": "svdo"}])");
  EXPECT_THAT(refusal(bad), HasSubstr("svdo needs a layer with weights"));
}

TEST(Spec, ReadsTheNoiseOfFormat1) {
  json old = small();
  old["layers"][5]["posterior"] = "svdo";
  old["layers"][5]["threshold"] = 2.5;
  old["layers"][5]["init_log_sigma2"] = -8;
  const Layer svdo = spec_from_json(old).layers[5];
  ASSERT_EQ(svdo.noise.size(), 1u);
  EXPECT_EQ(svdo.noise[0], (Noise{"svdo", "", {2.5, -8, 0, 0}}));
  old = small();
  old["layers"][5]["weight_law"] = "bernoulli:p=0.5";
  EXPECT_EQ(spec_from_json(old).layers[5].noise.at(0), noise_of("dropconnect", "bernoulli:p=0.5"));
  old["layers"][5]["posterior"] = "svdo";
  EXPECT_THAT(refusal(old), HasSubstr("cannot have both"));
  old["layers"][5].erase("weight_law");
  old["layers"][5]["posterior"] = "vdo";
  EXPECT_THAT(refusal(old), HasSubstr("posterior: expected svdo, got 'vdo'"));
}

TEST(Spec, ColumnsLeftInAShrunkLayerMustRiseBelowTheWidth) {
  json shrunk = small();
  shrunk["layers"][4]["width"] = 100;
  EXPECT_THAT(refusal(shrunk), HasSubstr("expected width 18"));
  std::vector<int> columns(18);
  for (int i = 0; i < 18; ++i) columns[static_cast<std::size_t>(i)] = 5 * i;
  shrunk["layers"][4]["columns"] = columns;
  EXPECT_EQ(spec_from_json(shrunk).layers[4].columns[17], 85);
  columns[17] = 100;
  shrunk["layers"][4]["columns"] = columns;
  EXPECT_THAT(refusal(shrunk), HasSubstr("stay below the width 100, got 100"));
  columns[17] = columns[16];
  shrunk["layers"][4]["columns"] = columns;
  EXPECT_THAT(refusal(shrunk), HasSubstr("got 80 after 80"));
  columns.pop_back();
  shrunk["layers"][4]["columns"] = columns;
  EXPECT_THAT(refusal(shrunk), HasSubstr("expected 18 column numbers, got 17"));
}

TEST(Spec, TensorsHaveTheStatedShapesAndStarts) {
  Layer conv;
  conv.type = "conv2d";
  conv.in = 3, conv.out = 5, conv.kernel = 2;
  conv.noise = {noise_of("svdo")};
  std::vector<std::string> got;
  for (const LayerTensor& p : tensors(conv)) got.push_back(p.name + shape_text(p.shape));
  EXPECT_EQ(got,
            (std::vector<std::string>{"weight(5, 3, 2, 2)", "bias(5)", "log_sigma2(5, 3, 2, 2)"}));
  Layer norm;
  norm.type = "batch_norm";
  norm.in = 4;
  EXPECT_TRUE(tensors(conv)[0].decays);
  EXPECT_FALSE(tensors(conv)[1].decays);
  EXPECT_EQ(tensors(conv)[2].initial, -10);
  const std::vector<LayerTensor> of_norm = tensors(norm);
  ASSERT_EQ(of_norm.size(), 4u);
  EXPECT_TRUE(of_norm[1].trained);
  EXPECT_FALSE(of_norm[2].trained);
  EXPECT_EQ(of_norm[0].initial, 1);
  EXPECT_EQ(of_norm[3].initial, 1);
  EXPECT_FALSE(of_norm[0].decays);
}

TEST(Spec, LayersAreVisitedInExecutionOrderWithTheirInputShapes) {
  const Spec spec = made("resmlp:6x1", table_problem());
  std::vector<std::string> got;
  for_each_layer(spec, [&](const Layer& layer, const Shape& shape) {
    got.push_back(layer.name + shape_text(shape));
  });
  EXPECT_EQ(got, (std::vector<std::string>{"linear1(7)", "block1(6)", "relu1(6)", "linear2(6)",
                                           "relu2(6)", "linear3(6)", "relu3(6)", "linear4(6)"}));
}

TEST(Spec, EveryKindOfTheTableReadsBackWhatItWrites) {
  for (const LayerKind& kind : layer_kinds()) {
    json layer{{"type", kind.name}};
    for (const std::string_view key : kind.required) {
      layer[std::string(key)] = key == "branch" ? json::array({{{"type", "relu"}}})
                                                : json(key == "kernel" || key == "stride" ? 1 : 2);
    }
    if (kind.name == "noise") {
      layer["at"] = "channel";
      layer["law"] = "gaussian:alpha=0.25";
    }
    json layers = json::array({layer});
    if (kind.name == "linear") layers.insert(layers.begin(), json{{"type", "flatten"}});
    const bool moments = kind.family == Family::moments;
    if (moments) {
      const json noise = {{"kind", "fast"}, {"p", 0.5}};
      layers = json::array({{{"type", "flatten"}},
                            {{"type", "linear"}, {"in", 2}, {"out", 2}, {"noise", {noise}}},
                            layer});
    }
    if (kind.name != "linear" && kind.name != "flatten" && !moments)
      layers.push_back({{"type", "flatten"}});
    const std::size_t outputs = 2;
    const json spec{{"input", {2, 1, 1}},        {"task", "regression"},     {"outputs", outputs},
                    {"architecture", "by hand"}, {"methods", json::array()}, {"layers", layers}};
    const json written = to_json(spec_from_json(spec));
    EXPECT_EQ(to_json(spec_from_json(written)), written) << kind.name;
  }
}

}  // namespace
}  // namespace scalemix::model
