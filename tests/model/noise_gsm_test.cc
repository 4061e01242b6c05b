// Posteriors under scales that are learned: the identities of their divergence, groups that are off,
// where the short forms put which groups.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "scalemix/base/error.h"
#include "scalemix/model/noise_tensors.h"
#include "tests/model/fixtures.h"

namespace scalemix::model {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

/// A linear model of 3 inputs and 2 outputs; weight (o, i), log sigma2 of all.
Model two_by_three(const std::string& word, std::vector<float> w, float log_sigma2) {
  Model m = filled_model(made("linear", {{3}, Task::classification, 2}, {word}));
  m.tensors["linear1.weight"] = Tensor::of({2, 3}, std::move(w));
  m.tensors["linear1.log_sigma2"] = Tensor::of({2, 3}, std::vector<float>(6, log_sigma2));
  return m;
}

double penalty_of(const Model& m) {
  const Layer& layer = m.spec.layers.front();
  const NoiseTensors tensors(m, layer, layer.noise.front());
  return tensors.kind().penalty(tensors.at());
}

const std::vector<float> kWeights{0.5f, -0.2f, 1, 0.1f, 0.3f, -2};

// Notes 1.4: with a scale for each weight the divergence is log(1 + 1 / alpha) / 2, alpha = sigma2 / w^2,
// which is the second term of sparse variational dropout's.
TEST(Gsm, AScaleForEachWeightIsEmpiricalBayes) {
  for (const char* word :
       {"gsm:group=weight,hyper=flat", "gsm:group=weight,hyper=flat,sigma0=0.3"}) {
    double want = 0;
    for (const float w : kWeights) want += std::log1p(w * w / std::exp(-3.0)) / 2;
    EXPECT_NEAR(penalty_of(two_by_three(word, kWeights, -3)), want, 1e-5) << word;
  }
}

// Notes 1.4, "invariant to rescaling": a row times c, and its posterior with it, costs the same.
TEST(Gsm, FlatScalesDoNotMindTheSizeOfARow) {
  std::vector<float> w = kWeights;
  Model m = two_by_three("gsm:group=row,hyper=flat", w, -3);
  const double before = penalty_of(m);
  for (const std::size_t e : {1u, 4u}) w[e] *= 7;
  std::vector<float> log_sigma2(6, -3);
  for (const std::size_t e : {1u, 4u}) log_sigma2[e] += 2 * std::log(7.0f);
  m.tensors["linear1.weight"] = Tensor::of({2, 3}, w);
  m.tensors["linear1.log_sigma2"] = Tensor::of({2, 3}, log_sigma2);
  EXPECT_NEAR(penalty_of(m), before, 1e-5);
  // Under any other hyper-prior it does.
  m.spec = made("linear", {{3}, Task::classification, 2}, {"gsm:group=row"});
  const double far = penalty_of(m);
  EXPECT_GT(std::abs(far - penalty_of(two_by_three("gsm:group=row", kWeights, -3))), 0.1);
}

// Notes 1.4: the slope on a weight is D v / sum(mu^2 + s^2).
TEST(Gsm, TheRidgeAdaptsToItsRow) {
  Model m = two_by_three("gsm:group=row,hyper=flat", kWeights, -3);
  const auto with = [&](float w0) {
    std::vector<float> w = kWeights;
    w[0] = w0;
    m.tensors["linear1.weight"] = Tensor::of({2, 3}, w);
    return penalty_of(m);
  };
  const double slope = (with(0.51f) - with(0.49f)) / (0.51f - 0.49f);
  const double squares = 0.25 + 0.01 + 2 * std::exp(-3.0);
  EXPECT_NEAR(slope, 2 * 0.5 / squares, 2e-3);
}

TEST(Gsm, GroupsBelowAShareAreSwitchedOff) {
  const Model m = two_by_three("gsm:group=row,off=0.35", kWeights, -8);
  const Layer& layer = m.spec.layers.front();
  const NoiseTensors tensors(m, layer, layer.noise.front());
  std::vector<float> out(6);
  tensors.kind().stand_in(tensors.at(), out.data());
  // Root mean squares of the rows: 0.36, 0.26, 1.58.
  EXPECT_THAT(out, ElementsAre(0.5f, 0, 1, 0.1f, 0, -2));
  const std::vector<NoiseReading> readings = tensors.kind().readings(tensors.at());
  ASSERT_EQ(readings.size(), 4u);
  EXPECT_EQ(readings[0].value, 3);  // groups
  EXPECT_EQ(readings[1].value, 2);  // on
  EXPECT_LT(readings[2].value, readings[3].value);
}

std::vector<std::string> groups(const std::string& architecture, const std::string& method) {
  std::vector<std::string> out;
  const Spec spec = made(architecture, {{4}, Task::regression, 1}, {method});
  for_each_layer(spec, [&](const Layer& layer, const Shape&) {
    for (const Noise& noise : layer.noise) {
      out.push_back(value_text(noise_kind("gsm").parameters[0], setting(noise, "group")));
    }
  });
  return out;
}

// Notes 3.4: the first and last layers always have scales of rows.
TEST(Gsm, ShortFormsPutScalesWhereThePaperDoes) {
  EXPECT_THAT(groups("skipmlp:5x2", "ard"), ElementsAre("row", "row", "row", "row"));
  EXPECT_THAT(groups("skipmlp:5x2", "add"), ElementsAre("row", "matrix", "matrix", "row"));
  EXPECT_THAT(groups("skipmlp:5x2", "ard_add"), ElementsAre("row", "both", "both", "row"));
  EXPECT_THAT(groups("linear", "add"), ElementsAre("row"));
  EXPECT_THAT(groups("mlp:5", "gsm:group=matrix"), ElementsAre("matrix", "matrix"));
}

TEST(Gsm, AHyperPriorsKeysMayFollowIt) {
  const Spec one = made("linear", {{4}, Task::regression, 1},
                        {"gsm:group=row,hyper=inv_gamma:a=2,b=5"}),
             two = made("linear", {{4}, Task::regression, 1},
                        {"gsm:group=row,hyper=inv_gamma,a=2,b=5"});
  EXPECT_EQ(one.methods, two.methods);
  EXPECT_THAT(one.methods[0], HasSubstr("hyper=inv_gamma,"));
  EXPECT_EQ(setting(one.layers[0].noise[0], "b"), 5);
}

TEST(Gsm, TakesEveryHyperPriorOfTheTable) {
  std::vector<std::string> names;
  for (const prior::HyperPriorRow& row : prior::hyper_priors()) names.emplace_back(row.name);
  EXPECT_THAT(words_of(noise_kind("gsm").parameters[1]), testing::UnorderedElementsAreArray(names));
}

TEST(Gsm, RefusesWhatCannotBe) {
  const auto refusal = [](const std::string& word) -> std::string {
    try {
      made("linear", {{4}, Task::regression, 1}, {word});
    } catch (const std::exception& error) {
      return error.what();
    }
    return "nothing was refused";
  };
  EXPECT_THAT(refusal("gsm:group=rows"), HasSubstr("group must be one of row, weight"));
  EXPECT_THAT(refusal("gsm:sigma0=0"), HasSubstr("sigma0 must be in"));
  EXPECT_THAT(refusal("gsm:hyper=inv_gamma:a=0"), HasSubstr("a must be in"));
  EXPECT_THAT(refusal("gsm:hyper=beta:b=0.5"), HasSubstr("b must be in"));
  EXPECT_THAT(refusal("gsm:hyper=half_cauchy:scale=1,scale=2"), HasSubstr("given twice"));
  EXPECT_THAT(refusal("gsm:group=both,hyper=bernoulli"), HasSubstr("row times matrix"));
  EXPECT_THAT(refusal("ard:group=row"), HasSubstr("group"));
}

}  // namespace
}  // namespace scalemix::model
