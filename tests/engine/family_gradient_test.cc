// Gradients of every kind of noise that has no part in the naive network of gradient_test.cc, against central
// differences of the engine under the same draws.

#include "scalemix/model/method.h"
#include "tests/engine/replica.h"

namespace scalemix::engine {
namespace {

Problem table() { return {{4}, Task::classification, 3}; }
Problem images() { return {{2, 5, 5}, Task::classification, 3}; }

TEST(FamilyGradient, OfMethodsOnTables) {
  for (const char* method : {"vdo_a:p=0.3",
                             "vdo_a:p=0.3,share=layer,kl=molchanov",
                             "vdo_a2:p=0.2,kl=kingma",
                             "vdo_b:p=0.3",
                             "vdo_b:p=0.3,share=unit,kl=bound",
                             "vdo_b:share=layer,kl=exact",
                             "vdo_b:alpha=free,kl=molchanov,p=0.6",
                             "vbd:p=0.3",
                             "vsd:p=0.3",
                             "vsd:depth=2,variant=b",
                             "vsd:depth=3,times=0",
                             "vsd:depth=3,noise=column",
                             "vsd:depth=2,variant=b,noise=column",
                             "vbd:noise=column,times=0.5",
                             "l0:p=0.4,lambda=0.5,decay=0.3",
                             "l0:gate=row",
                             "sbp:init=-1",
                             "sbp:init=-1,place=input",
                             "gnj:init=-3",
                             "soft:sigma=0.6",
                             "soft:form=half_laplace",
                             "information:most=0.9",
                             "alpha:p=0.2",
                             "continuous:mu=0.4,scale=exact",
                             "continuous:form=uniform",
                             "tabu:marks=unit,marked=selected",
                             "dropconnect:p=0.3,mask=row",
                             "bernoulli:p=0.5@linear:start=0",
                             "gaussian:alpha=0.5@cosine:start=0.1",
                             "beta:a=2,b=2@linear:start=1"}) {
    SCOPED_TRACE(method);
    expect_gradients(made("mlp:6-5,tanh", table(), {method}));
  }
  // Of activations above 0.
  expect_gradients(made("mlp:6-5,sigmoid", table(), {"information:prior=log_normal"}));
}

TEST(FamilyGradient, OfMethodsOnImages) {
  const Spec net = chain(images(), {conv2d(2, 3, {2}), activation("tanh"), conv2d(3, 2, {2}),
                                    activation("tanh"), flatten(), linear(18, 3)});
  for (const char* method :
       {"vdo_a:p=0.3", "vdo_b:p=0.3,share=unit", "vsd:depth=2", "l0:lambda=0.5,decay=0.2",
        "sbp:init=-1", "sbp:init=-1,place=input", "gnj:init=-3", "dropblock:p=0.3,block=2",
        "dropblock:share=row,rate=exact", "information:most=0.9"}) {
    SCOPED_TRACE(method);
    Spec spec = net;
    apply_method(spec, method);
    expect_gradients(spec);
  }
}

TEST(FamilyGradient, OfStochasticDepthPerBatch) {
  const Layer block = residual({linear(6, 6), activation("tanh"), linear(6, 6)});
  Spec spec = chain(table(), {linear(4, 6), block, block, block, linear(6, 3)});
  apply_method(spec, "stochastic_depth:p=0.6,gate=batch");
  expect_gradients(spec);
}

/// y = x m / c: c is held while mu and sigma move.
TEST(FamilyGradient, OfAdvancedDropoutWithItsNormaliserHeld) {
  constexpr std::size_t kK = 40;  // two hidden numbers
  Layer layer{.type = "noise", .site = 3, .width = kK};
  layer.noise = {noise_of("advanced")};
  layer.noise[0].values[0] = 1;  // kl=on
  const NoiseUse use = noise_use(layer.noise[0], layer, {kK}, true);
  const std::vector<LayerTensor> tensors = use.kind->tensors(layer.noise[0], layer);
  std::vector<std::vector<float>> own, d_own;
  for (std::size_t t = 0; t < tensors.size(); ++t) {
    own.push_back(model::values(elements(tensors[t].shape), 50 + t, -0.3, 0.3));
    d_own.emplace_back(own.back().size(), 0.0f);
  }
  std::vector<float> x = model::values(kRows * kK, 1), g = model::values(kRows * kK, 2),
                     y(x.size()), dx(x.size()), kept(use.kind->kept(use, kRows, true));
  At at{.use = use, .train = true, .stream = {.seed = 4, .stream = 9}, .rows = kRows};
  for (std::size_t t = 0; t < own.size(); ++t) {
    at.own[t] = own[t].data();
    at.d_own[t] = tensors[t].trained ? d_own[t].data() : nullptr;
  }
  at.kept = kept.data();
  const double penalty = use.kind->forward(at, x.data(), y.data());
  EXPECT_GT(penalty, 0);
  const double held = [&] {
    const double mu = kept[kept.size() - 2], sigma = kept[kept.size() - 1];
    return 1 / (1 + std::exp(-mu / std::sqrt(1 + 3.14 / 8 * sigma * sigma)));
  }();
  use.kind->backward(at, x.data(), g.data(), dx.data(), 0.1);
  const auto loss = [&] {
    std::vector<float> out(x.size());
    const double cost = use.kind->forward(at, x.data(), out.data());
    const double mu = kept[kept.size() - 2], sigma = kept[kept.size() - 1];
    const double now = 1 / (1 + std::exp(-mu / std::sqrt(1 + 3.14 / 8 * sigma * sigma)));
    double sum = 0.1 * cost;
    for (std::size_t i = 0; i < out.size(); ++i) sum += double(out[i]) * g[i] * now / held;
    return sum;
  };
  const auto expect = [&](float& number, double slope, double scale, const std::string& what) {
    const float before = number;
    number = before + 1e-2f;
    const double up = loss();
    number = before - 1e-2f;
    const double down = loss();
    number = before;
    EXPECT_NEAR(slope, (up - down) / 2e-2, 5e-3 * scale) << what;
  };
  for (std::size_t t = 0; t < own.size(); ++t) {
    double scale = 0.05;
    for (const float d : d_own[t]) scale = std::fmax(scale, std::abs(d));
    for (std::size_t i = 0; tensors[t].trained && i < own[t].size(); i += 7) {
      expect(own[t][i], d_own[t][i], scale, tensors[t].name);
    }
  }
  for (std::size_t i = 0; i < x.size(); i += 9) expect(x[i], dx[i], 1, "x");
}

}  // namespace
}  // namespace scalemix::engine
