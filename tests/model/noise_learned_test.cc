// A law that learns its parameters: the row itself. Its gradients stand in tests/engine.

#include <gtest/gtest.h>

#include <cmath>

#include "scalemix/model/noise.h"

namespace scalemix::model {
namespace {

constexpr std::size_t kRows = 7, kColumns = 9;

/// A noise layer with its tensors.
class Learned {
 public:
  explicit Learned(const std::string& law) : noise_(noise_of("learned", law)) {
    layer_.type = "noise";
    layer_.width = kColumns;
    layer_.noise = {noise_};
    use_ = noise_use(noise_, layer_, {kColumns});
    for (const LayerTensor& t : use_.kind->tensors(noise_, layer_)) {
      names.push_back(t.name);
      own.push_back(static_cast<float>(t.initial));
    }
  }

  At at() {
    At out{.use = use_, .train = true, .stream = {.seed = 3, .draw = 2}, .rows = kRows};
    for (std::size_t i = 0; i < own.size(); ++i) out.own[i] = &own[i];
    out.kept = kept_.data();
    return out;
  }
  std::vector<float> draw() {
    std::vector<float> y(kRows * kColumns, 1.0f);
    use_.kind->forward(at(), y.data(), y.data());
    return y;
  }
  const NoiseKind& kind() const { return *use_.kind; }

  std::vector<std::string> names;
  std::vector<float> own;

 private:
  Noise noise_;
  Layer layer_;
  NoiseUse use_;
  std::vector<float> kept_ = std::vector<float>(kRows * kColumns);
};

TEST(LearnedNoise, DrawsTheLawOfItsParametersByNow) {
  for (const char* word : {"gaussian:alpha=0.5", "laplace:alpha=0.5", "lognormal:sigma=0.5",
                           "uniform:half_width=0.5", "half_cauchy:scale=0.5"}) {
    Learned learned(word);
    learned.own[0] = 0.3f;
    const law::AnyLaw now =
        law::AnyLaw::make(law::AnyLaw::parse(word).row().name, std::vector{0.3f * 1.0});
    const Stream stream{.seed = 3, .draw = 2};
    const std::vector<float> m = learned.draw();
    for (std::size_t i = 0; i < m.size(); ++i) {
      const double z = now.quantile(stream.uniform(i));
      const double expected = now.normalised() ? z / now.mean() : z;
      EXPECT_NEAR(m[i], expected, 1e-5 * (1 + std::abs(expected))) << word;
    }
  }
}

TEST(LearnedNoise, KeepsItsParametersInTheirRange) {
  Learned gaussian("gaussian:alpha=0.5");
  gaussian.own[0] = -1;
  gaussian.kind().settle(gaussian.at());
  EXPECT_FLOAT_EQ(gaussian.own[0], 5e-4f);  // a thousandth of where it began
  Learned mask("logistic_normal:mu=0.5,sigma=2");
  EXPECT_EQ(mask.names, (std::vector<std::string>{"mu", "sigma"}));
  mask.own = {-20, 7};
  mask.kind().settle(mask.at());
  EXPECT_EQ(mask.own, (std::vector<float>{-10, 6}));
  mask.own = {11, 0.001f};
  mask.kind().settle(mask.at());
  EXPECT_EQ(mask.own, (std::vector<float>{10, 0.01f}));
}

TEST(LearnedNoise, ADeterministicPassTakesTheMeanOrTheMedian) {
  Learned gaussian("gaussian:alpha=0.5"), heavy("half_cauchy:scale=0.5");
  heavy.own[0] = 2;
  std::vector<float> x(kRows * kColumns, 3.0f);
  gaussian.kind().centre(gaussian.at(), x.data());
  EXPECT_EQ(x, std::vector<float>(x.size(), 3.0f));
  heavy.kind().centre(heavy.at(), x.data());
  for (const float v : x) EXPECT_FLOAT_EQ(v, 6);
}

TEST(LearnedNoise, SaysWhatItLearned) {
  Learned mask("logistic_normal:mu=0.5,sigma=2");
  mask.own = {0.25f, 1};
  const std::vector<NoiseReading> readings = mask.kind().readings(mask.at());
  ASSERT_EQ(readings.size(), 2u);
  EXPECT_EQ(readings[0].name, "mu");
  EXPECT_EQ(readings[0].value, 0.25);
  EXPECT_EQ(readings[1].name, "sigma");
}

}  // namespace
}  // namespace scalemix::model
