// Each rule speaks on a network made to break it, and is silent on a healthy one.

#include "scalemix/study/diagnose.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include "scalemix/base/error.h"
#include "scalemix/kernel/variational.h"
#include "tests/model/fixtures.h"

namespace scalemix::study {
namespace {

using model::Model;
using model::Tensor;

std::string first_weights(const Model& m) { return m.spec.layers.front().name; }

/// Weights of 0.5; log alpha is `low` for even weights and `high` for odd ones.
Model svdo_model(double low, double high) {
  Model m = model::filled_model(model::made("mlp:10", {{20}, Task::classification, 2}, {"svdo"}));
  model::for_each_layer(m.spec, [&](const model::Layer& layer, const model::Shape&) {
    if (layer.noise.empty()) return;
    const std::size_t n = layer.in * layer.out;
    std::vector<float> w(n, 0.5f), log_sigma2(n);
    for (std::size_t i = 0; i < n; ++i) {
      log_sigma2[i] = static_cast<float>((i % 2 ? high : low) + std::log(0.25 + 1e-8));
    }
    m.tensors[layer.name + ".weight"] = Tensor::of({layer.out, layer.in}, w);
    m.tensors[layer.name + ".log_sigma2"] = Tensor::of({layer.out, layer.in}, log_sigma2);
  });
  return m;
}

Model healthy_svdo() { return svdo_model(-5, 7); }

Model regression_model(double log_precision = 2) {
  Model m = model::filled_model(model::made("mlp:6", {{3}, Task::regression, 1}));
  m.preprocessing.mean = {0, 1, 2};
  m.preprocessing.scale = {2, 0.5, 3};
  m.preprocessing.features = {"a", "b", "c"};
  m.preprocessing.target_scale = 4;
  m.tensors["output.log_precision"] =
      Tensor::of({1}, std::vector<float>{static_cast<float>(log_precision)});
  return m;
}

/// A loss that falls to `last` and has settled.
History settled(double first = 2, double last = 0.5) {
  History h;
  for (int e = 0; e < 30; ++e) h.nll.push_back(last + (first - last) * std::exp(-e));
  return h;
}

std::vector<std::string> spoken(const Model& m, const History& h = {}) {
  std::vector<std::string> out;
  for (const Finding& f : findings(facts_of(m, h))) {
    EXPECT_FALSE(f.what.empty());
    out.push_back(f.rule);
  }
  return out;
}

using Rules = std::vector<std::string>;

TEST(DiagnoseTest, AHealthyNetworkHasNothingWrong) {
  History h = settled();
  h.penalty_weight.assign(h.nll.size(), 1);
  h.validation_nll = h.nll;
  EXPECT_EQ(spoken(healthy_svdo(), h), Rules{});
  EXPECT_EQ(spoken(regression_model(), settled()), Rules{});
  EXPECT_EQ(spoken(regression_model()), Rules{});
}

TEST(DiagnoseTest, CountsPenaltyZerosAndLogAlpha) {
  const Facts f = facts_of(healthy_svdo());
  ASSERT_EQ(f.layers.size(), 2u);
  EXPECT_EQ(f.layers[0].weights, 200u);
  EXPECT_EQ(f.layers[0].nonzero, 100u);
  EXPECT_EQ(f.layers[0].log_alpha[3] + f.layers[0].log_alpha[2], 100u);    // -5, on a bin's edge
  EXPECT_EQ(f.layers[0].log_alpha[15] + f.layers[0].log_alpha[14], 100u);  // 7
  const double each = kernel::ref::svdo_penalty(-5) + kernel::ref::svdo_penalty(7);
  EXPECT_NEAR(f.layers[0].penalty, 100 * each, 1e-3 * 100 * each);
  EXPECT_NEAR(f.penalty, 110 * each, 1e-3 * 110 * each);
}

TEST(DiagnoseTest, CountsUnitsAndInputsWithoutAWeight) {
  Model m = regression_model();
  std::vector<float> w(6 * 3, 1);
  for (std::size_t i = 0; i < 3; ++i) w[2 * 3 + i] = w[4 * 3 + i] = 0;  // units 2 and 4
  for (std::size_t o = 0; o < 6; ++o) w[o * 3 + 1] = 0;                 // input 1
  m.tensors[first_weights(m) + ".weight"] = Tensor::of({6, 3}, w);
  const LayerFacts f = facts_of(m).layers[0];
  EXPECT_EQ(f.dead_outputs, 2u);
  EXPECT_EQ(f.dead_inputs, 1u);
  EXPECT_EQ(f.nonzero, 8u);
}

TEST(DiagnoseTest, CountsChannelsOfAConvolution) {
  Model m = model::filled_model(model::made("lenet5", {{1, 28, 28}, Task::classification, 10}));
  std::vector<float> w = m.tensors.at("conv2.weight").floats();
  std::fill(w.begin(), w.begin() + 20 * 25, 0.0f);  // output channel 0
  m.tensors["conv2.weight"] = Tensor::of({50, 20, 5, 5}, w);
  const Facts f = facts_of(m);
  EXPECT_EQ(f.layers[1].name, "conv2");
  EXPECT_EQ(f.layers[1].dead_outputs, 1u);
  EXPECT_EQ(f.layers[1].dead_inputs, 0u);
}

TEST(DiagnoseTest, ReportsTheLearnedNoiseInTheTargetsUnits) {
  const Facts f = facts_of(regression_model(2));
  EXPECT_NEAR(*f.noise_sd, 4 * std::exp(-1.0), 1e-6);
}

TEST(DiagnoseTest, NotFiniteSpeaks) {
  Model m = regression_model();
  std::vector<float> b(6, 0);
  b[3] = std::numeric_limits<float>::quiet_NaN();
  m.tensors[first_weights(m) + ".bias"] = Tensor::of({6}, b);
  EXPECT_EQ(spoken(m), Rules{"not_finite"});
}

TEST(DiagnoseTest, NotLearningSpeaks) {
  History h;
  h.nll = {1, 1.1, 1.2};
  EXPECT_EQ(spoken(regression_model(), h), Rules{"not_learning"});
}

TEST(DiagnoseTest, StillFallingSpeaks) {
  History h;
  for (int e = 0; e < 30; ++e) h.nll.push_back(3 - 0.1 * e);
  EXPECT_EQ(spoken(regression_model(), h), Rules{"still_falling"});
}

TEST(DiagnoseTest, WorseOnValidationSpeaks) {
  History h = settled(2, 0.1);
  h.validation_nll.assign(h.nll.size(), 0.9);
  EXPECT_EQ(spoken(regression_model(), h), Rules{"worse_on_validation"});
}

TEST(DiagnoseTest, PenaltyWeightLowSpeaksOnlyUnderAPosterior) {
  History h = settled();
  h.penalty_weight.assign(h.nll.size(), 0.7);
  EXPECT_EQ(spoken(healthy_svdo(), h), Rules{"penalty_weight_low"});
  EXPECT_EQ(spoken(regression_model(), h), Rules{});
}

TEST(DiagnoseTest, NothingPrunedSpeaks) {
  EXPECT_EQ(spoken(svdo_model(-5, -4)), Rules{"nothing_pruned"});
}

TEST(DiagnoseTest, LayerAllPrunedSpeaksForEachLayer) {
  EXPECT_EQ(spoken(svdo_model(5, 6)), (Rules{"layer_all_pruned", "layer_all_pruned"}));
}

TEST(DiagnoseTest, UndecidedSpeaksForEachLayer) {
  EXPECT_EQ(spoken(svdo_model(2.5, 7)), (Rules{"undecided", "undecided"}));
}

TEST(DiagnoseTest, DeadUnitsSpeaks) {
  Model m = model::filled_model(model::made("mlp:40", {{3}, Task::regression, 1}));
  m.tensors["output.log_precision"] = Tensor::of({1}, std::vector<float>{2});
  std::vector<float> w(40 * 3, 0);
  w[0] = 1;
  m.tensors[first_weights(m) + ".weight"] = Tensor::of({40, 3}, w);
  EXPECT_EQ(spoken(m), Rules{"dead_units"});
}

TEST(DiagnoseTest, PrecisionExtremeSpeaksAtBothEnds) {
  EXPECT_EQ(spoken(regression_model(9.5)), Rules{"precision_extreme"});
  EXPECT_EQ(spoken(regression_model(-0.1)), Rules{"precision_extreme"});
}

TEST(DiagnoseTest, NoiseMismatchSpeaksOnBothSidesOfTheError) {
  Facts facts = facts_of(regression_model(2));  // noise of sd 4 / e = 1.47
  for (const auto& [rmse, count] :
       std::vector<std::pair<double, std::size_t>>{{1.4, 0}, {1.6, 0}, {0.9, 1}, {2.3, 1}}) {
    facts.rmse = rmse;
    const std::vector<Finding> found = findings(facts);
    ASSERT_EQ(found.size(), count) << rmse;
    if (count) {
      EXPECT_EQ(found[0].rule, "noise_mismatch");
    }
  }
}

TEST(DiagnoseTest, ConstantColumnsSpeaks) {
  Model m = regression_model();
  m.preprocessing.scale[1] = 1;
  const std::vector<Finding> found = findings(facts_of(m));
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].rule, "constant_columns");
  EXPECT_EQ(found[0].where, "b");
}

TEST(DiagnoseTest, HeavyNoiseSpeaksOnce) {
  Model m =
      model::filled_model(model::made("mlp:6-6", {{3}, Task::classification, 2}, {"half_cauchy"}));
  EXPECT_EQ(spoken(m), Rules{"heavy_noise"});
}

// Figures of Pretorius et al. (2018): 6 xi_c of relu with p = 0.1 is 13.6.
TEST(DiagnoseTest, TooDeepSpeaksWhereNoiseEndsTheSignal) {
  const auto deep = [](const char* word, const char* method) {
    return model::filled_model(model::made(word, {{3}, Task::classification, 2}, {method}));
  };
  EXPECT_EQ(spoken(deep("mlp:6x30", "bernoulli:p=0.1")), Rules{"too_deep"});
  EXPECT_EQ(spoken(deep("mlp:6x30", "bernoulli:p=0.01")), Rules{});
  EXPECT_EQ(spoken(deep("mlp:6x10", "bernoulli:p=0.1")), Rules{});
  EXPECT_EQ(spoken(deep("resmlp:6x30", "bernoulli:p=0.1")), Rules{});
  const Facts facts = facts_of(deep("mlp:6-6", "half_cauchy"));
  EXPECT_EQ(facts.depth_unsaid, "no critical initialisation to judge the depth by");
}

TEST(DiagnoseTest, ARuleThatLacksWhatItNeedsSaysWhat) {
  const auto why = [](const Facts& facts) {
    std::map<std::string_view, std::string_view> out;
    for (const Unjudged& u : unjudged(facts)) out[u.rule] = u.why;
    return out;
  };
  History h = settled();
  h.penalty_weight = h.validation_nll = h.nll;
  EXPECT_THAT(why(facts_of(healthy_svdo(), h)),
              testing::ElementsAre(testing::Pair("noise_mismatch", "not a regression"),
                                   testing::Pair("precision_extreme", "not a regression")));
  auto lacks = why(facts_of(regression_model()));
  EXPECT_EQ(lacks["not_learning"], "no log of a run");
  EXPECT_EQ(lacks["worse_on_validation"], "no log of a run");
  EXPECT_EQ(lacks["undecided"], "no layer under a posterior");
  EXPECT_THAT(lacks["noise_mismatch"], testing::StartsWith("no error on test rows"));
  EXPECT_FALSE(lacks.count("not_finite"));
  h = {};
  h.nll = {1};
  lacks = why(facts_of(healthy_svdo(), h));
  EXPECT_EQ(lacks["not_learning"], "one epoch only");
  EXPECT_EQ(lacks["still_falling"], "fewer than 10 epochs");
  EXPECT_EQ(lacks["worse_on_validation"], "no validation rows");
  EXPECT_EQ(lacks["penalty_weight_low"], "no log of a run");
}

TEST(DiagnoseTest, EveryRuleHasASummaryAndATestHere) {
  Rules names;
  for (const Rule& rule : rules()) {
    EXPECT_FALSE(rule.summary.empty()) << rule.name;
    names.emplace_back(rule.name);
  }
  EXPECT_EQ(names, (Rules{"not_finite", "not_learning", "still_falling", "worse_on_validation",
                          "penalty_weight_low", "nothing_pruned", "layer_all_pruned", "undecided",
                          "dead_units", "precision_extreme", "noise_mismatch", "constant_columns",
                          "heavy_noise", "too_deep"}));
}

TEST(HistoryTest, TakesOneReplicaOfEveryStack) {
  const model::Folder folder;
  const std::string log = folder.file("metrics.jsonl");
  model::write_bytes(
      log, R"({"replicas": [0, 2], "nll": [3, 4], "penalty": [1, 2], "penalty_weight": 0.5})"
           "\n"
           R"({"replicas": [1], "nll": [9], "validation_nll": [8]})"
           "\n"
           R"({"replicas": [0, 2], "nll": [2, 1], "penalty": [1, 5], "penalty_weight": 1})"
           "\n");
  const History two = read_history(log, 2), one = read_history(log, 1);
  EXPECT_EQ(two.nll, (std::vector<double>{4, 1}));
  EXPECT_EQ(two.penalty, (std::vector<double>{2, 5}));
  EXPECT_EQ(two.penalty_weight, (std::vector<double>{0.5, 1}));
  EXPECT_EQ(one.nll, std::vector<double>{9});
  EXPECT_EQ(one.validation_nll, std::vector<double>{8});
}

TEST(HistoryTest, RefusesWhatIsNoLog) {
  const model::Folder folder;
  EXPECT_THROW(read_history(folder.file("none.jsonl"), 0), FileError);
  const std::string log = folder.file("metrics.jsonl");
  model::write_bytes(log, "{\"replicas\": [0], \"nll\": [1]}\n{\"nll\": [1]}\n");
  EXPECT_THAT(model::message_of<DataError>([&] { read_history(log, 0); }),
              testing::HasSubstr("metrics.jsonl:2"));
}

}  // namespace
}  // namespace scalemix::study
