// One pruned network, the test images of MNIST: the trainer's program, the predictor with and without its
// zeros, the C file and the file in int8 give the same answers.

#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>

#include "scalemix/compress/prune.h"
#include "scalemix/compress/shrink.h"
#include "scalemix/data/registry.h"
#include "scalemix/engine/memory.h"
#include "scalemix/engine/program.h"
#include "scalemix/predict/predictor.h"
#include "scalemix/run/plan.h"
#include "scalemix/train/stack.h"
#include "tests/compress/compiled.h"

namespace scalemix {
namespace {

constexpr std::size_t kClasses = 10, kBlock = 500;

/// A network after some steps, and the test images.
struct Trained {
  model::Model model;
  std::vector<float> x;  // (rows, width)
  std::size_t rows = 0;
};

Trained trained(const std::string& network, std::size_t rows) {
  run::TrainConfig c;
  c.data = "mnist";
  c.model = network;
  c.method = {"bernoulli:p=0.2"};
  c.epochs = 1;
  const run::Plan plan = run::make_plan(c);
  train::Stack stack(plan.data, plan, {0});
  for (int i = 0; i < 100; ++i) stack.step();
  Trained out{stack.model(0), {}, rows};
  const std::size_t width = plan.data.width();
  const std::vector<std::uint32_t>& test = plan.replicas[0].split.test;
  EXPECT_EQ(test.size(), 10000u);
  for (std::size_t n = 0; n < rows; ++n) {
    const std::uint32_t row = test[n];
    const auto first = plan.data.x.begin() + static_cast<std::ptrdiff_t>(row * width);
    out.x.insert(out.x.end(), first, first + static_cast<std::ptrdiff_t>(width));
  }
  return out;
}

std::vector<float> predictions(const model::Model& m, const Trained& t,
                               const predict::Crossover& crossover) {
  const predict::Predictor predictor(m, crossover);
  predict::Context context(predictor);
  return predict::predict(context, t.x, t.rows).mean;
}

void softmax(const float* logits, std::vector<float>& out) {
  const double largest = *std::max_element(logits, logits + kClasses);
  double sum = 0;
  for (std::size_t c = 0; c < kClasses; ++c) sum += std::exp(logits[c] - largest);
  for (std::size_t c = 0; c < kClasses; ++c) {
    out.push_back(static_cast<float>(std::exp(logits[c] - largest) / sum));
  }
}

/// Of the program that the trainer judges with: dense products, through the library that trains.
std::vector<float> trainers(const model::Model& m, const Trained& t) {
  const engine::Layout layout(m.spec);
  const engine::Program program(m.spec, layout, {});
  std::vector<float> values(layout.values()), state(layout.state()), prepared(program.prepared());
  layout.read(m, values.data(), state.data());
  engine::Frame frame{.mode = engine::Mode::deterministic,
                      .rows = kBlock,
                      .values = values.data(),
                      .state = state.data(),
                      .prepared = prepared.data()};
  program.prepare(frame);
  const std::size_t all = program.instructions().size();
  const engine::Schedule schedule(program, kBlock, all);
  std::vector<float> memory(schedule.floats()), out;
  const std::vector<float>&mean = m.preprocessing.mean, &scale = m.preprocessing.scale;
  const std::size_t block = kBlock * mean.size();
  for (std::size_t first = 0; first < t.x.size(); first += block) {
    float* in = schedule.input(memory.data());
    for (std::size_t i = 0; i < block; ++i) {
      in[i] = (t.x[first + i] - mean[i % mean.size()]) / scale[i % scale.size()];
    }
    program.forward(frame, schedule, memory.data(), 0, all);
    const float* logits = schedule.output(memory.data());
    for (std::size_t n = 0; n < kBlock; ++n) softmax(logits + n * kClasses, out);
  }
  return out;
}

double largest_difference(const std::vector<float>& a, const std::vector<float>& b) {
  EXPECT_EQ(a.size(), b.size());
  double out = 0;
  for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
    out = std::fmax(out, std::abs(static_cast<double>(a[i]) - b[i]));
  }
  return out;
}

/// Rows whose most probable class differs.
std::size_t other_class(const std::vector<float>& a, const std::vector<float>& b) {
  std::size_t out = 0;
  for (std::size_t n = 0; n < a.size(); n += kClasses) {
    const auto best = [n](const std::vector<float>& p) {
      const auto row = p.begin() + static_cast<std::ptrdiff_t>(n);
      return std::max_element(row, row + kClasses) - row;
    };
    out += best(a) != best(b);
  }
  return out;
}

struct Network {
  const char* word;
  std::size_t rows;
};

class SameAnswers : public testing::TestWithParam<Network> {};

TEST_P(SameAnswers, OfOnePrunedNetwork) {
  if (!data::locate(data::named_set("mnist"))) GTEST_SKIP() << "mnist is not on this machine";
  const Trained t = trained(GetParam().word, GetParam().rows);
  const compress::Pruner pruner(t.model, compress::weights_of(t.model), {});
  const model::Model small = compress::shrink(pruner.at_sparsity(0.9)).model;
  const std::vector<float> dense = predictions(small, t, {2, 2, 2});
  EXPECT_GT(other_class(dense, predictions(t.model, t, {})), 0u);  // it was pruned
  EXPECT_LT(largest_difference(dense, predictions(small, t, {0, 0, 0})), 1e-5);
  EXPECT_LT(largest_difference(dense, predictions(pruner.at_sparsity(0.9), t, {})), 1e-5);
  EXPECT_LT(largest_difference(dense, trainers(small, t)), 1e-5);
  compress::Compiled c(small);
  EXPECT_LT(largest_difference(dense, c(t.x, t.rows, kClasses)), 1e-5);

  const model::Folder folder;
  const std::string path = folder.file("small.safetensors");
  model::save_model(path, small, {.store = model::Store::int8});
  const std::vector<float> rounded = predictions(model::load_model(path), t, {});
  EXPECT_LT(largest_difference(dense, rounded), 0.1);
  EXPECT_LE(other_class(dense, rounded), t.rows / 200);
}

INSTANTIATE_TEST_SUITE_P(Networks, SameAnswers,
                         testing::Values(Network{"mlp:100-50", 10000}, Network{"lenet5", 1000}),
                         [](const auto& info) { return info.index == 0 ? "mlp" : "lenet5"; });

}  // namespace
}  // namespace scalemix
