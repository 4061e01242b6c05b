#include <gmock/gmock.h>

#include "scalemix/kernel/reparam.h"
#include "scalemix/kernel/variational.h"
#include "scalemix/law/any_law.h"
#include "scalemix/torch/op/linear.h"
#include "scalemix/torch/op/reparam.h"
#include "scalemix/torch/op/svdo_linear.h"
#include "scalemix/torch/op/svdo_terms.h"
#include "tests/torch/op_check.h"

namespace scalemix {
namespace {

using namespace op_check;
using ::testing::HasSubstr;

constexpr double kFloatBound = 2e-6, kDoubleBound = 1e-13;

Tensors pair(const std::tuple<at::Tensor, at::Tensor>& t) {
  return {std::get<0>(t), std::get<1>(t)};
}

// ------------------------------------------------------------------------------------ reparam

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

// --------------------------------------------------------------------------------- svdo_terms

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

// -------------------------------------------------------------------------------- svdo_linear

struct Layer {
  at::Tensor x, w, log_sigma2, b, seed = seeds({5, 6});
  explicit Layer(at::ScalarType type)
      : x(spread({2, 5, 6}, type)),
        w(spread({2, 4, 6}, type, 0.3, 1, 2)),
        log_sigma2(spread({2, 4, 6}, type, -5, 2, 3)),
        b(spread({2, 4}, type, -1, 1, 5)) {}
  Tensors inputs() const { return {x, w, log_sigma2, b}; }
  Map fused() const {
    return [this](const Tensors& t) {
      return pair(
          op::svdo_linear(t[0], t[1], t[2], t.size() > 3 ? t[3] : at::Tensor(), seed, 8, 9, 1));
    };
  }
  Map composed() const {
    return [this](const Tensors& t) {
      return pair(op::composition::svdo_linear(t[0], t[1], t[2], t.size() > 3 ? t[3] : at::Tensor(),
                                               seed, 8, 9, 1));
    };
  }
};

TEST(OpSvdoLinearTest, ValuesAndGradientsEqualTheComposition) {
  for (const at::ScalarType type : {at::kFloat, at::kDouble}) {
    const double bound = type == at::kFloat ? 1e-5 : kDoubleBound;
    const Layer layer(type);
    const Tensors in = leaves(layer.inputs());
    const Tensors fused = layer.fused()(in), plain = layer.composed()(in);
    for (std::size_t k = 0; k < 2; ++k)
      EXPECT_TRUE(close(fused[k], plain[k], bound)) << "output " << k;
    const Tensors d_fused = gradients(layer.fused(), in), d_plain = gradients(layer.composed(), in);
    for (std::size_t k = 0; k < in.size(); ++k) {
      EXPECT_TRUE(close(d_fused[k], d_plain[k], bound)) << "gradient " << k;
    }
  }
}

TEST(OpSvdoLinearTest, EqualsTheOpsItFuses) {
  const Layer l(at::kFloat);
  const auto [y, penalty] = op::svdo_linear(l.x, l.w, l.log_sigma2, l.b, l.seed, 8, 9, 1);
  const auto [sigma2, expected_penalty] = op::svdo_terms(l.w, l.log_sigma2);
  const at::Tensor expected =
      op::reparam(op::linear(l.x, l.w, l.b), op::linear(l.x.square(), sigma2), l.seed, 8, 9, 1);
  EXPECT_TRUE(same_bits(y, expected));
  EXPECT_TRUE(same_bits(penalty, expected_penalty));
}

TEST(OpSvdoLinearTest, DerivativesAgreeWithFiniteDifferences) {
  const Layer layer(at::kDouble);
  const Map squared = [&](const Tensors& t) {
    Tensors out = layer.fused()(t);
    return Tensors{out[0].square(), out[1]};
  };
  expect_derivatives(squared, layer.inputs());
  expect_derivatives(squared, {layer.x, layer.w, layer.log_sigma2});
}

TEST(OpSvdoLinearTest, AFirstLayerNeedsNoGradientOfItsInput) {
  const Layer layer(at::kFloat);
  const Tensors in = leaves({layer.w, layer.log_sigma2});
  weigh(pair(op::svdo_linear(layer.x, in[0], in[1], {}, layer.seed, 8, 9, 1))).backward();
  const Tensors all = leaves({layer.x, layer.w, layer.log_sigma2});
  weigh(layer.fused()(all)).backward();
  EXPECT_FALSE(layer.x.grad().defined());
  EXPECT_TRUE(same_bits(in[0].grad(), all[1].grad()));
  EXPECT_TRUE(same_bits(in[1].grad(), all[2].grad()));
}

TEST(OpSvdoLinearTest, AReplicaOfAStackEqualsItsSingleRun) {
  const Layer l(at::kFloat);
  const auto run = [&](int64_t replicas) {
    Tensors in;
    for (const at::Tensor& t : l.inputs()) in.push_back(t.narrow(0, 0, replicas));
    in = leaves(in);
    Tensors out =
        pair(op::svdo_linear(in[0], in[1], in[2], in[3], l.seed.narrow(0, 0, replicas), 8, 9));
    for (const at::Tensor& g : torch::autograd::grad({weigh(out)}, in)) out.push_back(g);
    return out;
  };
  const Tensors stack = run(2), single = run(1);
  for (std::size_t k = 1; k < stack.size(); ++k) {
    if (k == 1) continue;  // weigh() gives the penalties of a stack other weights
    EXPECT_TRUE(same_bits(stack[k].narrow(0, 0, 1), single[k])) << "tensor " << k;
  }
}

TEST(OpSvdoLinearTest, HalfTypesComputeInFloatAndRoundOnce) {
  const Layer l(at::kBFloat16);
  const auto wide = [](const at::Tensor& t) { return t.to(at::kFloat); };
  const auto [y, penalty] = op::svdo_linear(l.x, l.w, l.log_sigma2, l.b, l.seed, 8, 9);
  const auto [y32, penalty32] =
      op::svdo_linear(wide(l.x), wide(l.w), wide(l.log_sigma2), wide(l.b), l.seed, 8, 9);
  EXPECT_TRUE(same_bits(y, y32.to(at::kBFloat16)));
  EXPECT_TRUE(same_bits(penalty, penalty32));
}

TEST(OpSvdoLinearTest, WrongArgumentsSayWhatWasExpectedAndWhatCame) {
  const Layer l(at::kFloat);
  EXPECT_THAT(message_of([&] { op::svdo_linear(l.x, l.w, l.w[0], {}, l.seed, 0, 0); }),
              HasSubstr("svdo_linear: expected log_sigma2 of shape [2, 4, 6], got [4, 6]"));
  EXPECT_THAT(message_of([&] { op::svdo_linear(l.x, l.w, l.w, l.x, l.seed, 0, 0); }),
              HasSubstr("svdo_linear: expected b of shape [2, 4], got [2, 5, 6]"));
  EXPECT_THAT(message_of([&] { op::svdo_linear(l.x, l.w, l.w, {}, seeds({1}), 0, 0); }),
              HasSubstr("svdo_linear: expected seed of shape [2], got [1]"));
}

}  // namespace
}  // namespace scalemix
