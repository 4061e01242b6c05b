// Schedules of the learning rate, the running mean of the weights, and the objective that compares draws.

#include "scalemix/train/rate_schedule.h"

#include <gmock/gmock.h>

#include <cmath>

#include "scalemix/base/error.h"
#include "scalemix/run/plan.h"
#include "scalemix/train/checkpoint.h"
#include "scalemix/train/objective.h"
#include "scalemix/train/stack.h"

namespace scalemix::train {
namespace {

TEST(RateSchedule, FollowsItsFormula) {
  EXPECT_DOUBLE_EQ(RateSchedule("poly")(25, 100), 0.5625);
  EXPECT_DOUBLE_EQ(RateSchedule("poly:power=1")(150, 200), 0.25);  // of SparseVD's LeNet-5
  EXPECT_DOUBLE_EQ(RateSchedule("exponential:factor=0.9")(2, 10), 0.81);
  EXPECT_DOUBLE_EQ(RateSchedule("step:every=10,factor=0.5")(25, 100), 0.25);
  EXPECT_DOUBLE_EQ(RateSchedule("step")(70, 100), 0.01);  // every third
  EXPECT_NEAR(RateSchedule("cosine")(75, 100), (1 - std::sqrt(0.5)) / 2, 1e-15);
  EXPECT_DOUBLE_EQ(RateSchedule("linear")(75, 100), 0.5);
  EXPECT_THROW(RateSchedule("polly"), ConfigError);
  EXPECT_THROW(RateSchedule("poly:power=0"), std::domain_error);
}

TEST(RateSchedule, WarmsUpAndPenaltiesGrowByTheirShape) {
  FitOptions o{
      .epochs = 10, .schedule = "constant", .lr_warmup = 4, .warmup_start = 2, .warmup = 4};
  EXPECT_DOUBLE_EQ(lr_factor(o, 0), 0);
  EXPECT_DOUBLE_EQ(lr_factor(o, 1), 0.25);
  EXPECT_DOUBLE_EQ(lr_factor(o, 6), 1);
  EXPECT_DOUBLE_EQ(penalty_weight(o, 4), 0.5);
  o.warmup_shape = "cubic";
  EXPECT_DOUBLE_EQ(penalty_weight(o, 4), 0.125);
}

run::Plan plan_of(double average, const char* objective = "mc", int samples = 1) {
  run::TrainConfig c;
  c.data = "friedman1";
  c.model = "mlp:6";
  c.method = {"bernoulli:p=0.2"};
  c.seeds = 2;
  c.epochs = 3;
  c.average = average;
  c.objective = objective;
  c.train_samples = samples;
  return run::make_plan(c);
}

TEST(Average, IsTheRunningMeanAndBecomesTheModel) {
  const run::Plan plan = plan_of(0.6);
  Stack stack(plan.data, plan, {0, 1});
  std::vector<double> mean(stack.store().values.size());
  for (int t = 0; t < 20 && !stack.epoch_done(); ++t) {
    stack.step();
    const double keep = std::fmin(0.6, double(t) / (t + 9));
    for (std::size_t i = 0; i < mean.size(); ++i) {
      mean[i] = keep * mean[i] + (1 - keep) * stack.store().values[i];
    }
  }
  for (std::size_t i = 0; i < mean.size(); ++i)
    EXPECT_NEAR(stack.state.average[i], mean[i], 1e-5) << i;
  stack.settle();
  EXPECT_EQ(stack.store().values, stack.state.average);
}

TEST(Average, IsInTheCheckpoint) {
  const run::Plan plan = plan_of(0.9);
  const std::string path = testing::TempDir() + "scalemix_average.safetensors";
  Stack whole(plan.data, plan, {0, 1}), resumed(plan.data, plan, {0, 1});
  for (int t = 0; t < 3; ++t) whole.step();
  save_checkpoint(path, whole, {});
  load_checkpoint(path, resumed);
  for (int t = 0; t < 3; ++t) whole.step(), resumed.step();
  EXPECT_EQ(resumed.state.average, whole.state.average);
  std::remove(path.c_str());
}

/// (1/2)(CE_1 + CE_2) + alpha / 4 (KL(p || q) + KL(q || p)), and its gradient by differences.
TEST(RDrop, ComparesTwoDraws) {
  const Objective objective("r_drop:alpha=0.8");
  constexpr std::size_t kRows = 2, kWidth = 3;
  std::vector<float> f{0.3f, -1, 0.5f, 2, 0, 0.1f, -0.4f, 0.9f, 0.2f, 1, 1.5f, -0.7f}, df(12, 0.0f);
  const auto value = [&](const std::vector<float>& at) {
    double sum = 0;
    for (std::size_t n = 0; n < kRows; ++n) {
      double p[2][kWidth];
      for (std::size_t s = 0; s < 2; ++s) {
        double all = 0;
        for (std::size_t c = 0; c < kWidth; ++c)
          all += p[s][c] = std::exp(double(at[(s * kRows + n) * kWidth + c]));
        for (double& v : p[s]) v /= all;
      }
      for (std::size_t c = 0; c < kWidth; ++c)
        sum += (p[0][c] - p[1][c]) * std::log(p[0][c] / p[1][c]);
    }
    return 0.8 / 4 * sum / kRows;
  };
  EXPECT_NEAR(objective.row().extra(objective.own(), kRows, kWidth, f.data(), nullptr, df.data()),
              value(f), 1e-7);
  for (std::size_t i = 0; i < f.size(); ++i) {
    std::vector<float> up = f, down = f;
    up[i] += 1e-2f, down[i] -= 1e-2f;
    EXPECT_NEAR(df[i], (value(up) - value(down)) / 2e-2, 1e-4) << i;
  }
  // Of means under a precision of e: e (f - g)^2.
  std::fill(df.begin(), df.end(), 0.0f);
  const float lp = 1;
  EXPECT_NEAR(
      objective.row().extra(objective.own(), 6, 1, f.data(), &lp, df.data()),
      [&] {
        double sum = 0;
        for (int i = 0; i < 6; ++i) sum += std::exp(1.0) * std::pow(double(f[i]) - f[6 + i], 2);
        return 0.2 * sum / 6;
      }(),
      1e-6);
  EXPECT_NEAR(df[0], 0.2 / 6 * 2 * std::exp(1.0) * (double(f[0]) - f[6]), 1e-6);
  EXPECT_FLOAT_EQ(df[6], -df[0]);
}

TEST(RDrop, NeedsTwoDrawsAndTrains) {
  EXPECT_THROW(plan_of(0, "r_drop"), ConfigError);
  const run::Plan plan = plan_of(0, "r_drop:alpha=2", 2);
  Stack stack(plan.data, plan, {0, 1});
  while (!stack.epoch_done()) stack.step();
  EXPECT_TRUE(std::isfinite(stack.state.nll_sum[0]));
}

}  // namespace
}  // namespace scalemix::train
