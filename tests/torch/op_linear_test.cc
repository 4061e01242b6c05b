#include "scalemix/torch/op/linear.h"

#include <gmock/gmock.h>

#include "tests/torch/op_check.h"

namespace scalemix {
namespace {

using namespace op_check;
using ::testing::HasSubstr;

constexpr double kFloatBound = 1e-6, kDoubleBound = 1e-14;

/// y = x w^T + b by four loops in double.
at::Tensor reference(const at::Tensor& x, const at::Tensor& w, const at::Tensor& b) {
  const at::Tensor y = at::zeros({x.size(0), x.size(1), w.size(1)}, at::kDouble);
  const at::Tensor x64 = x.to(at::kDouble), w64 = w.to(at::kDouble), b64 = b.to(at::kDouble);
  const auto xa = x64.accessor<double, 3>(), wa = w64.accessor<double, 3>();
  const auto ba = b64.accessor<double, 2>();
  auto ya = y.accessor<double, 3>();
  for (int64_t r = 0; r < x.size(0); ++r) {
    for (int64_t n = 0; n < x.size(1); ++n) {
      for (int64_t o = 0; o < w.size(1); ++o) {
        ya[r][n][o] = ba[r][o];
        for (int64_t i = 0; i < x.size(2); ++i) ya[r][n][o] += xa[r][n][i] * wa[r][o][i];
      }
    }
  }
  return y;
}

TEST(OpLinearTest, EqualsItsCompositionAndTheLoops) {
  for (const at::ScalarType type : {at::kFloat, at::kDouble}) {
    const double bound = type == at::kFloat ? kFloatBound : kDoubleBound;
    const at::Tensor x = spread({2, 5, 17}, type), w = spread({2, 9, 17}, type, -1, 1, 3);
    const at::Tensor b = spread({2, 9}, type, -1, 1, 5);
    EXPECT_TRUE(close(op::linear(x, w, b), reference(x, w, b), bound));
    EXPECT_TRUE(close(op::composition::linear(x, w, b), reference(x, w, b), bound));
    EXPECT_TRUE(close(op::linear(x, w), reference(x, w, at::zeros({2, 9})), bound));
  }
}

TEST(OpLinearTest, DerivativesAgreeWithFiniteDifferences) {
  const Tensors in = {spread({2, 3, 4}, at::kDouble), spread({2, 2, 4}, at::kDouble, -1, 1, 3),
                      spread({2, 2}, at::kDouble, -1, 1, 5)};
  expect_derivatives(
      [](const Tensors& t) { return Tensors{op::linear(t[0], t[1], t[2]).square()}; }, in);
  expect_derivatives([](const Tensors& t) { return Tensors{op::linear(t[0], t[1]).square()}; },
                     {in[0], in[1]});
}

TEST(OpLinearTest, ComputesOnlyTheGradientsAskedFor) {
  const at::Tensor x = spread({2, 3, 4}, at::kFloat), w = spread({2, 2, 4}, at::kFloat, -1, 1, 3);
  const at::Tensor leaf = w.clone().requires_grad_(true);
  op::linear(x, leaf).sum().backward();
  EXPECT_FALSE(x.grad().defined());
  EXPECT_TRUE(close(leaf.grad(), x.sum(1, true).expand({2, 2, 4}), kFloatBound));
}

TEST(OpLinearTest, AReplicaOfAStackEqualsItsSingleRun) {
  const at::Tensor x = spread({3, 33, 20}, at::kFloat),
                   w = spread({3, 7, 20}, at::kFloat, -1, 1, 3);
  const at::Tensor b = spread({3, 7}, at::kFloat, -1, 1, 5);
  const auto run = [](const at::Tensor& x_, const at::Tensor& w_, const at::Tensor& b_) {
    const Tensors in = leaves({x_, w_, b_});
    Tensors out =
        gradients([](const Tensors& t) { return Tensors{op::linear(t[0], t[1], t[2])}; }, in);
    out.push_back(op::linear(x_, w_, b_));
    return out;
  };
  // The first replica is compared: there the loss of the stack and of the single run have the same
  // weights.
  const Tensors stack = run(x, w, b);
  const Tensors single = run(x.narrow(0, 0, 1), w.narrow(0, 0, 1), b.narrow(0, 0, 1));
  for (std::size_t k = 0; k < stack.size(); ++k) {
    EXPECT_TRUE(same_bits(stack[k].narrow(0, 0, 1), single[k])) << "tensor " << k;
  }
}

TEST(OpLinearTest, HalfTypesComputeInFloatAndRoundOnce) {
  for (const at::ScalarType type : {at::kHalf, at::kBFloat16}) {
    const at::Tensor x = spread({2, 3, 40}, type), w = spread({2, 5, 40}, type, -1, 1, 3);
    const at::Tensor b = spread({2, 5}, type, -1, 1, 5);
    const at::Tensor wide = op::linear(x.to(at::kFloat), w.to(at::kFloat), b.to(at::kFloat));
    EXPECT_TRUE(same_bits(op::linear(x, w, b), wide.to(type)));
  }
}

TEST(OpLinearTest, NoInputsLeaveTheBias) {
  const at::Tensor b = spread({2, 3}, at::kFloat);
  const at::Tensor y = op::linear(at::ones({2, 4, 0}), at::ones({2, 3, 0}), b);
  EXPECT_TRUE(same_bits(y, b.unsqueeze(1).expand({2, 4, 3}).contiguous()));
  EXPECT_TRUE(
      same_bits(op::linear(at::ones({2, 4, 0}), at::ones({2, 3, 0})), at::zeros({2, 4, 3})));
  EXPECT_EQ(op::linear(at::ones({2, 0, 5}), at::ones({2, 3, 5})).sizes(),
            at::IntArrayRef({2, 0, 3}));
}

TEST(OpLinearTest, WrongArgumentsSayWhatWasExpectedAndWhatCame) {
  const at::Tensor x = at::ones({2, 3, 4}), w = at::ones({2, 5, 4});
  const auto message = [](const at::Tensor& x_, const at::Tensor& w_, const at::Tensor& b_ = {}) {
    return message_of([&] { op::linear(x_, w_, b_); });
  };
  EXPECT_EQ(message(x, w), "");
  EXPECT_THAT(message(x[0], w), HasSubstr("linear: expected x of shape (R, N, I), got [3, 4]"));
  EXPECT_THAT(message(x, at::ones({2, 5, 6})),
              HasSubstr("linear: expected w of shape [2, 5, 4], got [2, 5, 6]"));
  EXPECT_THAT(message(x, w.to(at::kDouble)),
              HasSubstr("linear: expected w of type float32, got float64"));
  EXPECT_THAT(message(x, w, at::ones({5})),
              HasSubstr("linear: expected b of shape [2, 5], got [5]"));
  EXPECT_THAT(message(x, w, at::empty({2, 5}, at::TensorOptions(at::kMeta))),
              HasSubstr("linear: expected b on cpu, got meta"));
}

TEST(OpProductTest, EveryTranspositionEqualsItsCompositionAndDerives) {
  const at::Tensor a = spread({2, 3, 4}, at::kDouble), b = spread({2, 4, 5}, at::kDouble, -1, 1, 3);
  for (const bool ta : {false, true}) {
    for (const bool tb : {false, true}) {
      SCOPED_TRACE((ta ? "a^T " : "a ") + std::string(tb ? "b^T" : "b"));
      const at::Tensor left = ta ? a.transpose(1, 2).contiguous() : a;
      const at::Tensor right = tb ? b.transpose(1, 2).contiguous() : b;
      EXPECT_TRUE(close(op::product(left, right, ta, tb), at::bmm(a, b), kDoubleBound));
      EXPECT_TRUE(
          close(op::composition::product(left, right, ta, tb), at::bmm(a, b), kDoubleBound));
      expect_derivatives(
          [&](const Tensors& t) { return Tensors{op::product(t[0], t[1], ta, tb).square()}; },
          {left, right});
    }
  }
}

TEST(OpColumnSumsTest, AccumulatesInDoubleInRowOrder) {
  const at::Tensor x = spread({2, 50, 130}, at::kFloat);
  EXPECT_TRUE(same_bits(op::column_sums(x), op::composition::column_sums(x)));
  // In float the ones would be lost beside 2^25.
  const at::Tensor tall = at::ones({1, 9, 1});
  tall[0][0][0] = 33554432.0f;
  tall[0][8][0] = -33554432.0f;
  EXPECT_EQ(op::column_sums(tall).item<float>(), 7);
  expect_derivatives([](const Tensors& t) { return Tensors{op::column_sums(t[0]).square()}; },
                     {spread({2, 3, 4}, at::kDouble)});
}

}  // namespace
}  // namespace scalemix
