// Training: stacks against single runs, checkpoints, schedules, early stopping, the divergence
// guard.

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "scalemix/base/error.h"
#include "scalemix/torch/train/loss.h"
#include "scalemix/torch/train/schedule.h"
#include "scalemix/torch/train/trainer.h"

namespace scalemix {
namespace {

namespace fs = std::filesystem;

run::TrainConfig small(const std::string& method = "svdo") {
  run::TrainConfig c;
  c.data = "friedman1";
  c.model = "mlp:8";
  c.method = {method};
  c.epochs = 4;
  c.seed = 7;
  c.threads = 1;
  return c;
}

std::string fresh(const std::string& name) {
  const fs::path path = fs::path(testing::TempDir()) / ("scalemix-" + name);
  fs::remove_all(path);
  return path.string();
}

bool train_all(const train::Plan& plan, const std::string& out,
               const std::atomic<bool>* stop = nullptr) {
  train::RunOptions options;
  options.quiet = true;
  options.stop = stop;
  const bool exists = fs::exists(out + "/config.toml");
  const run::Folder folder = exists ? run::Folder::open(out) : run::Folder::create(out);
  std::ofstream(folder.config()) << run::to_toml(plan.config);
  return train::Trainer(plan, folder, options).run();
}

std::map<std::string, model::Tensor> tensors(const std::string& path) {
  return model::load_model(path).tensors;
}

void expect_same(const std::string& a, const std::string& b) {
  const auto x = tensors(a), y = tensors(b);
  ASSERT_EQ(x.size(), y.size());
  for (const auto& [name, tensor] : x) EXPECT_EQ(tensor.bytes, y.at(name).bytes) << name;
}

TEST(Train, AReplicaOfAStackEndsWithTheBitsOfItsSingleRun) {
  run::TrainConfig c = small();
  c.seeds = 3;
  const std::string stack = fresh("stack"), single = fresh("single");
  ASSERT_TRUE(train_all(train::make_plan(c), stack));
  c.seeds = 1;
  c.seed += 1;
  ASSERT_TRUE(train_all(train::make_plan(c), single));
  expect_same(stack + "/replica-001/model.safetensors", single + "/model.safetensors");
}

TEST(Train, APointOfAGridEndsWithTheBitsOfARunWithItsSettings) {
  for (const char* optimiser : {"adam", "sgd"}) {
    run::TrainConfig c = small();
    c.optimiser = optimiser;
    c.grid = {"lr=0.001,0.004", "penalty=1,0.25", "weight_decay=0,0.01"};
    c.warmup_start = 0;
    c.warmup = 1;
    const train::Plan plan = train::make_plan(c);
    ASSERT_EQ(plan.replicas.size(), 8u);
    EXPECT_EQ(plan.replicas[3].seed, plan.replicas[0].seed);
    const std::string grid = fresh("grid"), single = fresh("grid-single");
    ASSERT_TRUE(train_all(plan, grid));
    c.grid.clear();
    c.lr = 0.004;  // point 6: lr=0.004 penalty=0.25 weight_decay=0; 7: 0.01
    c.penalty = 0.25;
    c.weight_decay = 0.01;
    ASSERT_TRUE(train_all(train::make_plan(c), single));
    expect_same(grid + "/replica-007/model.safetensors", single + "/model.safetensors");
    const auto decayed = tensors(grid + "/replica-007/model.safetensors");
    const auto not_decayed = tensors(grid + "/replica-006/model.safetensors");
    EXPECT_NE(decayed.begin()->second.bytes, not_decayed.begin()->second.bytes);
  }
}

TEST(Train, ThePenaltyFactorHoldsOnTheTapeToo) {
  run::TrainConfig c = small();
  c.model = "resmlp:8x1";  // has no planned step
  c.grid = {"penalty=0,1"};
  c.warmup_start = 0;
  c.warmup = 1;
  const train::Plan plan = train::make_plan(c);
  train::Stack stack(plan, {0, 1});
  ASSERT_EQ(stack.path(), "tape");
  while (!stack.done()) {
    while (!stack.epoch_done()) stack.step();
    stack.end_epoch();
  }
  EXPECT_GT(stack.state.penalty[0], stack.state.penalty[1]);  // which alone was asked to shrink it
}

TEST(Train, StoppedAtAnyStepAndResumedItEndsWithTheSameBits) {
  for (const char* method : {"svdo", "bernoulli:p=0.2"}) {
    run::TrainConfig c = small(method);
    c.validation_fraction = 0.2;
    c.patience = 2;
    const train::Plan plan = train::make_plan(c);
    const std::string whole = fresh("whole"), parts = fresh("parts");
    ASSERT_TRUE(train_all(plan, whole));
    const std::atomic<bool> stop{true};  // ends after every single step
    int pieces = 0;
    while (!train_all(plan, parts, &stop)) ASSERT_LT(++pieces, 1000);
    EXPECT_GE(pieces, 8);
    expect_same(whole + "/model.safetensors", parts + "/model.safetensors");
    std::ifstream a(whole + "/metrics.jsonl"), b(parts + "/metrics.jsonl");
    const std::string x((std::istreambuf_iterator<char>(a)), {}),
        y((std::istreambuf_iterator<char>(b)), {});
    EXPECT_EQ(x, y);
  }
}

TEST(Train, WarnsOfANetworkThatIsDeeperThanItsNoiseAllows) {
  const auto warned = [](const char* architecture, const char* method) {
    run::TrainConfig c = small(method);
    c.model = architecture;
    for (const std::string& warning : train::make_plan(c).warnings) {
      if (warning.find("exceed 6 xi_c = 13.6") != std::string::npos) return true;
    }
    return false;
  };
  EXPECT_TRUE(warned("mlp:10x40", "bernoulli:p=0.1"));
  EXPECT_FALSE(warned("mlp:10x5", "bernoulli:p=0.1"));
  EXPECT_FALSE(warned("mlp:10x40", "none"));
}

TEST(Train, LearnsARegressionBetterThanItsMean) {
  run::TrainConfig c = small("bernoulli:p=0.02");
  c.model = "mlp:30";
  c.epochs = 60;
  c.lr = 0.01;
  c.validation_fraction = 0.2;
  const train::Plan plan = train::make_plan(c);
  train::Stack stack(plan, {0});
  while (!stack.done()) {
    while (!stack.epoch_done()) stack.step();
    stack.end_epoch();
  }
  EXPECT_LT(stack.validate().error[0], 0.5 * plan.replicas[0].standardisation.target_scale);
}

TEST(Train, EarlyStoppingKeepsTheBestWeights) {
  run::TrainConfig c = small("none");
  c.model = "mlp:100";
  c.lr = 0.05;
  c.epochs = 200;
  c.validation_fraction = 0.3;
  c.patience = 3;
  const train::Plan plan = train::make_plan(c);
  train::Stack stack(plan, {0});
  while (!stack.done()) {
    while (!stack.epoch_done()) stack.step();
    stack.end_epoch();
  }
  EXPECT_LT(stack.state.epoch, 200);
  stack.restore_best();
  EXPECT_DOUBLE_EQ(stack.validate().nll[0], stack.state.best_score[0]);
}

TEST(Train, ARunThatExplodesIsStoppedAndSaysWhere) {
  run::TrainConfig c = small("none");
  c.optimiser = "sgd";
  c.lr = 1e6;
  try {
    train_all(train::make_plan(c), fresh("exploded"));
    FAIL() << "it did not diverge";
  } catch (const Diverged& error) {
    EXPECT_NE(std::string(error.what()).find("epoch 1"), std::string::npos) << error.what();
  }
}

TEST(Train, ClippingBoundsTheStepOfSgd) {
  run::TrainConfig c = small("none");
  c.optimiser = "sgd";
  c.momentum = 0;
  c.lr = 1;
  c.clip = 0.01;
  const train::Plan plan = train::make_plan(c);
  train::Stack stack(plan, {0});
  const torch::Tensor before = stack.network().storage().values.clone();
  stack.step();
  const double moved = (stack.network().storage().values - before).norm().item<double>();
  EXPECT_NEAR(moved, 0.01, 1e-5);
}

TEST(Train, ADamagedCheckpointIsRefused) {
  const train::Plan plan = train::make_plan(small());
  const std::string out = fresh("damaged");
  const std::atomic<bool> stop{true};
  ASSERT_FALSE(train_all(plan, out, &stop));
  fs::resize_file(out + "/checkpoint/state.safetensors", 100);
  EXPECT_THROW(train_all(plan, out), DataError);
}

TEST(Train, GivenPrecisionStaysWhatItIs) {
  run::TrainConfig c = small("none");
  c.precision = "0.25";
  const train::Plan plan = train::make_plan(c);
  train::Stack stack(plan, {0});
  while (!stack.epoch_done()) stack.step();
  const double scale = plan.replicas[0].standardisation.target_scale;
  const float log_precision = stack.network().log_precision().item<float>();
  EXPECT_NEAR(std::exp(log_precision) / (scale * scale), 0.25, 1e-6);
}

TEST(Schedule, FollowsItsFormulas) {
  run::TrainConfig c = small();
  c.epochs = 100;
  c.schedule = "linear";
  EXPECT_DOUBLE_EQ(train::lr_factor(c, 49), 1);
  EXPECT_DOUBLE_EQ(train::lr_factor(c, 75), 0.5);
  EXPECT_DOUBLE_EQ(train::lr_factor(c, 100), 0);
  c.schedule = "cosine";
  EXPECT_NEAR(train::lr_factor(c, 50), 0.5, 1e-15);
  c.schedule = "step";
  c.schedule_step = 30;
  c.schedule_factor = 0.1;
  EXPECT_NEAR(train::lr_factor(c, 65), 0.01, 1e-15);
  c.warmup_start = 5;
  c.warmup = 15;
  EXPECT_DOUBLE_EQ(train::penalty_weight(c, 4), 0);
  EXPECT_DOUBLE_EQ(train::penalty_weight(c, 8), 0.2);
  EXPECT_DOUBLE_EQ(train::penalty_weight(c, 50), 1);
}

TEST(Loss, GaussianIsTheNegativeLogDensity) {
  const auto mean = torch::tensor({1.0f}).view({1, 1, 1}),
             y = torch::tensor({3.0f}).view({1, 1, 1});
  const auto lp = torch::tensor({std::log(4.0f)}).view({1, 1});
  // -log N(3; 1, 1/4) = 4 * 4 / 2 - log(4) / 2 + log(2 pi) / 2
  EXPECT_NEAR(train::gaussian_nll(mean, y, lp).item<double>(), 8 - std::log(4.0) / 2 + 0.9189385332,
              1e-6);
}

TEST(Loss, CategoricalIsTheCrossEntropy) {
  const auto logits = torch::tensor({0.0f, 1.0f, 0.0f, 0.0f}).view({1, 2, 2});
  const auto label = torch::tensor({1, 0}, torch::kInt64).view({1, 2});
  const double want = (std::log(1 + std::exp(-1.0)) + std::log(2.0)) / 2;
  EXPECT_NEAR(train::categorical_nll(logits, label).item<double>(), want, 1e-6);
}

}  // namespace
}  // namespace scalemix
