#include "scalemix/torch/op/noise_params.h"

#include <gmock/gmock.h>

#include "scalemix/law/any_law.h"
#include "scalemix/torch/op/noise.h"
#include "tests/torch/op_check.h"

namespace scalemix {
namespace {

using namespace op_check;
using ::testing::HasSubstr;

struct Learned {
  std::string law;
  std::vector<double> values;
};

/// Every law that can be learned, with ordinary parameters.
std::vector<Learned> learned_laws() {
  std::vector<Learned> laws;
  for (const law::LawRow& row : law::laws()) {
    std::vector<double> values;
    for (const Parameter& p : row.parameters) values.push_back(p.value + 0.1);
    if (law::AnyLaw::make(row.name, values).pathwise()) {
      laws.push_back({std::string(row.name), values});
    }
  }
  return laws;
}

at::Tensor row(const std::vector<double>& values) { return at::tensor(values, at::kDouble); }

at::Tensor apply(const at::Tensor& x, const std::string& law, const at::Tensor& params,
                 const std::string& site = "unit", const std::string& mode = "multiply") {
  return op::noise(x, seeds({11, -3}), law, params, site, mode, 5, 9, 2);
}

/// Each parameter's slope of weigh(f) by central differences of fourth order. Draws are float, so
/// that a step must be large: h = 0.02 leaves 1e-7 of it from rounding, h^4 from the rule.
at::Tensor slope_of(const std::function<at::Tensor(const at::Tensor&)>& f, const at::Tensor& params,
                    double h = 0.02) {
  const at::Tensor slope = at::empty_like(params), flat = slope.view(-1);
  for (int64_t i = 0; i < params.numel(); ++i) {
    const auto at_step = [&](double step) {
      const at::Tensor moved = params.detach().clone();
      moved.view(-1)[i] += step;
      return weigh({f(moved)}).item<double>();
    };
    flat[i] = (8 * (at_step(h) - at_step(-h)) - (at_step(2 * h) - at_step(-2 * h))) / (12 * h);
  }
  return slope;
}

at::Tensor gradient(const std::function<at::Tensor(const at::Tensor&)>& f,
                    const at::Tensor& params) {
  const at::Tensor leaf = params.detach().clone().requires_grad_(true);
  return torch::autograd::grad({weigh({f(leaf)})}, {leaf})[0];
}

/// params (P) expanded to `lead` and P, no two rows alike.
at::Tensor spread_rows(const at::Tensor& params, std::vector<int64_t> lead) {
  lead.push_back(params.numel());
  return params + spread(lead, at::kDouble, 0, 0.1, 5);
}

constexpr double kBound = 2e-4;

TEST(OpNoiseParamsTest, GradientsOfACallAReplicaAndAColumnAreThoseOfDifferences) {
  const at::Tensor x = spread({2, 6, 3, 4}, at::kDouble);
  for (const Learned& learned : learned_laws()) {
    for (const std::string mode : {"multiply", "add"}) {
      if (learned.law == "rayleigh" && mode == "multiply") continue;  // does not move
      for (const std::vector<int64_t>& lead :
           {std::vector<int64_t>{}, std::vector<int64_t>{2}, std::vector<int64_t>{2, 3}}) {
        SCOPED_TRACE(learned.law + " " + mode + " " + std::to_string(lead.size()));
        const at::Tensor params = spread_rows(row(learned.values), lead);
        const auto f = [&](const at::Tensor& p) {
          return apply(x, learned.law, p, "channel", mode);
        };
        EXPECT_TRUE(close(gradient(f, params), slope_of(f, params), kBound));
      }
    }
  }
}

TEST(OpNoiseParamsTest, GradientsAtEverySiteAreThoseOfDifferences) {
  const at::Tensor x = spread({2, 3, 2, 4}, at::kDouble), params = row({0.4});
  for (const std::string site : {"unit", "channel", "layer", "weight"}) {
    const auto f = [&](const at::Tensor& p) { return apply(x, "gaussian", p, site).square(); };
    EXPECT_TRUE(close(gradient(f, params), slope_of(f, params), kBound)) << site;
  }
}

TEST(OpNoiseParamsTest, TheMultiplierOfRayleighDoesNotMoveWithItsScale) {
  const at::Tensor x = spread({2, 3, 4}, at::kFloat);
  const auto f = [&](const at::Tensor& p) { return apply(x, "rayleigh", p); };
  EXPECT_EQ(gradient(f, row({2})).item<double>(), 0);
}

TEST(OpNoiseParamsTest, EqualsItsCompositionInEveryType) {
  for (const at::ScalarType type : {at::kFloat, at::kDouble, at::kBFloat16}) {
    const at::Tensor x = spread({2, 5, 3, 2}, type), dy = spread({2, 5, 3, 2}, type, -1, 1, 7);
    for (const Learned& learned : learned_laws()) {
      for (const std::vector<int64_t>& lead :
           {std::vector<int64_t>{}, std::vector<int64_t>{2}, std::vector<int64_t>{2, 3}}) {
        const at::Tensor params = spread_rows(row(learned.values), lead), seed = seeds({4, 5}),
                         draw = at::full({}, 9, at::kLong);
        const at::Tensor fused = op::noise_params_backward(
            dy, x, seed, learned.law, params, "channel", "multiply", 5, draw, 2, 0, {});
        const at::Tensor plain = op::composition::noise_params_backward(
            dy, x, seed, learned.law, params, "channel", "multiply", 5, draw, 2, 0, {});
        EXPECT_EQ(fused.scalar_type(), at::kDouble);
        if (learned.law == "rayleigh") {
          EXPECT_TRUE(same_bits(fused, plain));
          continue;
        }
        EXPECT_TRUE(close(fused, plain, 1e-12)) << learned.law << " " << lead.size();
      }
    }
  }
}

TEST(OpNoiseParamsTest, InputsAndParametersHaveTheirGradientsTogether) {
  const at::Tensor params = row({0.4});
  const at::Tensor x = spread({2, 3, 4}, at::kFloat).requires_grad_(true),
                   p = params.clone().requires_grad_(true);
  apply(x, "gaussian", p).sum().backward();
  EXPECT_TRUE(same_bits(x.grad(), apply(at::ones({2, 3, 4}), "gaussian", params)));
  // z = 1 + sqrt(alpha) s, so d z / d alpha = (z - 1) / (2 alpha).
  const at::Tensor z = apply(at::ones({2, 3, 4}), "gaussian", params).to(at::kDouble);
  const at::Tensor expected = (x.detach() * (z - 1) / 0.8).sum();
  EXPECT_NEAR(p.grad().item<double>(), expected.item<double>(), 1e-6);
}

TEST(OpNoiseParamsTest, ParametersInFloatGetTheirGradientInFloat) {
  const at::Tensor x = spread({2, 3, 4}, at::kFloat), p = row({0.5});
  const auto f = [&](const at::Tensor& params) { return apply(x, "laplace", params); };
  const at::Tensor g = gradient(f, p.to(at::kFloat));
  EXPECT_EQ(g.scalar_type(), at::kFloat);
  EXPECT_TRUE(close(g, gradient(f, p), 1e-6));
}

TEST(OpNoiseParamsTest, TheGradientOfTheInputMovesWithTheParameters) {
  const at::Tensor x = spread({2, 3, 4}, at::kDouble), params = row({0.4});
  const auto squared_slope = [&](const at::Tensor& p) {
    const at::AutoGradMode grad(true);
    const at::Tensor leaf = x.clone().requires_grad_(true);
    const at::Tensor y = apply(leaf, "gaussian", p).pow(3);
    return torch::autograd::grad({y.sum()}, {leaf}, {}, true, true)[0];
  };
  EXPECT_TRUE(close(gradient(squared_slope, params), slope_of(squared_slope, params), kBound));
}

TEST(OpNoiseParamsTest, ASecondDerivativeByParametersIsRefused) {
  const at::Tensor x = spread({2, 3, 4}, at::kFloat), p = row({0.4}).requires_grad_(true);
  const at::Tensor first =
      torch::autograd::grad({apply(x, "gaussian", p).square().sum()}, {p}, {}, true, true)[0];
  EXPECT_THAT(message_of([&] { torch::autograd::grad({first.sum()}, {p}); }),
              HasSubstr("gradient by params cannot be differentiated a second time"));
}

TEST(OpNoiseParamsTest, LawsWithoutAnExplicitTransformRefuseParametersThatRequireAGradient) {
  const at::Tensor x = spread({2, 3, 4}, at::kFloat);
  for (const law::LawRow& law : law::laws()) {
    std::vector<double> values;
    for (const Parameter& p : law.parameters) values.push_back(p.value);
    const bool learned = law::AnyLaw::make(law.name, values).pathwise();
    const std::string name(law.name);
    const std::string message =
        message_of([&] { apply(x, name, row(values).requires_grad_(true)); });
    if (learned) {
      EXPECT_EQ(message, "");
    } else {
      EXPECT_THAT(message, HasSubstr("noise: the params of " + name + " have no gradient"));
      EXPECT_THAT(message, HasSubstr("gaussian, uniform, laplace, lognormal"));
    }
  }
}

TEST(OpNoiseParamsTest, AnInfiniteSlopeIsRefused) {
  const at::Tensor p = row({0}).requires_grad_(true);
  const at::Tensor y = apply(spread({2, 3, 4}, at::kFloat), "gaussian", p);
  EXPECT_THAT(message_of([&] { y.sum().backward(); }),
              HasSubstr("gaussian: alpha must be positive to be learned, got 0"));
}

TEST(OpNoiseParamsTest, EmptyBatchesHaveNoGradient) {
  const auto f = [&](const at::Tensor& p) {
    return op::noise(at::ones({1, 0, 3}), seeds({1}), "gaussian", p, "unit", "multiply", 5, 9);
  };
  EXPECT_EQ(gradient(f, row({0.5})).item<double>(), 0);
}

TEST(OpNoiseTest, LawsOfAColumnEachDrawWhatTheyDrawAlone) {
  const at::Tensor x = spread({2, 5, 3, 2}, at::kFloat);
  for (const Learned& learned : learned_laws()) {
    const at::Tensor params = spread_rows(row(learned.values), {2, 3});
    const at::Tensor y = apply(x, learned.law, params, "channel");
    EXPECT_TRUE(same_bits(y, op::composition::noise(x, seeds({11, -3}), learned.law, params,
                                                    "channel", "multiply", 5, 9, 2)));
    for (int64_t c = 0; c < 3; ++c) {
      const at::Tensor alone = apply(x, learned.law, params.select(1, c), "channel");
      EXPECT_TRUE(same_bits(y.select(2, c), alone.select(2, c))) << learned.law << " " << c;
    }
  }
}

}  // namespace
}  // namespace scalemix
