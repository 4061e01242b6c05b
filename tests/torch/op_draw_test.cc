// The overloads that take the number of the step in a tensor.

#include <gmock/gmock.h>

#include "scalemix/torch/op/noise.h"
#include "scalemix/torch/op/reparam.h"
#include "scalemix/torch/op/svdo_linear.h"
#include "tests/torch/op_check.h"

namespace scalemix {
namespace {

using namespace op_check;
using ::testing::HasSubstr;

at::Tensor draw(int64_t number) { return at::full({}, number, at::kLong); }

/// Every op that draws, at a step.
const std::vector<std::function<at::Tensor(const at::Tensor&, const op::Draw&)>> kOps = {
    [](const at::Tensor& x, const op::Draw& step) {
      return op::noise(x, seeds({1, 2}), "laplace", at::tensor({0.5}, at::kDouble), "unit",
                       "multiply", 5, step);
    },
    [](const at::Tensor& x, const op::Draw& step) {
      return op::noise(x, seeds({1, 2}), "bernoulli", at::tensor({0.5}, at::kDouble), "unit",
                       "multiply", 5, step);
    },
    [](const at::Tensor& x, const op::Draw& step) {
      return op::reparam(x, x.square(), seeds({1, 2}), 5, step);
    },
    [](const at::Tensor& x, const op::Draw& step) {
      const at::Tensor w = spread({2, 4, x.size(2)}, x.scalar_type(), -1, 1, 3);
      return std::get<0>(op::svdo_linear(x, w, w, {}, seeds({1, 2}), 5, step));
    },
};

at::Tensor input() { return spread({2, 3, 8}, at::kFloat); }

TEST(OpDrawTest, ATensorAndItsNumberDrawTheSame) {
  for (const auto& op : kOps) {
    EXPECT_TRUE(same_bits(op(input(), draw(7)), op(input(), 7)));
    EXPECT_FALSE(op(input(), draw(8)).equal(op(input(), 7)));
  }
}

TEST(OpDrawTest, ACounterThatGoesUpBeforeTheBackwardPassChangesNoGradient) {
  for (const auto& op : kOps) {
    const at::Tensor fixed = input().requires_grad_(true), counted = input().requires_grad_(true),
                     counter = draw(7);
    op(fixed, 7).sum().backward();
    const at::Tensor y = op(counted, counter);
    counter.add_(1);
    y.sum().backward();
    EXPECT_TRUE(same_bits(counted.grad(), fixed.grad()));
  }
}

TEST(OpDrawTest, WrongDrawsSayWhatWasExpectedAndWhatCame) {
  for (const auto& op : kOps) {
    const auto message = [&](const op::Draw& step) {
      return message_of([&] { op(input(), step); });
    };
    EXPECT_THAT(message(at::full({}, 7.0f)), HasSubstr("expected draw of type int64, got float32"));
    EXPECT_THAT(message(draw(7).expand({2})), HasSubstr("expected draw of shape [], got [2]"));
    EXPECT_THAT(message(at::empty({}, at::TensorOptions(at::kMeta).dtype(at::kLong))),
                HasSubstr("expected draw on cpu, got meta"));
    EXPECT_THAT(message(draw(-1)), HasSubstr("draw must be in [0, 2^32), got -1"));
    EXPECT_THAT(message(draw(1LL << 32)), HasSubstr("draw must be in [0, 2^32), got 4294967296"));
  }
}

}  // namespace
}  // namespace scalemix
