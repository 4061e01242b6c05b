// A step with several draws for each row: its gradient is that of its objective, by central differences
// of a naive network in double under the same noise.

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numeric>

#include "scalemix/base/error.h"
#include "scalemix/data/split.h"
#include "scalemix/model/build.h"
#include "scalemix/train/fit.h"
#include "scalemix/train/objective.h"
#include "tests/model/fixtures.h"
#include "tests/model/naive.h"

namespace scalemix::train {
namespace {

constexpr std::size_t kRows = 7, kBatch = 5;
constexpr double kRate = 1e-3;

data::Dataset rows() {
  data::Dataset data;
  data.task = Task::regression;
  data.shape = {3};
  data.x = model::values(kRows * 3, 5, -2, 2);
  data.y = model::values(kRows, 6, -3, 3);
  return data;
}

Plan plan_of(const data::Dataset& data, const std::string& method, int samples,
             const std::string& objective) {
  Plan plan{.spec = model::mlp({{3}, Task::regression, 1}, {4}, "tanh")};
  model::apply_method(plan.spec, method);
  plan.options = {.epochs = 9,
                  .batch = kBatch,
                  .optimiser = "sgd:momentum=0",
                  .lr = kRate,
                  .train_samples = samples,
                  .objective = objective,
                  .precision = "0.7",
                  .seed = 4};
  resolve(plan.options, data, plan.spec);
  Replica replica{.seed = 4};
  replica.split.train.resize(kRows);
  std::iota(replica.split.train.begin(), replica.split.train.end(), 0u);
  prepare(replica, plan.options, data);
  replica.settings = settings_of(plan.options, {});
  plan.replicas.push_back(replica);
  return plan;
}

/// The objective of the rows of a step, from its definition. Weights of draws are made at the first
/// call and then held.
class Loss {
 public:
  Loss(const data::Dataset& data, const Plan& plan, std::size_t first, std::size_t count,
       std::int64_t step)
      : plan_(plan), count_(count), step_(step) {
    const Replica& r = plan.replicas[0];
    const auto order = data::permutation(kRows, r.seed, data::Shuffle::epoch, 0);
    // Copy s of row n has number s * batch + n: what lies between is there and not looked at.
    for (std::size_t i = 0; i < samples() * kBatch; ++i) {
      const std::size_t row = order[first + std::min(i % kBatch, count - 1)];
      model::Naive::Row x;
      for (std::size_t k = 0; k < 3; ++k) {
        x.push_back((data.x[row * 3 + k] - r.standardisation.mean[k]) / r.standardisation.scale[k]);
      }
      x_.push_back(x);
      t_.push_back((data.y[row] - r.standardisation.target_mean) / r.standardisation.target_scale);
    }
  }

  double operator()(model::Naive& naive) {
    const model::Naive::Batch out = naive.train(x_, 4, step_);
    const double s2 = std::pow(plan_.replicas[0].standardisation.target_scale, 2);
    double sum = 0;
    for (std::size_t n = 0; n < count_; ++n) {
      std::vector<double> nll;
      for (std::size_t s = 0; s < samples(); ++s) {
        const std::size_t i = s * kBatch + n;
        nll.push_back(
            (0.7 * s2 * std::pow(out[i][0] - t_[i], 2) - std::log(0.7 * s2) + std::log(2 * M_PI)) /
            2);
      }
      sum += of_row(n, nll);
    }
    return sum / static_cast<double>(count_);
  }

 private:
  std::size_t samples() const { return static_cast<std::size_t>(plan_.options.train_samples); }
  double of_row(std::size_t n, const std::vector<double>& nll) {
    const double s = static_cast<double>(nll.size());
    double sum = 0;
    if (plan_.options.objective == "importance") {
      for (const double v : nll) sum += std::exp(-v) / s;
      return -std::log(sum);
    }
    if (held_.size() <= n) {
      std::vector<double> w(nll.size(), 1 / s);
      double h = 0;
      for (std::size_t k = 1; k <= nll.size(); ++k) h += 1 / static_cast<double>(k);
      for (std::size_t a = 0; plan_.options.objective == "tail_adaptive" && a < nll.size(); ++a) {
        std::size_t better = 0, alike = 0;  // the same mask gives the same likelihood
        for (const double other : nll) {
          better += other < nll[a] - 1e-9;
          alike += std::abs(other - nll[a]) <= 1e-9;
        }
        w[a] = 0;
        for (std::size_t k = better + 1; k <= better + alike; ++k) {
          w[a] += 1 / static_cast<double>(k) / static_cast<double>(alike) / h;
        }
      }
      held_.push_back(w);
    }
    for (std::size_t a = 0; a < nll.size(); ++a) sum += held_[n][a] * nll[a];
    return sum;
  }

  const Plan& plan_;
  std::size_t count_;
  std::int64_t step_;
  model::Naive::Batch x_;
  std::vector<double> t_;
  std::vector<std::vector<double>> held_;
};

void expect_gradient(const std::string& method, int samples, const std::string& objective) {
  SCOPED_TRACE(method + " " + objective + " " + std::to_string(samples));
  const data::Dataset data = rows();
  const Plan plan = plan_of(data, method, samples, objective);
  Stack stack(data, plan, {0});
  const auto step = [&](std::size_t first, std::size_t count) {
    model::Naive naive(stack.model(0));
    const std::vector<float> before = stack.store().values;
    Loss loss(data, plan, first, count, stack.state.step);
    loss(naive);
    stack.step();
    for (const engine::Slot& slot : stack.store().layout.slots()) {
      if (slot.name == "output.log_precision") continue;
      std::vector<double>& numbers = naive.tensors.at(slot.name);
      for (std::size_t i = 0; i < slot.count; ++i) {
        const double at = numbers[i];
        numbers[i] = at + 1e-5;
        const double up = loss(naive);
        numbers[i] = at - 1e-5;
        const double slope = (up - loss(naive)) / 2e-5;
        numbers[i] = at;
        const double moved =
            (double(before[slot.offset + i]) - stack.store().values[slot.offset + i]) / kRate;
        EXPECT_NEAR(moved, slope, 2e-4 * (1 + std::abs(slope))) << slot.name << '[' << i << ']';
      }
    }
  };
  step(0, kBatch);
  step(kBatch, kRows - kBatch);  // a shorter batch: row numbers keep their distance
}

TEST(Samples, AStepTakesTheGradientOfItsObjective) {
  for (const char* method : {"bernoulli:p=0.3,input=0.2", "gaussian:alpha=0.3", "none"}) {
    for (const char* objective : {"mc", "importance", "tail_adaptive"}) {
      if (method == std::string("none") && objective == std::string("tail_adaptive")) continue;
      expect_gradient(method, 4, objective);
    }
    expect_gradient(method, 1, "mc");
  }
}

std::vector<float> trained(const std::string& method, int samples, const std::string& objective,
                           const std::string& precision = "learned") {
  const data::Dataset data = rows();
  Plan plan = plan_of(data, method, samples, objective);
  plan.options.precision = precision;
  Stack stack(data, plan, {0});
  while (!stack.done()) {
    while (!stack.epoch_done()) stack.step();
    stack.end_epoch();
  }
  return stack.store().values;
}

TEST(Samples, OneDrawIsTheSameStepUnderEveryObjective) {
  for (const char* method : {"bernoulli:p=0.3", "tabu:p=0.3", "svdo"}) {
    EXPECT_EQ(trained(method, 1, "importance"), trained(method, 1, "mc")) << method;
    EXPECT_EQ(trained(method, 1, "tail_adaptive"), trained(method, 1, "mc")) << method;
    EXPECT_NE(trained(method, 2, "mc"), trained(method, 1, "mc")) << method;
  }
}

TEST(Samples, RefusesNoiseThatIsDrawnOncePerStep) {
  EXPECT_THROW(plan_of(rows(), "dropconnect:p=0.2", 2, "mc"), ConfigError);
  plan_of(rows(), "dropconnect:p=0.2", 1, "mc");
  for (const int samples : {0, -3, 1001}) {
    EXPECT_THROW(validate({.train_samples = samples}), ConfigError) << samples;
  }
  EXPECT_THROW(validate({.objective = "tail-adaptive"}), ConfigError);
}

TEST(Samples, WithoutNoiseDrawsChangeNothingButRounding) {
  const std::vector<float> one = trained("none", 1, "mc");
  for (const char* objective : {"mc", "importance", "tail_adaptive"}) {
    const std::vector<float> many = trained("none", 5, objective);
    for (std::size_t i = 0; i < one.size(); ++i) EXPECT_NEAR(many[i], one[i], 1e-5) << objective;
  }
}

TEST(Samples, AReplicaOfAStackIsItsSingleRun) {
  const data::Dataset data = rows();
  Plan plan = plan_of(data, "ard_add", 3, "tail_adaptive");
  plan.replicas.push_back(plan.replicas[0]);
  plan.replicas[1].seed = 9;
  Stack both(data, plan, {0, 1}), second(data, plan, {1});
  for (int i = 0; i < 2; ++i) both.step(), second.step();
  const std::size_t p = second.store().values.size();
  EXPECT_TRUE(std::equal(second.store().values.begin(), second.store().values.end(),
                         both.store().values.begin() + static_cast<std::ptrdiff_t>(p)));
}

}  // namespace
}  // namespace scalemix::train
