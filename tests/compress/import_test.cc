// What export_onnx writes comes back with the same answers; the task; units.

#include <nlohmann/json.hpp>

#include "scalemix/kernel/activation.h"
#include "tests/compress/import_fixtures.h"

namespace scalemix::compress {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// The model read back, which gives the same answers and the same file.
Model back(const Model& m, bool same_file = true) {
  const std::string bytes = export_onnx(m);
  const Model out = imported(bytes);
  EXPECT_EQ(out.spec.input, m.spec.input);
  EXPECT_EQ(out.spec.task, m.spec.task);
  EXPECT_EQ(out.preprocessing.mean, m.preprocessing.mean);
  EXPECT_EQ(out.preprocessing.scale, m.preprocessing.scale);
  EXPECT_EQ(out.preprocessing.classes, m.preprocessing.classes);
  EXPECT_FLOAT_EQ(out.preprocessing.target_mean, m.preprocessing.target_mean);
  EXPECT_FLOAT_EQ(out.preprocessing.target_scale, m.preprocessing.target_scale);
  EXPECT_FLOAT_EQ(out.preprocessing.calibration.temperature,
                  m.preprocessing.calibration.temperature);
  EXPECT_TRUE(!same_file || export_onnx(out) == bytes) << "another file";
  expect_answers(m, out);
  return out;
}

TEST(ImportOnnx, EveryArchitectureComesBack) {
  for (const Case& c : short_forms()) {
    SCOPED_TRACE(c.word);
    const Model m = filled_model(made(c.word, c.problem));
    EXPECT_EQ(words(back(m).spec.layers), words(m.spec.layers));
    EXPECT_EQ(words(back(with_units(m)).spec.layers), words(m.spec.layers));
  }
}

TEST(ImportOnnx, EveryActivationComesBack) {
  for (const auto& row : scalemix::kernel::activations()) {
    if (row.name == "identity") continue;
    SCOPED_TRACE(row.name);
    Model m = filled_model(made("mlp:9-8," + std::string(row.name), table_problem()));
    m.spec.layers[1].slope = m.spec.layers[3].slope = 0.25;
    const Model out = back(with_units(m));
    EXPECT_EQ(words(out.spec.layers), words(m.spec.layers));
    EXPECT_EQ(out.spec.layers[1].slope, row.of_layer ? 0.25 : Layer().slope);
  }
}

TEST(ImportOnnx, EveryLayerKindComesBack) {
  const char* layers[] = {
      R"({"type": "conv2d", "in": 2, "out": 3, "kernel": 3, "stride": 2, "padding": 1}, {"type": "flatten"})",
      R"({"type": "batch_norm", "in": 2, "eps": 0.1}, {"type": "flatten"})",
      R"({"type": "flatten"}, {"type": "batch_norm", "in": 60, "eps": 0.1})",
      R"({"type": "layer_norm", "in": 60, "eps": 0.1}, {"type": "flatten"})",
      R"({"type": "flatten"}, {"type": "layer_norm", "in": 60})",
      R"({"type": "max_pool", "kernel": 3, "stride": 2, "padding": 1}, {"type": "flatten"})",
      R"({"type": "avg_pool", "kernel": 2, "stride": 1, "padding": 1}, {"type": "flatten"})",
      R"({"type": "avg_pool", "kernel": 0, "stride": 1}, {"type": "flatten"})",
      R"({"type": "max_pool", "kernel": 0, "stride": 1}, {"type": "flatten"})",
      R"({"type": "layer_norm", "in": 60}, {"type": "conv2d", "in": 2, "out": 2, "kernel": 2},
         {"type": "flatten"})",
      R"({"type": "residual", "branch": [{"type": "tanh"}, {"type": "conv2d", "in": 2, "out": 2,
          "kernel": 3, "padding": 1}]}, {"type": "flatten"})",
      R"({"type": "residual", "branch": [{"type": "residual", "branch": [{"type": "tanh"}]},
          {"type": "relu"}], "shortcut": [{"type": "batch_norm", "in": 2}]}, {"type": "flatten"})"};
  for (const char* text : layers) {
    SCOPED_TRACE(text);
    // Something before and behind it, so that no edge of the network takes part in it.
    const auto list = nlohmann::json::parse("[{\"type\": \"tanh\"}, " + std::string(text) +
                                            ", {\"type\": \"elu\"}]");
    for (std::size_t outputs = 1; outputs < 200; ++outputs) {
      const nlohmann::json spec{
          {"input", {2, 6, 5}}, {"task", "regression"}, {"outputs", outputs}, {"layers", list}};
      Model m;
      try {
        m = with_units(filled_model(spec_from_json(spec)));
      } catch (const std::invalid_argument&) {  // another number of outputs
        ASSERT_LT(outputs, 199u);
        continue;
      }
      // A norm stands before flatten, wherever it stood.
      back(m, m.spec.layers[2].type != "layer_norm");
      break;
    }
  }
}

TEST(ImportOnnx, PrunedAndNoisyNetworksComeBackAsTheirDeterministicPass) {
  for (const char* method : {"bernoulli:p=0.3", "svdo", "sbp", "concrete", "rayleigh"}) {
    SCOPED_TRACE(method);
    back(with_units(filled_model(made("mlp:30-20", table_problem(), {method}))));
  }
}

TEST(ImportOnnx, NoiseInputsComeBackAsNoiseLayers) {
  const struct {
    std::string word;
    Problem problem;
    std::string method;
  } cases[] = {{"mlp:6-5", table_problem(), "gaussian:alpha=0.5"},
               {"lenet5", {{1, 24, 24}, Task::classification, 3}, "spatial:bernoulli:p=0.25"},
               {"resmlp:6x3", table_problem(), "stochastic_depth:p=0.5"}};
  for (const auto& c : cases) {
    SCOPED_TRACE(c.method);
    const Model m = filled_model(made(c.word, c.problem, {c.method}));
    const Imported got = import_onnx(export_onnx(m, true), "drawn.onnx");
    EXPECT_EQ(words(got.model.spec.layers), words(m.spec.layers));
    const auto noises = [](const Spec& spec) {
      std::vector<std::tuple<Site, std::size_t, std::string>> out;
      for_each_layer(spec, [&](const Layer& l, const Shape&) {
        if (!l.noise.empty()) out.emplace_back(l.at, l.width, l.noise[0].law);
      });
      return out;
    };
    const auto is = noises(got.model.spec);
    EXPECT_FALSE(is.empty());
    EXPECT_EQ(is, noises(m.spec));
    EXPECT_THAT(got.notes.back(), HasSubstr("noise layers: " + std::to_string(is.size())));
    expect_answers(m, got.model);
  }
}

// ------------------------------------------------------------------------------ the task

TEST(ImportOnnx, TheEndSaysTheTask) {
  const auto net_of = [](const char* end, const ImportOptions& options) {
    Onnx net({2});
    std::string y = net.node("Tanh", {"x"});
    if (*end != 0) y = net.node(end, {y}, Attributes().integer("axis", 1));
    return import_onnx(net.bytes(y), "net.onnx", options);
  };
  EXPECT_EQ(net_of("", {}).model.spec.task, Task::regression);
  EXPECT_THAT(net_of("", {}).notes,
              ElementsAre(HasSubstr("regression: it does not end in Softmax")));
  for (const char* end : {"Softmax", "LogSoftmax"}) {
    const Imported got = net_of(end, {.classes = {"a", "b"}});
    EXPECT_EQ(got.model.spec.task, Task::classification);
    EXPECT_EQ(words(got.model.spec.layers), "tanh");
    EXPECT_THAT(got.model.preprocessing.classes, ElementsAre("a", "b"));
    EXPECT_THAT(got.notes, ElementsAre("taken as classification: it ends in " + std::string(end)));
    const std::vector<float> p = answers(got.model, {1, -1});
    EXPECT_NEAR(p[0], 1 / (1 + std::exp(-2 * std::tanh(1))), 1e-6);
  }
  EXPECT_EQ(net_of("", {.classes = {"a", "b"}}).model.spec.task, Task::classification);
  EXPECT_EQ(net_of("", {.task = Task::classification}).model.spec.task, Task::classification);
  EXPECT_THAT(message_of<DataError>([&] { net_of("Softmax", {.task = Task::regression}); }),
              HasSubstr("node 'Softmax_1' (Softmax): ends the network with probabilities"));
  EXPECT_THAT(message_of<DataError>([&] { net_of("Softmax", {.classes = {"a"}}); }),
              HasSubstr("class names or one for each of 2, got 1"));
}

TEST(ImportOnnx, ARegressionHasPrecisionOneInItsUnits) {
  Onnx net({2});
  std::string y = net.node("Mul", {net.node("Tanh", {"x"}), net.scalar(3)});
  y = net.node("Add", {y, net.scalar(5)});
  const Model m = imported(net.bytes(y));
  EXPECT_EQ(m.preprocessing.target_scale, 3);
  EXPECT_EQ(m.preprocessing.target_mean, 5);
  EXPECT_THAT(m.tensors.at("output.log_precision").floats(), ElementsAre(0, 0));
  const predict::Predictor predictor(m);
  predict::Context context(predictor);
  EXPECT_FLOAT_EQ(predict::predict(context, std::vector<float>(2), 1).aleatoric[0], 9);
}

TEST(ImportOnnx, OpenShapesComeFromTheOptions) {
  Onnx net({-1, 4, 4});
  const std::string bytes = net.bytes(net.node("Flatten", {net.node("GlobalMaxPool", {"x"})}));
  EXPECT_EQ(imported(bytes, {.input = {3, 4, 4}}).spec.input, (Shape{3, 4, 4}));
  EXPECT_THAT(
      message_of<DataError>([&] { imported(bytes); }),
      HasSubstr("net.onnx: input 'x': expected its shape behind the rows, got (-1, -1, 4, 4)"));
  EXPECT_THAT(message_of<DataError>([&] {
                imported(bytes, {.input = {3, 4, 5}});
              }),
              HasSubstr("expected (3, 4, 5) as asked for"));
}

}  // namespace
}  // namespace scalemix::compress
