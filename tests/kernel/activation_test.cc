#include "scalemix/kernel/activation.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <set>
#include <vector>

#include "fixture.h"

namespace scalemix::kernel {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr double kLeast = std::numeric_limits<float>::min();

/// From far out to very close to zero, both signs.
std::vector<float> inputs() {
  std::vector<float> x = values(5000, -20, 20);
  for (const double v : {0.0, 1e-30, 1e-8, 1e-4, 0.3, 1.0, 3.0, 50.0, 88.0, 104.0, 1e4, 1e30}) {
    x.push_back(static_cast<float>(v));
    x.push_back(static_cast<float>(-v));
  }
  return x;
}

TEST(Activation, EveryOneIsWithinItsBoundOnEveryTarget) {
  for_every_target([] {
    for (const ActivationRow& row : activations()) {
      const auto x = inputs();
      auto y = x;
      activate(row.activation, 0.01f, y.size(), y.data());
      for (std::size_t i = 0; i < x.size(); ++i) {
        const double exact = ref::activate(row.activation, 0.01f, x[i]);
        // Below the smallest normal float nothing has relative accuracy.
        ASSERT_NEAR(y[i], exact, kActivationError * std::abs(exact) + kLeast)
            << row.name << " " << x[i];
      }
    }
  });
}

TEST(Activation, SlopesAreTheirReferencesOnEveryTarget) {
  for_every_target([] {
    for (const ActivationRow& row : activations()) {
      const auto x = values(5001, -6, 6);
      auto y = x;
      activate(row.activation, 0.25f, y.size(), y.data());
      std::vector<float> dy(x.size(), 2.0f);
      activate_backward(row.activation, 0.25f, x.size(), x.data(), y.data(), dy.data());
      for (std::size_t i = 0; i < x.size(); ++i) {
        ASSERT_NEAR(dy[i], 2 * ref::activate_slope(row.activation, 0.25, x[i]), 1e-5)
            << row.name << " " << x[i];
      }
    }
  });
}

TEST(Activation, WhereTheSlopeFollowsFromTheResultItMayStandForX) {
  for (const ActivationRow& row : activations()) {
    if (!slope_from_result(row.activation)) continue;
    const std::vector<float> x = values(1000, -3, 3);
    std::vector<float> y = x, from_x(x.size(), 2), from_y = from_x;
    activate(row.activation, 0.25f, x.size(), y.data());
    activate_backward(row.activation, 0.25f, x.size(), x.data(), y.data(), from_x.data());
    activate_backward(row.activation, 0.25f, x.size(), y.data(), y.data(), from_y.data());
    EXPECT_EQ(from_x, from_y) << row.name;
  }
  EXPECT_TRUE(slope_from_result(Activation::relu));
  EXPECT_FALSE(slope_from_result(Activation::gelu));
}

TEST(Activation, ReferenceSlopesAreThoseOfFiniteDifferences) {
  constexpr double h = 1e-6;
  for (const ActivationRow& row : activations()) {
    for (const double x : {-3.3, -1.2, -0.4, 0.3, 0.9, 2.7}) {
      const auto f = [&](double v) { return ref::activate(row.activation, 0.25, v); };
      EXPECT_NEAR(ref::activate_slope(row.activation, 0.25, x), (f(x + h) - f(x - h)) / (2 * h),
                  1e-8)
          << row.name;
    }
  }
}

TEST(Activation, AtAKinkTheSlopeIsThatOfTheLeft) {
  const float x[] = {0}, y[] = {0};
  for (const auto& [f, want] :
       {std::pair{Activation::relu, 0.0f}, {Activation::leaky_relu, 0.25f}}) {
    float dy[] = {1};
    activate_backward(f, 0.25f, 1, x, y, dy);
    EXPECT_EQ(dy[0], want);
  }
}

TEST(Activation, OnlyAParameterOfLayersIsTheirSlope) {
  for (const ActivationRow& row : activations()) {
    const double fixed = row.parameters.empty() ? 0 : row.parameters[0].value;
    EXPECT_EQ(row.layer_parameter(0.3), row.of_layer ? 0.3 : fixed) << row.name;
    EXPECT_EQ(row.of_layer, row.activation == Activation::leaky_relu) << row.name;
  }
}

TEST(Activation, EverySizeIsDoneWholeAndNoFurther) {
  for_every_target([] {
    for (const std::size_t n : kSizes) {
      for (const ActivationRow& row : activations()) {
        auto x = values(n + 1, -3, 3);
        const auto before = x;
        activate(row.activation, 0.5f, n, x.data());
        ASSERT_EQ(x[n], before[n]) << row.name;
        if (n == 0) continue;
        const double exact = ref::activate(row.activation, 0.5, before[n - 1]);
        ASSERT_NEAR(x[n - 1], exact, 3e-6) << row.name << " " << n;
      }
    }
  });
}

TEST(Activation, LimitsAndNanAreKept) {
  for_every_target([] {
    for (const ActivationRow& row : activations()) {
      if (row.activation == Activation::sine) continue;  // has no limits
      float x[] = {-kInf, kInf, kNan};
      activate(row.activation, 0.01f, 3, x);
      const bool passes =
          row.activation != Activation::tanh && row.activation != Activation::sigmoid &&
          row.activation != Activation::hard_tanh && row.activation != Activation::erf;
      EXPECT_EQ(x[1], passes ? kInf : 1) << row.name;
      EXPECT_TRUE(std::isnan(x[2])) << row.name;
    }
    float relu[] = {-kInf}, elu[] = {-kInf}, sigmoid[] = {-kInf};
    activate(Activation::relu, 0, 1, relu);
    activate(Activation::elu, 0, 1, elu);
    activate(Activation::sigmoid, 0, 1, sigmoid);
    EXPECT_EQ(relu[0], 0);
    EXPECT_EQ(elu[0], -1);
    EXPECT_EQ(sigmoid[0], 0);
  });
}

TEST(Activation, KnownValues) {
  // sigmoid(0) = 1/2; gelu(1) = Phi(1); silu(1) = sigmoid(1); elu(-1) = 1/e - 1.
  EXPECT_EQ(ref::activate(Activation::sigmoid, 0, 0), 0.5);
  EXPECT_NEAR(ref::activate(Activation::gelu, 0, 1), 0.841344746068543, 1e-15);
  EXPECT_NEAR(ref::activate(Activation::silu, 0, 1), 0.731058578630005, 1e-15);
  EXPECT_NEAR(ref::activate(Activation::elu, 0, -1), -0.632120558828558, 1e-15);
  EXPECT_EQ(ref::activate(Activation::leaky_relu, 0.25, -4), -1);
  EXPECT_EQ(ref::activate(Activation::hard_tanh, 0, -4), -1);
}

TEST(Activation, NamesAreDistinctAndFindTheirOwn) {
  std::set<std::string_view> names;
  for (const ActivationRow& row : activations()) {
    EXPECT_TRUE(names.insert(row.name).second) << row.name;
    EXPECT_EQ(find_activation(row.name), row.activation);
    EXPECT_EQ(activation_row(row.activation).name, row.name);
    EXPECT_FALSE(row.summary.empty() || row.source.empty()) << row.name;
  }
  EXPECT_EQ(find_activation("swish"), std::nullopt);
}

TEST(Softmax, RowsAreTheExponentialsOverTheirSum) {
  for_every_target([] {
    for (const std::size_t columns : {1, 2, 3, 7, 10, 33, 1000}) {
      const std::size_t rows = 37;
      const auto x = values(rows * columns, -10, 10);
      auto y = x;
      softmax(rows, columns, y.data());
      for (std::size_t r = 0; r < rows; ++r) {
        double total = 0;
        for (std::size_t c = 0; c < columns; ++c) total += std::exp(double{x[r * columns + c]});
        for (std::size_t c = 0; c < columns; ++c) {
          const double exact = std::exp(double{x[r * columns + c]}) / total;
          // The difference to the largest element is rounded, which costs up to 20 eps of the
          // exponential.
          ASSERT_NEAR(y[r * columns + c], exact, 3e-6 * exact) << columns;
        }
      }
    }
  });
}

TEST(Softmax, LargeLogitsDoNotOverflow) {
  float x[] = {1000, 1000, -1000, 3e38f, -3e38f, 0};
  softmax(2, 3, x);
  EXPECT_EQ(x[0], 0.5f);
  EXPECT_EQ(x[2], 0);
  EXPECT_EQ(x[3], 1);
  EXPECT_EQ(x[5], 0);
}

TEST(Softmax, EntropyIsItsDefinition) {
  for_every_target([] {
    for (const std::size_t columns : {1u, 2u, 7u, 10u, 33u}) {
      const std::size_t rows = 5;
      auto p = values(rows * columns, -6, 6);
      if (columns > 2) p[1] = -std::numeric_limits<float>::infinity();
      std::vector<double> entropy(rows);
      softmax(rows, columns, p.data(), entropy.data());
      for (std::size_t r = 0; r < rows; ++r) {
        double exact = 0;
        for (std::size_t c = 0; c < columns; ++c) {
          const double q = p[r * columns + c];
          exact -= q > 0 ? q * std::log(q) : 0;
        }
        ASSERT_NEAR(entropy[r], exact, 1e-6) << columns;
      }
    }
  });
}

TEST(Softmax, NanSpoilsItsRowAndNoOther) {
  float x[] = {0, kNan, 0, 1, 1, 1};
  softmax(2, 3, x);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(std::isnan(x[i]));
  for (int i = 3; i < 6; ++i) EXPECT_NEAR(x[i], 1.0 / 3, 1e-7);
}

TEST(Forward, BiasIsAddedToEveryRow) {
  float x[] = {1, 2, 3, 4, 5, 6};
  const float bias[] = {10, 20, 30};
  add_bias(2, 3, bias, x);
  EXPECT_EQ(std::vector<float>(x, x + 6), (std::vector<float>{11, 22, 33, 14, 25, 36}));
}

TEST(Forward, AddIsElementWise) {
  const auto x = values(Tiles::kLeast + 3, -1, 1, 1), y = values(Tiles::kLeast + 3, -1, 1, 2);
  auto sum = y;
  add(x.size(), x.data(), sum.data());
  for (std::size_t i = 0; i < x.size(); ++i) ASSERT_EQ(sum[i], x[i] + y[i]);
}

TEST(Forward, FoldedBatchNormIsItsDefinition) {
  const std::size_t rows = 5, channels = 3, inner = 7;
  const auto x = values(rows * channels * inner, -2, 2), mean = values(channels, -1, 1, 2);
  const auto var = values(channels, 0.1, 3, 3), weight = values(channels, -2, 2, 4);
  const auto bias = values(channels, -1, 1, 5);
  std::vector<float> scale(channels), shift(channels);
  fold_batch_norm(channels, mean.data(), var.data(), weight.data(), bias.data(), 1e-5, scale.data(),
                  shift.data());
  auto y = x;
  batch_norm(rows, channels, inner, scale.data(), shift.data(), y.data());
  for (std::size_t i = 0; i < x.size(); ++i) {
    const std::size_t c = i / inner % channels;
    const double exact = (double{x[i]} - mean[c]) / std::sqrt(var[c] + 1e-5) * weight[c] + bias[c];
    ASSERT_NEAR(y[i], exact, 5e-6);
  }
}

TEST(Forward, BatchNormWithoutWeightAndBiasOnlyStandardises) {
  const float mean[] = {3}, var[] = {4};
  float scale, shift, x[] = {3, 5};
  fold_batch_norm(1, mean, var, nullptr, nullptr, 0, &scale, &shift);
  batch_norm(2, 1, 1, &scale, &shift, x);
  EXPECT_EQ(x[0], 0);
  EXPECT_EQ(x[1], 1);
}

}  // namespace
}  // namespace scalemix::kernel
