// ONNX files as models: what export_onnx writes comes back with the same answers, what other programs
// write becomes the layers it means, and everything else is refused in words.

#include <functional>
#include <nlohmann/json.hpp>
#include <random>

#include "scalemix/base/error.h"
#include "scalemix/compress/export_onnx.h"
#include "scalemix/compress/import_onnx.h"
#include "scalemix/kernel/activation.h"
#include "scalemix/model/noise.h"
#include "tests/compress/fixtures.h"
#include "tests/compress/onnx_builder.h"

namespace scalemix::compress {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

Model imported(const std::string& bytes, const ImportOptions& options = {}) {
  return import_onnx(bytes, "net.onnx", options).model;
}

std::vector<float> answers(const Model& m, const std::vector<float>& x) {
  const predict::Predictor predictor(m);
  predict::Context context(predictor);
  return predict::predict(context, x, x.size() / predictor.width()).mean;
}

void expect_answers(const Model& a, const Model& b, double within = 1e-6) {
  std::vector<float> x = values(5 * elements(a.spec.input), 5, -2, 2);
  x[3] = a.preprocessing.mean.empty() ? x[3] : NAN;
  const std::vector<float> p = answers(a, x), q = answers(b, x);
  ASSERT_EQ(p.size(), q.size());
  for (std::size_t i = 0; i < p.size(); ++i) {
    ASSERT_NEAR(p[i], q[i], within * (1 + std::abs(p[i]))) << i;
  }
}

/// "linear relu residual(conv2d |)"
std::string words(const std::vector<Layer>& layers) {
  std::string out;
  for (const Layer& l : layers) {
    out += (out.empty() ? "" : " ") + l.type;
    if (l.type == "residual") out += "(" + words(l.branch) + "|" + words(l.shortcut) + ")";
  }
  return out;
}

/// Rows in units, a target in units or classes with names and a temperature.
Model with_units(Model m) {
  Preprocessing& p = m.preprocessing;
  const std::size_t k = elements(m.spec.input);
  p.mean = values(k, 41);
  p.scale = values(k, 42, 0.5, 2);
  if (m.spec.task == Task::regression) {
    p.target_mean = 7;
    p.target_scale = 3;
  } else {
    for (std::size_t c = 0; c < m.spec.outputs; ++c) p.classes.push_back("c" + std::to_string(c));
    p.calibration.temperature = 1.5;
  }
  return m;
}

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

// ------------------------------------------------------------------------------ other programs

/// x (3) -> W x + b of 2 outputs, in the ways it may be written.
const std::vector<float> kW{1, 2, 3, 4, 5, 6}, kTurned{1, 4, 2, 5, 3, 6}, kB{0.5f, -1};

void expect_linear(const std::string& bytes, bool bias) {
  const Model m = imported(bytes);
  ASSERT_EQ(words(m.spec.layers), "linear");
  EXPECT_EQ(m.spec.layers[0].bias, bias);
  using Floats = std::vector<float>;
  EXPECT_EQ(answers(m, {1, 0, -1}), bias ? (Floats{-1.5f, -3}) : (Floats{-2, -2}));
  EXPECT_EQ(answers(m, {0, 1, 0}), bias ? (Floats{2.5f, 4}) : (Floats{2, 5}));
}

TEST(ImportOnnx, ProductsInEveryForm) {
  Onnx turned({3}), plain({3}), matmul({3}), bare({3}), split({3});
  expect_linear(
      turned.bytes(turned.node("Gemm", {"x", turned.constant({2, 3}, kW), turned.constant({2}, kB)},
                               Attributes().integer("transB", 1))),
      true);
  expect_linear(plain.bytes(plain.node(
                    "Gemm", {"x", plain.constant({3, 2}, kTurned), plain.constant({1, 2}, kB)})),
                true);
  const std::string y = matmul.node("MatMul", {"x", matmul.constant({3, 2}, kTurned)});
  expect_linear(matmul.bytes(matmul.node("Add", {matmul.constant({2}, kB), y})), true);
  expect_linear(bare.bytes(bare.node("MatMul", {"x", bare.constant({3, 2}, kTurned)})), false);
  // Numbers one by one, and a constant that is a node.
  Message w = dims_of({3, 2}, 1).text(8, "numbers");
  for (const float v : kTurned) w.real(4, v);
  split.add("numbers", w);
  split.node("Constant", {}, Attributes().tensor("value", raw_tensor("", {2}, kB)));
  expect_linear(split.bytes(split.node("Gemm", {"x", "numbers", "v0"})), true);
}

TEST(ImportOnnx, OneNodeActivations) {
  const struct {
    const char* op;
    Attributes attributes;
    double x, y;
    const char* layer;
  } cases[] = {{"Relu", {}, -2, 0, "relu"},
               {"LeakyRelu", Attributes().real("alpha", 0.2f), -2, -0.4, "leaky_relu"},
               {"LeakyRelu", {}, -2, -0.02, "leaky_relu"},
               {"Tanh", {}, 0.5, std::tanh(0.5), "tanh"},
               {"Sigmoid", {}, 1, 1 / (1 + std::exp(-1.0)), "sigmoid"},
               {"Elu", {}, -1, std::exp(-1.0) - 1, "elu"},
               {"Selu", {}, -1, 1.758099341 * (std::exp(-1.0) - 1), "selu"},
               {"Erf", {}, 0.5, std::erf(0.5), "erf"},
               {"Sin", {}, 2, std::sin(2.0), "sine"},
               {"Gelu", {}, -1, -0.5 * std::erfc(1 / std::sqrt(2.0)), "gelu"},
               {"Clip", Attributes().real("min", -1).real("max", 1), 3, 1, "hard_tanh"},
               {"Clip", Attributes().real("min", 0), -3, 0, "relu"}};
  for (const auto& c : cases) {
    SCOPED_TRACE(c.op);
    Onnx net({1}, 10);
    const Model m = imported(net.bytes(net.node(c.op, {"x"}, c.attributes)));
    EXPECT_EQ(words(m.spec.layers), c.layer);
    EXPECT_NEAR(answers(m, {static_cast<float>(c.x)})[0], c.y, 1e-6);
  }
}

TEST(ImportOnnx, GeluAndSiluInEveryOrder) {
  for (int order = 0; order < 6; ++order) {
    SCOPED_TRACE(order);
    Onnx net({2});
    const std::string x = net.node("Tanh", {"x"});
    const std::string in = order % 2 == 0 ? net.node("Div", {x, net.scalar(1.41421356f)})
                                          : net.node("Mul", {net.scalar(0.70710678f), x});
    const std::string gate = net.node("Add", {net.scalar(1), net.node("Erf", {in})});
    const std::string half = net.scalar(0.5f);
    const std::string y = order < 2
                              ? net.node("Mul", {net.node("Mul", {x, gate}), half})  // PyTorch's
                          : order < 4 ? net.node("Mul", {net.node("Mul", {half, x}), gate})
                                      : net.node("Mul", {x, net.node("Mul", {half, gate})});
    EXPECT_EQ(words(imported(net.bytes(y)).spec.layers), "tanh gelu");
  }
  Onnx net({2});
  const std::string x = net.node("Tanh", {"x"});
  EXPECT_EQ(words(imported(net.bytes(net.node("Mul", {net.node("Sigmoid", {x}), x}))).spec.layers),
            "tanh silu");
}

TEST(ImportOnnx, NormalisationOfRows) {
  const std::vector<float> w{1, 2, 3}, b{0.5f, 0, -1};
  for (const bool whole : {true, false}) {
    SCOPED_TRACE(whole);
    Onnx net({3}, 17);
    std::string y = net.node("Tanh", {"x"});
    if (whole) {
      y = net.node("LayerNormalization", {y, net.constant({3}, w), net.constant({3}, b)},
                   Attributes().real("epsilon", 0.01f).integer("axis", -1));
    } else {
      const Attributes last = Attributes().integers("axes", {-1});
      const std::string off = net.node("Sub", {y, net.node("ReduceMean", {y}, last)});
      const std::string var = net.node("ReduceMean", {net.node("Pow", {off, net.scalar(2)})}, last);
      const std::string sd = net.node("Sqrt", {net.node("Add", {var, net.scalar(0.01f)})});
      y = net.node("Mul", {net.node("Div", {off, sd}), net.constant({3}, w)});
      y = net.node("Add", {y, net.constant({3}, b)});
    }
    const Model m = imported(net.bytes(y));
    ASSERT_EQ(words(m.spec.layers), "tanh layer_norm");
    EXPECT_FLOAT_EQ(m.spec.layers[1].eps, 0.01f);
    const double t[] = {std::tanh(1.0), std::tanh(2.0), std::tanh(-1.0)};
    const double mean = (t[0] + t[1] + t[2]) / 3;
    double var = 0.01;
    for (const double v : t) var += (v - mean) * (v - mean) / 3;
    const std::vector<float> got = answers(m, {1, 2, -1});
    for (int i = 0; i < 3; ++i) {
      EXPECT_NEAR(got[i], (t[i] - mean) / std::sqrt(var) * w[i] + b[i], 1e-5);
    }
  }
}

TEST(ImportOnnx, BatchNormalisationWithItsStatistics) {
  Onnx net({2});
  const std::string y =
      net.node("BatchNormalization",
               {net.node("Tanh", {"x"}), net.constant({2}, {2, 3}), net.constant({2}, {1, -1}),
                net.constant({2}, {0.1f, 0.2f}), net.constant({2}, {4, 0.25f})},
               Attributes().real("epsilon", 0.5f));
  const Model m = imported(net.bytes(y));
  ASSERT_EQ(words(m.spec.layers), "tanh batch_norm");
  const std::vector<float> got = answers(m, {1, -1});
  EXPECT_NEAR(got[0], (std::tanh(1) - 0.1) / std::sqrt(4.5) * 2 + 1, 1e-6);
  EXPECT_NEAR(got[1], (std::tanh(-1) - 0.2) / std::sqrt(0.75) * 3 - 1, 1e-6);
}

TEST(ImportOnnx, ImagesBecomeRowsInEveryForm) {
  const auto net_of = [](int form) {
    Onnx net({2, 3, 3}, 13);
    std::string y = net.node("Conv", {"x", net.constant({4, 2, 3, 3}, values(72, 3))});
    y = net.node("Relu", {net.node("Identity", {y})});
    switch (form) {
      case 0:
        y = net.node("Flatten", {y});
        break;
      case 1:
        y = net.node("Reshape", {y, net.integers({-1, 4})}, Attributes().integer("allowzero", 1));
        break;
      case 2:
        y = net.node("Reshape", {y, net.integers({0, -1})});
        break;
      case 3: {
        const std::string rows =
            net.node("Gather", {net.node("Shape", {"x"}),
                                net.add("zero", dims_of({}, 7).text(8, "zero").number(7, 0))});
        const std::string first = net.node("Unsqueeze", {rows, net.integers({0})});
        y = net.node("Reshape", {y, net.node("Concat", {first, net.integers({-1})},
                                             Attributes().integer("axis", 0))});
        break;
      }
      case 4:
        y = net.node("ReduceMean", {y},
                     Attributes().integers("axes", {2, 3}).integer("keepdims", 0));
        break;
      default:
        y = net.node("Flatten", {net.node("GlobalAveragePool", {y})});
    }
    return imported(net.bytes(net.node("Gemm", {y, net.constant({4, 2}, values(8, 4))})));
  };
  const Model first = net_of(0);
  EXPECT_EQ(words(first.spec.layers), "conv2d relu flatten linear");
  for (int form = 1; form < 6; ++form) {
    SCOPED_TRACE(form);
    const Model m = net_of(form);
    EXPECT_EQ(words(m.spec.layers),
              form < 4 ? "conv2d relu flatten linear" : "conv2d relu avg_pool flatten linear");
    expect_answers(first, m);
  }
}

TEST(ImportOnnx, RowsThatBecomeImagesAtTheStart) {
  Onnx net({8});
  const std::string x = net.node("Div", {"x", net.scalar(255)});
  const std::string image = net.node("Reshape", {x, net.integers({-1, 2, 2, 2})});
  const std::string y = net.node("Conv", {image, net.constant({3, 2, 2, 2}, values(24, 3))});
  const Model m = imported(net.bytes(net.node("Flatten", {y})));
  EXPECT_EQ(m.spec.input, (Shape{2, 2, 2}));
  EXPECT_EQ(m.preprocessing.scale, std::vector<float>(8, 255));
  EXPECT_EQ(words(m.spec.layers), "conv2d flatten");
}

TEST(ImportOnnx, PoolsWithTheirWindows) {
  Onnx net({1, 5, 5}, 11);
  const Attributes window = Attributes()
                                .integers("kernel_shape", {3, 3})
                                .integers("strides", {2, 2})
                                .integers("pads", {1, 1, 1, 1});
  Attributes counted = window;
  counted.integer("count_include_pad", 1);
  const std::string a = net.node("MaxPool", {"x"}, window);
  const std::string b = net.node("AveragePool", {a}, counted);
  const Model m = imported(net.bytes(net.node("Flatten", {net.node("GlobalMaxPool", {b})})));
  ASSERT_EQ(words(m.spec.layers), "max_pool avg_pool max_pool flatten");
  const Layer& max = m.spec.layers[0];
  EXPECT_EQ(max.kernel, 3u);
  EXPECT_EQ(max.stride, 2u);
  EXPECT_EQ(max.padding, 1u);
  EXPECT_EQ(m.spec.layers[1].padding, 1u);
  EXPECT_EQ(m.spec.layers[2].kernel, 0u);
}

TEST(ImportOnnx, BlocksWithTheirShortcuts) {
  Onnx net({3});
  const auto linear = [&](const std::string& x, std::uint32_t seed) {
    return net.node("Gemm", {x, net.constant({3, 3}, values(9, seed))});
  };
  const std::string h = net.node("Relu", {linear("x", 1)});
  const std::string inner = net.node("Add", {h, net.node("Tanh", {linear(h, 2)})});
  const std::string outer =
      net.node("Add", {linear(h, 5), linear(net.node("Relu", {linear(inner, 3)}), 4)});
  const Model m = imported(net.bytes(outer));
  EXPECT_EQ(words(m.spec.layers),
            "linear relu residual(residual(linear tanh|) linear relu linear|linear)");
  const std::vector<float> x{0.3f, -0.2f, 0.9f};
  // In double, by hand.
  const auto product = [&](std::uint32_t seed, const std::vector<double>& in) {
    const std::vector<float> w = values(9, seed);
    std::vector<double> out(3);
    for (int i = 0; i < 9; ++i) out[i % 3] += in[i / 3] * w[i];
    return out;
  };
  const auto each = [](std::vector<double> v, double (*f)(double)) {
    for (double& e : v) e = f(e);
    return v;
  };
  const auto sum = [](std::vector<double> a, const std::vector<double>& b) {
    for (int i = 0; i < 3; ++i) a[i] += b[i];
    return a;
  };
  const auto relu = [](double v) { return v > 0 ? v : 0; };
  const auto hh = each(product(1, {x.begin(), x.end()}), relu);
  const auto in = sum(hh, each(product(2, hh), [](double v) { return std::tanh(v); }));
  const auto y = sum(product(5, hh), product(4, each(product(3, in), relu)));
  const std::vector<float> got = answers(m, x);
  for (int i = 0; i < 3; ++i) EXPECT_NEAR(got[i], y[i], 1e-5);
}

TEST(ImportOnnx, ScalesInTheMiddleAreBatchNormalisation) {
  Onnx net({2, 2, 2});
  std::string y = net.node("Tanh", {"x"});
  y = net.node("Sub", {y, net.constant({1, 2, 1, 1}, {0.5f, 0.25f})});
  y = net.node("Mul", {y, net.scalar(-2)});
  y = net.node("Div", {y, net.constant({2, 1, 1}, {4, 2})});
  y = net.node("Flatten", {net.node("Relu", {y})});
  const Model m = imported(net.bytes(y));
  EXPECT_EQ(words(m.spec.layers), "tanh batch_norm relu flatten");
  const std::vector<float> got = answers(m, std::vector<float>(8, -1));
  EXPECT_NEAR(got[0], (std::tanh(-1) - 0.5) * -0.5, 1e-6);
  EXPECT_NEAR(got[7], (std::tanh(-1) - 0.25) * -1, 1e-6);
}

TEST(ImportOnnx, StandardisationOfAnImageByChannelAndOfNegativeScale) {
  Onnx net({2, 1, 2});
  std::string y = net.node("Sub", {"x", net.constant({2, 1, 1}, {1, 2})});
  y = net.node("Flatten", {net.node("Div", {y, net.constant({2, 1, 1}, {4, 8})})});
  const Model m = imported(net.bytes(net.node("Relu", {y})));
  EXPECT_THAT(m.preprocessing.mean, ElementsAre(1, 1, 2, 2));
  EXPECT_THAT(m.preprocessing.scale, ElementsAre(4, 4, 8, 8));
  Onnx negative({2});
  const std::string z = negative.node("Mul", {"x", negative.scalar(-1)});
  const Model turned = imported(negative.bytes(negative.node("Relu", {z})));
  EXPECT_EQ(words(turned.spec.layers), "batch_norm relu");
  EXPECT_THAT(answers(turned, {-3, 2}), ElementsAre(3, 0));
}

TEST(ImportOnnx, WhatIsOnlyLikeAFunctionIsNot) {
  // Constants that are not those of gelu; x and the gate of another value.
  for (const int wrong : {0, 1, 2, 3}) {
    SCOPED_TRACE(wrong);
    Onnx net({2});
    const std::string x = net.node("Tanh", {"x"}), other = net.node("Sin", {"x"});
    const std::string in = net.node("Div", {x, net.scalar(wrong == 0 ? 1.5f : 1.41421356f)});
    const std::string gate =
        net.node("Add", {net.node("Erf", {in}), net.scalar(wrong == 1 ? 2.0f : 1.0f)});
    const std::string half = net.scalar(wrong == 2 ? 1.0f : 0.5f);
    const std::string y = net.node("Mul", {net.node("Mul", {wrong == 3 ? other : x, gate}), half});
    EXPECT_THAT(message_of<DataError>([&] { imported(net.bytes(y)); }), HasSubstr("(Mul): "));
  }
  // The norm of a row needs the same row three times, and a positive eps.
  for (const int wrong : {0, 1, 2}) {
    SCOPED_TRACE(wrong);
    Onnx net({2});
    const std::string x = net.node("Tanh", {"x"}), other = net.node("Sin", {"x"});
    const Attributes last = Attributes().integers("axes", {1});
    const std::string off =
        net.node("Sub", {x, net.node("ReduceMean", {wrong == 0 ? other : x}, last)});
    const std::string square = net.node("Mul", {off, wrong == 1 ? x : off});
    const std::string var = net.node("ReduceMean", {square}, last);
    const std::string eps = net.scalar(wrong == 2 ? 0.0f : 0.1f);
    const std::string y = net.node("Div", {off, net.node("Sqrt", {net.node("Add", {var, eps})})});
    EXPECT_THAT(message_of<DataError>([&] { imported(net.bytes(y)); }),
                HasSubstr("(Div): expected a constant to divide by"));
  }
}

TEST(ImportOnnx, WhatFollowsMissingNumbersIsNoStandardisation) {
  Onnx net({2});
  std::string y = net.node("Where", {net.node("IsNaN", {"x"}), net.scalar(0), "x"});
  y = net.node("Relu", {net.node("Add", {y, net.scalar(3)})});
  const Model m = imported(net.bytes(y));
  EXPECT_EQ(words(m.spec.layers), "batch_norm relu");
  EXPECT_THAT(answers(m, {NAN, 1}), ElementsAre(3, 4));
}

TEST(ImportOnnx, WhatIsTakenAwayBehindAProductAndANegativeEnd) {
  Onnx net({3});
  std::string y = net.node("MatMul", {"x", net.constant({3, 2}, kTurned)});
  y = net.node("Sub", {y, net.constant({2}, {10, 20})});
  EXPECT_THAT(answers(imported(net.bytes(y)), {1, 0, 0}), ElementsAre(-9, -16));
  const std::string z = net.node("Mul", {net.node("Tanh", {y}), net.scalar(-1)});
  const Model m = imported(net.bytes(z));
  EXPECT_EQ(m.preprocessing.target_scale, 1);
  EXPECT_EQ(m.spec.layers.back().type, "batch_norm");
  EXPECT_THAT(answers(m, {1, 0, 0}), ElementsAre(1, 1));
}

TEST(ImportOnnx, DropoutBecomesNoiseOfItsRatio) {
  const auto noise = [](std::int64_t opset, const Attributes& attributes, const float* ratio) {
    Onnx net({3}, opset);
    std::vector<std::string> inputs{net.node("Relu", {"x"})};
    if (ratio) inputs.push_back(net.scalar(*ratio));
    return import_onnx(net.bytes(net.node("Dropout", inputs, attributes)), "net.onnx");
  };
  const float p = 0.2f, none = 0;
  const Imported given = noise(13, {}, &p);
  ASSERT_EQ(words(given.model.spec.layers), "relu noise");
  EXPECT_EQ(given.model.spec.layers[1].noise[0].law, "bernoulli:p=0.2");
  EXPECT_EQ(given.model.spec.layers[1].width, 3u);
  EXPECT_THAT(given.notes.back(), HasSubstr("noise layers: 1"));
  EXPECT_EQ(noise(13, {}, nullptr).model.spec.layers[1].noise[0].law, "bernoulli:p=0.5");
  EXPECT_EQ(noise(10, Attributes().real("ratio", 0.1f), nullptr).model.spec.layers[1].noise[0].law,
            "bernoulli:p=0.1");
  EXPECT_EQ(words(noise(13, {}, &none).model.spec.layers), "relu");
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

// ------------------------------------------------------------------------------ refusals

TEST(ImportOnnx, RefusesInWords) {
  const auto image = [](Onnx& n, const Attributes& a, const char* op = "Conv") {
    std::vector<std::string> in{"x"};
    if (std::string(op) == "Conv") in.push_back(n.constant({2, 2, 3, 3}, std::vector<float>(36)));
    return n.node(op, in, a);
  };
  const struct {
    Dims input;
    std::function<std::string(Onnx&)> build;  // gives the output
    const char* says;
  } cases[] = {
      {{3},
       [](Onnx& n) { return n.node("LSTM", {"x"}); },
       "node 'LSTM_0' (LSTM): unknown operator 'LSTM'"},
      {{3}, [](Onnx& n) { return n.node("Rellu", {"x"}); }, "did you mean 'Relu'?"},
      {{3},
       [](Onnx& n) { return n.node("Gelu", {"x"}, {}, "com.microsoft"); },
       "node 'Gelu_0' (Gelu): expected an operator of ONNX itself, got one of 'com.microsoft'"},
      {{3}, [](Onnx& n) { return n.node("Relu", {"y"}); }, "(Relu): reads 'y', which no earlier"},
      {{3}, [](Onnx& n) { return n.node("Relu", {n.scalar(1)}); }, "does not come from the input"},
      {{3}, [](Onnx& n) { return n.node("Relu", {}); }, "expected 1 inputs or more, got 0"},
      {{3}, [](Onnx&) { return std::string("x"); }, "no node gives the output 'x'"},
      {{3}, [](Onnx& n) { return n.node("Identity", {"x"}); }, "it has no layer"},
      {{3},
       [](Onnx& n) {
         return n.node("Gemm", {"x", n.constant({4, 2}, values(8, 1))});
       },
       "node 'Gemm_0' (Gemm): linear1: expected 4 inputs, got 3"},
      {{3},
       [](Onnx& n) {
         return n.node("Gemm", {"x", n.constant({3, 3}, values(8, 1))});
       },
       "tensor 'w0': its shape (3, 3) asks for 9 numbers, 32 bytes hold 8"},
      {{3},
       [](Onnx& n) {
         return n.node("Gemm", {"x", n.constant({3}, values(3, 1))});
       },
       "expected a matrix of weights, got 'w0' of 1 dimensions"},
      {{3},
       [](Onnx& n) {
         return n.node("Gemm", {"x", n.integers({1, 2, 3})});
       },
       "tensor 'w0': expected float32 (data type 1), got data type 7"},
      {{3},
       [](Onnx& n) {
         return n.node("Gemm", {"x", "x"});
       },
       "expected a constant for its weights, got 'x'"},
      {{3},
       [](Onnx& n) {
         return n.node("Gemm",
                       {"x", n.constant({3, 2}, values(6, 1)), n.constant({3}, values(3, 2))});
       },
       "expected 2 numbers in its bias 'w1', got 3"},
      {{3},
       [](Onnx& n) {
         return n.node("Gemm", {"x", n.constant({3, 2}, values(6, 1))},
                       Attributes().real("alpha", 2));
       },
       "expected alpha 1, got 2"},
      {{3},
       [](Onnx& n) {
         return n.node("Gemm", {"x", n.constant({3, 2}, values(6, 1))},
                       Attributes().real("beta", 0));
       },
       "expected beta 1, got 0"},
      {{3},
       [](Onnx& n) {
         return n.node("Gemm", {"x", n.constant({3, 2}, values(6, 1))},
                       Attributes().integer("transA", 1));
       },
       "expected transA 0, got 1"},
      {{2, 2, 2},
       [](Onnx& n) {
         return n.node("Gemm", {"x", n.constant({8, 2}, values(16, 1))});
       },
       "expected a row of 8 numbers, got an image (2, 2, 2)"},
      {{2, 5, 5},
       [&](Onnx& n) { return image(n, Attributes().integer("group", 2)); },
       "expected group 1, got 2"},
      {{2, 5, 5},
       [&](Onnx& n) {
         return image(n, Attributes().integers("strides", {1, 2}));
       },
       "expected 2 equal strides of at least 1, got (1, 2)"},
      {{2, 5, 5},
       [&](Onnx& n) {
         return image(n, Attributes().integers("pads", {0, 0, 1, 1}));
       },
       "expected 4 equal pads of at least 0, got (0, 0, 1, 1)"},
      {{2, 5, 5},
       [&](Onnx& n) {
         return image(n, Attributes().integers("dilations", {2, 2}));
       },
       "expected dilations 1"},
      {{2, 5, 5},
       [&](Onnx& n) { return image(n, Attributes().text("auto_pad", "SAME_UPPER")); },
       "expected auto_pad NOTSET or VALID, got SAME_UPPER"},
      {{2, 5, 5},
       [&](Onnx& n) {
         return image(n, Attributes().integers("kernel_shape", {5, 5}));
       },
       "expected the kernel_shape 3 of its weights"},
      {{2, 2, 2},
       [&](Onnx& n) { return image(n, {}); },
       "a window of 3x3 does not fit a side of 2"},
      {{2, 5, 5},
       [](Onnx& n) {
         return n.node("Conv", {"x", n.constant({2, 2, 3, 1}, std::vector<float>(12))});
       },
       "expected weights (O, C, k, k), got 'w0' of 4 dimensions and 12 numbers, 3 x 1"},
      {{2, 5, 5}, [&](Onnx& n) { return image(n, {}, "MaxPool"); }, "expected kernel_shape"},
      {{2, 5, 5},
       [&](Onnx& n) {
         return image(n, Attributes().integers("kernel_shape", {2, 2}).integer("ceil_mode", 1),
                      "MaxPool");
       },
       "expected ceil_mode 0, got 1"},
      {{2, 5, 5},
       [&](Onnx& n) {
         return image(n,
                      Attributes().integers("kernel_shape", {2, 2}).integers("pads", {1, 1, 1, 1}),
                      "AveragePool");
       },
       "expected count_include_pad 1, got 0"},
      {{2, 5, 5},
       [&](Onnx& n) { return n.node("Relu", {"x"}); },
       "output 'v0': expected (rows, outputs), got (2, 5, 5)"},
      {{2, 5, 5},
       [](Onnx& n) {
         return n.node("Reshape", {n.node("Relu", {"x"}), n.integers({-1, 7})});
       },
       "node 'Reshape_1' (Reshape): expected 50 numbers of (2, 5, 5), got (-1, 7)"},
      {{2, 5, 5},
       [](Onnx& n) {
         return n.node("Reshape", {n.node("Relu", {"x"}), n.integers({-1, 5, 2, 5})});
       },
       "expected a row of numbers or (2, 5, 5) as before, got (-1, 5, 2, 5)"},
      {{2, 5, 5},
       [](Onnx& n) {
         return n.node("Reshape", {"x", n.integers({-1})});
       },
       "expected rows first and a shape behind them, got (-1)"},
      {{2, 5, 5},
       [](Onnx& n) {
         return n.node("Reshape", {"x", n.integers({3, -1})});
       },
       "expected rows first"},
      {{3},
       [](Onnx& n) {
         return n.node("Reshape", {"x", n.integers({0, -1})}, Attributes().integer("allowzero", 1));
       },
       "expected allowzero 0, got 1"},
      {{3},
       [](Onnx& n) {
         return n.node("Reshape", {"x", n.node("Shape", {"x"})});
       },
       "expected a constant shape, got 'v0'"},
      {{3},
       [](Onnx& n) { return n.node("Flatten", {"x"}, Attributes().integer("axis", 2)); },
       "expected axis 1, got 2"},
      {{3},
       [](Onnx& n) { return n.node("Relu", {n.node("Softmax", {"x"})}); },
       "node 'Softmax_0' (Softmax): may stand only at the end"},
      {{2, 5, 5},
       [](Onnx& n) { return n.node("Softmax", {"x"}, Attributes().integer("axis", 2)); },
       "expected axis 1, of the classes, got 2"},
      {{3},
       [](Onnx& n) { return n.node("Elu", {"x"}, Attributes().real("alpha", 2)); },
       "expected alpha 1, got 2"},
      {{3},
       [](Onnx& n) { return n.node("Selu", {"x"}, Attributes().real("gamma", 2)); },
       "expected gamma 1.05"},
      {{3},
       [](Onnx& n) { return n.node("Gelu", {"x"}, Attributes().text("approximate", "tanh")); },
       "expected approximate none, got tanh"},
      {{3},
       [](Onnx& n) {
         return n.node("Clip", {"x", n.scalar(0), n.scalar(6)});
       },
       "expected limits -1 and 1, got 0 and 6"},
      {{3},
       [](Onnx& n) {
         return n.node("Dropout", {"x", n.scalar(1)});
       },
       "expected a constant ratio in [0, 1), got 1"},
      {{3},
       [](Onnx& n) {
         return n.node("Mul", {"x", n.node("Tanh", {"x"})});
       },
       "expected a constant, noise, x sigmoid(x) or gelu, got 'x' times 'v0'"},
      {{3},
       [](Onnx& n) {
         return n.node("Sub", {n.scalar(1), "x"});
       },
       "expected a constant to take away"},
      {{3},
       [](Onnx& n) {
         return n.node("Div", {"x", "x"});
       },
       "expected a constant to divide by"},
      {{3},
       [](Onnx& n) {
         return n.node("Where", {"x", n.scalar(0), "x"});
       },
       "expected 0 where the input is NaN"},
      {{3},
       [](Onnx& n) {
         return n.node("Where", {n.node("IsNaN", {"x"}), n.scalar(0), n.node("Tanh", {"x"})});
       },
       "expected only standardisation before it"},
      {{3},
       [](Onnx& n) {
         return n.node("Add", {"x", "x"});
       },
       "(Add): adds a value to itself"},
      {{3},
       [](Onnx& n) {
         return n.node("Add", {n.node("Relu", {"x"}), n.constant({2}, {1, 2})});
       },
       "expected one number, one a channel or one a number of (3), got (2)"},
      {{2, 2, 2},
       [](Onnx& n) {
         const std::string y =
             n.node("Add", {n.node("Relu", {"x"}), n.constant({2, 2, 2}, values(8, 1))});
         return n.node("Flatten", {y});
       },
       "(Add): a factor or summand for each number of an image (2, 2, 2) has no layer"},
      {{2, 2, 2},
       [](Onnx& n) {
         return n.node("Add", {n.node("Relu", {"x"}), n.node("GlobalMaxPool", {"x"})});
       },
       "the branch gives (2, 2, 2), the shortcut (2, 1, 1)"},
      {{3},
       [](Onnx& n) {  // p is on both sides of the outer sum
         const std::string p = n.node("Relu", {"x"}), q = n.node("Tanh", {"x"}),
                           r = n.node("Sin", {"x"});
         return n.node("Add", {n.node("Add", {p, q}), n.node("Add", {p, r})});
       },
       "node 'Relu_0' (Relu): lies on two paths, which a spec cannot share"},
      {{3},
       [](Onnx& n) {  // gelu is read as one layer, and here something inside it too
         const std::string x = n.node("Tanh", {"x"});
         const std::string erf = n.node("Erf", {n.node("Div", {x, n.scalar(1.41421356f)})});
         const std::string m = n.node("Mul", {x, n.node("Add", {erf, n.scalar(1)})});
         return n.node("Add", {n.node("Mul", {m, n.scalar(0.5f)}), n.node("Relu", {m})});
       },
       "(Mul): paths cross before it"},
      {{2, 2, 2},
       [](Onnx& n) {
         return n.node("LayerNormalization",
                       {"x", n.constant({2}, {1, 1}), n.constant({2}, {0, 0})});
       },
       "expected normalisation over a whole row (2, 2, 2), got axis -1"},
      {{2, 2, 2},
       [](Onnx& n) { return n.node("ReduceMean", {"x"}, Attributes().integers("axes", {1})); },
       "expected the axes 2 and 3"},
      {{3},
       [](Onnx& n) {
         const std::string one = n.constant({3}, {1, 1, 1});
         return n.node("BatchNormalization", {"x", one, one, one, n.constant({3}, {1, -1, 1})});
       },
       "expected variances of 0 or more, got -1"},
      {{3},
       [](Onnx& n) {
         n.add("big", dims_of({3, 2}, 1).text(8, "big").number(14, 1));
         return n.node("Gemm", {"x", "big"});
       },
       "tensor 'big': its numbers lie in another file"},
      {{3},
       [](Onnx& n) {
         n.add("big", dims_of({std::int64_t{1} << 62, 8}, 1).text(8, "big"));
         return n.node("Gemm", {"x", "big"});
       },
       "tensor 'big': its shape is (4611686018427387904, 8)"},
      {{3},
       [](Onnx& n) {
         n.add("big", dims_of({-1, 2}, 1).text(8, "big"));
         return n.node("Gemm", {"x", "big"});
       },
       "tensor 'big': its shape is (-1, 2)"},
      {{3},
       [](Onnx& n) {
         n.add("w", raw_tensor("w", {1}, {1}));
         n.add("w", raw_tensor("w", {1}, {1}));
         return n.node("Relu", {"x"});
       },
       "two things are called 'w', one of them a constant"},
      {{3},
       [](Onnx& n) {
         return n.input("y", {-1, 2}).node("Relu", {"x"});
       },
       "expected one input, got 'x', 'y'"},
      {{3},
       [](Onnx& n) { return n.no_inputs().node("Relu", {"x"}); },
       "expected one input, got none"},
      {{3},
       [](Onnx& n) {
         return n.no_inputs().input("x", {-1, 3}, 11).node("Relu", {"x"});
       },
       "input 'x': expected float32 (data type 1), got 11"},
      {{3},
       [](Onnx& n) { return n.no_inputs().input("x", {3}).node("Relu", {"x"}); },
       "expected (rows, K) or (rows, C, H, W), got (3)"},
      {{std::int64_t{1} << 30},
       [](Onnx& n) {
         return n.node("Mul", {"x", n.scalar(2)});
       },
       "input 'x': expected at most 16777216 numbers a row"},
      {{3},
       [](Onnx& n) { return n.metadata("classes", "{3}").node("Relu", {"x"}); },
       "metadata 'classes': expected a JSON list of texts, got {3}"},
      {{3},
       [](Onnx& n) {
         return n.metadata("noise z", "bernoulli:q=1").input("z", {-1, 3}).node("Mul", {"x", "z"});
       },
       "node 'Mul_0' (Mul): "},
      {{3},
       [](Onnx& n) {
         return n.metadata("noise z", "bernoulli:p=0.5")
             .input("z", {-1, 2})
             .node("Mul", {"x", "z"});
       },
       "expected noise for (3), its channels or its rows, got (2)"},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.says);
    Onnx net(c.input, 17);
    const std::string bytes = net.bytes(c.build(net));
    const std::string message = message_of<DataError>([&] { imported(bytes); });
    EXPECT_THAT(message, StartsWith("net.onnx: "));
    EXPECT_THAT(message, HasSubstr(c.says));
  }
}

TEST(ImportOnnx, RefusesOtherOutputsAndOpsets) {
  Onnx net({3}), old({3}, 6), none({3}, 0);
  const std::string a = net.node("Relu", {"x"}), b = net.node("Tanh", {"x"});
  EXPECT_THAT(message_of<DataError>([&] {
                imported(net.bytes(std::vector{a, b}));
              }),
              HasSubstr("expected one output, got 'v0', 'v1'"));
  EXPECT_THAT(message_of<DataError>([&] { imported(old.bytes(old.node("Relu", {"x"}))); }),
              HasSubstr("expected ONNX's opset 7 or later, got 6"));
  EXPECT_THAT(message_of<DataError>([&] { imported(none.bytes(none.node("Relu", {"x"}))); }),
              HasSubstr("got none"));
}

// ------------------------------------------------------------------------------ hostile files

TEST(ImportOnnx, EveryTruncationIsRefused) {
  const std::string whole =
      export_onnx(with_units(filled_model(made("resmlp:3x1", {{2}, Task::regression, 1}))));
  imported(whole);
  for (std::size_t n = 0; n < whole.size(); ++n) {
    EXPECT_THAT(message_of<DataError>([&] { imported(whole.substr(0, n)); }),
                StartsWith("net.onnx: "))
        << n << " of " << whole.size();
  }
}

TEST(ImportOnnx, FlippedBytesAreRefusedOrRead) {
  const std::string files[] = {
      export_onnx(with_units(filled_model(made("resmlp:3x1", {{2}, Task::regression, 1})))),
      export_onnx(with_units(filled_model(made("resnet:1", {{1, 4, 4}, Task::classification, 2})))),
      export_onnx(filled_model(made("mlp:4,gelu", {{3}, Task::regression, 1}, {"bernoulli:p=0.2"})),
                  true)};
  std::mt19937 random(11);
  std::size_t refused = 0, read = 0;
  for (int i = 0; i < 6000; ++i) {
    std::string bytes = files[i % 3];
    const std::size_t most = i % 2 == 0 ? bytes.size() : std::min<std::size_t>(bytes.size(), 900);
    for (int k = 0; k <= i % 4; ++k) bytes[random() % most] = static_cast<char>(random());
    try {
      imported(bytes);
      ++read;
    } catch (const DataError& error) {
      EXPECT_THAT(error.what(), StartsWith("net.onnx: "));
      ++refused;
    }
  }
  EXPECT_GT(refused, 1000u);
  EXPECT_GT(read, 100u);
}

TEST(ImportOnnx, RandomBytesAreRefused) {
  std::mt19937 random(12);
  for (int i = 0; i < 2000; ++i) {
    std::string bytes(random() % 200, '\0');
    for (char& c : bytes) c = static_cast<char>(random());
    EXPECT_THROW(imported(bytes), DataError);
  }
  EXPECT_THAT(message_of<DataError>([] { imported(""); }), HasSubstr("no graph in its 0 bytes"));
}

TEST(ImportOnnx, ListsAndNestingAreBounded) {
  Onnx many({3});
  std::string y = "x";
  for (int i = 0; i < 60; ++i) y = many.node("Add", {many.node("Relu", {y}), y});
  EXPECT_EQ(imported(many.bytes(y)).spec.layers.size(), 60u);  // one behind the other

  // A sum within each branch of a sum.
  const auto nested = [](int depth) {
    Onnx net({3});
    std::vector<std::string> starts{"x"};
    for (int i = 0; i < depth; ++i) starts.push_back(net.node("Tanh", {starts.back()}));
    std::string end = net.node("Relu", {starts.back()});
    for (int i = depth; i >= 0; --i)
      end = net.node("Add", {end, starts[static_cast<std::size_t>(i)]});
    return net.bytes(end);
  };
  imported(nested(40));
  EXPECT_THAT(message_of<DataError>([&] { imported(nested(60)); }),
              HasSubstr("at most 48 sums in each other"));

  // Two bytes a node, a name, a dimension.
  Message graph, dims, names;
  for (int i = 0; i < 70000; ++i) graph.text(1, "");
  EXPECT_THAT(message_of<DataError>([&] { imported(Message().message(7, graph).bytes()); }),
              HasSubstr("at most 65536 nodes"));
  for (int i = 0; i < 100; ++i) dims.number(1, 1), names.text(1, "");
  EXPECT_THAT(message_of<DataError>(
                  [&] { imported(Message().message(7, Message().message(5, dims)).bytes()); }),
              HasSubstr("at most 8 dimensions, got 100"));
  EXPECT_THAT(message_of<DataError>(
                  [&] { imported(Message().message(7, Message().message(1, names)).bytes()); }),
              HasSubstr("at most 64 inputs of a node"));
}

TEST(ImportOnnx, ADeepNetworkIsReadQuickly) {
  // Each sum is with the first value: finding where paths part must not walk the whole way.
  Onnx net({2});
  std::string y = net.node("Relu", {"x"});
  for (int i = 0; i < 20000; ++i) y = net.node("Tanh", {y});
  EXPECT_EQ(imported(net.bytes(y)).spec.layers.size(), 20001u);
}

}  // namespace
}  // namespace scalemix::compress
