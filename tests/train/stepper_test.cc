// A training step: batches that are gathered ahead, replicas and threads that change no bit, zeros
// that are left out.

#include "scalemix/train/stepper.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>

#include "scalemix/base/parallel.h"
#include "scalemix/model/build.h"
#include "scalemix/run/plan.h"
#include "scalemix/train/initialise.h"
#include "scalemix/train/stack.h"

namespace scalemix {
namespace {

struct Case {
  const char *data, *model, *method;
};

const Case kCases[] = {
    {"friedman1", "mlp:8", "none"},
    {"friedman1", "mlp:8", "svdo"},
    {"friedman1", "mlp:8", "vi"},
    {"friedman1", "skipmlp:8x2", "ard_add"},
    {"friedman1", "skipmlp:8x1", "add:sampler=flipout"},
    {"friedman1", "mlp:8", "concrete"},
    {"friedman1", "resmlp:8x2", "vi"},
    {"glyphs", "lenet5", "concrete"},
    {"friedman1", "mlp:8x2,tanh", "svdo"},
    {"friedman1", "mlp:8x2,gelu", "bernoulli:p=0.2"},
    {"friedman1", "mlp:8x3,elu", "none"},
    {"friedman1", "mlp:8-5", "bernoulli:p=0.3"},
    {"friedman1", "mlp:8", "bernoulli:p=0.3,input=0.1"},
    {"friedman1", "mlp:8", "gaussian:alpha=0.25"},
    {"friedman1", "mlp:8", "additive:normal:scale=0.1"},
    {"friedman1", "mlp:8", "dropconnect:bernoulli:p=0.4"},
    {"moons", "mlp:6-4", "svdo"},
    {"moons", "mlp:6-4", "poisson"},
    {"glyphs", "mlp:20", "svdo"},
    {"sparse", "mlp:32", "svdo"},
    {"sparse", "mlp:32", "bernoulli:p=0.5"},
    {"sparse", "mlp:32", "dropconnect:bernoulli:p=0.4"},
    {"sparse", "mlp:32", "bernoulli:p=0.3,input=0.1"},
    {"glyphs", "mlp:20", "bernoulli:p=0.5"},
    {"friedman1", "resmlp:8x2", "svdo"},
    {"friedman1", "resmlp:8x2", "bernoulli:p=0.2"},
    {"glyphs", "lenet5", "svdo"},
    {"glyphs", "lenet5", "spatial:bernoulli:p=0.2"},
    {"glyphs", "lenet5", "dropconnect:bernoulli:p=0.2"},
};

/// A table of 40 columns in which most numbers are zero, and missing cells.
std::string sparse_table() {
  const std::string path = testing::TempDir() + "scalemix-sparse.csv";
  std::ofstream out(path);
  const Stream stream{.seed = 3};
  std::uint64_t i = 0;
  for (int row = 0; row < 500; ++row) {
    for (int column = 0; column < 40; ++column, ++i) {
      if (i % 331 != 0) out << (stream.uniform(2 * i) < 0.15 ? stream.uniform(2 * i + 1) : 0);
      out << ',';
    }
    out << "abc"[row % 3] << '\n';
  }
  return path;
}

run::Plan plan_of(const Case& c, double clip) {
  run::TrainConfig config;
  config.data = std::string(c.data) == "sparse" ? sparse_table() : c.data;
  config.model = c.model;
  config.method = {c.method};
  config.batch = 50;
  config.seeds = 3;
  config.seed = 5;
  config.clip = clip;
  config.warmup_start = 0;
  config.warmup = 0;
  return run::make_plan(config);
}

/// Everything a step needs, without a stack around it.
struct Bench {
  explicit Bench(const run::Plan& plan)
      : plan(plan),
        batches(plan.data, pointers(plan), 50, 1),
        store(plan.spec, plan.options.optimiser, plan.replicas.size()),
        rates(plan.replicas.size(), {.lr = 1e-3}),
        penalty_weight(plan.replicas.size(), 0.01),
        active(plan.replicas.size(), true),
        stepper((initialise(), fresh())) {}

  static std::vector<const train::Replica*> pointers(const train::Plan& plan) {
    std::vector<const train::Replica*> out;
    for (const train::Replica& r : plan.replicas) out.push_back(&r);
    return out;
  }
  void initialise() {
    for (std::size_t r = 0; r < store.replicas; ++r) {
      train::initialise(plan.spec, plan.options.init, plan.replicas[r].seed, store.layout,
                        store.values_of(r), store.state_of(r));
    }
  }
  train::Stepper fresh() {
    std::vector<std::uint64_t> seeds;
    for (const train::Replica& r : plan.replicas) seeds.push_back(r.seed);
    return train::Stepper(plan.spec, store, batches, seeds, {}, plan.options,
                          data::share_of_zeros(plan.data) >= 0.75);
  }
  train::StepInput input(std::int64_t step) const {
    return {.step = step,
            .first = 50 * static_cast<std::size_t>(step),
            .count = 50,
            .rates = &rates,
            .penalty_weight = &penalty_weight,
            .wants_penalty = true,
            .active = &active};
  }

  const run::Plan& plan;
  train::Batches batches;
  train::Store store;
  std::vector<optim::Rate> rates;
  std::vector<double> penalty_weight;
  std::vector<bool> active;
  train::Stepper stepper;
};

TEST(Stepper, FusedAndInPartsItEndsWithTheSameBits) {
  for (const Case& c : kCases) {
    SCOPED_TRACE(std::string(c.data) + " " + c.model + " " + c.method);
    const run::Plan fused = plan_of(c, 0), parts = plan_of(c, 1e30);
    Bench a(fused), b(parts);
    for (std::int64_t step = 0; step < 4; ++step) {
      a.stepper.run(a.input(step));
      b.stepper.run(b.input(step));
    }
    EXPECT_EQ(a.store.values, b.store.values);
  }
}

TEST(Stepper, ThreadsAndNeighboursChangeNoBit) {
  const int before = threads();
  for (const Case& c :
       {Case{"friedman1", "mlp:8", "svdo"}, Case{"friedman1", "mlp:8", "bernoulli:p=0.3"},
        Case{"friedman1", "mlp:8", "vi"}, Case{"friedman1", "mlp:8", "concrete"},
        Case{"sparse", "mlp:32", "svdo"}}) {
    std::vector<std::vector<float>> ends;
    for (const int n : {1, 2, 3}) {
      set_threads(n);
      const run::Plan plan = plan_of(c, 0);
      train::Stack all(plan.data, plan, {0, 1, 2}), one(plan.data, plan, {1});
      for (int step = 0; step < 5; ++step) {
        all.step();
        one.step();
      }
      ends.push_back(all.store().values);
      const float* second = all.store().values_of(1);
      EXPECT_EQ(std::vector<float>(second, second + one.store().values.size()), one.store().values)
          << n << " threads";
      EXPECT_EQ(ends.back(), ends.front()) << n << " threads";
    }
  }
  set_threads(before);
}

/// Small and large networks, images, a table, data that is mostly zeros.
const Case kGathered[] = {{"friedman1", "mlp:8", "svdo"},
                          {"friedman1", "mlp:8", "bernoulli:p=0.3"},
                          {"glyphs", "mlp:20", "svdo"},
                          {"glyphs", "mlp:64", "bernoulli:p=0.5"},
                          {"sparse", "mlp:32", "svdo"}};

TEST(Stepper, TrainsOnItsBatchWhateverLiesInMemory) {
  const int before = threads();
  for (const Case& c : kGathered) {
    const run::Plan plan = plan_of(c, 0);
    for (const int n : {1, 2, 3}) {
      SCOPED_TRACE(std::string(c.data) + " " + c.model + " " + c.method);
      set_threads(n);
      Bench a(plan), b(plan);
      const std::size_t rows = a.batches.train_rows();
      struct {
        std::int64_t epoch;
        std::size_t first, count;
        bool active;                                               // replica 1
      } steps[] = {{0, 0, 50, true},    {0, 50, 50, true},         // in order
                   {0, 100, 30, true},  {0, 130, 50, true},        // fewer rows
                   {0, 300, 50, false}, {0, 180, 50, true},        // not what came next, then it
                   {0, 50, 50, true},   {0, rows - 20, 20, true},  // an epoch's last
                   {1, 0, 50, true},    {0, 50, 50, true},         // of other epochs
                   {1, 100, 50, true},  {1, 100, 50, true}};       // again
      std::int64_t step = 0;
      for (const auto& s : steps) {
        SCOPED_TRACE(step);
        const auto input = [&](Bench& bench) {
          bench.active[1] = s.active;
          train::StepInput in = bench.input(step);
          in.epoch = s.epoch;
          in.first = s.first;
          in.count = s.count;
          return in;
        };
        // What is made for one step finds nothing in memory.
        train::Stepper fresh = b.fresh();
        ASSERT_EQ(a.stepper.run(input(a)).nll, fresh.run(input(b)).nll) << n << " threads";
        ++step;
      }
      EXPECT_EQ(a.store.values, b.store.values);
    }
  }
  set_threads(before);
}

TEST(Stepper, HasTheNextBatchInMemoryWhenAStepEnds) {
  for (const Case& c : kGathered) {
    SCOPED_TRACE(std::string(c.data) + " " + c.model + " " + c.method);
    run::Plan plan = plan_of(c, 0), whole = plan_of(c, 0);
    Bench a(plan), b(whole);
    a.stepper.run(a.input(0));
    b.stepper.run(b.input(0));
    for (float& number : plan.data.x) number = 1 - number;  // nobody reads the next rows any more
    EXPECT_EQ(a.stepper.run(a.input(1)).nll[0], b.stepper.run(b.input(1)).nll[0]);
    EXPECT_NE(a.stepper.run(a.input(3)).nll[0], b.stepper.run(b.input(3)).nll[0]);
  }
}

TEST(Stepper, LeavesZerosOutOfTheFirstProductsWhereMostOfTheDataIsZero) {
  const auto path = [](const Case& c) {
    const run::Plan plan = plan_of(c, 0);
    return train::Stack(plan.data, plan, {0, 1}).path();
  };
  EXPECT_EQ(path({"sparse", "mlp:32", "svdo"}), "one thread per replica, sparse data");
  EXPECT_EQ(path({"sparse", "mlp:32", "bernoulli:p=0.3"}), "one thread per replica, sparse data");
  EXPECT_EQ(path({"sparse", "mlp:32", "bernoulli:p=0.3,input=0.1"}), "one thread per replica");
  EXPECT_EQ(path({"sparse", "mlp:20", "svdo"}), "one thread per replica");
  EXPECT_EQ(path({"sparse", "mlp:32x3", "svdo"}), "one thread per replica");  // 40 of 106
  EXPECT_EQ(path({"friedman1", "mlp:32", "svdo"}), "one thread per replica");
}

TEST(Stepper, AStoppedReplicaIsLeftAsItIs) {
  run::Plan plan = plan_of({"glyphs", "mlp:8", "none"}, 0);
  plan.spec =
      model::chain({plan.data.shape, Task::classification, plan.spec.outputs},
                   {model::flatten(), model::linear(plan.data.width(), 8), model::batch_norm(8),
                    model::relu(), model::linear(8, plan.spec.outputs)});
  Bench a(plan);
  a.active[1] = false;
  const train::Store before = a.store;
  const train::StepOutput& out = a.stepper.run(a.input(0));
  const auto row = [](const std::vector<float>& all, std::size_t r) {
    const std::size_t n = all.size() / 3;
    return std::vector<float>(all.begin() + static_cast<std::ptrdiff_t>(r * n),
                              all.begin() + static_cast<std::ptrdiff_t>((r + 1) * n));
  };
  EXPECT_EQ(row(a.store.values, 1), row(before.values, 1));
  EXPECT_EQ(row(a.store.state, 1), row(before.state, 1)) << "running statistics";
  EXPECT_EQ(row(a.store.arrays[0], 1), row(before.arrays[0], 1));
  EXPECT_NE(row(a.store.values, 0), row(before.values, 0));
  EXPECT_NE(row(a.store.state, 0), row(before.state, 0));
  EXPECT_TRUE(std::isfinite(out.nll[1]));
}

/// The slot of a tensor in the row of replica r.
std::vector<float> numbers(const train::Store& store, std::size_t r, const std::string& name) {
  const engine::Slot& slot = store.layout.at(name);
  const float* first = store.values_of(r) + slot.offset;
  return {first, first + slot.count};
}

TEST(Stepper, AFirstStepOfAdamIsAsLongAsItsRate) {
  const run::Plan plan = plan_of({"friedman1", "mlp:8", "none"}, 0);
  Bench a(plan);
  const std::vector<float> before = numbers(a.store, 0, "linear2.weight");
  a.stepper.run(a.input(0));
  const std::vector<float> after = numbers(a.store, 0, "linear2.weight");
  for (std::size_t i = 0; i < before.size(); ++i) {
    EXPECT_NEAR(std::abs(after[i] - before[i]), 1e-3, 1e-5);
  }
}

TEST(Stepper, EveryStepDrawsAnew) {
  for (const char* method : {"bernoulli:p=0.3", "svdo", "vi", "concrete", "dropconnect:p=0.3"}) {
    const run::Plan plan = plan_of({"friedman1", "mlp:8", method}, 0);
    Bench a(plan);
    for (optim::Rate& rate : a.rates) rate.lr = 0;
    const auto nll = [&](std::int64_t step) {
      train::StepInput input = a.input(step);
      input.first = 0;
      a.store.values_of(0)[a.store.layout.at("output.log_precision").offset] =
          0;  // what follows errors
      return a.stepper.run(input).nll[0];
    };
    const double first = nll(0);
    EXPECT_NE(nll(1), first) << method;
    EXPECT_EQ(nll(0), first) << method;
  }
}

TEST(Stepper, PutsTheNumbersOfANoiseBackIntoTheirRange) {
  for (const double clip : {0.0, 1.0}) {
    const run::Plan plan = plan_of({"friedman1", "mlp:8", "concrete"}, clip);
    Bench a(plan);
    a.store.values_of(1)[a.store.layout.at("linear2.logit_p").offset] = -40;
    a.stepper.prepare();
    a.stepper.run(a.input(0));
    EXPECT_EQ(numbers(a.store, 1, "linear2.logit_p"), std::vector<float>{-15}) << clip;
  }
}

TEST(Stepper, ALastBatchOfOneRowJoinsTheOneBeforeItUnderBatchNormalisation) {
  run::Plan plan = plan_of({"friedman1", "mlp:8", "none"}, 0);
  plan.replicas.resize(1);
  std::vector<std::uint32_t>& rows = plan.replicas[0].split.train;
  for (const std::size_t n : {101, 102, 100, 51, 2}) {
    rows.resize(n);
    train::Batches plain(plan.data, Bench::pointers(plan), 50, 1),
        normal(plan.data, Bench::pointers(plan), 50, 2);
    std::vector<std::size_t> counts;
    for (std::size_t first = 0; first < n; first += counts.back()) {
      counts.push_back(normal.count(first));
      EXPECT_LE(counts.back(), normal.most());
    }
    EXPECT_EQ(plain.count(n / 50 * 50 == n ? n - 50 : n / 50 * 50), n % 50 == 0 ? 50 : n % 50);
    EXPECT_GE(counts.back(), 2u) << n;
    EXPECT_LE(*std::max_element(counts.begin(), counts.end()), 51u);
  }
  rows.resize(1);
  EXPECT_THROW(train::Batches(plan.data, Bench::pointers(plan), 50, 2), std::invalid_argument);
}

}  // namespace
}  // namespace scalemix
