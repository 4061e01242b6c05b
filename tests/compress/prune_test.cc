#include "scalemix/compress/prune.h"

#include "scalemix/base/error.h"
#include "scalemix/compress/plain.h"
#include "tests/compress/fixtures.h"

namespace scalemix::compress {
namespace {

using ::testing::HasSubstr;

Model plain_net() { return filled_model(made("mlp:20-10", table_problem(), {})); }
Model svdo_net() { return filled_model(made("mlp:20-10", table_problem(), {"svdo:threshold=1"})); }

std::vector<float> weights(const Model& m, const char* layer = "linear1") {
  return m.tensors.at(std::string(layer) + ".weight").floats();
}

TEST(Pruner, MagnitudeTakesTheSmallestOfAllLayers) {
  const Model m = plain_net();
  const Pruner pruner(m, weights_of(m), {});
  EXPECT_EQ(pruner.weights(), 7u * 20 + 20 * 10 + 10 * 2);
  const Model half = pruner.at_sparsity(0.5);
  float kept = 1e9f, gone = 0;
  for (const char* layer : {"linear1", "linear2", "linear3"}) {
    const auto before = weights(m, layer), after = weights(half, layer);
    for (std::size_t i = 0; i < before.size(); ++i) {
      if (after[i] != 0) {
        EXPECT_EQ(after[i], before[i]);
        kept = std::min(kept, std::abs(before[i]));
      } else {
        gone = std::max(gone, std::abs(before[i]));
      }
    }
  }
  EXPECT_LE(gone, kept);
  EXPECT_DOUBLE_EQ(sparsity_of(half), 0.5);
  EXPECT_EQ(half.tensors.at("linear1.bias").bytes, m.tensors.at("linear1.bias").bytes);
  EXPECT_DOUBLE_EQ(sparsity_of(pruner.at_sparsity(0)), 0);
}

TEST(Pruner, AShareOfEachLayer) {
  const Model m = plain_net();
  const Model most = Pruner(m, weights_of(m), {.per_layer = true}).at_sparsity(0.75);
  EXPECT_EQ(zeros_of(most, "linear1"), 105u);
  EXPECT_EQ(zeros_of(most, "linear2"), 150u);
  EXPECT_EQ(zeros_of(most, "linear3"), 15u);
}

TEST(Pruner, UnitsGoWholeWithTheirBiasAndOutputsStay) {
  const Model m = plain_net();
  for (const bool per_layer : {false, true}) {
    const Pruner pruner(m, weights_of(m), {.grain = Grain::unit, .per_layer = per_layer});
    EXPECT_DOUBLE_EQ(pruner.most(), 340.0 / 360);
    const Model half = pruner.at_sparsity(0.5);
    EXPECT_EQ(zeros_of(half, "linear3"), 0u);
    for (const auto& [layer, n] : {std::pair{"linear1", 7u}, {"linear2", 20u}}) {
      const auto w = weights(half, layer),
                 b = half.tensors.at(std::string(layer) + ".bias").floats();
      for (std::size_t j = 0; j < b.size(); ++j) {
        const auto zeros = std::count(w.begin() + long(j * n), w.begin() + long((j + 1) * n), 0.0f);
        EXPECT_TRUE(zeros == 0 || zeros == long(n)) << layer << j;
        EXPECT_EQ(zeros == long(n), b[j] == 0) << layer << j;
      }
    }
    EXPECT_THROW(pruner.at_sparsity(0.99), ConfigError);
  }
}

class ThresholdTest : public testing::TestWithParam<const char*> {};

INSTANTIATE_TEST_SUITE_P(, ThresholdTest,
                         testing::Values("svdo:threshold=1", "svdo:threshold=1,clip=on",
                                         "svdo:threshold=1,kl=exact"));

TEST_P(ThresholdTest, GivesTheDeterministicPassOfThePosterior) {
  const Model m = filled_model(made("mlp:20-10", table_problem(), {GetParam()}));
  const Pruner pruner(m, posterior_moments(m), {.rule = "log_alpha"});
  const Model at = pruner.at_threshold(1);
  EXPECT_GT(sparsity_of(at), 0.2);
  EXPECT_DOUBLE_EQ(sparsity_of(at), sparsity_of(m));
  expect_same(outputs(m, 6), outputs(at, 6));
  EXPECT_EQ(at.tensors.count("linear1.log_sigma2"), 0u);
  EXPECT_TRUE(at.spec.methods.empty());
  // A lower threshold takes more, and what it takes has the largest log alpha.
  EXPECT_GT(sparsity_of(pruner.at_threshold(-1)), sparsity_of(at));
  EXPECT_DOUBLE_EQ(sparsity_of(pruner.at_threshold(100)), 0);
  EXPECT_THROW(Pruner(m, posterior_moments(m), {.rule = "snr"}).at_threshold(1), ConfigError);
}

/// log alpha = log sigma^2 - log mu^2: the order of snr is that of log_alpha.
TEST(Pruner, SnrAndLogAlphaAreOneOrder) {
  const Model m = svdo_net();
  const Moments moments = posterior_moments(m);
  const std::vector<float> log_sigma2 = m.tensors.at("linear2.log_sigma2").floats();
  for (std::size_t i = 0; i < log_sigma2.size(); ++i) {
    EXPECT_NEAR(moments.layers[1].variance[i], std::exp(log_sigma2[i]),
                1e-4 * std::exp(log_sigma2[i]));
  }
  EXPECT_EQ(weights(Pruner(m, moments, {.rule = "snr"}).at_sparsity(0.6)),
            weights(Pruner(m, moments, {.rule = "log_alpha"}).at_sparsity(0.6)));
}

/// Under noise alone s^2 = alpha w^2: snr cannot tell weights from each other, mu^2 + s^2 is magnitude.
TEST(Pruner, UnderFixedNoiseGsmIsMagnitude) {
  const Model m = filled_model(made("mlp:20-10", table_problem(), {"bernoulli:p=0.5"}));
  const Moments moments = noise_moments(m);
  const std::vector<float> w = weights(m, "linear2");
  for (std::size_t i = 0; i < w.size(); ++i) {
    EXPECT_NEAR(moments.layers[1].variance[i], w[i] * w[i], 1e-6);  // p / (1 - p) = 1
    EXPECT_NEAR(moments.layers[2].variance[i % 20],
                weights(m, "linear3")[i % 20] * weights(m, "linear3")[i % 20], 1e-6);
    EXPECT_EQ(moments.layers[0].variance[i % 140], 0);  // no noise on the input
  }
  EXPECT_EQ(
      weights(Pruner(m, moments, {.rule = "gsm", .per_layer = true}).at_sparsity(0.6), "linear2"),
      weights(Pruner(m, moments, {.per_layer = true}).at_sparsity(0.6), "linear2"));
}

/// A large variance keeps a weight under gsm and loses it under snr (1.5).
TEST(Rule, GsmKeepsWhatSnrCallsNoise) {
  const prior::HyperPrior flat = prior::HyperPrior::parse("flat");
  const RuleUse use{flat, 1, 0};
  const Group noisy{.mean2 = 0.04, .variance = 1}, small{.mean2 = 0.01, .variance = 1e-4};
  EXPECT_GT(rule("gsm").score(use, noisy), rule("gsm").score(use, small));
  EXPECT_LT(rule("snr").score(use, noisy), rule("snr").score(use, small));
  EXPECT_NEAR(rule("log_alpha").score(use, noisy), -std::log(1 / 0.04), 1e-12);
  // Of a row of ten the flat scale is the mean second moment.
  EXPECT_NEAR(rule("gsm").score(use, {.mean2 = 3, .variance = 1, .count = 10}), 0.4, 1e-12);
  EXPECT_NEAR(rule("magnitude").score(use, {.mean2 = 3, .variance = 1, .count = 10}), 0.3, 1e-12);
}

TEST(Rule, OfBernoulliScalesMoreKeepsAndARateTakes) {
  const prior::HyperPrior half = prior::HyperPrior::parse("bernoulli:p=0.5,spike=0.05"),
                          most = prior::HyperPrior::parse("bernoulli:p=0.9,spike=0.05");
  double last = 0;
  for (const double m : {0.001, 0.01, 0.02, 0.05}) {
    const Group g{.mean2 = m};
    const double score = rule("gsm").score({half, 1, 0}, g);
    EXPECT_GT(score, last);
    EXPECT_LT(rule("gsm").score({most, 1, 0}, g), score);
    last = score;
  }
}

TEST(Pruner, RandomIsASeedsOwnOrder) {
  const Model m = plain_net();
  const auto at = [&](std::uint64_t seed) {
    return weights(Pruner(m, weights_of(m), {.rule = "random", .seed = seed}).at_sparsity(0.5));
  };
  EXPECT_EQ(at(1), at(1));
  EXPECT_NE(at(1), at(2));
}

/// A network of one linear layer, y = w x: F = precision E x^2, whatever the label.
TEST(Laplace, OfALinearRegressionIsItsHessian) {
  Model m = filled_model(chain({{3}, Task::regression, 1}, {linear(3, 1)}));
  m.tensors["output.log_precision"] = Tensor::of({1}, std::vector<float>{std::log(4.0f)});
  constexpr std::size_t kRows = 4000;
  const std::vector<float> x = model::values(kRows * 3, 5);
  const Moments moments = laplace_moments(m, x, kRows, {.sigma0 = 0.5, .seed = 1});
  for (std::size_t j = 0; j < 3; ++j) {
    double information = 0;
    for (std::size_t n = 0; n < kRows; ++n) information += 4 * double(x[n * 3 + j]) * x[n * 3 + j];
    const double exact = 1 / (information + 4);
    EXPECT_NEAR(moments.layers[0].variance[j], exact, 0.1 * exact);
  }
  const Moments ten = laplace_moments(m, x, kRows, {.training_rows = 10 * kRows, .sigma0 = 0.5});
  EXPECT_NEAR(ten.layers[0].variance[0] * 10 / moments.layers[0].variance[0], 1, 0.1);
}

/// Softmax of a linear layer: F_cj = E p_c (1 - p_c) x_j^2.
TEST(Laplace, OfALinearClassifierIsItsFisherInformation) {
  const Model m = filled_model(chain({{2}, Task::classification, 3}, {linear(2, 3)}));
  constexpr std::size_t kRows = 6000;
  const std::vector<float> x = model::values(kRows * 2, 5);
  const Moments moments = laplace_moments(m, x, kRows, {.sigma0 = 1, .seed = 2});
  const predict::Predictor predictor(m);
  predict::Context context(predictor);
  const predict::Prediction p = predict::predict(context, x, kRows);
  for (std::size_t c = 0; c < 3; ++c) {
    for (std::size_t j = 0; j < 2; ++j) {
      double information = 0;
      for (std::size_t n = 0; n < kRows; ++n) {
        const double q = p.mean[n * 3 + c];
        information += q * (1 - q) * double(x[n * 2 + j]) * x[n * 2 + j];
      }
      const double exact = 1 / (information + 1);
      EXPECT_NEAR(moments.layers[0].variance[c * 2 + j], exact, 0.1 * exact);
    }
  }
}

TEST(Plain, TheDeterministicNumbersStayAndOnlyWeightNoiseGoes) {
  for (const char* method : {"svdo", "vi", "vdo_b", "gnj", "l0", "sbp", "ard", "bernoulli:p=0.3",
                             "concrete", "dropconnect:p=0.2", "prior:laplace"}) {
    const Model m = filled_model(made("mlp:20-10", table_problem(), {method}));
    const Model bare = plain(m);
    check_model(bare);
    expect_same(outputs(m, 5), outputs(bare, 5));
    const bool stays = std::string(method).starts_with("bernoulli") ||
                       std::string(method).starts_with("concrete") ||
                       std::string(method).starts_with("dropconnect");
    EXPECT_EQ(bare.spec.methods.empty(), !stays) << method;
    if (stays) {
      const predict::PredictOptions drawn{.samples = 3};
      expect_same(outputs(m, 5, drawn), outputs(bare, 5, drawn));
    }
  }
}

TEST(Pruner, WhatCannotBeIsRefusedInWords) {
  const Model m = plain_net();
  const auto refusal = [](const auto& f) { return message_of<ConfigError>(f); };
  EXPECT_THAT(refusal([&] { Pruner(m, weights_of(m), {.rule = "magnitud"}); }),
              HasSubstr("did you mean 'magnitude'"));
  EXPECT_THAT(refusal([&] { Pruner(m, weights_of(m), {.rule = "snr"}); }),
              HasSubstr("needs the variances"));
  EXPECT_THAT(refusal([&] { Pruner(m, weights_of(m), {}).at_sparsity(1); }),
              HasSubstr("must be in [0, 1), got 1"));
  EXPECT_THAT(refusal([&] { posterior_moments(m); }), HasSubstr("no layer"));
  EXPECT_THAT(refusal([&] { noise_moments(m); }), HasSubstr("no layer"));
  EXPECT_THAT(refusal([&] {
                Pruner(filled_model(made("linear", table_problem(), {})),
                       weights_of(filled_model(made("linear", table_problem(), {}))),
                       {.grain = Grain::unit});
              }),
              HasSubstr("by units"));
  const Model norm = filled_model(made("vgg:0.03125", colour_problem(), {}));
  EXPECT_THAT(refusal([&] { laplace_moments(norm, model::values(3072, 1), 1); }),
              HasSubstr("batch_norm"));
}

}  // namespace
}  // namespace scalemix::compress
