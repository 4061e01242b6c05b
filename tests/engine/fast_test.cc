// Fast dropout: moments against enumerations and integrals in double, gradients, and what it refuses.

#include <gmock/gmock.h>

#include <cmath>
#include <numbers>
#include <vector>

#include "scalemix/model/method.h"
#include "tests/engine/replica.h"

namespace scalemix::engine {
namespace {

using ::testing::HasSubstr;

constexpr double kP = 0.3;

Problem table(Task task = Task::classification) { return {{4}, task, 3}; }

Spec fast(std::vector<std::size_t> hidden, const char* word, Task task = Task::classification) {
  Spec spec = mlp(table(task), hidden);
  apply_method(spec, word);
  return spec;
}

struct Pair {
  double mean = 0, variance = 0;
};

/// Mean and variance of sum_i w_i x_i b_i / k + c, over all masks b and all signs of x_i = m_i +- sqrt(v_i).
Pair enumerated(const std::vector<Pair>& x, const float* w, double c, double p) {
  double first = 0, second = 0;
  const std::size_t n = x.size();
  for (std::size_t mask = 0; mask < std::size_t{1} << n; ++mask) {
    for (std::size_t sign = 0; sign < std::size_t{1} << n; ++sign) {
      double chance = std::ldexp(1.0, -static_cast<int>(n)), y = c;
      for (std::size_t i = 0; i < n; ++i) {
        const bool there = mask >> i & 1, up = sign >> i & 1;
        chance *= there ? 1 - p : p;
        if (!there) continue;
        y += w[i] * (x[i].mean + (up ? 1 : -1) * std::sqrt(x[i].variance)) / (1 - p);
      }
      first += chance * y;
      second += chance * y * y;
    }
  }
  return {first, second - first * first};
}

/// Of max(0, u), u ~ N(m, v), by the trapezium rule.
Pair rectified(Pair u) {
  const double sd = std::sqrt(u.variance), h = 1e-4;
  double first = 0, second = 0;
  for (double a = -9; a < 9; a += h) {
    const double y = std::fmax(0, u.mean + sd * a),
                 weight = h * std::exp(-a * a / 2) / std::sqrt(2 * std::numbers::pi);
    first += weight * y;
    second += weight * y * y;
  }
  return {first, second - first * first};
}

TEST(Fast, CarriesTheMomentsOfDropout) {
  Replica r(fast({5}, "fast:p=0.3,input=0.3"));
  r.loss();
  ASSERT_EQ(r.program.widths(), (std::vector<std::size_t>{4, 10, 10, 6, 3}));
  const auto pair = [&](std::size_t value, std::size_t row, std::size_t i, std::size_t width) {
    const float* at = r.schedule.value(value, r.memory.data());
    return Pair{at[row * width + i], at[(kRows + row) * width + i]};
  };
  const auto slot = [&](const char* name) { return &r.values[r.layout.at(name).offset]; };
  for (std::size_t row = 0; row < kRows; ++row) {
    std::vector<Pair> x, hidden;
    for (std::size_t i = 0; i < 4; ++i) x.push_back({r.x[row * 4 + i], 0});
    for (std::size_t j = 0; j < 5; ++j) {
      const Pair u = pair(1, row, j, 5);
      const Pair want = enumerated(x, slot("linear1.weight") + j * 4, slot("linear1.bias")[j], kP);
      EXPECT_NEAR(u.mean, want.mean, 1e-6);
      EXPECT_NEAR(u.variance, want.variance, 1e-6);
      const Pair bent = rectified(u);
      hidden.push_back(pair(2, row, j, 5));
      EXPECT_NEAR(hidden.back().mean, bent.mean, 2e-6);
      EXPECT_NEAR(hidden.back().variance, bent.variance, 2e-6);
    }
    for (std::size_t j = 0; j < 3; ++j) {
      const Pair u = pair(3, row, j, 3);
      const Pair want =
          enumerated(hidden, slot("linear2.weight") + j * 5, slot("linear2.bias")[j], kP);
      EXPECT_NEAR(u.mean, want.mean, 3e-6);
      EXPECT_NEAR(u.variance, want.variance, 3e-6);
      EXPECT_NEAR(r.schedule.output(r.memory.data())[row * 3 + j],
                  u.mean / std::sqrt(1 + std::numbers::pi * u.variance / 8), 1e-6);
    }
  }
}

TEST(Fast, WithoutNoiseIsThePlainNetwork) {
  Replica quiet(fast({5, 4}, "fast:p=0")), plain(mlp(table(), {5, 4}));
  quiet.loss();
  plain.loss();
  for (std::size_t i = 0; i < 3 * kRows; ++i) {
    EXPECT_NEAR(quiet.schedule.output(quiet.memory.data())[i],
                plain.schedule.output(plain.memory.data())[i], 2e-5);
  }
}

TEST(Fast, TheInputHasItsOwnRate) {
  const auto rates = [](const char* word) {
    std::vector<double> out;
    for (const Layer& layer : fast({5, 4}, word).layers) {
      for (const Noise& noise : layer.noise) out.push_back(noise.values[0]);
    }
    return out;
  };
  EXPECT_EQ(rates("fast:p=0.3"), (std::vector<double>{0, 0.3, 0.3}));
  EXPECT_EQ(rates("fast:p=0.3,input=0.1"), (std::vector<double>{0.1, 0.3, 0.3}));
  EXPECT_EQ(fast({5}, "fast:p=0.3,input=0.1").methods.back(), "fast:p=0.3,input=0.1");
}

TEST(Fast, NothingIsDrawn) {
  for (const Layer& layer : fast({5}, "fast:p=0.3").layers) EXPECT_FALSE(stochastic(layer));
  for (const Layer& layer : fast({5}, "bernoulli:p=0.3").layers) {
    EXPECT_EQ(stochastic(layer), layer.type == "noise");
  }
}

TEST(Fast, Gradients) {
  expect_gradients(fast({6, 5}, "fast:p=0.3,input=0.1"));
  expect_gradients(fast({6}, "fast:p=0.4,input=0.2"));
  // The precision is not learned by the gradient.
  expect_gradients(fast({6, 5}, "fast:p=0.3,input=0.2", Task::regression), "output.log_precision");
}

TEST(Fast, ARegressionsErrorCountsTheVariance) {
  const Spec spec = fast({5}, "fast:p=0.3", Task::regression);
  Replica r(spec);
  const double tau[] = {0.5, 2, 3};
  for (std::size_t j = 0; j < 3; ++j) {
    r.values[r.layout.at("output.log_precision").offset + j] = static_cast<float>(std::log(tau[j]));
  }
  const Frame f = r.frame(false);
  std::copy(r.x.begin(), r.x.end(), r.schedule.input(r.memory.data()));
  const double penalty =
      r.program.forward(f, r.schedule, r.memory.data(), 0, r.program.instructions().size());
  const float* u = r.schedule.value(3, r.memory.data());
  double want = 0;
  for (std::size_t i = 0; i < 3 * kRows; ++i) want += tau[i % 3] * u[3 * kRows + i] / 2;
  EXPECT_GT(want, 0.01);
  EXPECT_NEAR(penalty, want, 1e-5 * want);
}

TEST(Fast, Refusals) {
  const auto refusal = [](Spec spec) -> std::string {
    try {
      apply_method(spec, "fast");
    } catch (const std::invalid_argument& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_THAT(refusal(mlp(table(), {5}, "tanh")), HasSubstr("dense layers and ReLUs"));
  EXPECT_THAT(refusal(chain({{1, 6, 6}, Task::classification, 3},
                            {conv2d(1, 2, {3}), relu(), flatten(), linear(32, 3)})),
              HasSubstr("conv"));
  Spec noisy = mlp(table(), {5});
  apply_method(noisy, "bernoulli:p=0.5");
  EXPECT_THAT(refusal(noisy), HasSubstr("noise"));
  Spec spec = fast({5}, "fast");
  spec.layers.pop_back();
  EXPECT_ANY_THROW(spec.validate());
  spec.layers.push_back({.type = "tanh"});
  EXPECT_ANY_THROW(spec.validate());
  EXPECT_ANY_THROW(fast({5}, "fast:p=1"));
}

}  // namespace
}  // namespace scalemix::engine
