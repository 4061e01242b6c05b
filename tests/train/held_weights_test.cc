// Steps that leave out the weights that a mask holds at zero.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <vector>

#include "scalemix/base/parallel.h"
#include "scalemix/compress/prune.h"
#include "scalemix/run/plan.h"
#include "scalemix/train/checkpoint.h"
#include "scalemix/train/initialise.h"
#include "scalemix/train/mask.h"
#include "scalemix/train/stack.h"
#include "scalemix/train/stepper.h"

namespace scalemix::train {
namespace {

struct Case {
  const char *data, *model, *method, *optimiser;
  double clip = 0;
};

// Layers behind each other, in blocks and behind convolutions, noise beside and on the weights, every rule.
const Case kCases[] = {{"friedman1", "mlp:64-48", "none", "sgd"},
                       {"friedman1", "mlp:64-48,tanh", "bernoulli:p=0.2,input=0.1", "sgd"},
                       {"friedman1", "mlp:64-48", "none", "sgd", 0.3},
                       {"friedman1", "mlp:64-48", "none", "adam"},
                       {"friedman1", "mlp:64-48", "none", "adamw"},
                       {"friedman1", "mlp:64-48", "none", "rmsprop"},
                       {"friedman1", "mlp:64-48", "none", "novograd"},
                       {"friedman1", "mlp:64-48", "dropconnect:p=0.2", "sgd"},
                       {"friedman1", "resmlp:40x2", "gaussian:alpha=0.1", "sgd"},
                       {"glyphs", "mlp:40-30", "bernoulli:p=0.5", "sgd"},
                       {"glyphs", "lenet5", "none", "sgd"}};

constexpr std::size_t kBatch = 50;
constexpr int kSteps = 30;

run::Plan plan_of(const Case& c, const std::string& prune) {
  run::TrainConfig config;
  config.data = c.data;
  config.model = c.model;
  config.method = {c.method};
  config.optimiser = c.optimiser;
  config.clip = c.clip;
  config.batch = kBatch;
  config.seeds = 3;
  config.seed = 5;
  config.epochs = 4;
  config.warmup_start = 0;
  config.warmup = 0;
  config.prune = prune;
  return run::make_plan(config);
}

/// A stepper and its weights, without a stack around it.
struct Side {
  Side(const run::Plan& plan, double listed)
      : plan(plan),
        batches(plan.data, pointers(plan), kBatch, 1),
        store(plan.spec, plan.options.optimiser, plan.replicas.size()),
        mask(plan.options.prune, plan.spec, store, listed) {
    std::vector<std::uint64_t> seeds;
    for (std::size_t r = 0; r < store.replicas; ++r) {
      seeds.push_back(plan.replicas[r].seed);
      initialise(plan.spec, plan.options.init, seeds[r], store.layout, store.values_of(r),
                 store.state_of(r));
    }
    mask.start(store, 0);
    stepper = std::make_unique<Stepper>(plan.spec, store, batches, seeds, std::vector<float>(),
                                        plan.options, plan.data.name == "glyphs", &mask);
  }
  static std::vector<const Replica*> pointers(const Plan& plan) {
    std::vector<const Replica*> out;
    for (const Replica& r : plan.replicas) out.push_back(&r);
    return out;
  }
  StepOutput step(std::int64_t step, std::size_t count) {
    const std::vector<optim::Rate> rates(store.replicas, {.lr = 0.002, .own = store.own});
    const std::vector<double> penalty_weight(store.replicas, 0);
    const std::vector<bool> active(store.replicas, true);
    return stepper->run({.step = step,
                         .first = kBatch * static_cast<std::size_t>(step % 3),
                         .count = count,
                         .rates = &rates,
                         .penalty_weight = &penalty_weight,
                         .active = &active});
  }
  /// Weights in lists.
  std::size_t left() const {
    std::size_t out = 0;
    for (std::size_t r = 0; r < store.replicas; ++r) {
      for (std::size_t i = 0; i < mask.spans().size(); ++i) out += mask.left(r)[i].left();
    }
    return out;
  }

  const run::Plan& plan;
  Batches batches;
  Store store;
  Mask mask;
  std::unique_ptr<Stepper> stepper;
};

bool near(float a, float b) { return std::abs(a - b) <= 3e-6f; }

/// Weights go to zero all the while. Each step starts from the same place, or differences would add up.
TEST(HeldWeights, StepsAreThoseOfDenseProducts) {
  for (const Case& c : kCases) {
    SCOPED_TRACE(std::string(c.data) + " " + c.model + " " + c.method + " " + c.optimiser);
    const run::Plan plan = plan_of(c, "magnitude:sparsity=0.97,start=0.1,end=0.9,every=3");
    Side sparse(plan, kListed), dense(plan, 2);
    std::size_t left = 0, changes = 0;
    const int steps = plan.data.name == "glyphs" ? 10 : kSteps;
    for (int step = 0; step < steps; ++step) {
      SCOPED_TRACE(step);
      const std::size_t count = step % 5 == 4 ? 1 : step % 5 == 3 ? 19 : kBatch;
      dense.store.values = sparse.store.values;
      dense.store.arrays = sparse.store.arrays;
      dense.store.scalars = sparse.store.scalars;
      const StepOutput a = sparse.step(step, count), b = dense.step(step, count);
      for (std::size_t r = 0; r < 3; ++r) EXPECT_NEAR(a.nll[r], b.nll[r], 1e-5);
      const double progress = (step + 1.0) / steps;
      sparse.mask.follow(sparse.store, step + 1, progress);
      Store copy = sparse.store;  // the same choice for both: it hangs on the last bits
      dense.mask.follow(copy, step + 1, progress);
      dense.mask.hold(dense.store);
      for (std::size_t i = 0; i < sparse.store.values.size(); ++i) {
        const float a = sparse.store.values[i], b = dense.store.values[i];
        ASSERT_TRUE(near(a, b) && (a == 0) == (b == 0)) << i << ": " << a << ", dense " << b;
        for (std::size_t k = 0; a != 0 && k < sparse.store.arrays.size(); ++k) {
          ASSERT_TRUE(near(sparse.store.arrays[k][i], dense.store.arrays[k][i])) << i;
        }
      }
      changes += sparse.left() != left;
      left = sparse.left();
    }
    EXPECT_GE(changes, 2u);  // of the lists
    EXPECT_EQ(dense.left(), 0u);
    EXPECT_GT(left, 0u);
  }
}

TEST(HeldWeights, AreListedWhereMostOfALayerIsHeld) {
  const run::Plan plan = plan_of(kCases[0], "magnitude:sparsity=0.9,start=0,end=1,every=1");
  Side side(plan, kListed);
  EXPECT_EQ(side.mask.layers().at("linear2"), 1u);
  EXPECT_EQ(side.left(), 0u);
  const auto zeros = [&](std::size_t r, const char* layer) {
    const engine::Slot& slot = side.store.layout.at(layer);
    const float* w = side.store.values_of(r) + slot.offset;
    return static_cast<std::size_t>(std::count(w, w + slot.count, 0.0f));
  };
  bool listed = false;
  for (int step = 1; step <= 10; ++step) {
    side.mask.follow(side.store, step, step / 10.0);
    for (std::size_t r = 0; r < 3; ++r) {
      const std::size_t held = zeros(r, "linear2.weight");
      const kernel::LeftWeights& left = side.mask.left(r)[1];
      EXPECT_EQ(left.listed(), held >= kListed * 64 * 48) << held;
      if (!left.listed()) continue;
      listed = true;
      EXPECT_EQ(left.left(), 64 * 48 - held);
      EXPECT_FALSE(side.mask.left(r)[2].listed());  // 48 weights
    }
  }
  EXPECT_TRUE(listed);
  const run::Plan images = plan_of({"glyphs", "mlp:40", "none", "sgd"}, "fixed");
  EXPECT_EQ(Side(images, kListed).stepper->path(),
            "all threads per replica, sparse data, sparse weights");
  side.mask.start(side.store, 0);  // before it begins, none is held
  EXPECT_EQ(side.left(), 0u);
}

/// What is held has no gradient, whatever it was before, so that a norm is the norm of what trains.
TEST(HeldWeights, ClippingCountsNoGradientOfThem) {
  for (const double listed : {kListed, 2.0}) {
    Case c = kCases[0];
    c.clip = 1e30;
    const run::Plan plan = plan_of(c, "magnitude:sparsity=0.95,start=0,end=0.1,every=1");
    Side side(plan, listed);
    side.step(0, kBatch);
    side.mask.follow(side.store, 1, 0.5);
    const StepOutput out = side.step(1, kBatch);
    double squares = 0;
    for (const Mask::Span& span : side.mask.spans()) {
      for (std::size_t i = span.from; i < span.from + span.count; ++i) {
        if (side.store.values[i] == 0) {
          EXPECT_EQ(side.store.gradients[i], 0) << i;
        }
      }
    }
    for (std::size_t i = 0; i < side.store.layout.values(); ++i) {
      squares += std::pow(side.store.gradients[i], 2);
    }
    EXPECT_NEAR(out.norm[0], std::sqrt(squares), 1e-6 * std::sqrt(squares));
  }
}

std::vector<float> row(const std::vector<float>& all, std::size_t r, std::size_t replicas) {
  const auto n = static_cast<std::ptrdiff_t>(all.size() / replicas);
  const auto first = all.begin() + static_cast<std::ptrdiff_t>(r) * n;
  return {first, first + n};
}

TEST(HeldWeights, ThreadsAndNeighboursChangeNoBit) {
  const int before = threads();
  const run::Plan plan = plan_of(kCases[1], "magnitude:sparsity=0.95,start=0.05,end=0.3,every=2");
  std::vector<std::vector<float>> ends;
  for (const int n : {1, 2, 3}) {
    SCOPED_TRACE(n);
    set_threads(n);
    Stack all(plan.data, plan, {0, 1, 2}), one(plan.data, plan, {1});
    for (int step = 0; step < kSteps; ++step) {
      if (all.epoch_done()) all.end_epoch(), one.end_epoch();
      all.step();
      one.step();
    }
    ends.push_back(all.store().values);
    EXPECT_EQ(row(all.store().values, 1, 3), one.store().values);
    EXPECT_EQ(ends.back(), ends.front());
    EXPECT_GT(std::count(one.store().values.begin(), one.store().values.end(), 0.0f), 3000);
    EXPECT_NE(all.path().find("sparse weights"), std::string::npos);
  }
  set_threads(before);
}

/// Broken off before the first choice, among the choices, between two of them, and after the last.
TEST(HeldWeights, AResumedRunHasTheSameBits) {
  const std::string path = testing::TempDir() + "scalemix-held.safetensors";
  for (const char* optimiser : {"adam", "novograd"}) {
    Case c = kCases[1];
    c.optimiser = optimiser;
    const run::Plan plan = plan_of(c, "magnitude:sparsity=0.95,start=0.05,end=0.3,every=4");
    for (const int stop : {1, 9, 12, 22}) {
      SCOPED_TRACE(stop);
      Stack whole(plan.data, plan, {0, 1, 2}), resumed(plan.data, plan, {0, 1, 2});
      const auto step = [](Stack& stack) {
        if (stack.epoch_done()) stack.end_epoch();
        stack.step();
      };
      for (int i = 0; i < stop; ++i) step(whole);
      save_checkpoint(path, whole, {});
      EXPECT_TRUE(load_checkpoint(path, resumed).empty());
      for (int i = stop; i < kSteps; ++i) {
        step(whole);
        step(resumed);
        ASSERT_EQ(whole.store().values, resumed.store().values) << i;
      }
    }
  }
}

/// Fine-tuning of a pruned network begins with lists.
TEST(HeldWeights, FixedZerosAreLeftOutFromTheFirstStep) {
  run::Plan plan = plan_of({"friedman1", "mlp:64-48,tanh", "none", "sgd"}, "fixed");
  const model::Model start = Stack(plan.data, plan, {0}).model(0);
  plan.options.from = std::make_shared<model::Model>(
      compress::Pruner(start, compress::weights_of(start), {}).at_sparsity(0.95));
  Stack stack(plan.data, plan, {0});
  const std::vector<float> before = stack.store().values;
  for (int step = 0; step < 3; ++step) stack.step();
  const engine::Slot& slot = stack.store().layout.at("linear2.weight");
  std::size_t moved = 0;
  for (std::size_t i = slot.offset; i < slot.offset + slot.count; ++i) {
    EXPECT_EQ(before[i] == 0, stack.store().values[i] == 0);
    // A weight that is held gets no gradient, not even one that is thrown away.
    if (before[i] == 0) {
      EXPECT_EQ(stack.store().arrays[0][i], 0) << i;
    }
    moved += before[i] != stack.store().values[i];
  }
  EXPECT_GT(moved, 10u);
}

}  // namespace
}  // namespace scalemix::train
