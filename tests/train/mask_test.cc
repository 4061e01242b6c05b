// Weights that are held at zero while the others train.

#include "scalemix/train/mask.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>

#include "scalemix/base/error.h"
#include "scalemix/compress/prune.h"
#include "scalemix/data/generate.h"
#include "scalemix/model/build.h"
#include "scalemix/model/method.h"
#include "scalemix/train/fit.h"

namespace scalemix::train {
namespace {

using testing::HasSubstr;

struct Rows {
  std::vector<float> x, y;
  explicit Rows(std::size_t rows = 300) {
    for (std::size_t n = 0; n < rows; ++n) {
      const auto a = static_cast<float>(n % 17) / 8, b = static_cast<float>(n % 23) / 11;
      x.insert(x.end(), {a, b});
      y.push_back(2 * a - b + 3);
    }
  }
};

model::Spec net(const std::string& method = "none") {
  model::Spec spec = model::mlp({{2}, Task::regression, 1}, {20, 10}, "tanh");
  model::apply_method(spec, method);
  return spec;
}

FitOptions with(const std::string& prune, int epochs = 10) {
  return {.epochs = epochs, .batch = 50, .lr = 0.01, .prune = prune};
}

std::vector<float> weights(const model::Model& m, const std::string& layer) {
  return m.tensors.at(layer + ".weight").floats();
}

TEST(Mask, MagnitudeEndsAtItsSparsity) {
  const Rows data;
  const model::Model m = fit(net(), data.x, data.y, with("magnitude:sparsity=0.8,every=5"));
  EXPECT_NEAR(compress::sparsity_of(m), 0.8, 1.0 / 250);
  EXPECT_EQ(compress::sparsity_of(fit(net(), data.x, data.y, with("none"))), 0);
  EXPECT_EQ(compress::sparsity_of(fit(net(), data.x, data.y, with("magnitude:sparsity=0"))), 0);
}

/// Half way from start to end, 1 - (1 - 1/2)^3 = 7/8 of it.
TEST(Mask, FollowsTheCubicSchedule) {
  const Rows data;
  FitOptions options = with("magnitude:sparsity=0.8,start=0,end=1,every=1", 10);
  const model::Spec spec = net();
  Store store(spec, "adam", 1);
  Mask mask(options.prune, spec, store);
  for (std::size_t i = 0; i < store.values.size(); ++i) {
    store.values[i] = 1 + 0.001f * static_cast<float>(i * 7919 % 1000);
  }
  mask.start(store, 0);
  const auto zeros = [&] { return std::count(store.values.begin(), store.values.end(), 0.0f); };
  mask.follow(store, 1, 0.5);
  EXPECT_EQ(zeros(), static_cast<long>(250 * 0.8 * 7 / 8));
  // What is off stays off whatever an update makes of it, and counts among the smallest.
  for (float& v : store.values) v += 0.5f;
  mask.hold(store);
  EXPECT_EQ(zeros(), static_cast<long>(250 * 0.8 * 7 / 8));
  mask.follow(store, 2, 1);
  EXPECT_EQ(zeros(), 200);
}

TEST(Mask, FixedKeepsTheZerosOfWhereItBegan) {
  const Rows data;
  const model::Model dense = fit(net(), data.x, data.y, with("none"));
  FitOptions options = with("fixed", 5);
  options.from = std::make_shared<model::Model>(
      compress::Pruner(dense, compress::weights_of(dense), {}).at_sparsity(0.7));
  const model::Model tuned = fit(net(), data.x, data.y, options);
  EXPECT_DOUBLE_EQ(compress::sparsity_of(tuned), compress::sparsity_of(*options.from));
  bool moved = false;
  for (const char* layer : {"linear1", "linear2", "linear3"}) {
    const auto before = weights(*options.from, layer), after = weights(tuned, layer);
    for (std::size_t i = 0; i < before.size(); ++i) {
      EXPECT_EQ(before[i] == 0, after[i] == 0);
      moved = moved || before[i] != after[i];
    }
  }
  EXPECT_TRUE(moved);
}

/// A running mean of weights that were not zero yet is not zero.
TEST(Mask, AnAverageHasTheZerosToo) {
  const Rows data;
  FitOptions options = with("magnitude:sparsity=0.8,every=5");
  options.average = 0.99;
  EXPECT_NEAR(compress::sparsity_of(fit(net(), data.x, data.y, options)), 0.8, 1.0 / 250);
}

TEST(Mask, RefusesInWords) {
  const Rows data;
  const auto refusal = [&](const std::string& word, const std::string& method = "none") {
    try {
      fit(net(method), data.x, data.y, with(word, 1));
    } catch (const ConfigError& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  EXPECT_THAT(refusal("magnitud"), HasSubstr("did you mean 'magnitude'"));
  EXPECT_THAT(refusal("magnitude:sparsity=1"), HasSubstr("sparsity must be"));
  EXPECT_THAT(refusal("magnitude:start=0.8"), HasSubstr("start must be below end"));
  EXPECT_THAT(refusal("magnitude", "svdo"), HasSubstr("svdo"));
  EXPECT_EQ(refusal("magnitude", "bernoulli:p=0.1"), "");
}

}  // namespace
}  // namespace scalemix::train
