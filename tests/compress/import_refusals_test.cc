// ONNX files without a model: the message names file, node or value, what was expected and what came.

#include <functional>

#include "tests/compress/import_fixtures.h"

namespace scalemix::compress {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

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
      {{3, 4, 4},
       [](Onnx& n) {  // as many rows as there are channels
         const std::string at = n.node("Gather", {n.node("Shape", {"x"}), n.integers({1})});
         return n.node("Reshape", {"x", n.node("Concat", {at, n.integers({-1})})});
       },
       "node 'Reshape_3' (Reshape): expected a constant shape behind the rows, got '"},
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

}  // namespace
}  // namespace scalemix::compress
