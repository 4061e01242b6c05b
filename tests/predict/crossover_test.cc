#include "scalemix/predict/crossover.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <limits>

#include "scalemix/base/error.h"
#include "scalemix/model/build.h"
#include "scalemix/predict/predictor.h"
#include "tests/model/fixtures.h"

namespace scalemix::predict {
namespace {

using model::Model;
using ::testing::HasSubstr;

/// A layer of which half of the weights are zero, those of its input 0 (or channel 0) among them.
Model half_zero(const model::Shape& input, const model::Layer& layer) {
  model::Spec spec{.input = input, .layers = {layer, model::flatten()}};
  spec.outputs = model::elements(model::output_shape(layer, input));
  if (spec.outputs == 1) spec.task = Task::regression;
  spec.number();
  Model m = model::filled_model(spec);
  model::Tensor& t = m.tensors.at(spec.layers[0].name + ".weight");
  std::vector<float> w = t.floats();
  const std::size_t row = w.size() / t.shape[0], each = row / input[0];
  for (std::size_t i = 0; i < w.size(); ++i) {
    if (i % row / each % 2 == 0) w[i] = 0;
  }
  t = model::Tensor::of(t.shape, w);
  return m;
}

std::vector<float> outputs(const Model& m, const Crossover& crossover, std::size_t rows,
                           float first) {
  const Predictor predictor(m, crossover);
  Context context(predictor);
  const std::size_t n = predictor.width(), each = n / m.spec.input[0];
  std::vector<float> x = model::values(rows * n, 5), out;
  for (std::size_t r = 0; r < rows; ++r) std::fill_n(x.begin() + long(r * n), each, first);
  predict_outputs(context, x, rows, {}, out);
  return out;
}

/// A zero that is read makes NaN of infinity.
bool reads_zeros(const Model& m, const Crossover& crossover, std::size_t rows) {
  const std::vector<float> y = outputs(m, crossover, rows, std::numeric_limits<float>::infinity());
  return std::any_of(y.begin(), y.end(), [](float v) { return std::isnan(v); });
}

TEST(Crossover, SaysFromWhichShareOnZerosAreLeftOut) {
  const Model dense = half_zero({64}, model::linear(64, 40)),
              images = half_zero({8, 9, 9}, model::conv2d(8, 24, {3, 1, 1}));
  for (const std::size_t rows : {1, 2}) {
    EXPECT_FALSE(reads_zeros(dense, {.few = 0.5, .many = 2, .images = 2}, rows));
    EXPECT_TRUE(reads_zeros(dense, {.few = 0.51, .many = 0, .images = 0}, rows));
  }
  for (const std::size_t rows : {3, 20}) {
    EXPECT_FALSE(reads_zeros(dense, {.few = 2, .many = 0.5, .images = 2}, rows));
    EXPECT_TRUE(reads_zeros(dense, {.few = 0, .many = 0.51, .images = 0}, rows));
  }
  for (const std::size_t rows : {1, 7}) {
    EXPECT_FALSE(reads_zeros(images, {.few = 2, .many = 2, .images = 0.5}, rows));
    EXPECT_TRUE(reads_zeros(images, {.few = 0, .many = 0, .images = 0.51}, rows));
  }
}

TEST(Crossover, ChangesNoNumber) {
  for (const Model& m :
       {half_zero({64}, model::linear(64, 40)), half_zero({1200}, model::linear(1200, 1)),
        half_zero({8, 9, 9}, model::conv2d(8, 24, {3, 2, 1}))}) {
    for (const std::size_t rows : {1, 2, 3, 50}) {
      const std::vector<float> expected = outputs(m, {2, 2, 2}, rows, 0.3f);
      for (const Crossover& c : {Crossover{0, 2, 0}, {2, 0, 2}, {0, 0, 0}}) {
        const std::vector<float> got = outputs(m, c, rows, 0.3f);
        for (std::size_t i = 0; i < got.size(); ++i) {
          ASSERT_NEAR(got[i], expected[i], 1e-5 * (1 + std::abs(expected[i])));
        }
      }
    }
  }
}

TEST(Crossover, IsMeasured) {
  const Crossover c = measure_crossover();
  for (const double share : {c.few, c.many, c.images}) {
    EXPECT_GE(share, 0.3);
    EXPECT_LE(share, 2);
  }
}

TEST(Crossover, IsKeptInAFileUnderItsMachine) {
  const std::string path = testing::TempDir() + "scalemix_products.json";
  std::remove(path.c_str());
  EXPECT_TRUE(load_crossovers(path).empty());
  const MeasuredCrossovers two = {{"another", {0.25, 0.5, 2}}, {machine(), {0.5, 0.75, 1}}};
  save_crossovers(path, two);
  EXPECT_EQ(load_crossovers(path), two);
  for (const auto& [text, named] : {std::pair{"", "machines"},
                                    {"[1]", "machines"},
                                    {R"({"a": 3})", "'few', of a"},
                                    {R"({"a": {"few": -1, "many": 1, "images": 1}})", "few"},
                                    {R"({"a": {"few": 1, "many": "x", "images": 1}})", "many"},
                                    {R"({"a": {"few": 1, "many": 1}})", "images"}}) {
    std::ofstream(path) << text;
    EXPECT_THAT(model::message_of<DataError>([&] { load_crossovers(path); }), HasSubstr(named));
  }
  std::remove(path.c_str());
}

}  // namespace
}  // namespace scalemix::predict
