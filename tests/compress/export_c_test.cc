// The C file, compiled by the machine's C compiler, gives the predictor's answers.

#include "scalemix/compress/export_c.h"

#include <nlohmann/json.hpp>

#include "scalemix/base/error.h"
#include "scalemix/compress/prune.h"
#include "scalemix/compress/shrink.h"
#include "scalemix/kernel/activation.h"
#include "tests/compress/compiled.h"
#include "tests/compress/fixtures.h"

namespace scalemix::compress {
namespace {

using ::testing::HasSubstr;

void expect_same_answers(const Model& m, std::vector<float> x, std::size_t rows) {
  const predict::Predictor predictor(m);
  predict::Context context(predictor);
  const predict::Prediction p = predict::predict(context, x, rows);
  Compiled c(m);
  const std::vector<float> y = c(x, rows, predictor.outputs());
  ASSERT_EQ(y.size(), p.mean.size());
  for (std::size_t i = 0; i < y.size(); ++i) {
    ASSERT_NEAR(y[i], p.mean[i], 2e-5 * (1 + std::abs(p.mean[i]))) << i;
  }
}

Model with_units(Model m) {
  Preprocessing& p = m.preprocessing;
  const std::size_t k = elements(m.spec.input);
  p.mean = values(k, 41);
  p.scale = values(k, 42, 0.5, 2);
  p.target_mean = 7;
  p.target_scale = 3;
  return m;
}

TEST(ExportC, EveryArchitectureGivesThePredictorsAnswers) {
  for (const Case& c : short_forms()) {
    SCOPED_TRACE(c.word);
    const Model m = filled_model(made(c.word, c.problem, {}));
    expect_same_answers(m, values(3 * elements(c.problem.input), 5, -2, 2), 3);
  }
}

TEST(ExportC, EveryActivation) {
  for (const auto& row : scalemix::kernel::activations()) {
    if (row.name == "identity") continue;
    SCOPED_TRACE(row.name);
    const std::string word = "mlp:9-8," + std::string(row.name);
    const Model m = with_units(filled_model(made(word, table_problem(), {})));
    std::vector<float> x = values(4 * 7, 5, -3, 3);
    x[5] = NAN;  // missing
    expect_same_answers(m, x, 4);
  }
}

TEST(ExportC, EveryLayerKind) {
  const char* layers[] = {
      R"({"type": "conv2d", "in": 2, "out": 3, "kernel": 3, "stride": 2, "padding": 1}, {"type": "flatten"})",
      R"({"type": "batch_norm", "in": 2, "eps": 0.1}, {"type": "flatten"})",
      R"({"type": "layer_norm", "in": 60}, {"type": "flatten"})",
      R"({"type": "max_pool", "kernel": 3, "stride": 2, "padding": 1}, {"type": "flatten"})",
      R"({"type": "avg_pool", "kernel": 2, "stride": 1, "padding": 1}, {"type": "flatten"})",
      R"({"type": "avg_pool", "kernel": 0, "stride": 1}, {"type": "flatten"})",
      R"({"type": "max_pool", "kernel": 0, "stride": 1}, {"type": "flatten"})",
      R"({"type": "residual", "branch": [{"type": "tanh"}, {"type": "conv2d", "in": 2, "out": 2,
          "kernel": 3, "padding": 1}]}, {"type": "flatten"})",
      R"({"type": "noise", "law": "rayleigh", "at": "unit", "width": 60}, {"type": "flatten"})",
      R"({"type": "noise", "law": "poisson:rate=2", "mode": "add", "at": "channel", "width": 2},
          {"type": "flatten"})"};
  for (const char* text : layers) {
    SCOPED_TRACE(text);
    for (std::size_t outputs = 1; outputs < 200; ++outputs) {
      nlohmann::json spec{{"input", {2, 6, 5}},
                          {"task", "regression"},
                          {"outputs", outputs},
                          {"layers", nlohmann::json::parse("[" + std::string(text) + "]")}};
      try {
        expect_same_answers(filled_model(spec_from_json(spec)), values(3 * 60, 5, -2, 2), 3);
        break;
      } catch (const std::invalid_argument&) {  // another number of outputs
        ASSERT_LT(outputs, 199u);
      }
    }
  }
}

TEST(ExportC, PrunedShrunkAndNoisyNetworks) {
  for (const char* method :
       {"none", "bernoulli:p=0.3", "svdo", "sbp", "concrete", "dropconnect:p=0.2"}) {
    SCOPED_TRACE(method);
    const Model m = filled_model(made("mlp:30-20", table_problem(), {method}));
    expect_same_answers(m, values(3 * 7, 5, -2, 2), 3);
    const Model pruned = shrink(Pruner(m, weights_of(m), {}).at_sparsity(0.9)).model;
    EXPECT_THAT(export_c(pruned, "net").source, HasSubstr("sparse("));
    expect_same_answers(pruned, values(3 * 7, 5, -2, 2), 3);
  }
}

TEST(ExportC, RefusesInWords) {
  const Model m = filled_model(made("mlp:3", table_problem(), {}));
  EXPECT_THAT(message_of<ConfigError>([&] { export_c(m, "1net"); }), HasSubstr("is no name in C"));
  EXPECT_THAT(message_of<ConfigError>([&] { export_c(m, "a-b"); }), HasSubstr("is no name in C"));
  const Model fast = filled_model(made("mlp:3", table_problem(), {"fast:p=0.2"}));
  EXPECT_THROW(export_c(fast, "net"), ConfigError);
}

}  // namespace
}  // namespace scalemix::compress
