#include "scalemix/torch/op/noise.h"

#include <gmock/gmock.h>

#include "scalemix/kernel/noise.h"
#include "scalemix/law/any_law.h"
#include "scalemix/torch/op/noise_bits.h"
#include "tests/torch/op_check.h"

namespace scalemix {
namespace {

using namespace op_check;
using ::testing::HasSubstr;

const std::vector<std::string> kSites = {"unit", "channel", "layer", "weight"};
const std::vector<std::string> kModes = {"multiply", "add"};

/// Default parameters of a law.
at::Tensor defaults(const law::LawRow& row) {
  std::vector<double> values;
  for (const Parameter& p : row.parameters) values.push_back(p.value);
  return at::tensor(values, at::kDouble);
}

at::Tensor gaussian(double alpha) { return at::tensor(std::vector<double>{alpha}, at::kDouble); }

at::Tensor unit_noise(const at::Tensor& x, const at::Tensor& seed, int64_t row0 = 0,
                      int64_t width = 0, const at::Tensor& columns = {}) {
  return op::noise(x, seed, "gaussian", gaussian(0.25), "unit", "multiply", 5, 9, row0, width,
                   columns);
}

kernel::Site site_of(const std::string& site, const at::Tensor& x) {
  const std::size_t n = x.size(1), c = x.size(2), s = x.size(3) * x.size(4);
  if (site == "unit") return {.rows = n, .columns = c * s};
  if (site == "channel") return {.rows = n, .columns = c, .inner = s};
  if (site == "layer") return {.rows = n, .columns = 1, .inner = c * s};
  return {.rows = 1, .columns = n * c * s};
}

TEST(OpNoiseTest, EveryLawAtEverySiteEqualsItsCompositionAndTheReferenceBitForBit) {
  const at::Tensor x = spread({2, 3, 4, 2, 5}, at::kFloat), seed = seeds({11, -3});
  for (const law::LawRow& row : law::laws()) {
    const std::string name(row.name);
    const at::Tensor params = defaults(row);
    const law::AnyLaw law = law::AnyLaw::make(
        name, {params.data_ptr<double>(), static_cast<std::size_t>(params.numel())});
    for (const std::string& site : kSites) {
      for (const std::string& mode : kModes) {
        SCOPED_TRACE(name + " " + site + " " + mode);
        const bool multiply = mode == "multiply";
        const at::Tensor y = op::noise(x, seed, name, params, site, mode, 5, 9);
        EXPECT_TRUE(same_bits(y, op::composition::noise(x, seed, name, params, site, mode, 5, 9)));
        const at::Tensor expected = at::empty_like(x);
        for (int64_t r = 0; r < 2; ++r) {
          kernel::ref::noise(multiply ? law.multiplier() : law.raw(),
                             Stream{static_cast<uint64_t>(seed[r].item<int64_t>()), 5, 9},
                             site_of(site, x),
                             multiply ? kernel::Combine::multiply : kernel::Combine::add,
                             x[r].data_ptr<float>(), expected[r].data_ptr<float>());
        }
        EXPECT_TRUE(same_bits(y, expected));
      }
    }
  }
}

TEST(OpNoiseTest, DoubleDrawsTheSameNoise) {
  const at::Tensor ones = at::ones({1, 8, 16}, at::kFloat), seed = seeds({7});
  const at::Tensor wide = unit_noise(ones.to(at::kDouble), seed);
  EXPECT_TRUE(same_bits(wide, unit_noise(ones, seed).to(at::kDouble)));
  const at::Tensor x = spread({1, 8, 16}, at::kDouble);
  EXPECT_TRUE(same_bits(
      unit_noise(x, seed),
      op::composition::noise(x, seed, "gaussian", gaussian(0.25), "unit", "multiply", 5, 9)));
}

TEST(OpNoiseTest, BitsThatAreKeptGiveTheGradientThatNewDrawsGive) {
  const at::Tensor seed = seeds({11, -3}), p = at::tensor(std::vector<double>{0.3}, at::kDouble);
  for (const std::string site : {"unit", "weight", "layer"}) {
    for (const std::int64_t columns : {8, 7}) {  // 7: the second row begins within a block of four
      const at::Tensor dy = spread({2, 3, columns}, at::kFloat);
      const auto apply = [&](const at::Tensor& x) {
        return op::noise(x, seed, "bernoulli", p, site, "multiply", 5, 9, /*row0=*/1);
      };
      const at::Tensor x = spread({2, 3, columns}, at::kFloat).requires_grad_();
      const at::Tensor y = apply(x);
      EXPECT_TRUE(same_bits(y.detach(), apply(x.detach())));
      y.backward(dy);
      EXPECT_TRUE(same_bits(x.grad(), apply(dy))) << site;
    }
  }
  const at::Tensor x = spread({2, 3, 8}, at::kFloat);
  const op::Sources draws{seed, 5, at::full({}, 9, at::kLong), 1};
  EXPECT_TRUE(op::is_plain(x));
  EXPECT_FALSE(op::is_plain(x.to(at::kDouble)));
  EXPECT_TRUE(op::NoiseBits::make(draws, p, {.rows = 3, .columns = 8}, x));
  EXPECT_FALSE(op::NoiseBits::make(draws, p, {.rows = 3, .columns = 1, .inner = 8}, x));
}

TEST(OpNoiseTest, DerivativesAgreeWithFiniteDifferences) {
  const at::Tensor x = spread({2, 3, 2, 2}, at::kDouble), seed = seeds({1, 2});
  for (const std::string& site : kSites) {
    for (const std::string& mode : kModes) {
      SCOPED_TRACE(site + " " + mode);
      // Squared after the noise, so that there is a second derivative.
      expect_derivatives(
          [&](const Tensors& in) {
            return Tensors{op::noise(in[0], seed, "laplace",
                                     at::tensor(std::vector<double>{0.7}, at::kDouble), site, mode,
                                     3, 4)
                               .pow(3)};
          },
          {x});
    }
  }
}

TEST(OpNoiseTest, GradientIsTheNoiseItself) {
  const at::Tensor x = spread({2, 5, 6}, at::kFloat).requires_grad_(true), seed = seeds({1, 2});
  unit_noise(x, seed).sum().backward();
  EXPECT_TRUE(same_bits(x.grad(), unit_noise(at::ones({2, 5, 6}), seed)));
}

TEST(OpNoiseTest, AReplicaOfAStackEqualsItsSingleRun) {
  const at::Tensor x = spread({3, 5, 7}, at::kFloat), seed = seeds({4, 1LL << 40, -9});
  const at::Tensor params =
      at::tensor(std::vector<double>{0.1, 0.5, 0.9}, at::kDouble).view({3, 1});
  const at::Tensor stack = op::noise(x, seed, "bernoulli", params, "unit", "multiply", 5, 9);
  for (int64_t r = 0; r < 3; ++r) {
    const at::Tensor single = op::noise(x.narrow(0, r, 1), seed.narrow(0, r, 1), "bernoulli",
                                        params[r], "unit", "multiply", 5, 9);
    EXPECT_TRUE(same_bits(stack.narrow(0, r, 1), single)) << "replica " << r;
  }
}

TEST(OpNoiseTest, PartsOfABatchDrawWhatTheWholeDraws) {
  const at::Tensor x = spread({2, 9, 7}, at::kFloat), seed = seeds({4, 5});
  const at::Tensor parts =
      at::cat({unit_noise(x.narrow(1, 0, 4), seed, 0), unit_noise(x.narrow(1, 4, 5), seed, 4)}, 1);
  EXPECT_TRUE(same_bits(parts, unit_noise(x, seed)));
}

TEST(OpNoiseTest, AShrunkLayerKeepsTheNoiseOfWhatIsLeft) {
  const at::Tensor x = spread({2, 4, 10}, at::kFloat), seed = seeds({4, 5});
  const at::Tensor left = at::tensor(std::vector<int64_t>{1, 2, 7}, at::kLong);
  const at::Tensor whole = unit_noise(x, seed).index_select(2, left);
  EXPECT_TRUE(same_bits(unit_noise(x.index_select(2, left), seed, 0, 10, left), whole));
  EXPECT_TRUE(
      same_bits(op::composition::noise(x.index_select(2, left), seed, "gaussian", gaussian(0.25),
                                       "unit", "multiply", 5, 9, 0, 10, left),
                whole));
}

TEST(OpNoiseTest, WeightsDoNotDependOnTheRowOfTheBatch) {
  const at::Tensor w = spread({2, 4, 10}, at::kFloat), seed = seeds({4, 5});
  const auto at_row = [&](int64_t row0) {
    return op::noise(w, seed, "gaussian", gaussian(0.25), "weight", "multiply", 5, 9, row0);
  };
  EXPECT_TRUE(same_bits(at_row(0), at_row(64)));
}

TEST(OpNoiseTest, EveryNumberOfTheStreamChangesTheNoise) {
  const at::Tensor x = at::ones({1, 4, 8}), p = gaussian(0.25);
  const at::Tensor base = op::noise(x, seeds({1}), "gaussian", p, "unit", "multiply", 5, 9);
  const std::vector<at::Tensor> others = {
      op::noise(x, seeds({2}), "gaussian", p, "unit", "multiply", 5, 9),
      op::noise(x, seeds({1LL << 32 | 1}), "gaussian", p, "unit", "multiply", 5, 9),
      op::noise(x, seeds({1}), "gaussian", p, "unit", "multiply", 6, 9),
      op::noise(x, seeds({1}), "gaussian", p, "unit", "multiply", 5, 10),
      op::noise(x, seeds({1}), "gaussian", p, "unit", "multiply", 5, 9, 1LL << 35)};
  for (const at::Tensor& other : others) EXPECT_FALSE(other.equal(base));
}

TEST(OpNoiseTest, HalfTypesComputeInFloatAndRoundOnce) {
  for (const at::ScalarType type : {at::kHalf, at::kBFloat16}) {
    const at::Tensor x = spread({2, 3, 5}, type), seed = seeds({4, 5});
    EXPECT_TRUE(same_bits(unit_noise(x, seed), unit_noise(x.to(at::kFloat), seed).to(type)));
    EXPECT_TRUE(same_bits(
        unit_noise(x, seed),
        op::composition::noise(x, seed, "gaussian", gaussian(0.25), "unit", "multiply", 5, 9)));
  }
}

TEST(OpNoiseTest, StridedInputGivesTheSameAsContiguous) {
  const at::Tensor x = spread({2, 6, 4}, at::kFloat).transpose(1, 2), seed = seeds({4, 5});
  EXPECT_TRUE(same_bits(unit_noise(x, seed), unit_noise(x.contiguous(), seed)));
}

TEST(OpNoiseTest, EmptyBatchesPass) {
  EXPECT_EQ(unit_noise(at::ones({2, 0, 3}), seeds({1, 2})).sizes(), at::IntArrayRef({2, 0, 3}));
  EXPECT_EQ(unit_noise(at::ones({0, 4, 3}), seeds({})).sizes(), at::IntArrayRef({0, 4, 3}));
}

TEST(OpNoiseTest, MetaTensorsGiveShapes) {
  const auto meta = at::TensorOptions(at::kMeta);
  const at::Tensor y =
      op::noise(at::empty({2, 3, 4}, meta.dtype(at::kHalf)), at::empty({2}, meta.dtype(at::kLong)),
                "gaussian", at::empty({1}, meta.dtype(at::kDouble)), "unit", "multiply", 5, 9);
  EXPECT_EQ(y.sizes(), at::IntArrayRef({2, 3, 4}));
  EXPECT_EQ(y.scalar_type(), at::kHalf);
}

TEST(OpNoiseTest, WrongArgumentsSayWhatWasExpectedAndWhatCame) {
  const at::Tensor x = at::ones({2, 3, 4}), seed = seeds({1, 2}), p = gaussian(0.25);
  const auto with = [&](const at::Tensor& x_, const at::Tensor& seed_, const char* law,
                        const at::Tensor& p_, const char* site, const char* mode, int64_t draw = 0,
                        int64_t width = 0, const at::Tensor& columns = {}) {
    return message_of(
        [&] { op::noise(x_, seed_, law, p_, site, mode, 0, draw, 0, width, columns); });
  };
  const auto from = [&](const at::Tensor& x_, const at::Tensor& seed_, const at::Tensor& p_) {
    return with(x_, seed_, "gaussian", p_, "unit", "multiply");
  };
  EXPECT_EQ(from(x, seed, p), "");
  EXPECT_THAT(from(x, at::ones({2}), p),
              HasSubstr("noise: expected seed of type int64, got float32"));
  EXPECT_THAT(from(x, seeds({1}), p), HasSubstr("noise: expected seed of shape [2], got [1]"));
  EXPECT_THAT(from(x.to(at::kInt), seed, p),
              HasSubstr("noise: expected x of a real floating type, got Int"));
  EXPECT_THAT(from(at::ones({2}), seed, p),
              HasSubstr("noise: expected x of at least 2 dimensions, got 1"));
  EXPECT_THAT(from(x, seed, p.to(at::kHalf)),
              HasSubstr("noise: expected params of type float64 or float32, got float16"));
  EXPECT_THAT(from(x, seed, p.expand({3, 1})),
              HasSubstr("noise: expected params of shape [2, 1], got [3, 1]"));
  EXPECT_THAT(from(x, seed, gaussian(-1)), HasSubstr("gaussian: alpha must be in"));
  EXPECT_THAT(from(x, seed, p.expand({2, 3, 1})),
              HasSubstr("noise: expected params of shape [2, 4, 1], got [2, 3, 1]"));
  EXPECT_THAT(with(x, seed, "gausian", p, "unit", "multiply"), HasSubstr("gaussian"));
  EXPECT_THAT(with(x, seed, "gaussian", p, "pixel", "multiply"),
              HasSubstr("expected site unit, channel, layer or weight, got pixel"));
  EXPECT_THAT(with(x, seed, "gaussian", p, "unit", "mul"),
              HasSubstr("expected mode multiply or add, got mul"));
  EXPECT_THAT(with(x, seed, "gaussian", p, "unit", "add", -1),
              HasSubstr("draw must be in [0, 2^32), got -1"));
  EXPECT_THAT(with(x, seed, "gaussian", p, "unit", "add", 0, 3),
              HasSubstr("expected a width of at least 4 columns, got 3"));
  EXPECT_THAT(
      with(x, seed, "gaussian", p, "unit", "add", 0, 9, at::tensor({0, 1, 2, 9}, at::kLong)),
      HasSubstr("expected columns in [0, 9), got 9"));
}

}  // namespace
}  // namespace scalemix
