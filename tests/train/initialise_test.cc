#include "scalemix/train/initialise.h"

#include <gtest/gtest.h>

#include <cmath>

#include "scalemix/model/architecture.h"
#include "scalemix/model/method.h"

namespace scalemix::train {
namespace {

using model::InitialForm;

std::vector<float> drawn(const model::InitialWeights& plan, const model::Shape& shape,
                         std::uint64_t seed = 3) {
  std::vector<float> w(model::elements(shape));
  draw_weights(plan, shape, seed, 2, w.data());
  return w;
}

TEST(Initialise, GaussianWeightsHaveTheVarianceOfThePlan) {
  const std::vector<float> w = drawn({.layer = "a", .variance = 0.25}, {200, 300});
  double square = 0;
  for (const float v : w) square += static_cast<double>(v) * v;
  EXPECT_NEAR(square / 60000, 0.25, 0.25 * 5 * std::sqrt(2.0 / 60000));
  EXPECT_NE(drawn({.layer = "a", .variance = 0.25}, {200, 300}, 4), w);
}

TEST(Initialise, UniformWeightsFillTheIntervalOfTheirVariance) {
  const std::vector<float> w =
      drawn({.layer = "a", .variance = 0.03, .form = InitialForm::uniform}, {200, 300});
  double square = 0, size = 0, most = 0, mean = 0;
  for (const float v : w) {
    square += static_cast<double>(v) * v / 60000;
    size += std::abs(v) / 60000;
    mean += v / 60000;
    most = std::fmax(most, std::abs(v));
  }
  EXPECT_NEAR(square, 0.03, 0.03 * 5 * std::sqrt(0.8 / 60000));
  EXPECT_NEAR(mean, 0, 5 * std::sqrt(0.03 / 60000));
  EXPECT_NEAR(size, 0.15, 0.15 * 5 * std::sqrt(1.0 / 3 / 60000));  // half of 0.3 = sqrt(3 * 0.03)
  EXPECT_LE(most, 0.3f);
  EXPECT_GT(most, 0.2999);
}

TEST(Initialise, OrthogonalRowsOrColumnsAreOrthogonalAndAsLong) {
  for (const model::Shape& shape : {model::Shape{6, 10}, {10, 6}, {4, 3, 2, 2}, {7, 7}}) {
    const std::vector<float> w =
        drawn({.layer = "a", .variance = 0.5, .form = InitialForm::orthogonal}, shape);
    const std::size_t out = shape[0], in = w.size() / out;
    const std::size_t n = std::min(out, in), m = std::max(out, in);
    for (std::size_t a = 0; a < n; ++a) {
      for (std::size_t b = 0; b < n; ++b) {
        double dot = 0;
        for (std::size_t k = 0; k < m; ++k) {
          dot += out <= in ? double(w[a * in + k]) * w[b * in + k]
                           : double(w[k * in + a]) * w[k * in + b];
        }
        EXPECT_NEAR(dot, a == b ? 0.5 * double(m) : 0, 1e-5);
      }
    }
  }
}

TEST(Initialise, MirroredHalvesAreEachOthersNegatives) {
  const std::vector<float> w = drawn({.layer = "a",
                                      .variance = 1,
                                      .form = InitialForm::mirrored,
                                      .mirror_in = true,
                                      .mirror_out = true},
                                     {4, 6});
  for (std::size_t o = 0; o < 2; ++o) {
    for (std::size_t i = 0; i < 3; ++i) {
      EXPECT_NE(w[o * 6 + i], 0);
      EXPECT_EQ(w[o * 6 + i + 3], -w[o * 6 + i]);
      EXPECT_EQ(w[(o + 2) * 6 + i], -w[o * 6 + i]);
      EXPECT_EQ(w[(o + 2) * 6 + i + 3], w[o * 6 + i]);
    }
  }
}

TEST(Initialise, EveryOtherTensorStartsAsItsRowSays) {
  model::Spec spec = model::architecture("resnet:1", {{1, 8, 8}, Task::classification, 3});
  model::apply_method(spec, "svdo:init=-7");
  const engine::Layout layout(spec);
  std::vector<float> values(layout.values(), 9), state(layout.state(), 9);
  initialise(spec, "auto", 1, layout, values.data(), state.data());
  for (const engine::Slot& slot : layout.slots()) {
    if (slot.tensor.decays) continue;  // drawn
    const float* first = (slot.tensor.trained ? values : state).data() + slot.offset;
    for (std::size_t i = 0; i < slot.count; ++i) {
      ASSERT_EQ(first[i], static_cast<float>(slot.tensor.initial)) << slot.name;
    }
  }
  EXPECT_EQ(values[layout.at("conv1.log_sigma2").offset], -7);
  EXPECT_EQ(state[layout.at("bn1.running_var").offset], 1);
}

}  // namespace
}  // namespace scalemix::train
