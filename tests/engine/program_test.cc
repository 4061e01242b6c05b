// Values have lifetimes: what is read later is not overwritten, what is not shares its memory.

#include "scalemix/engine/program.h"

#include <gtest/gtest.h>

#include <vector>

#include "scalemix/model/build.h"
#include "tests/model/fixtures.h"

namespace scalemix::engine {
namespace {

using namespace model;

Program program_of(const Spec& spec, bool train) {
  return Program(spec, Layout(spec), {.train = train, .rows = 4});
}

/// Whether the value that step i makes lies where its input does.
bool in_place(const Program& program, const Schedule& schedule, std::size_t i) {
  const Instruction& step = program.instructions()[i];
  std::vector<float> memory(schedule.floats());
  return schedule.value(step.x, memory.data()) == schedule.value(step.y, memory.data());
}

TEST(Program, AnActivationWorksInPlaceUnlessABackwardPassReadsItsInput) {
  const Problem problem{{7}, Task::classification, 3};
  for (const auto& [name, trained] :
       std::vector<std::pair<std::string, bool>>{{"relu", true}, {"tanh", true}, {"gelu", false}}) {
    const Spec spec = chain(problem, {linear(7, 6), activation(name), linear(6, 3)});
    const Program with = program_of(spec, true), without = program_of(spec, false);
    EXPECT_EQ(in_place(with, Schedule(with, 4, 3), 1), trained) << name;
    EXPECT_TRUE(in_place(without, Schedule(without, 4, 3), 1)) << name;
  }
  // tanh keeps its result for its backward pass, so what follows may not overwrite it.
  const Spec twice =
      chain(problem, {linear(7, 6), activation("tanh"), activation("sigmoid"), linear(6, 3)});
  const Program program = program_of(twice, true);
  EXPECT_FALSE(in_place(program, Schedule(program, 4, 4), 2));
}

TEST(Program, ABlockThatBeginsWithAnActivationKeepsItsInput) {
  const Spec spec = chain({{7}, Task::classification, 3},
                          {linear(7, 6), residual({relu(), linear(6, 6)}), linear(6, 3)});
  for (const bool train : {false, true}) {
    const Program program = program_of(spec, train);
    ASSERT_EQ(program.instructions().size(), 5u);
    const Schedule schedule(program, 4, 5);
    EXPECT_FALSE(in_place(program, schedule, 1));
    EXPECT_EQ(program.instructions()[3].other, program.instructions()[1].x);
  }
}

TEST(Program, WhatDrawsReadAgainIsKept) {
  const Spec spec = made("mlp:6-5", {{7}, Task::classification, 3}, {"bernoulli:p=0.3"});
  const Program program = program_of(spec, false);
  const std::size_t first = program.first_draw();
  ASSERT_EQ(first, 2u);  // linear, relu, noise
  EXPECT_FALSE(in_place(program, Schedule(program, 4, first), first));
  EXPECT_TRUE(in_place(program, Schedule(program, 4, program.instructions().size()), first));
}

TEST(Program, MomentsOfAFirstVariationalLayerAreMadeOnce) {
  const Spec spec = made("mlp:6", {{7}, Task::classification, 3}, {"svdo"});
  const Program program = program_of(spec, false);
  EXPECT_EQ(program.first_draw(), 1u);  // moments, draw, relu, moments, draw
  EXPECT_EQ(program.widths()[1], 12u);
}

TEST(Program, MemoryOfADeepNetworkDoesNotGrowWithItsDepthInAPrediction) {
  const auto floats = [](const char* word, bool train) {
    const Program program = program_of(made(word, {{20}, Task::classification, 3}), train);
    return Schedule(program, 100, program.instructions().size()).floats();
  };
  EXPECT_EQ(floats("mlp:20x30", false), floats("mlp:20x60", false));
  EXPECT_GT(floats("mlp:20x60", true), floats("mlp:20x30", true));
}

TEST(Program, RunningStatisticsTakeATenthOfABatchWhereStateIsWritten) {
  const Spec spec = chain({{2}, Task::classification, 3}, {batch_norm(2), linear(2, 3)});
  const Layout layout(spec);
  const Program program(spec, layout, {.train = true, .rows = 4});
  const Schedule schedule(program, 4, program.instructions().size());
  std::vector<float> row(layout.values()), state(layout.state()), memory(schedule.floats()),
      prepared(program.prepared());
  layout.start(row.data(), state.data());
  Frame frame{.rows = 4, .values = row.data(), .state = state.data(), .prepared = prepared.data()};
  const auto run = [&] {
    const std::vector<float> x{1, 0, 3, 0, 1, 0, 3, 4};
    std::copy(x.begin(), x.end(), schedule.input(memory.data()));
    program.forward(frame, schedule, memory.data(), 0, program.instructions().size());
  };
  const std::vector<float> before = state;
  run();
  EXPECT_EQ(state, before);
  frame.writes_state = true;
  run();
  const std::size_t mean = layout.at("bn1.running_mean").offset,
                    var = layout.at("bn1.running_var").offset;
  EXPECT_NEAR(state[mean], 0.2, 1e-6);
  EXPECT_NEAR(state[mean + 1], 0.1, 1e-6);
  EXPECT_NEAR(state[var], 0.9 + 0.1 * 4 / 3, 1e-6);
  EXPECT_NEAR(state[var + 1], 0.9 + 0.1 * 4, 1e-6);
}

TEST(Program, GivesNoGradientToWhatNothingTrainedMade) {
  const Spec spec = chain({{7}, Task::classification, 3}, {relu(), linear(7, 3)});
  const Program program = program_of(spec, true);
  const Schedule schedule(program, 4, 2);
  std::vector<float> memory(schedule.floats());
  EXPECT_EQ(schedule.gradient(0, memory.data()), nullptr);
  EXPECT_EQ(schedule.gradient(1, memory.data()), nullptr);
  EXPECT_NE(schedule.gradient(2, memory.data()), nullptr);
}

}  // namespace
}  // namespace scalemix::engine
