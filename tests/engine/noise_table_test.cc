// What the table of noise can say, by kinds that exist for the test alone: noise before the bias,
// tensors of state, marks, a penalty that comes from data, rows that are coupled, a schedule, the
// image's shape, a penalty without a draw. Gradients by central differences of the engine itself.

#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "tests/engine/replica.h"

namespace scalemix::engine {
namespace {

/// y = x z, one draw per column and row, with a penalty of 0.1 x^2 per number.
NoiseKind before_bias() {
  NoiseKind kind{.name = "test_before_bias", .where = Where::before_bias};
  kind.takes_law = true;
  kind.compile = [](NoiseUse& use, const Layer&) {
    use.draws = {use.law->multiplier(), use.law->raw(), nullptr};
  };
  kind.forward = [](const At& at, const float* x, float* y) {
    kernel::noise(at.use.draws.multiplier, at.stream, at.site(), kernel::Combine::multiply, x, y);
    double sum = 0;
    for (std::size_t i = 0; i < at.rows * elements(at.use.shape); ++i) sum += 0.1 * x[i] * x[i];
    return sum;
  };
  kind.backward = [](const At& at, const float* x, const float* dy, float* dx, double weight) {
    if (!dx) return;
    kernel::noise(at.use.draws.multiplier, at.stream, at.site(), kernel::Combine::multiply, dy, dx);
    for (std::size_t i = 0; i < at.rows * elements(at.use.shape); ++i) {
      dx[i] += static_cast<float>(weight * 0.2 * x[i]);
    }
  };
  return kind;
}

/// y = (x - mean of the batch) a (1 + progress) + m, a learned, m the running mean as it was.
NoiseKind stateful() {
  NoiseKind kind{.name = "test_state"};
  kind.own_layer = true;
  kind.tensors = [](const Noise&, const Layer&) -> std::vector<LayerTensor> {
    return {{.name = "running", .shape = {1}, .trained = false, .initial = 0.5},
            {.name = "a", .shape = {1}, .initial = 2}};
  };
  kind.marks = [](const NoiseUse& use, std::size_t rows) { return rows * elements(use.shape); };
  kind.forward = [](const At& at, const float* x, float* y) {
    const std::size_t width = elements(at.use.shape);
    double all = 0;
    for (std::size_t j = 0; j < width; ++j) {
      double mean = 0;
      for (std::size_t n = 0; n < at.rows; ++n) mean += x[n * width + j] / double(at.rows);
      all += mean / double(width);
      for (std::size_t n = 0; n < at.rows; ++n) {
        const std::size_t i = n * width + j;
        const double mark = at.marks ? at.marks[i] : 0;
        y[i] = float((x[i] - mean) * at.own[1][0] * (1 + at.progress) + at.own[0][0] + mark);
        if (at.marks && at.writes_state) at.marks[i] += 1;
      }
    }
    if (at.writes_state) at.own[0][0] += float(all);
    return 0.0;
  };
  kind.backward = [](const At& at, const float* x, const float* dy, float* dx, double) {
    const std::size_t width = elements(at.use.shape);
    const double scale = at.own[1][0] * (1 + at.progress);
    for (std::size_t j = 0; j < width; ++j) {
      double mean = 0, dmean = 0;
      for (std::size_t n = 0; n < at.rows; ++n) {
        mean += x[n * width + j] / double(at.rows);
        dmean += dy[n * width + j] / double(at.rows);
      }
      for (std::size_t n = 0; n < at.rows; ++n) {
        const std::size_t i = n * width + j;
        at.d_own[1][0] += float(dy[i] * (x[i] - mean) * (1 + at.progress));
        if (dx) dx[i] = float((dy[i] - dmean) * scale);
      }
    }
  };
  return kind;
}

/// Each number of an image less half its left neighbour.
NoiseKind of_images() {
  NoiseKind kind{.name = "test_image"};
  kind.forward = [](const At& at, const float* x, float* y) {
    const std::size_t w = at.use.shape.at(2);
    for (std::size_t i = 0; i < at.rows * elements(at.use.shape); ++i) {
      y[i] = x[i] - (i % w ? x[i - 1] / 2 : 0);
    }
    return 0.0;
  };
  kind.backward = [](const At& at, const float*, const float* dy, float* dx, double) {
    const std::size_t w = at.use.shape.at(2);
    for (std::size_t i = 0; dx && i < at.rows * elements(at.use.shape); ++i) {
      dx[i] = dy[i] - ((i + 1) % w ? dy[i + 1] / 2 : 0);
    }
  };
  return kind;
}

/// A prior: the sum of the fourth powers of the weights.
NoiseKind prior() {
  NoiseKind kind{.name = "test_prior", .where = Where::penalty};
  kind.penalty = [](const At& at) {
    double sum = 0;
    for (std::size_t i = 0; i < at.use.weights; ++i) sum += std::pow(at.w[i], 4);
    return sum;
  };
  kind.terms_back = [](const At& at, double weight) {
    for (std::size_t i = 0; i < at.use.weights; ++i) {
      at.dw[i] += static_cast<float>(4 * weight * std::pow(at.w[i], 3));
    }
  };
  return kind;
}

class Kinds : public testing::Environment {
  void SetUp() override {
    for (NoiseKind (*make)() : {before_bias, stateful, of_images, prior}) add_noise_kind(make());
  }
};
const auto* const kKinds = testing::AddGlobalTestEnvironment(new Kinds);

Layer with_noise(Layer layer, const char* kind, const char* law = "") {
  layer.noise = {noise_of(kind, law)};
  return layer;
}

Layer noise_layer(const char* kind, std::size_t width) {
  return with_noise({.type = "noise", .width = width}, kind);
}

Problem table() { return {{4}, Task::classification, 3}; }

TEST(NoiseTable, BeforeTheBias) {
  const Layer noisy = with_noise(linear(4, 6), "test_before_bias", "bernoulli:p=0.5");
  const Spec spec = chain(table(), {noisy, activation("tanh"), linear(6, 3)});
  expect_gradients(spec);
  // Where z is 0 the bias is left alone.
  Replica replica(spec);
  replica.loss();
  const float* b = &replica.values[replica.layout.at("linear1.bias").offset];
  std::size_t bare = 0;
  for (const auto& step : replica.program.instructions()) {
    if (step.layer != "linear1" || step.node->stochastic() || step.x == 0) continue;
    const float* y = replica.schedule.value(step.y, replica.memory.data());
    for (std::size_t i = 0; i < kRows * 6; ++i) bare += y[i] == std::tanh(b[i % 6]);
  }
  EXPECT_GT(bare, 5u);  // of 30, half are dropped; tanh works in place
  EXPECT_LT(bare, 25u);
}

TEST(NoiseTable, BeforeTheBiasOfAConvolution) {
  const Problem images{{2, 5, 5}, Task::classification, 3};
  const Layer noisy = with_noise(conv2d(2, 3, {3}), "test_before_bias", "gaussian:alpha=0.5");
  const Spec spec = chain(images, {noisy, activation("tanh"), flatten(), linear(27, 3)});
  expect_gradients(spec);
  const Replica replica(spec);
  EXPECT_EQ(replica.program.noises()[0]->use.site.columns, 3u);  // a draw per channel
  EXPECT_EQ(replica.program.noises()[0]->use.site.inner, 9u);
}

TEST(NoiseTable, APenaltyThatComesFromData) {
  const Layer noisy = with_noise(linear(4, 6), "test_before_bias", "uniform:half_width=0.1");
  const Spec plain = chain(table(), {linear(4, 6), linear(6, 3)});
  const Spec spec = chain(table(), {noisy, linear(6, 3)});
  Replica replica(spec), without(plain);
  double sum = 0;
  without.loss();
  for (std::size_t n = 0; n < kRows; ++n) {
    for (std::size_t o = 0; o < 6; ++o) {
      double h = 0;
      for (std::size_t i = 0; i < 4; ++i) h += replica.x[n * 4 + i] * replica.values[o * 4 + i];
      sum += 0.1 * h * h;
    }
  }
  const Frame f = replica.frame(false);
  replica.program.prepare(f);
  std::copy(replica.x.begin(), replica.x.end(), replica.schedule.input(replica.memory.data()));
  EXPECT_NEAR(replica.program.forward(f, replica.schedule, replica.memory.data(), 0,
                                      replica.program.instructions().size()),
              sum, 1e-5);
}

TEST(NoiseTable, StateMarksCoupledRowsAndASchedule) {
  const Spec spec = chain(
      table(), {linear(4, 6), noise_layer("test_state", 6), activation("tanh"), linear(6, 3)});
  expect_gradients(spec);
  Replica replica(spec);
  EXPECT_EQ(replica.program.marks(), kRows * 6);
  const std::size_t at = replica.layout.at("noise1.running").offset;
  EXPECT_FALSE(replica.layout.at("noise1.running").tensor.trained);
  const float before = replica.state[at];
  replica.loss();  // of an inactive replica
  EXPECT_EQ(replica.state[at], before);
  EXPECT_EQ(replica.marks, std::vector<float>(kRows * 6, 0.0f));
  replica.loss(true);
  EXPECT_NE(replica.state[at], before);
  EXPECT_EQ(replica.marks, std::vector<float>(kRows * 6, 1.0f));
}

TEST(NoiseTable, TheImagesShape) {
  const Problem images{{2, 4, 4}, Task::classification, 3};
  expect_gradients(chain(images, {conv2d(2, 2, {1}), noise_layer("test_image", 32),
                                  activation("tanh"), flatten(), linear(32, 3)}));
}

TEST(NoiseTable, APriorNextToNoiseThatDraws) {
  Layer layer = with_noise(linear(4, 6), "concrete");
  layer.noise.push_back(noise_of("test_prior"));
  expect_gradients(chain(table(), {layer, activation("tanh"), linear(6, 3)}));
}

TEST(NoiseTable, ANameIsTakenOnce) {
  EXPECT_THROW(add_noise_kind(prior()), std::invalid_argument);
  EXPECT_THROW(add_noise_kind({.name = "svdo"}), std::invalid_argument);
}

}  // namespace
}  // namespace scalemix::engine
