// What other programs write becomes the layers it means.

#include <cmath>

#include "tests/compress/import_fixtures.h"

namespace scalemix::compress {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

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
  for (const int wrong : {0, 1, 2, 3, 4}) {
    for (const bool half_first : {true, false}) {
      SCOPED_TRACE(wrong);
      Onnx net({2});
      const std::string x = net.node("Tanh", {"x"}), other = net.node("Sin", {"x"});
      const std::string in = net.node("Div", {x, net.scalar(wrong == 0 ? 1.5f : 1.41421356f)});
      const std::string gate =
          net.node("Add", {net.node("Erf", {in}), net.scalar(wrong == 1 ? 2.0f : 1.0f)});
      const std::string half = net.scalar(wrong == 2 ? 1.0f : 0.5f);
      const std::string from = wrong == 3 ? other : x;
      const std::string y = half_first ? net.node("Mul", {net.node("Mul", {from, half}), gate})
                                       : net.node("Mul", {net.node("Mul", {from, gate}), half});
      if (wrong == 4) {
        EXPECT_EQ(words(imported(net.bytes(y)).spec.layers), "tanh gelu");
        continue;
      }
      EXPECT_THAT(message_of<DataError>([&] { imported(net.bytes(y)); }), HasSubstr("(Mul): "));
    }
  }
  // The norm of a row needs the same row three times, and a positive eps.
  for (const int wrong : {0, 1, 2, 3}) {
    SCOPED_TRACE(wrong);
    Onnx net({2});
    const std::string x = net.node("Tanh", {"x"}), other = net.node("Sin", {"x"});
    const Attributes last = Attributes().integers("axes", {1});
    const std::string off =
        net.node("Sub", {x, net.node("ReduceMean", {wrong == 0 ? other : x}, last)});
    const std::string square = net.node("Mul", {off, wrong == 1 ? x : off});
    const std::string var =
        net.node("ReduceMean", {square}, wrong == 3 ? Attributes().integers("axes", {0}) : last);
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

}  // namespace
}  // namespace scalemix::compress
