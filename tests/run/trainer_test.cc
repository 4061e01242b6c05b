// Training: stacks against single runs, checkpoints, schedules, early stopping, the divergence
// guard.

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gmock/gmock.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "scalemix/base/error.h"
#include "scalemix/model/safetensors.h"
#include "scalemix/run/trainer.h"
#include "scalemix/train/stack.h"

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

bool train_all(const run::Plan& plan, const std::string& out,
               const std::atomic<bool>* stop = nullptr) {
  run::RunOptions options;
  options.quiet = true;
  options.stop = stop;
  const bool exists = fs::exists(out + "/config.toml");
  const run::Folder folder = exists ? run::Folder::open(out) : run::Folder::create(out);
  std::ofstream(folder.config()) << run::to_toml(plan.config);
  return run::train(plan, folder, options);
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
  ASSERT_TRUE(train_all(run::make_plan(c), stack));
  c.seeds = 1;
  c.seed += 1;
  ASSERT_TRUE(train_all(run::make_plan(c), single));
  expect_same(stack + "/replica-001/model.safetensors", single + "/model.safetensors");
}

TEST(Train, APointOfAGridEndsWithTheBitsOfARunWithItsSettings) {
  for (const char* optimiser : {"adam", "sgd", "novograd"}) {
    run::TrainConfig c = small();
    c.optimiser = optimiser;
    c.grid = {"lr=0.001,0.004", "penalty=1,0.25", "weight_decay=0,0.01"};
    c.warmup_start = 0;
    c.warmup = 1;
    const run::Plan plan = run::make_plan(c);
    ASSERT_EQ(plan.replicas.size(), 8u);
    EXPECT_EQ(plan.replicas[3].seed, plan.replicas[0].seed);
    const std::string grid = fresh("grid"), single = fresh("grid-single");
    ASSERT_TRUE(train_all(plan, grid));
    c.grid.clear();
    c.lr = 0.004;  // point 6: lr=0.004 penalty=0.25 weight_decay=0; 7: 0.01
    c.penalty = 0.25;
    c.weight_decay = 0.01;
    ASSERT_TRUE(train_all(run::make_plan(c), single));
    expect_same(grid + "/replica-007/model.safetensors", single + "/model.safetensors");
    const auto decayed = tensors(grid + "/replica-007/model.safetensors");
    const auto not_decayed = tensors(grid + "/replica-006/model.safetensors");
    EXPECT_NE(decayed.begin()->second.bytes, not_decayed.begin()->second.bytes);
  }
}

TEST(Train, APointOfAGridIsItsOwnWhereNoiseHasNumbersOfItsOwn) {
  for (const char* method : {"vi", "concrete", "learned:laplace:alpha=0.3", "tabu:p=0.3"}) {
    run::TrainConfig c = small(method);
    c.clip = 0.5;
    c.seeds = 2;
    c.grid = {"penalty=1,0.25"};
    c.warmup_start = 0;
    c.warmup = 1;
    const std::string grid = fresh("grid-own"), single = fresh("grid-own-single");
    ASSERT_TRUE(train_all(run::make_plan(c), grid));
    c.grid.clear();
    c.seeds = 1;
    c.seed += 1;
    c.penalty = 0.25;
    ASSERT_TRUE(train_all(run::make_plan(c), single));
    expect_same(grid + "/replica-003/model.safetensors", single + "/model.safetensors");
  }
}

TEST(Train, ThePenaltyFactorIsTheReplicasOwn) {
  run::TrainConfig c = small();
  c.model = "resmlp:8x1";
  c.grid = {"penalty=0,1"};
  c.warmup_start = 0;
  c.warmup = 1;
  const run::Plan plan = run::make_plan(c);
  train::Stack stack(plan.data, plan, {0, 1});
  while (!stack.done()) {
    while (!stack.epoch_done()) stack.step();
    stack.end_epoch();
  }
  EXPECT_GT(stack.state.penalty[0], stack.state.penalty[1]);  // which alone was asked to shrink it
}

TEST(Train, StoppedAtAnyStepAndResumedItEndsWithTheSameBits) {
  const struct {
    const char *method, *optimiser, *prune = "none";
  } cases[] = {{"svdo", "adam"},
               {"bernoulli:p=0.2", "adam"},
               {"vi", "adam"},
               {"concrete", "adam"},
               {"svdo", "novograd"},
               {"none", "novograd"},
               {"learned", "adam"},
               {"tabu", "adam"},
               {"ard_add", "adam"},
               {"prior:horseshoe", "adam"},
               {"none", "adam", "magnitude:sparsity=0.8,start=0.2,end=0.9,every=3"},
               {"bernoulli:p=0.2", "sgd", "magnitude:sparsity=0.5,every=2"}};
  for (const auto& [method, optimiser, prune] : cases) {
    run::TrainConfig c = small(method);
    c.optimiser = optimiser;
    c.prune = prune;
    c.validation_fraction = 0.2;
    c.patience = 2;
    const run::Plan plan = run::make_plan(c);
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
    for (const std::string& warning : run::make_plan(c).warnings) {
      if (warning.find("exceed 6 xi_c = 13.6") != std::string::npos) return true;
    }
    return false;
  };
  EXPECT_TRUE(warned("mlp:10x40", "bernoulli:p=0.1"));
  EXPECT_FALSE(warned("mlp:10x5", "bernoulli:p=0.1"));
  EXPECT_FALSE(warned("mlp:10x40", "none"));
}

TEST(Train, LearnsARegressionBetterThanItsMean) {
  for (const optim::Rule& rule : optim::rules()) {
    run::TrainConfig c = small("bernoulli:p=0.02");
    c.optimiser = rule.name;
    c.model = "mlp:30";
    c.epochs = 60;
    c.lr = 0.01;
    c.validation_fraction = 0.2;
    const run::Plan plan = run::make_plan(c);
    train::Stack stack(plan.data, plan, {0});
    while (!stack.done()) {
      while (!stack.epoch_done()) stack.step();
      stack.end_epoch();
    }
    EXPECT_LT(stack.validate().error[0], 0.5 * plan.replicas[0].standardisation.target_scale)
        << rule.name;
  }
}

TEST(Train, EarlyStoppingKeepsTheBestWeights) {
  run::TrainConfig c = small("none");
  c.model = "mlp:100";
  c.lr = 0.05;
  c.epochs = 200;
  c.validation_fraction = 0.3;
  c.patience = 3;
  const run::Plan plan = run::make_plan(c);
  train::Stack stack(plan.data, plan, {0});
  while (!stack.done()) {
    while (!stack.epoch_done()) stack.step();
    stack.end_epoch();
  }
  EXPECT_LT(stack.state.epoch, 200);
  stack.settle();
  EXPECT_DOUBLE_EQ(stack.validate().nll[0], stack.state.best_score[0]);
}

TEST(Train, ARunThatExplodesIsStoppedAndSaysWhere) {
  run::TrainConfig c = small("none");
  c.optimiser = "sgd";
  c.lr = 1e6;
  try {
    train_all(run::make_plan(c), fresh("exploded"));
    FAIL() << "it did not diverge";
  } catch (const Diverged& error) {
    EXPECT_NE(std::string(error.what()).find("epoch 1"), std::string::npos) << error.what();
  }
}

TEST(Train, SaysWhatBecomesOfABatchOfOneRowWhereANetworkNormalisesOverIt) {
  data::Dataset images;
  images.name = "images";
  images.task = Task::classification;
  images.shape = {3, 32, 32};
  images.classes = {"a", "b"};
  for (std::int32_t n = 0; n < 11; ++n) images.label.push_back(n % 2);
  images.x.resize(11 * images.width(), 0.5f);
  const auto warnings = [&](int batch, const std::string& model) {
    run::TrainConfig c = small("none");
    c.model = model;
    c.batch = batch;
    c.test_fraction = 0;
    return fmt::format("{}", fmt::join(run::make_plan(c, images).warnings, "; "));
  };
  EXPECT_THAT(warnings(5, "vgg:0.05"), testing::HasSubstr("it joins the batch before it"));
  EXPECT_THAT(warnings(4, "vgg:0.05"), testing::Not(testing::HasSubstr("batch before it")));
  EXPECT_THAT(warnings(1, "vgg:0.05"), testing::HasSubstr("batch 1 means 2"));
  EXPECT_THAT(warnings(1, "vgg:0.05"), testing::HasSubstr("it joins the batch before it"));
  EXPECT_THAT(warnings(1, "mlp:5"), testing::Not(testing::HasSubstr("batch")));
}

TEST(Train, ClippingBoundsTheStepOfSgd) {
  run::TrainConfig c = small("none");
  c.optimiser = "sgd:momentum=0";
  c.lr = 1;
  c.clip = 0.01;
  const run::Plan plan = run::make_plan(c);
  train::Stack stack(plan.data, plan, {0});
  const std::vector<float> before = stack.store().values;
  stack.step();
  double moved = 0;
  const std::size_t precision = stack.store().layout.at("output.log_precision").offset;
  for (std::size_t i = 0; i < before.size(); ++i) {
    if (i == precision) continue;  // follows the errors
    const double by = stack.store().values[i] - before[i];
    moved += by * by;
  }
  EXPECT_NEAR(std::sqrt(moved), 0.01, 1e-5);
}

TEST(Train, ADamagedCheckpointIsRefused) {
  const run::Plan plan = run::make_plan(small());
  const std::string out = fresh("damaged");
  const std::atomic<bool> stop{true};
  ASSERT_FALSE(train_all(plan, out, &stop));
  const std::string path = out + "/checkpoint/state.safetensors";
  const model::Container good = model::read_safetensors(path);
  // Keys that are missing or of another type, and rows of another number of replicas.
  for (const char* change :
       {R"({"epoch": null})", R"({"epoch": "one"})", R"({"stack": null})", R"({"active": []})",
        R"({"nll_sum": ["0x0p+0", "0x0p+0"]})", R"({"best_epoch": [0, 0]})"}) {
    model::Container bad = good;
    auto state = nlohmann::json::parse(bad.metadata.at("state"));
    state.merge_patch(nlohmann::json::parse(change));
    bad.metadata["state"] = state.dump();
    bad.metadata["checksum"] = model::model_checksum(bad);
    model::write_safetensors(path, bad);
    EXPECT_THROW(train_all(plan, out), DataError) << change;
  }
  model::write_safetensors(path, good);
  fs::resize_file(path, 100);
  EXPECT_THROW(train_all(plan, out), DataError);
}

TEST(Train, ASingleFlippedBitInACheckpointIsRefused) {
  const run::Plan plan = run::make_plan(small());
  const std::string out = fresh("flipped");
  const std::atomic<bool> stop{true};
  ASSERT_FALSE(train_all(plan, out, &stop));
  const std::string path = out + "/checkpoint/state.safetensors";
  std::ifstream in(path, std::ios::binary);
  const std::string good((std::istreambuf_iterator<char>(in)), {});
  // Length, header, and the numbers from the first to the last, at bits of every weight.
  for (std::size_t i = 0; i < 64; ++i) {
    std::string bad = good;
    const std::size_t at = i * (good.size() - 1) / 63;
    bad[at] = static_cast<char>(bad[at] ^ (1 << i % 8));
    std::ofstream(path, std::ios::binary) << bad;
    EXPECT_THROW(train_all(plan, out, &stop), DataError) << "byte " << at << ", bit " << i % 8;
  }
  std::ofstream(path, std::ios::binary) << good;
  EXPECT_FALSE(train_all(plan, out, &stop));
}

TEST(Train, GivenPrecisionStaysWhatItIs) {
  run::TrainConfig c = small("none");
  c.precision = "0.25";
  const run::Plan plan = run::make_plan(c);
  train::Stack stack(plan.data, plan, {0});
  while (!stack.epoch_done()) stack.step();
  const double scale = plan.replicas[0].standardisation.target_scale;
  const float log_precision =
      stack.store().values[stack.store().layout.at("output.log_precision").offset];
  EXPECT_NEAR(std::exp(log_precision) / (scale * scale), 0.25, 1e-6);
}

TEST(Train, AStepIsAsLongAsTheScheduleSays) {
  run::TrainConfig c = small("none");
  c.optimiser = "sgd:momentum=0";
  const auto second_epochs_first_step = [&](const char* schedule) {
    c.schedule = schedule;
    const run::Plan plan = run::make_plan(c);
    train::Stack stack(plan.data, plan, {0});
    while (!stack.epoch_done()) stack.step();
    stack.end_epoch();
    std::vector<float> moved = stack.store().values;
    stack.step();
    for (std::size_t i = 0; i < moved.size(); ++i) moved[i] = stack.store().values[i] - moved[i];
    moved[stack.store().layout.at("output.log_precision").offset] = 0;  // follows the errors
    return moved;
  };
  const std::vector<float> whole = second_epochs_first_step("constant"),
                           tenth = second_epochs_first_step("step");
  double most = 0;
  for (std::size_t i = 0; i < whole.size(); ++i) {
    most = std::max(most, std::abs(double(whole[i])));
    EXPECT_NEAR(tenth[i], 0.1 * whole[i], 1e-6);
  }
  EXPECT_GT(most, 1e-4);
}

TEST(Train, ThePenaltyCountsOverTheNumberOfTrainingRows) {
  run::TrainConfig c = small("vi:sigma0=0.1");
  c.optimiser = "sgd:momentum=0";
  c.warmup_start = 0;
  c.warmup = 0;
  c.grid = {"penalty=0,1"};
  const run::Plan plan = run::make_plan(c);
  train::Stack stack(plan.data, plan, {0, 1});
  const train::Store& store = stack.store();
  const engine::Slot& slot = store.layout.at("linear1.weight");
  const std::vector<float> start(store.values_of(0) + slot.offset,
                                 store.values_of(0) + slot.offset + slot.count);
  stack.step();
  const double lr = plan.replicas[0].settings.lr, rows = static_cast<double>(stack.rows());
  for (std::size_t i = 0; i < slot.count; ++i) {
    const double apart = store.values_of(0)[slot.offset + i] - store.values_of(1)[slot.offset + i];
    EXPECT_NEAR(apart, lr * start[i] / 0.01 / rows, 1e-6 + 0.01 * std::abs(apart));
  }
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
  c.schedule = "step:every=30";
  EXPECT_NEAR(train::lr_factor(c, 65), 0.01, 1e-15);
  c.warmup_start = 5;
  c.warmup = 15;
  EXPECT_DOUBLE_EQ(train::penalty_weight(c, 4), 0);
  EXPECT_DOUBLE_EQ(train::penalty_weight(c, 8), 0.2);
  EXPECT_DOUBLE_EQ(train::penalty_weight(c, 50), 1);
}

/// A teacher in memory says what its file says.
TEST(Teacher, InMemorySaysWhatItsFileSays) {
  for (const char* name : {"friedman1", "glyphs"}) {
    run::TrainConfig c = small("none");
    c.data = name;
    c.epochs = 1;
    run::Plan plan = run::make_plan(c);
    const std::string folder = fresh("teacher");
    ASSERT_TRUE(train_all(plan, folder));
    c.teacher = folder;
    c.objective = "distil:temperature=2,hard=0.25";
    const run::Plan from_file = run::make_plan(c);
    const predict::Predictor teacher(model::load_model(folder + "/model.safetensors"));
    data::Dataset soft = plan.data;
    run::ask({&teacher}, c.objective, c.seed, soft);
    EXPECT_FALSE(soft.soft.empty());
    EXPECT_EQ(soft.soft, from_file.data.soft);
    run::ask({&teacher}, c.objective, c.seed, soft);  // again: its answers take the place of others
    EXPECT_EQ(soft.soft, from_file.data.soft);
    c.teacher.clear();
    EXPECT_EQ(run::make_plan(c, soft).data.soft, soft.soft);
  }
}

}  // namespace
}  // namespace scalemix
