// A training program of one replica on a few rows, and its gradients against central differences of its own
// loss: what tests of kinds of noise share.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "scalemix/engine/program.h"
#include "scalemix/kernel/loss.h"
#include "scalemix/model/build.h"
#include "tests/model/fixtures.h"

namespace scalemix::engine {

using namespace model;

inline constexpr double kWeight = 0.05;  // of the penalty
inline constexpr std::size_t kRows = 5;

/// A training program of one replica on rows of fixed numbers.
class Replica {
 public:
  explicit Replica(const Spec& spec)
      : layout(spec),
        program(spec, layout, {.train = true, .rows = kRows}),
        schedule(program, kRows, program.instructions().size()),
        values(layout.values()),
        gradients(layout.values()),
        state(layout.state()),
        marks(program.marks()),
        memory(schedule.floats()),
        prepared(program.prepared()),
        x(model::values(kRows * program.width(), 3, -1, 1)) {
    layout.read(filled_model(spec), values.data(), state.data());
  }

  Frame frame(bool writes_state) {
    return {.mode = Mode::train,
            .rows = kRows,
            .seed = 5,
            .values = values.data(),
            .gradients = gradients.data(),
            .state = state.data(),
            .writes_state = writes_state,
            .prepared = prepared.data(),
            .marks = marks.data(),
            .penalty_weight = kWeight,
            .progress = 0.25,
            .epoch = 1};
  }

  double loss(bool writes_state = false) {
    const Frame f = frame(writes_state);
    program.prepare(f);
    std::copy(x.begin(), x.end(), schedule.input(memory.data()));
    double sum =
        kWeight * program.forward(f, schedule, memory.data(), 0, program.instructions().size());
    for (const auto& noise : program.noises()) {
      if (noise->kind().penalty) sum += kWeight * noise->kind().penalty(noise->at(f));
    }
    return sum + kernel::categorical_nll(kRows, program.outputs(), schedule.output(memory.data()),
                                         labels.data(), schedule.output_gradient(memory.data()));
  }

  void backward() {
    std::fill(gradients.begin(), gradients.end(), 0.0f);
    loss();
    Frame f = frame(false);
    program.backward(f, schedule, memory.data());
    for (const auto& noise : program.noises()) {
      f.d_prepared = schedule.d_prepared(noise->instruction, memory.data());
      if (noise->kind().terms_back) noise->kind().terms_back(noise->at(f), kWeight);
    }
  }

  Layout layout;
  Program program;
  Schedule schedule;
  std::vector<float> values, gradients, state, marks, memory, prepared, x;
  std::vector<std::int64_t> labels = {0, 1, 2, 1, 0};
};

/// Central differences of the engine itself, but for the slot `held`. Steps are large, since it rounds to
/// float.
inline void expect_gradients(const Spec& spec, const std::string& held = "") {
  Replica replica(spec);
  replica.backward();
  const std::vector<float> gradients = replica.gradients;
  double most = 0;
  for (const float g : gradients) most = std::fmax(most, std::abs(g));
  ASSERT_GT(most, 0.01);
  std::size_t left_out = 0;
  for (std::size_t i = 0; i < gradients.size(); ++i) {
    if (!held.empty() && i - replica.layout.at(held).offset < replica.layout.at(held).count)
      continue;
    const float before = replica.values[i];
    const auto slope = [&](float h) {
      replica.values[i] = before + h;
      const double up = replica.loss();
      replica.values[i] = before - h;
      const double down = replica.loss();
      replica.values[i] = before;
      return (up - down) / (2 * h);
    };
    const double fine = slope(1e-2f), coarse = slope(2e-2f);
    if (std::abs(fine - coarse) > 0.05 * most) {  // a kink between
      ++left_out;
      continue;
    }
    EXPECT_NEAR(gradients[i], (4 * fine - coarse) / 3, 2e-3 * most) << i;
  }
  EXPECT_LE(5 * left_out, gradients.size());
}

}  // namespace scalemix::engine
