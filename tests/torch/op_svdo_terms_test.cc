#include "scalemix/torch/op/svdo_terms.h"

#include <gmock/gmock.h>

#include "scalemix/kernel/variational.h"
#include "tests/torch/op_check.h"

namespace scalemix {
namespace {

using namespace op_check;

constexpr double kFloatBound = 2e-6, kDoubleBound = 1e-13;

Tensors pair(const std::tuple<at::Tensor, at::Tensor>& t) {
  return {std::get<0>(t), std::get<1>(t)};
}

// log_sigma2 from -14 to 3 against w in (-1, 1): log_alpha on both sides of both clips.
at::Tensor weights(at::ScalarType type) { return spread({2, 6, 7}, type); }
at::Tensor log_sigmas(at::ScalarType type) { return spread({2, 6, 7}, type, -14, 3, 3); }

TEST(OpSvdoTermsTest, EqualsItsCompositionAndTheReference) {
  for (const at::ScalarType type : {at::kFloat, at::kDouble}) {
    const double bound = type == at::kFloat ? kFloatBound : kDoubleBound;
    const at::Tensor w = weights(type), ls = log_sigmas(type);
    const Tensors fused = pair(op::svdo_terms(w, ls)),
                  plain = pair(op::composition::svdo_terms(w, ls));
    EXPECT_EQ(fused[1].scalar_type(), at::kDouble);
    EXPECT_TRUE(close(fused[0], plain[0], bound));
    EXPECT_TRUE(close(fused[1], plain[1], bound));
    const at::Tensor w64 = w.to(at::kDouble), ls64 = ls.to(at::kDouble),
                     sigma2 = at::empty_like(w64);
    for (int64_t r = 0; r < 2; ++r) {
      const double penalty = kernel::ref::svdo_terms(
          42, w64[r].data_ptr<double>(), ls64[r].data_ptr<double>(), sigma2[r].data_ptr<double>());
      EXPECT_NEAR(fused[1][r].item<double>(), penalty, bound * penalty);
    }
    EXPECT_TRUE(close(fused[0], sigma2, bound));
  }
}

TEST(OpSvdoTermsTest, BackwardEqualsItsComposition) {
  for (const at::ScalarType type : {at::kFloat, at::kDouble}) {
    const double bound = type == at::kFloat ? 1e-5 : kDoubleBound;
    const at::Tensor w = weights(type), ls = log_sigmas(type);
    const at::Tensor scale = at::tensor(std::vector<double>{0.5, -2}, at::kDouble);
    for (const at::Tensor& ds : {at::Tensor(), spread({2, 6, 7}, type, -1, 1, 9)}) {
      const Tensors fused = pair(op::svdo_terms_backward(w, ls, ds, scale));
      const Tensors plain = pair(op::composition::svdo_terms_backward(w, ls, ds, scale));
      EXPECT_TRUE(close(fused[0], plain[0], bound));
      EXPECT_TRUE(close(fused[1], plain[1], bound));
    }
  }
}

TEST(OpSvdoTermsTest, DerivativesAgreeWithFiniteDifferences) {
  // Away from the clips, where there is no derivative.
  const Tensors in = {spread({2, 2, 3}, at::kDouble, 0.3, 1),
                      spread({2, 2, 3}, at::kDouble, -5, 2, 3)};
  expect_derivatives([](const Tensors& t) { return pair(op::svdo_terms(t[0], t[1])); }, in);
  expect_derivatives(
      [](const Tensors& t) { return Tensors{std::get<1>(op::svdo_terms(t[0], t[1]))}; }, in);
}

TEST(OpSvdoTermsTest, AWeightCostsNothingAsAlphaGrows) {
  const at::Tensor w = at::full({1, 1}, 1e-3, at::kDouble);
  const double at_clip =
      std::get<1>(op::svdo_terms(w, at::full({1, 1}, 10.0, at::kDouble))).item<double>();
  const double at_one =
      std::get<1>(op::svdo_terms(w, at::full({1, 1}, std::log(1e-6), at::kDouble))).item<double>();
  EXPECT_LT(at_clip, 2e-4);
  EXPECT_GT(at_one, 0.3);
}

}  // namespace
}  // namespace scalemix
