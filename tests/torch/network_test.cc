// The network against the predictor, and a stack against its single runs.

#include "scalemix/torch/nn/network.h"

#include <gtest/gtest.h>

#include <cmath>

#include "scalemix/base/error.h"
#include "scalemix/model/architecture.h"
#include "scalemix/model/layer_kind.h"
#include "scalemix/model/method.h"
#include "scalemix/model/predictor.h"
#include "scalemix/random/stream.h"

namespace scalemix {
namespace {

constexpr std::int64_t kRows = 5;

model::Spec make(const std::string& architecture, const std::vector<std::string>& methods,
                 Task task = Task::classification) {
  const bool table = architecture.rfind("mlp", 0) == 0 || architecture.rfind("resmlp", 0) == 0 ||
                     architecture == "linear";
  const model::Shape input = table                      ? model::Shape{7}
                             : architecture == "lenet5" ? model::Shape{1, 28, 28}
                                                        : model::Shape{3, 32, 32};
  model::Spec spec = model::architecture(
      architecture, {.input = input, .task = task, .outputs = task == Task::regression ? 1u : 4u});
  for (const std::string& method : methods) model::apply_method(spec, method);
  return spec;
}

torch::Tensor inputs(const model::Spec& spec, std::int64_t replicas) {
  std::vector<std::int64_t> sizes{replicas, kRows};
  sizes.insert(sizes.end(), spec.input.begin(), spec.input.end());
  const torch::Tensor row = torch::empty(std::vector<std::int64_t>(sizes.begin() + 1, sizes.end()));
  const Stream stream{.seed = 9, .stream = stream_id(Purpose::generate, 1)};
  for (std::int64_t i = 0; i < row.numel(); ++i) {
    row.data_ptr<float>()[i] =
        static_cast<float>(4 * stream.uniform(static_cast<std::uint64_t>(i)) - 2);
  }
  return row.unsqueeze(0).expand(sizes).contiguous();
}

/// Moves everything away from its initial value, so that batch normalisation, biases and masks
/// show.
void disturb(nn::Network& network) {
  const torch::NoGradGuard no_grad;
  const Stream stream{.seed = 4, .stream = stream_id(Purpose::generate, 2)};
  nn::Storage& s = network.storage();
  std::uint64_t element = 0;
  for (torch::Tensor* flat : {&s.values, &s.buffers}) {
    for (std::int64_t i = 0; i < flat->size(1); ++i) {
      const float shift = static_cast<float>(0.1 * stream.uniform(element++));
      for (std::int64_t r = 0; r < flat->size(0); ++r) {
        flat->data_ptr<float>()[r * flat->size(1) + i] += shift;
      }
    }
  }
  for (const nn::Slot& slot : s.slots()) {  // log sigma^2 spread over both sides of the threshold
    if (slot.name.find("log_sigma2") == std::string::npos) continue;
    torch::Tensor view = s.view(slot.name);
    view.add_(torch::arange(view.numel()).remainder(7).view(view.sizes()) * 1.7);
  }
}

model::Predictor predictor_of(const nn::Network& network) {
  model::Model m;
  m.spec = network.spec();
  std::size_t width = 1;
  for (const std::size_t s : m.spec.input) width *= s;
  m.preprocessing.mean.assign(width, 0);
  m.preprocessing.scale.assign(width, 1);
  if (m.spec.task == Task::classification) m.preprocessing.classes = {"a", "b", "c", "d"};
  m.tensors = network.tensors(0);
  return model::Predictor(std::move(m));
}

double normwise(const std::vector<float>& got, const torch::Tensor& want) {
  const torch::Tensor w = want.contiguous();
  EXPECT_EQ(static_cast<std::int64_t>(got.size()), w.numel());
  double error = 0, norm = 0;
  for (std::size_t i = 0; i < got.size(); ++i) {
    const double e = got[i] - w.data_ptr<float>()[i];
    error += e * e;
    norm += static_cast<double>(w.data_ptr<float>()[i]) * w.data_ptr<float>()[i];
  }
  return std::sqrt(error / norm);
}

struct Case {
  std::string architecture;
  std::vector<std::string> methods;
};

std::vector<Case> cases() {
  std::vector<Case> all;
  for (const char* a : {"linear", "mlp:20-10", "resmlp:12x3", "lenet5", "vgg:0.05", "resnet:1"}) {
    all.push_back({a, {"svdo"}});
    all.push_back({a, {"bernoulli:p=0.3,input=0.1"}});
    all.push_back({a, {"dropconnect:p=0.2"}});
  }
  all.push_back({"mlp:20-10", {"additive:normal:scale=0.1"}});
  all.push_back({"mlp:20-10", {"half_cauchy:scale=1"}});
  all.push_back({"lenet5", {"spatial:p=0.2", "gaussian:alpha=0.3"}});
  all.push_back({"resmlp:12x3", {"stochastic_depth:p=0.5"}});
  all.push_back({"resnet:1", {"stochastic_depth:p=0.5"}});
  return all;
}

class EveryShortForm : public testing::TestWithParam<Case> {};

TEST_P(EveryShortForm, PredictsAsItsTrainerDeterministicAndNoisy) {
  const torch::NoGradGuard no_grad;
  const model::Spec spec = make(GetParam().architecture, GetParam().methods);
  nn::Network network(spec, {11}, "auto");
  disturb(network);
  const torch::Tensor x = inputs(spec, 1);
  const model::Predictor predictor = predictor_of(network);
  model::Context context(predictor);
  const std::span<const float> rows(x.data_ptr<float>(), static_cast<std::size_t>(x.numel()));

  nn::Pass pass{.seed = network.seeds(), .train = false, .noisy = false, .penalties = {}};
  std::vector<float> out;
  model::predict_outputs(context, rows, kRows, {}, out);
  EXPECT_LE(normwise(out, network.forward(x, pass)), 1e-5);

  constexpr std::int64_t kDraws = 3;
  pass.noisy = true;
  pass.purpose = Purpose::predict;
  std::vector<torch::Tensor> draws;
  for (pass.draw = 0; pass.draw < kDraws; ++pass.draw) draws.push_back(network.forward(x, pass));
  model::predict_outputs(context, rows, kRows, {.samples = kDraws, .seed = 11}, out);
  EXPECT_LE(normwise(out, torch::cat(draws)), 1e-5);
  EXPECT_GT(normwise({out.begin(), out.begin() + kRows * 4}, draws[1]), 1e-3)
      << "draws do not differ";
}

TEST_P(EveryShortForm, AReplicaOfAStackEqualsItsSingleRunInEveryBit) {
  const model::Spec spec = make(GetParam().architecture, GetParam().methods);
  const std::vector<std::uint64_t> seeds = {3, 11, 5};
  nn::Network stack(spec, seeds, "auto");
  const torch::Tensor x = inputs(spec, 3);
  nn::Pass pass{.seed = stack.seeds(), .draw = 2, .penalties = {}};
  torch::Tensor y = stack.forward(x, pass);
  torch::Tensor total = y.square().to(torch::kFloat64).sum();
  for (const nn::Penalty& p : pass.penalties) total = total + p.value.sum() * 1e-3;
  stack.storage().differentiate(total);
  for (std::int64_t r = 0; r < 3; ++r) {
    nn::Network single(spec, {seeds[static_cast<std::size_t>(r)]}, "auto");
    nn::Pass own{.seed = single.seeds(), .draw = 2, .penalties = {}};
    const torch::Tensor z = single.forward(x.narrow(0, r, 1), own);
    EXPECT_TRUE(torch::equal(z[0], y[r]));
    torch::Tensor sum = z.square().to(torch::kFloat64).sum();
    for (const nn::Penalty& p : own.penalties) sum = sum + p.value.sum() * 1e-3;
    single.storage().differentiate(sum);
    EXPECT_TRUE(torch::equal(single.storage().gradients[0], stack.storage().gradients[r]));
    EXPECT_GT(single.storage().gradients.abs().sum().item<float>(), 0);
    EXPECT_TRUE(torch::equal(single.storage().buffers[0], stack.storage().buffers[r]));
  }
}

INSTANTIATE_TEST_SUITE_P(Network, EveryShortForm, testing::ValuesIn(cases()), [](const auto& info) {
  std::string name = info.param.architecture;
  for (const std::string& method : info.param.methods)
    name += "_" + method.substr(0, method.find(':'));
  for (char& c : name) c = std::isalnum(static_cast<unsigned char>(c)) ? c : '_';
  return name;
});

TEST(Network, BuildsEveryLayerKindThatASpecKnows) {
  std::vector<std::string_view> built = nn::buildable(), known;
  for (const model::LayerKind& kind : model::layer_kinds()) known.push_back(kind.name);
  std::sort(built.begin(), built.end());
  std::sort(known.begin(), known.end());
  EXPECT_EQ(built, known);
}

TEST(Network, RefusesAnUnknownInitialisation) {
  EXPECT_THROW(nn::Network(make("mlp:5", {"none"}), {1}, "zeros"), std::runtime_error);
  EXPECT_THROW(nn::Network(make("mlp:5", {"none"}), {1}, "normal:-1"), std::runtime_error);
}

TEST(Network, StartsWithTheVarianceItsInitialisationPromises) {
  const model::Spec spec = make("mlp:400-400", {"none"});
  const auto variance = [&](const char* init) {
    nn::Network network(spec, {1}, init);
    return network.storage().view("linear2.weight").var().item<double>();
  };
  EXPECT_NEAR(variance("he"), 2.0 / 400, 0.02 * 2.0 / 400);
  EXPECT_NEAR(variance("xavier"), 2.0 / 800, 0.02 * 2.0 / 800);
  EXPECT_NEAR(variance("normal:0.5"), 0.25, 0.02 * 0.25);
  EXPECT_NEAR(variance("critical"), 2.0 / 400, 0.02 * 2.0 / 400);
  EXPECT_NEAR(variance("orthogonal"), 2.0 / 400, 0.02 * 2.0 / 400);
}

torch::Tensor started(const model::Spec& spec, const char* init, const char* name) {
  return nn::Network(spec, {1}, init).storage().view(name)[0].to(torch::kFloat64);
}

TEST(Network, OrthogonalWeightsHaveOrthogonalRowsOrColumns) {
  const model::Spec spec = make("mlp:60-80-80-20", {"none"});
  for (const char* name : {"linear2.weight", "linear3.weight", "linear4.weight"}) {
    const torch::Tensor w = started(spec, "orthogonal", name);
    const torch::Tensor gram = w.size(0) <= w.size(1) ? w.mm(w.t()) : w.t().mm(w);
    const torch::Tensor off = gram / gram[0][0] - torch::eye(gram.size(0), torch::kFloat64);
    EXPECT_LT(off.abs().max().item<double>(), 1e-5) << name;
  }
}

TEST(Network, ALooksLinearNetworkIsLinearUntilItTrains) {
  const model::Spec spec = make("mlp:40x30", {"none"});
  for (const char* init : {"looks_linear", "looks_linear:orthogonal"}) {
    nn::Network network(spec, {1}, init);
    const torch::NoGradGuard no_grad;
    nn::Pass pass{.seed = network.seeds(), .train = false, .noisy = false, .penalties = {}};
    const torch::Tensor a = torch::randn({1, 6, 7}), b = torch::randn({1, 6, 7});
    const torch::Tensor fa = network.forward(a, pass), fb = network.forward(b, pass),
                        fab = network.forward(2 * a - 3 * b, pass);
    const double scale = fab.abs().max().item<double>();
    EXPECT_GT(scale, 1e-3) << init;
    EXPECT_LT((fab - 2 * fa + 3 * fb).abs().max().item<double>(), 1e-4 * scale) << init;
  }
  EXPECT_THROW(nn::Network(make("mlp:41", {"none"}), {1}, "looks_linear"), ConfigError);
  EXPECT_THROW(nn::Network(make("mlp:40,tanh", {"none"}), {1}, "looks_linear"), ConfigError);
}

}  // namespace
}  // namespace scalemix
