// Damaged and hostile ONNX files are refused, and quickly.

#include <random>

#include "tests/compress/import_fixtures.h"

namespace scalemix::compress {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

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
