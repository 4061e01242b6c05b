// Updates by a rule that looks at each tensor as a whole first.

#include "scalemix/train/update.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <vector>

#include "scalemix/base/parallel.h"
#include "scalemix/model/build.h"
#include "scalemix/model/safetensors.h"
#include "scalemix/run/plan.h"
#include "scalemix/train/checkpoint.h"
#include "scalemix/train/stack.h"

namespace scalemix::train {
namespace {

/// NovoGrad of a replica in plain double, tensor by tensor.
struct Reference {
  Reference(const Store& store, std::size_t r)
      : store(store),
        r(r),
        w(store.values_of(r), store.values_of(r) + store.layout.values()),
        m(w.size()),
        v(store.layout.slots().size()) {}

  void step(const optim::Rate& rate, double clip) {
    const float* g = store.gradients.data() + r * w.size();
    double all = 0;
    for (std::size_t i = 0; i < w.size(); ++i) all += static_cast<double>(g[i]) * g[i];
    const double scale = clip > 0 && std::sqrt(all) > clip ? clip / std::sqrt(all) : 1;
    for (std::size_t t = 0; t < v.size(); ++t) {
      const engine::Slot& slot = store.layout.slots()[t];
      if (slot.name == "output.log_precision") {  // follows the errors, not a gradient
        w[slot.offset] = store.values_of(r)[slot.offset];
      } else if (slot.tensor.trained) {
        tensor(rate, scale, slot, g, v[t]);
      }
    }
  }
  void tensor(const optim::Rate& rate, double scale, const engine::Slot& slot, const float* g,
              double& second) {
    const std::size_t from = slot.offset, to = from + slot.count;
    double squares = 0;
    for (std::size_t i = from; i < to; ++i) squares += std::pow(scale * g[i], 2);
    if (squares == 0) return;
    second = second == 0 ? squares : 0.98 * second + 0.02 * squares;
    const double decay = slot.tensor.decays ? rate.decay : 0;
    for (std::size_t i = from; i < to; ++i) {
      m[i] = 0.95 * m[i] + scale * g[i] / (std::sqrt(second) + 1e-8) + decay * w[i];
      w[i] -= rate.lr * slot.tensor.rate * m[i];
    }
  }
  void expect_same() const {
    for (std::size_t i = 0; i < w.size(); ++i) {
      ASSERT_NEAR(store.values_of(r)[i], w[i], 5e-6) << i;
      ASSERT_NEAR(store.arrays[0][r * w.size() + i], m[i], 5e-6) << i;
    }
    for (std::size_t t = 0; t < v.size(); ++t) {
      EXPECT_NEAR(store.scalars[0][r * v.size() + t], v[t], 1e-6 * v[t]) << t;
    }
  }

  const Store& store;
  std::size_t r;
  std::vector<double> w, m, v;
};

run::TrainConfig config(const char* model, const char* method) {
  run::TrainConfig c;
  c.data = "friedman1";
  c.model = model;
  c.method = {method};
  c.optimiser = "novograd";
  c.batch = 50;
  c.seed = 5;
  c.warmup_start = 0;
  c.warmup = 0;
  return c;
}

TEST(Update, EveryTensorOfEveryReplicaFollowsTheFormula) {
  for (const char* method : {"none", "bernoulli:p=0.3", "svdo", "vi", "concrete"}) {
    for (const double clip : {0.0, 0.05}) {
      SCOPED_TRACE(std::string(method) + ", clip " + std::to_string(clip));
      run::TrainConfig c = config("mlp:8-5", method);
      c.clip = clip;
      c.grid = {"lr=0.01,0.05", "weight_decay=0,0.3"};
      const run::Plan plan = run::make_plan(c);
      Stack stack(plan.data, plan, {0, 1, 2, 3});
      std::vector<Reference> references;
      for (std::size_t r = 0; r < 4; ++r) references.emplace_back(stack.store(), r);
      for (int step = 0; step < 4; ++step) {
        stack.step();
        for (Reference& reference : references) {
          const Settings& s = plan.replicas[reference.r].settings;
          reference.step({.lr = s.lr, .decay = s.weight_decay}, clip);
          reference.expect_same();
        }
      }
    }
  }
}

TEST(Update, AStepForgetsTheGradientsOfTheLast) {
  for (const char* method : {"none", "bernoulli:p=0.3", "svdo", "vi", "vi:prior=stabilising", "gsm",
                             "gsm:sampler=flipout", "concrete", "dropconnect:p=0.3",
                             "prior:horseshoe:scale=0.1,group=row", "learned:gaussian"}) {
    for (const double clip : {0.0, 0.05}) {
      SCOPED_TRACE(std::string(method) + ", clip " + std::to_string(clip));
      run::TrainConfig c = config("mlp:8-5", method);
      c.optimiser = "adam";
      c.clip = clip;
      const run::Plan plan = run::make_plan(c);
      Stack kept(plan.data, plan, {0}), cleared(plan.data, plan, {0});
      for (int step = 0; step < 3; ++step) {
        kept.step();
        cleared.step();
        std::fill(cleared.store().gradients.begin(), cleared.store().gradients.end(), 0.0f);
      }
      EXPECT_EQ(kept.store().values, cleared.store().values);
    }
  }
}

TEST(Update, AFirstStepMovesEveryTensorAsFarAsItsRate) {
  const run::Plan plan = run::make_plan(config("mlp:8", "svdo"));
  Stack stack(plan.data, plan, {0});
  const std::vector<float> before = stack.store().values;
  stack.step();
  std::vector<double> norms;
  for (const engine::Slot& slot : stack.store().layout.slots()) {
    if (slot.name == "output.log_precision") continue;  // follows the errors
    double moved = 0, gradient = 0;
    for (std::size_t i = slot.offset; i < slot.offset + slot.count; ++i) {
      moved += std::pow(stack.store().values[i] - before[i], 2);
      gradient += std::pow(stack.store().gradients[i], 2);
    }
    EXPECT_NEAR(std::sqrt(moved), 0.01, 1e-5) << slot.name;
    norms.push_back(std::sqrt(gradient));
  }
  std::sort(norms.begin(), norms.end());
  EXPECT_EQ(norms.size(), 6u);  // two layers of weight, bias, log_sigma2
  EXPECT_GT(norms.back(), 5 * norms.front());
}

/// A network whose gradients are written by hand.
struct Net {
  explicit Net(std::size_t inputs, double clip = 0, std::size_t replicas = 1)
      : spec(model::chain({{inputs}, Task::regression, 1}, {model::linear(inputs, 1)})),
        store(spec, "novograd", replicas),
        program(spec, store.layout, {.train = true, .rows = 1}),
        update(store, program, clip) {}

  /// A gradient of each tensor: every number of the weights, the bias, the precision.
  double run(float weight, float bias, float precision, std::size_t r = 0) {
    set("linear1.weight", weight, r);
    set("linear1.bias", bias, r);
    set("output.log_precision", precision, r);
    return run_as_set(r);
  }
  double run_as_set(std::size_t r) {
    return update.run(input(r),
                      [&](std::size_t first, std::size_t last) { beside += last - first; });
  }
  Update::Input input(std::size_t r) {
    Update::Input out;
    out.replica = r;
    out.step = ++steps;
    out.rate = {.lr = 0.1, .decay = 0.5};
    return out;
  }
  void set(const char* name, float g, std::size_t r) {
    const engine::Slot& slot = store.layout.at(name);
    std::fill_n(store.gradients_of(r) + slot.offset, slot.count, g);
  }
  double value(const char* name, std::size_t r = 0) const {
    return store.values_of(r)[store.layout.at(name).offset];
  }

  const model::Spec spec;
  Store store;
  const engine::Program program;
  Update update;
  std::uint64_t steps = 0;
  std::atomic<std::size_t> beside{0};
};

TEST(Update, ATensorWithoutAGradientIsLeftWhileTheOthersMove) {
  for (const double clip : {0.0, 1e30}) {
    Net net(2, clip);
    net.run(3, 4, -2);
    const Store before = net.store;
    net.run(3, 0, -2);
    EXPECT_EQ(net.value("linear1.bias"), before.values[net.store.layout.at("linear1.bias").offset]);
    EXPECT_NE(net.value("linear1.weight"), before.values[0]);
    const std::vector<double>& now = net.store.scalars[0];
    ASSERT_EQ(now.size(), 3u);
    EXPECT_NEAR(now[0], 18, 1e-12);
    EXPECT_EQ(now[1], 16);
    EXPECT_NEAR(now[2], 4, 1e-12);
    Net decays(2, clip);  // a step of nothing but decay is none
    std::fill(decays.store.values.begin(), decays.store.values.end(), 1.0f);
    decays.run(0, 1, 1);
    EXPECT_EQ(decays.value("linear1.weight"), 1);
    EXPECT_NEAR(decays.value("linear1.bias"), 0.9, 1e-6);
  }
}

TEST(Update, ItReturnsTheNormOfTheGradientBeforeTheRuleScalesIt) {
  for (const double clip : {0.0, 0.5, 1e30}) {
    Net net(3, clip);
    EXPECT_NEAR(net.run(2, -3, 6), std::sqrt(3 * 4 + 9 + 36), 1e-12) << clip;
    EXPECT_FALSE(std::isfinite(net.run(2, std::nanf(""), 6))) << clip;
  }
}

TEST(Update, WorkBesideItIsHandedOutOnce) {
  Net net(50000);
  net.run(1, 1, 1);
  EXPECT_EQ(net.beside, 50002u);
  EXPECT_EQ(net.update.numbers(), 50002u);
}

TEST(Update, AReplicaThatIsUpdatedMeanwhileChangesNothing) {
  Net both(2, 0, 2), alone(2);
  alone.run(3, 4, -2);
  both.set("linear1.weight", 300, 1);
  both.set("linear1.weight", 3, 0);
  both.set("linear1.bias", 4, 0);
  both.set("output.log_precision", -2, 0);
  both.update.run(both.input(0), [&](std::size_t, std::size_t) {
    both.update.run(both.input(1), [](std::size_t, std::size_t) {});
  });
  const std::size_t p = alone.store.values.size();
  EXPECT_EQ(std::vector(both.store.values_of(0), both.store.values_of(0) + p), alone.store.values);
  EXPECT_NE(both.value("linear1.weight", 1), 0);
}

TEST(Update, ThreadsClipsAndNeighboursChangeNoBitOfALargeTensor) {
  const int before = threads();
  const auto ends = [](double clip, std::size_t replicas, std::size_t r) {
    Net net(100'000, clip, replicas);
    for (int step = 0; step < 3; ++step) {
      for (std::size_t other = 0; other < replicas; ++other) {
        // A quadratic loss, for every weight around another number.
        const engine::Slot& slot = net.store.layout.at("linear1.weight");
        for (std::size_t i = 0; i < slot.count; ++i) {
          net.store.gradients_of(other)[slot.offset + i] =
              net.store.values_of(other)[slot.offset + i] - std::sin(static_cast<float>(i));
        }
        net.run_as_set(other);
      }
    }
    const std::size_t p = net.store.layout.values(), t = net.store.layout.slots().size();
    std::vector<double> out(net.store.values_of(r), net.store.values_of(r) + p);
    out.insert(out.end(), &net.store.scalars[0][r * t], &net.store.scalars[0][r * t] + t);
    return out;
  };
  set_threads(1);
  const std::vector<double> first = ends(0, 1, 0);
  for (const int n : {1, 2, 3}) {
    set_threads(n);
    EXPECT_EQ(ends(0, 1, 0), first) << n << " threads";
    EXPECT_EQ(ends(1e30, 1, 0), first) << n << " threads";
    EXPECT_EQ(ends(0, 3, 1), first) << n << " threads";
  }
  set_threads(before);
}

TEST(Update, AReplicaOfAStackIsItsSingleRunAndAStoppedOneIsLeftAsItIs) {
  run::TrainConfig c = config("mlp:8", "svdo");
  c.seeds = 3;
  const run::Plan plan = run::make_plan(c);
  const int before = threads();
  for (const int n : {1, 2, 3}) {
    set_threads(n);
    Stack all(plan.data, plan, {0, 1, 2}), one(plan.data, plan, {1});
    for (int step = 0; step < 3; ++step) {
      all.step();
      one.step();
    }
    const auto row = [](const auto& array, std::size_t r) {
      const std::size_t n = array.size() / 3;
      return std::vector(&array[r * n], &array[r * n] + n);
    };
    EXPECT_EQ(row(all.store().values, 1), one.store().values) << n << " threads";
    EXPECT_EQ(row(all.store().scalars[0], 1), one.store().scalars[0]) << n << " threads";
    const Store then = all.store();
    all.state.active[1] = false;
    all.step();
    EXPECT_EQ(row(all.store().scalars[0], 1), row(then.scalars[0], 1));
    EXPECT_EQ(row(all.store().arrays[0], 1), row(then.arrays[0], 1));
    EXPECT_NE(row(all.store().scalars[0], 0), row(then.scalars[0], 0));
    EXPECT_NE(row(all.store().scalars[0], 2), row(then.scalars[0], 2));
  }
  set_threads(before);
}

TEST(Update, WhatIsKeptForTensorsIsInTheCheckpoint) {
  run::TrainConfig c = config("mlp:8", "svdo");
  c.seeds = 2;
  const run::Plan plan = run::make_plan(c);
  const std::string path = testing::TempDir() + "scalemix-novograd.safetensors";
  Stack whole(plan.data, plan, {0, 1}), resumed(plan.data, plan, {0, 1});
  for (int step = 0; step < 3; ++step) whole.step();
  save_checkpoint(path, whole, {});
  const model::Tensor kept = model::read_safetensors(path).tensors.at("novograd.second_of_tensor");
  EXPECT_EQ(kept.shape, (model::Shape{2, 7}));
  EXPECT_EQ(kept.doubles(), whole.store().scalars[0]);
  load_checkpoint(path, resumed);
  EXPECT_EQ(resumed.store().scalars, whole.store().scalars);
  whole.step();
  resumed.step();
  EXPECT_EQ(resumed.store().values, whole.store().values);
  EXPECT_EQ(resumed.store().scalars, whole.store().scalars);
}

}  // namespace
}  // namespace scalemix::train
