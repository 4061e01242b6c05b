// A planned step against the modules and autograd: the same objective, the same gradients.

#include "scalemix/torch/train/planned.h"

#include <c10/core/CPUAllocator.h>
#include <gtest/gtest.h>

#include <cstring>
#include <fstream>

#include "scalemix/base/parallel.h"
#include "scalemix/torch/step/zeros.h"
#include "scalemix/torch/train/loss.h"
#include "scalemix/torch/train/stack.h"

namespace scalemix {
namespace {

struct Case {
  const char *data, *model, *method;
};

const Case kCases[] = {
    {"friedman1", "mlp:8", "none"},
    {"friedman1", "mlp:8", "svdo"},
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

train::Plan plan_of(const Case& c, double clip) {
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
  return train::make_plan(config);
}

/// Everything a step needs, without a stack around it.
struct Bench {
  explicit Bench(const train::Plan& plan)
      : batches(plan.data, pointers(plan)),
        network(plan.spec, seeds(plan), plan.config.init),
        optimiser(plan.config, network.storage()),
        rates(plan.replicas.size(), {.lr = 1e-3}),
        penalty_weight(plan.replicas.size(), 0.01),
        active(plan.replicas.size(), true) {}

  static std::vector<const train::Replica*> pointers(const train::Plan& plan) {
    std::vector<const train::Replica*> out;
    for (const train::Replica& r : plan.replicas) out.push_back(&r);
    return out;
  }
  static std::vector<std::uint64_t> seeds(const train::Plan& plan) {
    std::vector<std::uint64_t> out;
    for (const train::Replica& r : plan.replicas) out.push_back(r.seed);
    return out;
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

  train::Batches batches;
  nn::Network network;
  optim::Optimiser optimiser;
  std::vector<optim::Rate> rates;
  std::vector<double> penalty_weight;
  std::vector<bool> active;
};

/// The first step of both; `plan` clips, so that the gradients stand in the storage.
void expect_the_tape(const train::Plan& plan) {
  Bench a(plan), b(plan);
  const auto planned = train::PlannedStep::make(plan, a.batches, a.network, a.optimiser, {});
  ASSERT_TRUE(planned);
  const train::StepOutput& out = planned->run(a.input(0));

  const train::Batch batch = b.batches.train(0, 0, 50);
  nn::Pass pass{.seed = b.network.seeds(), .penalties = {}};
  const torch::Tensor f = b.network.forward(batch.x, pass);
  const bool regression = plan.spec.task == Task::regression;
  const torch::Tensor nll = regression
                                ? train::gaussian_nll(f, batch.target, b.network.log_precision())
                                : train::categorical_nll(f, batch.target);
  torch::Tensor penalty = torch::zeros({3}, torch::kFloat64);
  for (const nn::Penalty& p : pass.penalties) penalty = penalty + p.value;
  b.network.storage().differentiate((nll.to(torch::kFloat64) + 0.01 * penalty).sum());
  for (std::int64_t r = 0; r < 3; ++r) {
    EXPECT_NEAR(out.nll[r], nll[r].item<double>(), 1e-5);
    EXPECT_NEAR(out.penalty[r], penalty[r].item<double>(), 1e-5 * (1 + out.penalty[r]));
    const torch::Tensor got = a.network.storage().gradients[r],
                        want = b.network.storage().gradients[r];
    EXPECT_LT((got - want).norm().item<double>(), 1e-5 * want.norm().item<double>());
    EXPECT_NEAR(out.norm[r], want.to(torch::kDouble).norm().item<double>(), 1e-5 * out.norm[r]);
  }
}

TEST(PlannedStep, HasTheLossPenaltyAndGradientsOfTheTape) {
  for (const Case& c : kCases) {
    SCOPED_TRACE(std::string(c.data) + " " + c.model + " " + c.method);
    expect_the_tape(plan_of(c, /*clip=*/1e30));
  }
}

TEST(PlannedStep, KeepsAResultThatIsStillReadWhenTheNextLayerWorksInPlace) {
  train::Plan plan = plan_of({"friedman1", "mlp:8", "none"}, /*clip=*/1e30);
  const auto relu = std::find_if(plan.spec.layers.begin(), plan.spec.layers.end(),
                                 [](const model::Layer& layer) { return layer.type == "relu"; });
  ASSERT_NE(relu, plan.spec.layers.end());
  model::Layer tanh = *relu;
  tanh.type = tanh.name = "tanh";
  tanh.site = 99;  // of its own
  relu->type = "sigmoid";
  plan.spec.layers.insert(relu, tanh);
  expect_the_tape(plan);
}

TEST(PlannedStep, FusedAndInPartsItEndsWithTheSameBits) {
  for (const Case& c : kCases) {
    SCOPED_TRACE(std::string(c.data) + " " + c.model + " " + c.method);
    const train::Plan fused = plan_of(c, 0), parts = plan_of(c, 1e30);
    Bench a(fused), b(parts);
    const auto x = train::PlannedStep::make(fused, a.batches, a.network, a.optimiser, {});
    const auto y = train::PlannedStep::make(parts, b.batches, b.network, b.optimiser, {});
    for (std::int64_t step = 0; step < 4; ++step) {
      x->run(a.input(step));
      y->run(b.input(step));
    }
    EXPECT_TRUE(torch::equal(a.network.storage().values, b.network.storage().values));
  }
}

TEST(PlannedStep, ThreadsAndNeighboursChangeNoBit) {
  const int before = threads();
  for (const Case& c :
       {Case{"friedman1", "mlp:8", "svdo"}, Case{"friedman1", "mlp:8", "bernoulli:p=0.3"},
        Case{"sparse", "mlp:32", "svdo"}}) {
    std::vector<torch::Tensor> ends;
    for (const int n : {1, 2, 3}) {
      set_threads(n);
      const train::Plan plan = plan_of(c, 0);
      train::Stack all(plan, {0, 1, 2}), one(plan, {1});
      for (int step = 0; step < 5; ++step) {
        all.step();
        one.step();
      }
      ends.push_back(all.network().storage().values.clone());
      EXPECT_TRUE(torch::equal(ends.back()[1], one.network().storage().values[0]))
          << n << " threads";
      EXPECT_TRUE(torch::equal(ends.back(), ends.front())) << n << " threads";
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

TEST(PlannedStep, TrainsOnItsBatchWhateverLiesInMemory) {
  const int before = threads();
  for (const Case& c : kGathered) {
    const train::Plan plan = plan_of(c, 0);
    for (const int n : {1, 2, 3}) {
      SCOPED_TRACE(std::string(c.data) + " " + c.model + " " + c.method);
      set_threads(n);
      Bench a(plan), b(plan);
      const std::size_t rows = a.batches.train_rows();
      const auto planned = train::PlannedStep::make(plan, a.batches, a.network, a.optimiser, {});
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
        const auto fresh = train::PlannedStep::make(plan, b.batches, b.network, b.optimiser, {});
        ASSERT_EQ(planned->run(input(a)).nll, fresh->run(input(b)).nll) << n << " threads";
        ++step;
      }
      EXPECT_TRUE(torch::equal(a.network.storage().values, b.network.storage().values));
    }
  }
  set_threads(before);
}

TEST(PlannedStep, HasTheNextBatchInMemoryWhenAStepEnds) {
  for (const Case& c : kGathered) {
    SCOPED_TRACE(std::string(c.data) + " " + c.model + " " + c.method);
    train::Plan plan = plan_of(c, 0), whole = plan_of(c, 0);
    Bench a(plan), b(whole);
    const auto x = train::PlannedStep::make(plan, a.batches, a.network, a.optimiser, {});
    const auto y = train::PlannedStep::make(whole, b.batches, b.network, b.optimiser, {});
    x->run(a.input(0));
    y->run(b.input(0));
    for (float& number : plan.data.x) number = 1 - number;  // nobody reads the next rows any more
    EXPECT_EQ(x->run(a.input(1)).nll[0], y->run(b.input(1)).nll[0]);
    EXPECT_NE(x->run(a.input(3)).nll[0], y->run(b.input(3)).nll[0]);
  }
}

TEST(PlannedStep, LeavesZerosOutOfTheFirstProductsWhereMostOfTheDataIsZero) {
  const auto path = [](const Case& c) {
    const train::Plan plan = plan_of(c, 0);
    return train::Stack(plan, {0, 1}).path();
  };
  EXPECT_EQ(path({"sparse", "mlp:32", "svdo"}), "planned, a thread a replica, sparse data");
  EXPECT_EQ(path({"sparse", "mlp:32", "bernoulli:p=0.3"}),
            "planned, a thread a replica, sparse data");
  EXPECT_EQ(path({"sparse", "mlp:32", "bernoulli:p=0.3,input=0.1"}), "planned, a thread a replica");
  EXPECT_EQ(path({"sparse", "mlp:20", "svdo"}), "planned, a thread a replica");
  EXPECT_EQ(path({"sparse", "mlp:32x3", "svdo"}), "planned, a thread a replica");  // 40 of 106
  EXPECT_EQ(path({"friedman1", "mlp:32", "svdo"}), "planned, a thread a replica");
}

TEST(PlannedStep, LeavesZerosOutOfGradientsBehindAMaxPool) {
  const auto pooled = [](const std::vector<std::string>& types, std::size_t stride) {
    model::Spec spec;
    for (const std::string& type : types) {
      model::Layer& layer = spec.layers.emplace_back();
      layer.type = type, layer.kernel = 2, layer.stride = stride;
    }
    return step::pooled(spec, 0, {4, 8, 8});
  };
  EXPECT_TRUE(pooled({"max_pool"}, 2));
  EXPECT_TRUE(pooled({"relu", "noise", "max_pool"}, 2));
  EXPECT_FALSE(pooled({"max_pool"}, 1));  // every number may be the largest of some window
  EXPECT_FALSE(pooled({"avg_pool"}, 2));
  EXPECT_FALSE(pooled({"batch_norm", "max_pool"}, 2));
  EXPECT_FALSE(pooled({"relu"}, 2));
  const auto repays = [](std::size_t in, std::size_t side, const char* posterior) {
    model::Layer conv;
    conv.type = "conv2d", conv.in = in, conv.out = 20, conv.kernel = 5, conv.posterior = posterior;
    return step::repays_listing(conv, {20, side, side});
  };
  EXPECT_TRUE(repays(1, 24, "svdo"));
  EXPECT_FALSE(repays(1, 24, ""));  // 25 numbers of a panel of 64
  EXPECT_TRUE(repays(20, 8, ""));
  EXPECT_FALSE(repays(20, 7, "svdo"));  // 49 places
  EXPECT_FALSE(step::repays_listing(model::Layer{}, {500}));
  const auto path = [](const Case& c) { return train::Stack(plan_of(c, 0), {0}).path(); };
  EXPECT_EQ(path({"glyphs", "lenet5", "svdo"}), "planned, all threads a replica, sparse gradients");
}

TEST(PlannedStep, AStoppedReplicaIsLeftAsItIs) {
  const train::Plan plan = plan_of({"friedman1", "mlp:8", "svdo"}, 0);
  Bench a(plan);
  a.active[1] = false;
  const auto planned = train::PlannedStep::make(plan, a.batches, a.network, a.optimiser, {});
  const torch::Tensor before = a.network.storage().values.clone();
  const train::StepOutput& out = planned->run(a.input(0));
  EXPECT_TRUE(torch::equal(a.network.storage().values[1], before[1]));
  EXPECT_FALSE(torch::equal(a.network.storage().values[0], before[0]));
  EXPECT_TRUE(std::isfinite(out.nll[1]));
}

/// LibTorch's allocator of tensor storage, counting. What is virtual, and whether it is const, is
/// not the same in all versions: hence both, and no `override`.
class Counting : public c10::Allocator {
 public:
  Counting() : plain_(c10::GetCPUAllocator()) { c10::SetCPUAllocator(this, 255); }
  c10::DataPtr allocate(std::size_t n) const { return ++count, plain_->allocate(n); }
  c10::DataPtr allocate(std::size_t n) { return ++count, plain_->allocate(n); }
  c10::DeleterFnPtr raw_deleter() const override { return plain_->raw_deleter(); }
  void copy_data(void* to, const void* from, std::size_t n) const { std::memcpy(to, from, n); }

  mutable std::size_t count = 0;

 private:
  c10::Allocator* plain_;
};

TEST(PlannedStep, AllocatesNoTensorOnceItRuns) {
  for (const Case& c : {Case{"friedman1", "mlp:8", "svdo"}, Case{"moons", "mlp:6-4", "poisson"},
                        Case{"friedman1", "mlp:8", "dropconnect:bernoulli:p=0.4"},
                        Case{"glyphs", "lenet5", "svdo"}, Case{"sparse", "mlp:32", "svdo"}}) {
    SCOPED_TRACE(std::string(c.data) + " " + c.model + " " + c.method);
    const train::Plan plan = plan_of(c, 0);
    train::Stack stack(plan, {0, 1, 2});
    for (int step = 0; step < 2; ++step) stack.step();
    static Counting counting;  // the allocator stays for the rest of the program
    torch::zeros(3);
    ASSERT_GT(counting.count, 0u);
    counting.count = 0;
    for (int step = 0; step < 5; ++step) stack.step();
    EXPECT_EQ(counting.count, 0u);
  }
}

TEST(PlannedStep, IsNotMadeForLayersWithoutANode) {
  const train::Plan plan = plan_of({"friedman1", "resmlp:8x2", "none"}, 0);
  Bench a(plan);
  EXPECT_EQ(train::PlannedStep::make(plan, a.batches, a.network, a.optimiser, {}), nullptr);
}

}  // namespace
}  // namespace scalemix
