#include "scalemix/model/signal_report.h"

#include <gmock/gmock.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "scalemix/base/error.h"
#include "scalemix/signal/architecture.h"
#include "tests/model/fixtures.h"

namespace scalemix::model {
namespace {

using signal::Activation;
using testing::HasSubstr;

SignalStack stack(std::string_view activation, const std::string& law, double sigma_w2,
                  std::size_t depth, double sigma_b2 = 0) {
  SignalStack s{.network = {.activation = Activation::parse(activation),
                            .sigma_w2 = sigma_w2,
                            .sigma_b2 = sigma_b2},
                .law = law,
                .depth = depth};
  if (!law.empty()) s.network.noise = signal::multiplicative(law::AnyLaw::parse(law));
  return s;
}

model::Spec made(const std::string& word, const std::vector<std::string>& methods,
                 model::Shape input = {20}) {
  return model::made(word, {std::move(input), Task::classification, 5}, methods);
}

SignalReport report_on(const std::string& word, const std::vector<std::string>& methods,
                       const std::string& init, model::Shape input = {20}) {
  const model::Spec spec = made(word, methods, std::move(input));
  return signal_report(spec, initial_weights(spec, init));
}

std::string all(const std::vector<std::string>& sentences) {
  std::string out;
  for (const std::string& sentence : sentences) out += sentence + "\n";
  return out;
}

// 6 xi_c = 13.644205931 of relu with keep 0.9 and a budget of keep 0.983027 for 30 layers: 40-digit
// arithmetic, bisection.
TEST(SignalReport, SaysWhatALayersNoiseLeavesOfTheDepth) {
  const SignalReport r = signal_report(stack("relu", "bernoulli:p=0.1", 1.8, 30));
  EXPECT_EQ(r.reach, Reach::beyond);
  ASSERT_EQ(r.rules.size(), 2u);
  EXPECT_NEAR(r.rules[0].layers, 13.644205931, 1e-8);
  EXPECT_NEAR(r.rules[1].layers, 2 * 13.644205931, 1e-8);
  EXPECT_EQ(r.verdict[0],
            "your 30 layers exceed 6 xi_c = 13.6 and 12 min(xi_1, xi_c) = 27.3: lower p to 0.017 "
            "or add skip connections");
  for (const SignalRule& rule : r.rules) EXPECT_FALSE(rule.validity.empty());
}

TEST(SignalReport, TellsOneRuleFromBoth) {
  EXPECT_EQ(signal_report(stack("relu", "bernoulli:p=0.1", 1.8, 13)).reach, Reach::within);
  const SignalReport r = signal_report(stack("relu", "bernoulli:p=0.1", 1.8, 20));
  EXPECT_EQ(r.reach, Reach::beyond_one);
  EXPECT_THAT(r.verdict[0], HasSubstr("exceed 6 xi_c = 13.6, though not 12 min(xi_1, xi_c)"));
}

TEST(SignalReport, AdvisesTheStartWhereThatIsTheTrouble) {
  const SignalReport r = signal_report(stack("relu", "", 1.0, 60));  // half of critical
  EXPECT_EQ(r.reach, Reach::beyond_one);
  EXPECT_THAT(r.verdict[0], HasSubstr("start from critical initialisation, sigma_w2 = 2"));
  const SignalReport noisy = signal_report(stack("relu", "gaussian:alpha=0.5", 2, 30));
  EXPECT_THAT(noisy.verdict[0], HasSubstr("lower alpha to 0.017 with critical initialisation"));
}

TEST(SignalReport, SaysWhereFloatEnds) {
  const SignalReport r = signal_report(stack("relu", "bernoulli:p=0.4", 2.5, 200));
  EXPECT_EQ(r.reach, Reach::beyond);
  EXPECT_THAT(r.verdict[0], HasSubstr("overflows float32 after 120 layers"));
  const SignalReport low = signal_report(stack("relu", "bernoulli:p=0.4", 0.1, 36));
  EXPECT_THAT(low.verdict[0], HasSubstr("underflows float32 after 35 layers"));
}

TEST(SignalReport, OfInfiniteNoiseIsAnAnswer) {
  const SignalReport r = signal_report(stack("relu", "half_cauchy", 2, 3));
  EXPECT_EQ(r.reach, Reach::beyond);
  EXPECT_THAT(
      all(r.verdict),
      HasSubstr("no critical initialisation exists: the noise's second moment is infinite"));
  EXPECT_TRUE(r.rules.empty());
  EXPECT_EQ(r.layers.size(), 1u);  // the input
  EXPECT_FALSE(r.layers[0].notes.empty());
}

TEST(SignalReport, OfAdditiveNoiseSaysThatNothingIsCritical) {
  SignalStack s = stack("relu", "", 2, 5);
  s.network.noise = signal::additive(law::AnyLaw::parse("normal:scale=1"));
  EXPECT_THAT(all(signal_report(s).verdict),
              HasSubstr("no critical initialisation exists: additive noise"));
}

TEST(SignalReport, OfDepthZeroAndOfNoWeights) {
  const SignalReport r = signal_report(stack("relu", "bernoulli:p=0.5", 1, 0));
  EXPECT_EQ(r.reach, Reach::within);
  EXPECT_EQ(r.layers.size(), 1u);
  EXPECT_TRUE(r.rules.empty());
  const SignalReport none = signal_report(stack("relu", "", 0, 3));
  EXPECT_EQ(none.reach, Reach::beyond);
  EXPECT_EQ(none.layers[1].q, 0);
}

TEST(SignalReport, OfAMillionLayersListsSome) {
  const SignalReport r = signal_report(stack("tanh", "bernoulli:p=0.05", 2, 1000000, 0.05));
  EXPECT_EQ(r.listed, 1000001u);
  EXPECT_LT(r.layers.size(), 80u);
  EXPECT_EQ(r.layers.back().name, "1000000");
  EXPECT_NEAR(*r.layers.back().q, 0.791392131, 1e-8);  // 40-digit arithmetic
  EXPECT_EQ(r.reach, Reach::beyond);
  const SignalReport slow = signal_report(stack("erf", "", 1, 1000000));
  EXPECT_FALSE(slow.layers.empty());
}

TEST(SignalReport, RefusesNumbersOutOfRange) {
  EXPECT_THROW(signal_report(stack("relu", "", -1, 3)), std::domain_error);
  SignalStack s = stack("relu", "", 2, 3);
  s.q0 = 0;
  EXPECT_THROW(signal_report(s), std::domain_error);
}

TEST(SignalReport, OfAResidualStackIsItsGrowth) {
  SignalStack s = stack("relu", "bernoulli:p=0.2", 1.5, 12, 0.05);
  s.network.branch = std::sqrt(0.3);
  const SignalReport r = signal_report(s);
  ASSERT_EQ(r.rules.size(), 1u);
  const double growth = *signal::residual_growth(s.network, 12);
  EXPECT_NEAR(r.rules[0].layers, 12 * 12 / std::log(growth), 1e-9);
  EXPECT_NEAR(*r.layers[4].q, 2.785, 6e-4);
}

// ------------------------------------------------------------------------------ specs

// A network's hidden layers are the stack's.
TEST(SignalReport, OfAModelIsThatOfItsLayers) {
  const SignalReport r = report_on("mlp:50x30", {"bernoulli:p=0.1"}, "critical");
  const SignalReport alike = signal_report(stack("relu", "bernoulli:p=0.1", 1.8, 30));
  EXPECT_EQ(r.depth, 30u);
  EXPECT_EQ(r.layers.size(), 31u);
  ASSERT_TRUE(r.network.has_value());
  EXPECT_NEAR(r.network->sigma_w2, 1.8, 1e-12);
  EXPECT_NEAR(r.rules[0].layers, alike.rules[0].layers, 1e-9);
  EXPECT_NEAR(*r.layers[9].c, *alike.layers[9].c, 1e-12);
  EXPECT_EQ(r.verdict[0], alike.verdict[0]);
}

TEST(SignalReport, TakesTheVarianceOfThePlan) {
  const SignalReport he = report_on("mlp:50-40", {"bernoulli:p=0.2"}, "he");
  EXPECT_NEAR(*he.layers[1].sigma_w2, 2, 1e-12);
  EXPECT_EQ(he.layers[1].fan_in, 50);
  EXPECT_NEAR(*he.layers[0].q, 2, 1e-12);         // data, no activation in front
  EXPECT_NEAR(*he.layers[1].q, 2 * 1.25, 1e-12);  // 2 * mu2 * q / 2
  EXPECT_EQ(he.layers[1].noise, "bernoulli:p=0.2");
  const SignalReport xavier = report_on("mlp:50-40", {}, "xavier");
  EXPECT_NEAR(*xavier.layers[1].sigma_w2, 2.0 * 50 / 90, 1e-12);
}

// Whatever the weights and the posterior's variance are, fan_in E w^2 is 2: ReLU layers keep q.
TEST(SignalReport, AStabilisingPriorKeepsTheVariance) {
  for (const char* method : {"vi:prior=stabilising,init=-6", "vi:prior=stabilising,init=0"}) {
    for (const char* init : {"xavier", "he", "critical"}) {
      const SignalReport r = report_on("mlp:50-40-30", {method}, init);
      EXPECT_NEAR(*r.layers[0].q, 2, 1e-12) << method << " " << init;
      EXPECT_NEAR(*r.layers[2].q, 2, 1e-12) << method << " " << init;
    }
  }
  const SignalReport half = report_on("mlp:50-40-30", {"vi:prior=stabilising,sigma0=0.5"}, "he");
  EXPECT_NEAR(*half.layers[1].q, *half.layers[0].q / 4, 1e-12);
  // A fixed prior leaves the variance to grow by 1 + alpha per layer.
  const SignalReport fixed = report_on("mlp:50-40-30", {"vi:init=-4"}, "he");
  EXPECT_NEAR(*fixed.layers[1].q / *fixed.layers[0].q, 1 + std::exp(-4.0) * 50 / 2, 1e-9);
}

TEST(SignalReport, AddsUpLayersThatDiffer) {
  model::Spec spec = made("mlp:30x4", {"bernoulli:p=0.1"});
  std::size_t noise = 0;
  for (model::Layer& layer : spec.layers) {
    if (layer.type == "noise" && noise++ % 2) layer.noise[0].law = "bernoulli:p=0.4";
  }
  const SignalReport r = signal_report(spec, initial_weights(spec, "he"));
  const auto xi = [](double p) {
    const auto s = stack("relu", "bernoulli:p=" + std::to_string(p), 2, 1);
    return signal::propagation(s.network).scales->correlation;
  };
  EXPECT_FALSE(r.network.has_value());
  EXPECT_NEAR(r.rules[0].layers, 6 * 4 / (2 / xi(0.1) + 2 / xi(0.4)), 1e-6);
}

TEST(SignalReport, CountsFanInOfConvolutions) {
  const SignalReport r = report_on("lenet5", {"spatial:p=0.1"}, "he", {1, 28, 28});
  EXPECT_EQ(r.layers[0].fan_in, 25);
  EXPECT_EQ(r.layers[1].fan_in, 25 * 20);
  EXPECT_THAT(all(r.layers[1].notes), HasSubstr("pool1 is assumed to keep q and c"));
  EXPECT_THAT(all(r.layers[1].notes), HasSubstr("one draw per channel"));
}

// Batch normalisation with relu: mu2 pi / (mu2 pi - 1), simulated 1.397 ... 1.417 for p = 0.1.
TEST(SignalReport, OfBatchNormIsTheGrowthOfGradients) {
  const SignalReport r = report_on("vgg:0.5", {"bernoulli:p=0.1"}, "he", {3, 32, 32});
  EXPECT_EQ(r.layers[3].q, 1);
  EXPECT_FALSE(r.layers[3].c.has_value());
  EXPECT_NEAR(*r.layers[3].gradient, 1.4015, 1e-3);
  ASSERT_EQ(r.rules.size(), 1u);
  EXPECT_NEAR(r.rules[0].layers, 12 * 14 / (13 * std::log(*r.layers[3].gradient)), 1e-6);
}

// Branches of critical initialisation let gradients grow by e over all blocks.
TEST(SignalReport, OfResidualBlocksMultipliesTheirGradients) {
  const SignalReport r = report_on("resmlp:50x3", {"bernoulli:p=0.1"}, "critical");
  double growth = 1;
  for (const SignalLayer& layer : r.layers) {
    if (layer.type == "residual") growth *= layer.gradient.value();
  }
  EXPECT_NEAR(growth, std::exp(1.0), 1e-9);
  EXPECT_NEAR(r.rules[0].layers, 12 * 4.0, 1e-9);
}

TEST(SignalReport, StochasticDepthAddsToTheBranch) {
  const SignalReport plain = report_on("resmlp:50x1", {}, "he");
  const SignalReport dropped = report_on("resmlp:50x1", {"stochastic_depth:p=0.5"}, "he");
  const auto block = [](const SignalReport& r) {
    for (const SignalLayer& layer : r.layers) {
      if (layer.type == "residual") return layer;
    }
    return SignalLayer{};
  };
  const double q = *plain.layers[0].q;
  EXPECT_NEAR(*block(plain).q, q + q, 1e-12);        // He keeps q through the branch
  EXPECT_NEAR(*block(dropped).q, q + 2 * q, 1e-12);  // times mu2 = 2
  EXPECT_NEAR(*block(dropped).gradient, 1 + 2, 1e-12);
  EXPECT_NEAR(*block(dropped).c * *block(dropped).q, *block(plain).c * *block(plain).q, 1e-12);
}

TEST(SignalReport, SaysWhatItCannotSay) {
  const SignalReport r = report_on("resnet:1", {}, "he", {3, 32, 32});
  EXPECT_EQ(r.reach, Reach::unsaid);
  EXPECT_THAT(all(r.verdict), HasSubstr("no depth rule applies"));
  bool told = false;
  for (const SignalLayer& layer : r.layers) {
    told |=
        all(layer.notes).find("not known: a shortcut carries the output of") != std::string::npos;
  }
  EXPECT_TRUE(told);
}

// mu2 = 1 + alpha with alpha = sigma^2 / E w^2.
TEST(SignalReport, CountsAPosteriorAsNoise) {
  const model::Spec spec = made("mlp:50x3", {"svdo:init=-6"});
  const InitialPlan plan = initial_weights(spec, "he");
  const SignalReport r = signal_report(spec, plan);
  const double alpha = std::exp(-6.0) / plan.layers[1].variance;
  EXPECT_NEAR(*r.layers[1].q / *r.layers[0].q, (1 + alpha), 1e-9);
  EXPECT_THAT(r.layers[1].noise, HasSubstr("svdo, alpha"));
}

TEST(SignalReport, WeightsDrawnOnceForAllRowsPartNoInputs) {
  const SignalReport r = report_on("mlp:50x3", {"dropconnect:p=0.5"}, "critical");
  const SignalReport plain = report_on("mlp:50x3", {}, "critical");
  EXPECT_NEAR(*r.layers[1].c, *plain.layers[1].c, 1e-12);
  EXPECT_NEAR(*r.layers[1].q, *plain.layers[1].q, 1e-9);
  EXPECT_THAT(all(r.layers[1].notes), HasSubstr("drawn once for all rows"));
}

TEST(SignalReport, WarnsOfWhatIsTooDeepOnly) {
  const auto warnings = [](const std::string& word, const std::string& method,
                           const std::string& init) {
    const model::Spec spec = made(word, {method});
    return signal_warnings(spec, initial_weights(spec, init));
  };
  EXPECT_THAT(all(warnings("mlp:50x30", "bernoulli:p=0.1", "critical")),
              HasSubstr("lower p to 0.017"));
  EXPECT_THAT(all(warnings("mlp:50x60", "bernoulli:p=0.0027", "critical:9")),
              HasSubstr("overflows"));
  EXPECT_TRUE(warnings("mlp:50x5", "bernoulli:p=0.1", "he").empty());
  EXPECT_TRUE(warnings("mlp:50x60", "bernoulli:p=0.0027", "critical").empty());
}

// The simulated network is the spec's: q of its layers is the report's within the tolerance of
// finite width.
TEST(SignalReport, SimulatesDenseNetworksAsTheyAre) {
  const model::Spec spec = made("mlp:200-150-100", {"bernoulli:p=0.2"});
  const InitialPlan plan = initial_weights(spec, "he");
  SignalSimulation s = simulation_of(spec, plan);
  ASSERT_TRUE(s.options.has_value()) << s.reason;
  s.options->nets = 20;
  const SignalReport r = signal_report(spec, plan);
  const signal::Simulated found = signal::simulate(*s.options);
  const auto scatter = signal::scatter(*s.options).value();
  ASSERT_EQ(found.layers.size(), 5u);
  for (std::size_t at = 1; at <= 4; ++at) {
    const signal::Tolerance t = signal::tolerance(scatter[at], 20);
    EXPECT_NEAR(found.layers[at].log_q->mean, std::log(*r.layers[at - 1].q), t.log_q) << at;
    EXPECT_NEAR(found.layers[at].c->mean, *r.layers[at - 1].c, t.c) << at;
  }
  const model::Spec conv = made("lenet5", {}, {1, 28, 28});
  EXPECT_THAT(simulation_of(conv, initial_weights(conv, "he")).reason, HasSubstr("conv1: only"));
}

TEST(SignalReport, IsJsonWithoutNaN) {
  const auto json = to_json(report_on("mlp:20x4", {}, "critical"));
  EXPECT_EQ(json["rules"][0]["layers"], "inf");
  EXPECT_EQ(json["depth"], 4);
  EXPECT_EQ(json["layers"].size(), 5u);
  EXPECT_EQ(json["reach"], "within");
  EXPECT_THAT(json.dump(), testing::Not(HasSubstr("null,\"c\":null,\"slopes\":{")));
}

}  // namespace
}  // namespace scalemix::model
