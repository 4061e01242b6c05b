#include "scalemix/torch/op/reparam.h"

#include <gmock/gmock.h>

#include "scalemix/kernel/reparam.h"
#include "scalemix/law/any_law.h"
#include "tests/torch/op_check.h"

namespace scalemix {
namespace {

using namespace op_check;
using ::testing::HasSubstr;

constexpr double kFloatBound = 2e-6, kDoubleBound = 1e-13;

TEST(OpReparamTest, EqualsItsCompositionAndTheReference) {
  const at::Tensor seed = seeds({3, 1LL << 50});
  const law::AnyLaw normal = law::AnyLaw::parse("normal:scale=1");
  const at::Tensor mean = spread({2, 5, 4, 3}, at::kDouble);
  const at::Tensor var = spread({2, 5, 4, 3}, at::kDouble, 0, 2, 3);
  const at::Tensor expected = at::empty_like(mean);
  for (int64_t r = 0; r < 2; ++r) {
    kernel::ref::reparam(normal.raw(), Stream{static_cast<uint64_t>(seed[r].item<int64_t>()), 6, 7},
                         kernel::Site{.rows = 5, .columns = 12, .row0 = 2},
                         mean[r].data_ptr<double>(), var[r].data_ptr<double>(),
                         expected[r].data_ptr<double>());
  }
  for (const at::ScalarType type : {at::kFloat, at::kDouble}) {
    const double bound = type == at::kFloat ? kFloatBound : kDoubleBound;
    const at::Tensor m = mean.to(type), v = var.to(type);
    EXPECT_TRUE(close(op::reparam(m, v, seed, 6, 7, 2), expected, bound));
    EXPECT_TRUE(close(op::composition::reparam(m, v, seed, 6, 7, 2), expected, bound));
    EXPECT_TRUE(close(op::reparam_backward(v, m, seed, 6, 7, 2),
                      op::composition::reparam_backward(var, mean, seed, 6, 7, 2), bound));
  }
}

TEST(OpReparamTest, DerivativesAgreeWithFiniteDifferences) {
  const at::Tensor seed = seeds({3, 4});
  expect_derivatives(
      [&](const Tensors& t) { return Tensors{op::reparam(t[0], t[1], seed, 6, 7).square()}; },
      {spread({2, 3, 4}, at::kDouble), spread({2, 3, 4}, at::kDouble, 0.2, 1, 3)});
  expect_derivatives(
      [&](const Tensors& t) { return Tensors{op::reparam_backward(t[0], t[1], seed, 6, 7)}; },
      {spread({2, 3, 4}, at::kDouble, 0.2, 1, 3), spread({2, 3, 4}, at::kDouble)});
}

TEST(OpReparamTest, PartsReplicasAndShrunkLayersKeepTheirDraws) {
  const at::Tensor seed = seeds({3, 4});
  const at::Tensor mean = spread({2, 6, 5}, at::kFloat),
                   var = spread({2, 6, 5}, at::kFloat, 0, 1, 3);
  const at::Tensor whole = op::reparam(mean, var, seed, 6, 7);
  EXPECT_TRUE(same_bits(op::reparam(mean.narrow(1, 2, 4), var.narrow(1, 2, 4), seed, 6, 7, 2),
                        whole.narrow(1, 2, 4).contiguous()));
  EXPECT_TRUE(
      same_bits(op::reparam(mean.narrow(0, 1, 1), var.narrow(0, 1, 1), seed.narrow(0, 1, 1), 6, 7),
                whole.narrow(0, 1, 1)));
  const at::Tensor left = at::tensor(std::vector<int64_t>{0, 3}, at::kLong);
  EXPECT_TRUE(same_bits(
      op::reparam(mean.index_select(2, left), var.index_select(2, left), seed, 6, 7, 0, 5, left),
      whole.index_select(2, left)));
}

TEST(OpReparamTest, WrongArgumentsSayWhatWasExpectedAndWhatCame) {
  const at::Tensor mean = at::ones({2, 3}), seed = seeds({1, 2});
  EXPECT_THAT(message_of([&] {
                op::reparam(mean, at::ones({2, 4}), seed, 0, 0);
              }),
              HasSubstr("reparam: expected var of shape [2, 3], got [2, 4]"));
  EXPECT_THAT(message_of([&] { op::reparam(mean, mean, at::ones({2}), 0, 0); }),
              HasSubstr("reparam: expected seed of type int64, got float32"));
  EXPECT_THAT(message_of([&] { op::reparam(mean, mean.to(at::kDouble), seed, 0, 0); }),
              HasSubstr("reparam: expected var of type float32, got float64"));
}

}  // namespace
}  // namespace scalemix
