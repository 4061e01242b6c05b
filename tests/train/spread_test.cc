#include "scalemix/train/spread.h"

#include <gmock/gmock.h>

#include <cmath>
#include <cstdio>

#include "scalemix/base/error.h"
#include "scalemix/model/model_file.h"
#include "scalemix/run/plan.h"
#include "scalemix/train/checkpoint.h"
#include "scalemix/train/stack.h"

namespace scalemix::train {
namespace {

using ::testing::ElementsAre;
using ::testing::Key;

run::Plan plan_of(double spread, int batch = 0) {
  run::TrainConfig c;
  c.data = "friedman1";
  c.model = "mlp:6";
  c.method = {"bernoulli:p=0.2"};
  c.seeds = 2;
  c.epochs = 4;
  c.batch = batch;
  c.spread = spread;
  return run::make_plan(c);
}

/// Runs all epochs; calls f(step, of all) after each step.
template <class F>
void train(Stack& stack, const F& f) {
  for (int step = 1; !stack.done();) {
    while (!stack.epoch_done()) {
      stack.step();
      f(step++);
    }
    stack.end_epoch();
  }
}

/// Against two passes in double over the weights that were kept.
TEST(Spread, IsTheVarianceOverTheLastSteps) {
  const run::Plan plan = plan_of(0.3);
  Stack stack(plan.data, plan, {0, 1});
  std::vector<std::vector<float>> all;
  train(stack, [&](int) { all.push_back(stack.store().values); });
  const std::size_t last = static_cast<std::size_t>(std::ceil(0.3 * double(all.size())));
  ASSERT_GT(last, 5u);
  for (const std::size_t r : {0u, 1u}) {
    const model::Model m = stack.model(r);
    ASSERT_THAT(m.spread, ElementsAre(Key("linear1.weight"), Key("linear2.weight")));
    for (const auto& [name, tensor] : m.spread) {
      const engine::Slot& slot = stack.store().layout.at(name);
      EXPECT_EQ(tensor.shape, slot.tensor.shape);
      const std::vector<float> got = tensor.floats();
      for (std::size_t i = 0; i < slot.count; ++i) {
        const std::size_t at = r * stack.store().layout.values() + slot.offset + i;
        double sum = 0, square = 0;
        for (std::size_t t = all.size() - last; t < all.size(); ++t) sum += all[t][at];
        const double mean = sum / double(last);
        for (std::size_t t = all.size() - last; t < all.size(); ++t) {
          square += std::pow(all[t][at] - mean, 2);
        }
        ASSERT_GT(got[i], 0);
        ASSERT_NEAR(got[i], square / double(last), 1e-3 * square / double(last) + 1e-12) << name;
      }
    }
  }
}

/// Of 6400 steps every seventh is looked at; the weights themselves are those of a training without.
TEST(Spread, LongTrainingsLookAtAboutAThousandSteps) {
  const run::Plan plan = plan_of(1, 1), without = plan_of(0, 1);
  Stack stack(plan.data, plan, {0, 1}), other(without.data, without, {0, 1});
  std::int64_t steps = 0;
  train(stack, [&](int) { ++steps; });
  train(other, [](int) {});
  const std::int64_t every = (steps + 999) / 1000;
  ASSERT_GT(every, 1);
  EXPECT_THAT(stack.state.spread.count, ElementsAre(steps / every, steps / every));
  EXPECT_EQ(stack.store().values, other.store().values);
  EXPECT_TRUE(other.model(0).spread.empty());
}

TEST(Spread, ReplicasThatStoppedAreNotLookedAt) {
  const run::Plan plan = plan_of(1);
  Stack stack(plan.data, plan, {0, 1});
  stack.step();
  stack.state.active[1] = false;
  for (int t = 0; t < 3; ++t) stack.step();
  EXPECT_THAT(stack.state.spread.count, ElementsAre(4, 1));
  EXPECT_FALSE(stack.model(0).spread.empty());
  EXPECT_TRUE(stack.model(1).spread.empty());
}

TEST(Spread, IsInTheCheckpointAndInTheModelFile) {
  const run::Plan plan = plan_of(1), without = plan_of(0);
  const std::string path = testing::TempDir() + "scalemix_spread.safetensors";
  Stack whole(plan.data, plan, {0, 1}), resumed(plan.data, plan, {0, 1}),
      other(without.data, without, {0, 1});
  for (int t = 0; t < 3; ++t) whole.step();
  EXPECT_TRUE(Stack(plan.data, plan, {0, 1}).model(0).spread.empty());
  save_checkpoint(path, whole, {});
  load_checkpoint(path, resumed);
  EXPECT_THROW(load_checkpoint(path, other), DataError);
  for (int t = 0; t < 3; ++t) whole.step(), resumed.step();
  EXPECT_EQ(resumed.state.spread.mean, whole.state.spread.mean);
  EXPECT_EQ(resumed.state.spread.square, whole.state.spread.square);
  EXPECT_THAT(resumed.state.spread.count, ElementsAre(6, 6));

  const model::Model m = whole.model(1);
  model::save_model(path, m);
  const model::Model read = model::load_model(path);
  ASSERT_THAT(read.spread, ElementsAre(Key("linear1.weight"), Key("linear2.weight")));
  for (const auto& [name, tensor] : m.spread) {
    EXPECT_EQ(read.spread.at(name).floats(), tensor.floats());
    EXPECT_EQ(read.tensors.at(name).floats(), m.tensors.at(name).floats());
  }
  model::Model wrong = m;
  wrong.spread["linear1.weight"] = m.spread.at("linear2.weight");
  EXPECT_THROW(model::save_model(path, wrong), std::invalid_argument);
  wrong.spread = {{"linear7.weight", m.spread.at("linear2.weight")}};
  EXPECT_THROW(model::save_model(path, wrong), std::invalid_argument);
  std::remove(path.c_str());
}

}  // namespace
}  // namespace scalemix::train
