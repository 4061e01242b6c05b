// --precision tuned: the precision that rows which were held out like best.

#include "scalemix/train/tune.h"

#include <gtest/gtest.h>

#include <cmath>

#include "scalemix/base/error.h"
#include "scalemix/data/split.h"
#include "scalemix/model/build.h"
#include "scalemix/predict/evaluate.h"
#include "scalemix/run/plan.h"

namespace scalemix::train {
namespace {

run::TrainConfig config(const std::string& precision) {
  run::TrainConfig c;
  c.data = "friedman1";
  c.model = "mlp:20";
  c.method = {"none"};
  c.folds = 2;
  c.epochs = 30;
  c.precision = precision;
  return c;
}

TEST(Tune, ItIsAskedForByItsWord) {
  EXPECT_TRUE(tunes_precision({.precision = "tuned"}));
  EXPECT_TRUE(tunes_precision({.precision = "tuned:1,2"}));
  EXPECT_FALSE(tunes_precision({.precision = "learned"}));
  EXPECT_FALSE(tunes_precision({.precision = "2"}));
}

TEST(Tune, EveryReplicaHasTheScoreOfEveryPoint) {
  const run::Plan plan = run::make_plan(config("tuned:0.001,0.3,1000"));
  const Tuning tuning = tune_precision(plan.data, plan, 0);
  ASSERT_EQ(tuning.score.size(), 2u);
  for (std::size_t r = 0; r < 2; ++r) {
    EXPECT_EQ(tuning.grid[r], (std::vector<double>{0.001, 0.3, 1000}));
    for (const double score : tuning.score[r]) EXPECT_TRUE(std::isfinite(score));
    EXPECT_EQ(tuning.best[r], 1u);  // the errors are between 1 and 3 or so
    // A precision of 1000 costs 500 times the mean squared error.
    EXPECT_LT(tuning.score[r][2], -100);
  }
  EXPECT_EQ(tuning.word(), "0.3,0.3");
}

TEST(Tune, AScoreIsTheLikelihoodOfTheRowsThatWereHeldOut) {
  run::TrainConfig c = config("tuned:0.25,0.5");
  c.folds = 0;  // the division that friedman1 comes with: its rows are held out in order
  const run::Plan plan = run::make_plan(c);
  const Tuning tuning = tune_precision(plan.data, plan, 0);
  run::Plan by_hand = plan;
  data::Split& split = by_hand.replicas[0].split;
  const std::size_t kept = split.train.size() * 8 / 10;
  split.test.assign(split.train.begin() + static_cast<std::ptrdiff_t>(kept), split.train.end());
  split.train.resize(kept);
  prepare(by_hand.replicas[0], by_hand.options, by_hand.data);
  by_hand.options.precision = "0.5";
  Stack stack(by_hand.data, by_hand, {0});
  while (!stack.done()) {
    while (!stack.epoch_done()) stack.step();
    stack.end_epoch();
  }
  const predict::Predictor predictor(stack.model(0));
  const auto rows = data::rows_of(by_hand.data, split.test);
  EXPECT_NEAR(predict::evaluate({&predictor}, rows).at("log_likelihood"), tuning.score[0][1], 1e-9);
}

// Rows in the order of a file may be sorted: those of the stream's choice are held out.
TEST(Tune, WithoutDivisionsRowsAreHeldOutAtRandom) {
  run::TrainConfig c = config("tuned:0.5");
  c.folds = 0;
  run::Plan plan = run::make_plan(c);
  plan.data.splits.clear();
  const double at_random = tune_precision(plan.data, plan, 0).score[0][0];
  train::Replica by_hand = plan.replicas[0];
  data::carve_validation(by_hand.split, 0.2, by_hand.seed);
  by_hand.split.test = by_hand.split.validation;
  by_hand.split.validation.clear();
  prepare(by_hand, plan.options, plan.data);
  Plan one{plan.options, plan.spec, {by_hand}};
  one.options.precision = "0.5";
  double want = 0;
  Callbacks callbacks;
  callbacks.end = [&](const Stack& stack) {
    const predict::Predictor predictor(stack.model(0));
    want = predict::evaluate({&predictor}, data::rows_of(plan.data, by_hand.split.test))
               .at("log_likelihood");
  };
  run(plan.data, one, callbacks);
  EXPECT_NEAR(at_random, want, 1e-9);
}

TEST(Tune, ValidationRowsAreSetAsideOnce) {
  run::TrainConfig c = config("tuned:0.25");
  c.folds = 0;
  c.validation_fraction = 0.25;
  c.batch = 48;
  const run::Plan plan = run::make_plan(c);  // 800 training rows, 600 without validation
  std::int64_t steps = 0;
  Callbacks callbacks;
  callbacks.epoch = [&](const EpochReport& report) {
    if (report.epoch == 1) steps = report.step;
  };
  tune_precision(plan.data, plan, 0, callbacks);
  EXPECT_EQ(steps, 480 / 48);
}

TEST(Tune, TheDefaultGridIsInUnitsOfTheStandardisedTarget) {
  const run::Plan plan = run::make_plan(config("tuned"));
  const Tuning tuning = tune_precision(plan.data, plan, 0);
  const double scale = plan.replicas[1].standardisation.target_scale;
  ASSERT_EQ(tuning.grid[1].size(), 10u);
  EXPECT_DOUBLE_EQ(tuning.grid[1].front(), 1 / (scale * scale));
  EXPECT_DOUBLE_EQ(tuning.grid[1].back(), 1000 / (scale * scale));
}

TEST(Tune, FitTakesTheWord) {
  std::vector<float> x, y;
  for (int i = 0; i < 60; ++i) {
    x.push_back(static_cast<float>(i) / 60);
    y.push_back(x.back() + (i % 2 ? 0.1f : -0.1f));
  }
  const model::Spec spec = model::mlp({{1}, Task::regression, 1}, {4});
  const model::Model m = fit(spec, x, y, {.epochs = 20, .precision = "tuned:0.5,8"});
  const double scale = m.preprocessing.target_scale;
  const double precision =
      std::exp(m.tensors.at("output.log_precision").floats()[0]) / (scale * scale);
  EXPECT_TRUE(std::abs(precision - 0.5) < 1e-4 || std::abs(precision - 8) < 1e-3) << precision;
}

TEST(Tune, SaysWhatIsWrong) {
  const run::Plan plan = run::make_plan(config("tuned:1,-2"));
  EXPECT_THROW(tune_precision(plan.data, plan, 0), ConfigError);
  run::TrainConfig classes;
  classes.data = "moons";
  classes.precision = "tuned";
  const run::Plan moons = run::make_plan(classes);
  EXPECT_THROW(tune_precision(moons.data, moons, 0), ConfigError);
  const model::Spec spec = model::mlp({{1}, Task::regression, 1}, {4});
  EXPECT_THROW(fit(spec, std::vector<float>{1}, std::vector<float>{2}, {.precision = "tuned"}),
               DataError);
}

TEST(Tune, AStopLeavesNothingChosen) {
  const run::Plan plan = run::make_plan(config("tuned:0.1,0.2"));
  const Tuning tuning = tune_precision(plan.data, plan, 0, {.stop = [] { return true; }});
  EXPECT_TRUE(tuning.best.empty());
}

TEST(Tune, APrecisionForEachReplica) {
  const run::Plan plan = run::make_plan(config("0.25,0.5"));
  const Stack stack(plan.data, plan, {0, 1});
  for (std::size_t r = 0; r < 2; ++r) {
    const model::Model m = stack.model(r);
    const double scale = m.preprocessing.target_scale;
    EXPECT_NEAR(std::exp(m.tensors.at("output.log_precision").floats()[0]) / (scale * scale),
                r == 0 ? 0.25 : 0.5, 1e-6);
  }
  const run::Plan wrong = run::make_plan(config("1,2,3"));
  EXPECT_THROW(Stack(wrong.data, wrong, {0}), ConfigError);
}

}  // namespace
}  // namespace scalemix::train
