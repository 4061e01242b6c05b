// The predictor's outputs, deterministic and drawn, are those of a naive network in double.

#include "scalemix/law/any_law.h"
#include "scalemix/model/layer_kind.h"
#include "scalemix/model/method.h"
#include "tests/model/random_spec.h"
#include "tests/predict/fixtures.h"

namespace scalemix::predict {
namespace {

void expect_naive(const Model& model, const std::string& what) {
  const std::size_t rows =
      model.spec.input.size() == 1 ? 3 : 2;  // the plain loops are slow on images
  const std::vector<float> x = values(rows * elements(model.spec.input), 99, -2, 2);
  EXPECT_LT(distance(outputs_of(model, x, rows), naive_outputs(model, x, rows)), 1e-5) << what;
  const PredictOptions options{.samples = 2, .seed = 7, .row0 = 5, .block = rows - 1};
  EXPECT_LT(distance(outputs_of(model, x, rows, options), naive_outputs(model, x, rows, options)),
            1e-5)
      << what << ", Monte-Carlo";
}

TEST(Predictor, EveryLayerKindEqualsThePlainLoops) {
  const std::map<std::string, std::string> image_layers{
      {"linear", R"({"type": "flatten"}, {"type": "linear", "in": 60, "out": 4})"},
      {"conv2d",
       R"({"type": "conv2d", "in": 2, "out": 3, "kernel": 3, "stride": 2, "padding": 1})"},
      {"batch_norm", R"({"type": "batch_norm", "in": 2, "eps": 0.1})"},
      {"leaky_relu", R"({"type": "leaky_relu", "slope": 0.2})"},
      {"layer_norm", R"({"type": "layer_norm", "in": 60})"},
      {"max_pool", R"({"type": "max_pool", "kernel": 3, "stride": 2, "padding": 1})"},
      {"avg_pool", R"({"type": "avg_pool", "kernel": 2, "stride": 1, "padding": 1})"},
      {"residual", R"({"type": "residual",
          "branch": [{"type": "tanh"}, {"type": "residual", "branch": [
            {"type": "conv2d", "in": 2, "out": 2, "kernel": 3, "padding": 1}]}, {"type": "conv2d", "in": 2,
            "out": 3, "kernel": 1}],
          "shortcut": [{"type": "conv2d", "in": 2, "out": 3, "kernel": 1}, {"type": "sine"}]})"},
      {"noise", R"({"type": "noise", "law": "gamma", "at": "channel", "width": 2})"}};
  for (const LayerKind& kind : layer_kinds()) {
    if (kind.family == Family::moments) continue;  // engine/fast_test.cc has theirs
    const auto found = image_layers.find(std::string(kind.name));
    const std::string layer = found != image_layers.end()
                                  ? found->second
                                  : "{\"type\": \"" + std::string(kind.name) + "\"}";
    const std::string end = kind.name == "linear" ? "" : R"(, {"type": "flatten"})";
    const Spec spec = by_hand({2, 6, 5}, ("[" + layer + end + "]").c_str());
    expect_naive(filled_model(spec), std::string(kind.name));
  }
}

TEST(Predictor, NetworksOfRandomStructureEqualThePlainLoops) {
  for (std::uint64_t number = 0; number < 200; ++number) {
    expect_naive(filled_model(RandomSpec(number).make()), "network " + std::to_string(number));
  }
}

/// A law in a weighted layer's own list is a noise layer before it.
TEST(Predictor, ALawOnALayersInputIsANoiseLayerBeforeIt) {
  for (const char* kind : {"multiply", "add"}) {
    const Noise noise = noise_of(kind, "gaussian:alpha=0.3");
    Layer inside = conv2d(2, 3, {3}), before = inside;
    inside.site = 9;
    inside.noise = {noise};
    Layer layer{.type = "noise", .site = 9, .width = 60};
    layer.noise = {noise};
    const Problem problem{{2, 6, 5}, Task::classification, 36};
    Model one = filled_model(chain(problem, {inside, flatten()})),
          two = filled_model(chain(problem, {layer, before, flatten()}));
    two.tensors = one.tensors;
    const std::vector<float> x = values(2 * 60, 5);
    for (const std::size_t samples : {0, 2}) {
      EXPECT_EQ(outputs_of(one, x, 2, {.samples = samples}),
                outputs_of(two, x, 2, {.samples = samples}))
          << kind;
    }
  }
}

TEST(Predictor, ADeterministicPassTakesTheMeanOfALawOrItsMedian) {
  for (const char* noise :
       {R"("law": "half_cauchy:scale=0.5")", R"("law": "half_cauchy:scale=0.5", "mode": "add")",
        R"("law": "gamma", "mode": "add")"}) {
    const std::string layers = std::string(R"([{"type": "noise", "width": 5, )") + noise + "}]";
    expect_naive(filled_model(by_hand({5}, layers.c_str())), noise);
  }
}

TEST(Predictor, PoolsOverWholeChannels) {
  for (const char* type : {"max_pool", "avg_pool"}) {
    const std::string layers = std::string("[{\"type\": \"") + type +
                               R"(", "kernel": 0, "stride": 1}, {"type": "flatten"}])";
    expect_naive(filled_model(by_hand({3, 4, 6}, layers.c_str())), type);
  }
}

TEST(Predictor, EveryShortFormUnderEveryMethodEqualsThePlainLoops) {
  using Lists = std::vector<std::vector<std::string>>;
  const Lists for_images{{"bernoulli:p=0.3,input=0.1"},
                         {"dropconnect:gaussian:alpha=0.2"},
                         {"svdo"},
                         {"vi"},
                         {"gsm:off=0.1"},
                         {"ard_add:sampler=flipout"},
                         {"concrete"}};
  Lists for_tables = for_images;
  for_tables.insert(for_tables.end(),
                    {{}, {"additive:laplace,input=0.2"}, {"half_cauchy:scale=0.5"}});
  for (const Case& form : short_forms()) {
    for (const auto& list : form.problem.input.size() == 1 ? for_tables : for_images) {
      Spec spec = architecture(form.word, form.problem);
      try {
        for (const std::string& method : list) apply_method(spec, method);
      } catch (const std::invalid_argument&) {
        ASSERT_EQ(spec.layers.size(), 1u) << "only a plain linear model has no place for noise";
        continue;
      }
      expect_naive(filled_model(spec), form.word + (list.empty() ? "" : " " + list[0]));
    }
  }
  expect_naive(filled_model(made("vgg:0.03125", colour_problem(), {"spatial:p=0.2"})),
               "vgg spatial");
  expect_naive(filled_model(made("resmlp:6x3", table_problem(), {"stochastic_depth"})),
               "resmlp depth");
  expect_naive(
      filled_model(made("resnet:1", image_problem(), {"stochastic_depth", "spatial:p=0.1"})),
      "resnet depth spatial");
}

/// No row's answer depends on its neighbours, under any method: one at a time is the same as all at once.
TEST(Predictor, RowsOfEveryMethodStandAlone) {
  constexpr std::size_t kRows = 5;
  for (const Case& form : {Case{"mlp:6-5", table_problem()}, Case{"resmlp:6x2", table_problem()},
                           Case{"lenet5", {{1, 28, 28}, Task::classification, 3}}}) {
    for (const MethodRow& row : methods()) {
      if (row.name == "none") continue;
      Spec spec = architecture(form.word, form.problem);
      try {
        apply_method(spec, row.name == "additive" ? "additive:laplace" : std::string(row.name));
      } catch (const std::invalid_argument&) {
        continue;  // no such place
      }
      const Model model = filled_model(spec);
      const std::size_t width = elements(spec.input);
      const std::vector<float> x = values(kRows * width, 9, -1, 1);
      for (const std::size_t samples : {0, 3}) {
        const std::vector<float> all = outputs_of(model, x, kRows, {.samples = samples, .seed = 3});
        for (std::size_t n = 0; n < kRows; ++n) {
          const std::vector<float> one(x.begin() + std::ptrdiff_t(n * width),
                                       x.begin() + std::ptrdiff_t((n + 1) * width));
          const std::vector<float> alone =
              outputs_of(model, one, 1, {.samples = samples, .seed = 3, .row0 = n});
          const std::size_t k = spec.outputs, draws = std::max<std::size_t>(1, samples);
          ASSERT_EQ(alone.size(), draws * k);
          for (std::size_t t = 0; t < draws; ++t) {
            for (std::size_t o = 0; o < k; ++o) {
              EXPECT_NEAR(alone[t * k + o], all[(t * kRows + n) * k + o],
                          1e-4 * (1 + std::abs(alone[t * k + o])))
                  << form.word << " " << row.name << " " << samples;
            }
          }
        }
      }
    }
  }
}

// ------------------------------------------------------------------------------ noise

}  // namespace
}  // namespace scalemix::predict
