#include "scalemix/model/initial_weights.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "scalemix/base/error.h"
#include "scalemix/model/architecture.h"
#include "scalemix/model/method.h"
#include "scalemix/random/stream.h"
#include "scalemix/signal/fractional.h"

namespace scalemix::model {
namespace {

using testing::HasSubstr;

model::Spec table(const char* architecture, const char* method = "none") {
  model::Spec spec = model::architecture(architecture, {{20}, Task::classification, 10});
  model::apply_method(spec, method);
  return spec;
}
model::Spec images(const char* architecture, const char* method = "none") {
  model::Spec spec = model::architecture(architecture, {{3, 32, 32}, Task::classification, 10});
  model::apply_method(spec, method);
  return spec;
}

/// fan_in times the variance, layer by layer.
std::vector<double> scales(const model::Spec& spec, const std::string& word) {
  std::vector<double> out;
  const auto sites = weight_sites(spec);
  const auto plan = initial_weights(spec, word);
  for (std::size_t i = 0; i < sites.size(); ++i) {
    out.push_back(plan.layers[i].variance * sites[i].fan_in);
  }
  return out;
}

void expect_near(const std::vector<double>& a, const std::vector<double>& b) {
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t i = 0; i < a.size(); ++i) EXPECT_NEAR(a[i], b[i], 1e-9 * b[i]) << i;
}

TEST(InitialWeights, CriticalIsTwoOverMu2BehindARelu) {
  expect_near(scales(table("mlp:50x3"), "critical"), {2, 2, 2, 1});
  // Dropout of p = 0.2 in front of all but the first layer: mu2 = 1.25.
  expect_near(scales(table("mlp:50x3", "bernoulli:p=0.2"), "critical"), {2, 1.6, 1.6, 0.8});
  expect_near(scales(table("mlp:50x3", "bernoulli:p=0.2,input=0.5"), "critical"),
              {1, 1.6, 1.6, 0.8});
  expect_near(scales(table("mlp:50x3", "bernoulli:p=0.2"), "critical:2"), {4, 3.2, 3.2, 1.6});
  // Noise on the weights multiplies as noise in front of them does.
  expect_near(scales(table("mlp:50", "dropconnect:p=0.5"), "critical"), {1, 0.5});
}

TEST(InitialWeights, CriticalOfAnotherActivationIsItsOwn) {
  // tanh without bias: the edge of chaos at sigma_w = 1, divided by mu2.
  expect_near(scales(table("mlp:50x2,tanh", "gaussian:alpha=0.25"), "critical"), {1, 0.8, 0.8});
}

TEST(InitialWeights, AVariationalLayersVarianceIsPartOfItsSecondMoment) {
  const model::Spec spec = table("mlp:50x2", "svdo:init=-6");
  const auto plan = initial_weights(spec, "critical");
  EXPECT_NEAR(50 * (plan.layers[1].variance + std::exp(-6)), 2, 1e-9);
  try {
    initial_weights(table("mlp:50x2", "svdo:init=0"), "critical");
    ADD_FAILURE() << "nothing was refused";
  } catch (const ConfigError& error) {
    EXPECT_THAT(error.what(), HasSubstr("its posterior starts with a larger variance, e^0"));
  }
  EXPECT_EQ(initial_weights(table("mlp:50x4", "svdo:init=0"), "auto").word, "xavier");
}

TEST(InitialWeights, ResidualBranchesTogetherGrowByE) {
  const model::Spec spec = table("resmlp:50x4");
  const auto v = scales(spec, "critical");
  ASSERT_EQ(v.size(), 10u);  // first, four branches of two, last
  double growth = 1;
  for (std::size_t block = 0; block < 4; ++block) {
    EXPECT_NEAR(v[1 + 2 * block], 2, 1e-9);
    growth *= 1 + v[2 + 2 * block] / 2;
  }
  EXPECT_NEAR(growth, std::numbers::e, 1e-9);
}

TEST(InitialWeights, BatchNormalisedBranchesAreNotScaled) {
  for (const double v : scales(images("resnet:1"), "critical"))
    EXPECT_THAT(v, testing::AnyOf(1, 2));
}

TEST(InitialWeights, ConvolutionsCountTheirWindow) {
  const auto sites = weight_sites(images("lenet5"));
  EXPECT_EQ(sites[1].fan_in, 20 * 25);
  EXPECT_EQ(sites[1].activation, "relu");
  EXPECT_TRUE(sites.back().last);
}

TEST(InitialWeights, ResidualBranchesOfABoundedSlopeGrowByNoMore) {
  // tanh: branch_scale counts its slope as 1, so that the branch ends at (e^(1/4) - 1) itself.
  model::Spec spec = table("resmlp:50x4", "bernoulli:p=0.2");
  model::for_each_layer(spec, [](model::Layer& layer) {
    if (layer.type == "relu") layer.type = "tanh";
  });
  EXPECT_NEAR(scales(spec, "critical")[2] * 1.25, std::expm1(0.25), 1e-9);
}

TEST(InitialWeights, NoiseThatAddsAMeanHasNoCriticalStartAndTrainsAllTheSame) {
  const model::Spec spec = table("mlp:50x4", "additive:uniform");
  EXPECT_EQ(initial_weights(spec, "auto").word, "xavier");
  EXPECT_NEAR(weight_sites(spec)[1].noise.s2, 1 + 1.0 / 3, 1e-9);  // uniform on [0, 2]
}

TEST(InitialWeights, FractionalMomentsLieAboveTheSecondOnes) {
  const auto he = scales(table("mlp:64x2"), "he"), one = scales(table("mlp:64x2"), "fractional:1");
  EXPECT_NEAR(one[1], 2.03982445, 1e-8);  // exact sum at fan-in 64, 40-digit arithmetic
  EXPECT_GT(one[1], he[1]);
  expect_near(scales(table("mlp:64x2"), "fractional:2"), {2, 2, 2});
}

TEST(InitialWeights, FractionalMomentsUnderDropoutAreTheExactOnes) {
  // The last layers stand behind it. At p = 0.8 and fan-in 10 the expansion is 23 % too low.
  const signal::Activation relu = signal::Activation::parse("relu");
  for (const double p : {0.2, 0.8}) {
    const auto law = law::AnyLaw::make("bernoulli", std::vector{p});
    const double exact = *signal::fractional_variance(relu, p, 10, 1) * 10,
                 first = *signal::fractional_variance_expansion(relu, signal::multiplicative(law),
                                                                10, 1) *
                         10;
    EXPECT_NEAR(scales(table("mlp:10x2", law.spec().c_str()), "fractional:1")[1], exact,
                1e-12 * exact);
    if (p == 0.8) EXPECT_NEAR(first / exact, 0.77, 0.01);
  }
  // By simulation: E |W (phi(x) z)| keeps E |x|, here of 10 normal numbers to 1.
  const double variance = *signal::fractional_variance(relu, 0.8, 10, 1);
  const law::AnyLaw normal = law::AnyLaw::parse("normal:scale=1");
  const Stream stream{5, stream_id(Purpose::generate, 1), 0};
  double sum = 0, element = 0;
  constexpr int kTimes = 200000;
  for (int t = 0; t < kTimes; ++t) {
    double length = 0;
    for (int i = 0; i < 10; ++i) {
      const double x = normal.quantile(stream.uniform(std::uint64_t(element++)));
      const bool kept = stream.uniform(std::uint64_t(element++)) > 0.8;
      if (x > 0 && kept) length += x * x * 25;
    }
    sum += std::sqrt(length * variance);  // the size of a normal number with this variance, over c
  }
  EXPECT_NEAR(sum / kTimes, 1, 0.01);  // E |x'| / E |x|, x standard normal
  // Other noise has the expansion.
  const auto gaussian = law::AnyLaw::parse("gaussian:alpha=0.5");
  EXPECT_NEAR(
      scales(table("mlp:10x2", gaussian.spec().c_str()), "fractional:1")[1],
      *signal::fractional_variance_expansion(relu, signal::multiplicative(gaussian), 10, 1) * 10,
      1e-12);
}

TEST(InitialWeights, GlorotHasXaviersVarianceInAnotherForm) {
  const InitialPlan glorot = initial_weights(table("mlp:64"), "glorot"),
                    xavier = initial_weights(table("mlp:64"), "xavier");
  for (std::size_t i = 0; i < glorot.layers.size(); ++i) {
    EXPECT_EQ(glorot.layers[i].variance, xavier.layers[i].variance);
    EXPECT_EQ(glorot.layers[i].form, InitialForm::uniform);
  }
}

TEST(InitialWeights, AutoIsCriticalWhereItCanBe) {
  EXPECT_EQ(initial_weights(images("lenet5"), "auto").word, "critical");
  EXPECT_EQ(initial_weights(table("mlp:50"), "auto").word, "xavier");
  EXPECT_EQ(initial_weights(table("mlp:50x4", "bernoulli:p=0.1"), "auto").word, "critical");
  EXPECT_EQ(initial_weights(table("mlp:50x4", "additive:normal:scale=0.1"), "auto").word, "xavier");
  EXPECT_EQ(initial_weights(images("lenet5", "half_cauchy"), "auto").word, "he");
}

std::string refusal(const model::Spec& spec, const std::string& word) {
  try {
    initial_weights(spec, word);
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "nothing was refused";
}

TEST(InitialWeights, SaysWhyAWordDoesNotFit) {
  EXPECT_THAT(refusal(table("mlp:50x2", "additive:normal:scale=0.1"), "critical"),
              HasSubstr("init critical cannot start linear2"));
  EXPECT_THAT(refusal(table("mlp:50x2", "half_cauchy"), "critical"), HasSubstr("mu2 is infinite"));
  EXPECT_THAT(refusal(table("mlp:51x2"), "looks_linear"), HasSubstr("even widths"));
  EXPECT_THAT(refusal(table("mlp:50x2,tanh"), "looks_linear"), HasSubstr("ReLU"));
  EXPECT_THAT(refusal(table("resmlp:50x2"), "looks_linear"), HasSubstr("ReLU"));
  EXPECT_THAT(refusal(table("mlp:50x2,tanh"), "fractional:1"), HasSubstr("fractional moments"));
  EXPECT_THAT(refusal(table("mlp:50x2"), "normal:x"),
              HasSubstr("init normal: SD must be a number, got 'x'"));
  EXPECT_THAT(refusal(table("mlp:50x2"), "critical:"), HasSubstr("expected something after ':'"));
  EXPECT_THAT(refusal(table("mlp:50x2"), "critcal"),
              HasSubstr("unknown init 'critcal', did you mean 'critical'? (known: auto, "));
  EXPECT_THAT(refusal(table("mlp:50x2"), "he:3"), HasSubstr("unknown init 'he:3' (known: auto, "));
}

TEST(InitialWeights, ANumberOutOfRangeIsADomainError) {
  for (const char* word :
       {"fractional:3", "fractional:0", "normal:0", "normal:nan", "critical:-1", "critical:inf"}) {
    EXPECT_THROW(initial_weights(table("mlp:50x2"), word), std::domain_error) << word;
  }
}

}  // namespace
}  // namespace scalemix::model
