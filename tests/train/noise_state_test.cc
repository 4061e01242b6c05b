// What training gives to kinds of noise that follow a schedule or have state, by a kind that exists
// for the test alone.

#include <gtest/gtest.h>

#include "scalemix/model/build.h"
#include "scalemix/model/noise.h"
#include "scalemix/train/fit.h"

namespace scalemix::train {
namespace {

using model::At;

std::vector<double> progress;  // of each training pass
std::vector<float> marks;      // the first, as the pass found it

/// Counts its training passes in its state and in a mark.
model::NoiseKind counter() {
  model::NoiseKind kind{.name = "test_counter"};
  kind.tensors = [](const model::Noise&, const model::Layer&) -> std::vector<model::LayerTensor> {
    return {{.name = "count", .shape = {1}, .trained = false}};
  };
  kind.marks = [](const model::NoiseUse&, std::size_t) { return std::size_t{1}; };
  kind.in_place = true;
  kind.forward = [](const At& at, const float* x, float* y) {
    std::copy_n(x, at.rows * model::elements(at.use.shape), y);
    if (!at.train) return 0.0;
    progress.push_back(at.progress);
    marks.push_back(at.marks[0]);
    if (!at.writes_state) return 0.0;
    at.own[0][0] += 1;
    at.marks[0] += 1;
    return 0.0;
  };
  kind.backward = [](const At& at, const float*, const float* dy, float* dx, double) {
    if (dx && dx != dy) std::copy_n(dy, at.rows * model::elements(at.use.shape), dx);
  };
  return kind;
}

class Kinds : public testing::Environment {
  void SetUp() override { model::add_noise_kind(counter()); }
};
const auto* const kKinds = testing::AddGlobalTestEnvironment(new Kinds);

TEST(NoiseState, ProgressRisesWithTheStepsAndStateIsInTheModel) {
  model::Layer noise{.type = "noise", .width = 2};
  noise.noise = {model::noise_of("test_counter")};
  const model::Spec spec = model::chain({{2}, Task::regression, 1}, {noise, model::linear(2, 1)});
  const std::vector<float> x(80, 0.5f), y(40, 1.0f);
  progress.clear(), marks.clear();
  const model::Model model = fit(spec, x, y, {.epochs = 3, .batch = 10});
  ASSERT_EQ(progress.size(), 12u);
  for (std::size_t i = 0; i < 12; ++i) {
    EXPECT_DOUBLE_EQ(progress[i], static_cast<double>(i) / 12) << i;
    EXPECT_EQ(marks[i], static_cast<float>(i));
  }
  EXPECT_EQ(model.tensors.at("noise1.count").floats(), std::vector<float>{12});
  EXPECT_EQ(model.tensors.count("noise1.marks"), 0u);
}

}  // namespace
}  // namespace scalemix::train
