#include "scalemix/torch/op/svdo_linear.h"

#include <gmock/gmock.h>

#include "scalemix/torch/op/linear.h"
#include "scalemix/torch/op/reparam.h"
#include "scalemix/torch/op/svdo_terms.h"
#include "tests/torch/op_check.h"

namespace scalemix {
namespace {

using namespace op_check;
using ::testing::HasSubstr;

constexpr double kFloatBound = 1e-5, kDoubleBound = 1e-13;

Tensors pair(const std::tuple<at::Tensor, at::Tensor>& t) {
  return {std::get<0>(t), std::get<1>(t)};
}

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
    const double bound = type == at::kFloat ? kFloatBound : kDoubleBound;
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
  for (std::size_t k = 0; k < stack.size(); ++k) {
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
