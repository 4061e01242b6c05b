#include "scalemix/model/parameter_schedule.h"

#include <gmock/gmock.h>

#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "scalemix/base/error.h"
#include "scalemix/model/spec.h"
#include "tests/model/noise_harness.h"

namespace scalemix::model {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(ParameterSchedule, FollowsItsFormula) {
  const auto linear = ParameterSchedule::parse("linear:start=0.2;from=0.25;to=0.75");
  EXPECT_DOUBLE_EQ(linear.at(0.6, 0, 0.1), 0.2);
  EXPECT_DOUBLE_EQ(linear.at(0.6, 0, 0.5), 0.4);
  EXPECT_DOUBLE_EQ(linear.at(0.6, 0, 0.9), 0.6);
  const auto cosine = ParameterSchedule::parse("cosine:start=1");
  EXPECT_DOUBLE_EQ(cosine.at(0, 0, 1.0 / 3), 0.75);
  // Curriculum dropout: keep(t) = (1 - k) exp(-gamma t) + k; annealed: 1 - (1 - k) exp(-gamma t).
  const auto curriculum = ParameterSchedule::parse("curriculum:gamma=1e-3;start=0");
  const auto annealed = ParameterSchedule::parse("annealed");
  for (const double t : {0.0, 100.0, 2000.0}) {
    EXPECT_NEAR(1 - curriculum.at(0.4, t, 0), 0.4 * std::exp(-1e-3 * t) + 0.6, 1e-15);
    EXPECT_NEAR(1 - annealed.at(0.4, t, 0), 1 - 0.4 * std::exp(-1e-3 * t), 1e-15);
  }
  EXPECT_EQ(curriculum.last(0.4), 0.4);
  EXPECT_EQ(annealed.last(0.4), 0);
  EXPECT_EQ(annealed.first(0.4), 0.4);
}

TEST(ParameterSchedule, WordsAreReadAndWritten) {
  EXPECT_EQ(ParameterSchedule::parse("curriculum:start=0.1").word(),
            "curriculum:gamma=0.001;start=0.1");
  EXPECT_THROW(ParameterSchedule::parse("liner"), ConfigError);
  EXPECT_THROW(ParameterSchedule::parse("linear:stop=1"), ConfigError);
  EXPECT_THROW(ParameterSchedule::parse("linear:to=2"), std::domain_error);
  EXPECT_EQ(put_schedule("tabu:p=0.5,input=0.2", {"p", "linear"}), "tabu:p=0.5@linear,input=0.2");
  EXPECT_EQ(put_schedule("additive:normal:scale=1", {"scale", "cosine"}),
            "additive:normal:scale=1@cosine");
}

const Noise* first_noise(const Spec& spec) {
  for (const Layer& layer : spec.layers) {
    if (!layer.noise.empty()) return &layer.noise[0];
  }
  return nullptr;
}

TEST(ParameterSchedule, MethodsTakeThemOnLawsAndKinds) {
  const Spec spec =
      made("mlp:6-5", table_problem(), {"bernoulli:p=0.5@linear:start=0.1,input=0.2"});
  EXPECT_THAT(spec.methods, ElementsAre("bernoulli:p=0.5@linear:start=0.1;from=0;to=1,input=0.2"));
  EXPECT_TRUE(spec.layers[0].noise[0].schedules.empty());  // of the input: it is not scheduled
  EXPECT_EQ(spec.layers[3].noise[0].schedules,
            (std::vector<Scheduled>{{"p", "linear:start=0.1;from=0;to=1"}}));
  const Spec input = made("mlp:6-5", table_problem(), {"bernoulli:p=0.5,input=0.2@cosine"});
  EXPECT_EQ(input.layers[0].noise[0].schedules[0].parameter, "p");
  EXPECT_TRUE(input.layers[3].noise[0].schedules.empty());
  const Spec tabu = made("mlp:6-5", table_problem(), {"tabu:p=0.5@annealed"});
  EXPECT_EQ(first_noise(tabu)->schedules[0].parameter, "p");
  const Spec depth = made("resmlp:6x2", table_problem(), {"stochastic_depth:p=0.5@linear"});
  std::size_t scheduled = 0;
  for_each_layer(depth, [&](const Layer& layer, const Shape&) {
    for (const Noise& noise : layer.noise) scheduled += !noise.schedules.empty();
  });
  EXPECT_EQ(scheduled, 2u);
  for (const Spec& one : {spec, input, tabu, depth}) {  // and files keep them
    const Spec read = spec_from_json(to_json(one));
    EXPECT_EQ(to_json(read), to_json(one));
  }
}

TEST(ParameterSchedule, WhatCannotFollowOneIsRefused) {
  const auto refusal = [](const char* method) {
    return message_of<std::exception>([&] { made("mlp:6-5", table_problem(), {method}); });
  };
  EXPECT_THAT(refusal("bernoulli:p=0.5@linear:start=1.5"), HasSubstr("p must be in [0, 1)"));
  EXPECT_THAT(refusal("tabu:p=0.5@annealed:end=-1"), HasSubstr("p must be in [0, 1)"));
  EXPECT_THAT(refusal("svdo:init=-8@linear"), HasSubstr("no parameter can follow a schedule"));
  EXPECT_THAT(refusal("learned:gaussian:alpha=0.3@linear"), HasSubstr("can follow a schedule"));
  EXPECT_THAT(refusal("bernoulli:p=0.5@liner"), HasSubstr("did you mean 'linear'"));
  EXPECT_THAT(refusal("bernoulli:p=0.5@"), HasSubstr("no schedule after '@'"));
}

/// A pass has the draws of the law whose value the schedule gives; a prediction those of the last.
TEST(ParameterSchedule, DrawsAreThoseOfTheLawOfTheStep) {
  for (const auto& [word, parameter, low, high] :
       {std::tuple{"bernoulli:p={}", "p", 0.1, 0.5},
        {"gaussian:alpha={}", "alpha", 0.2, 1.0},
        {"laplace:alpha={}", "alpha", 0.2, 1.0},
        {"uniform:half_width={}", "half_width", 0.2, 1.0},
        {"beta:a={},b=2", "a", 1.0, 3.0},
        {"gamma:shape={}", "shape", 0.5, 2.0}}) {
    const auto law = [&, w = word](double v) { return fmt::format(fmt::runtime(w), v); };
    Noise moving = noise_of("multiply", law(high)),
          middle = noise_of("multiply", law((low + high) / 2)),
          last = noise_of("multiply", law(high));
    moving.schedules = {{parameter, fmt::format("linear:start={}", low)}};
    Harness a(of_units(64), moving, {64}), b(of_units(64), middle, {64}),
        c(of_units(64), last, {64});
    a.at.progress = 0.5;
    EXPECT_EQ(a.masks(20), b.masks(20)) << word;
    a.at.progress = 1;
    EXPECT_EQ(a.masks(20), c.masks(20)) << word;
    a.at.train = c.at.train = false;
    a.at.progress = 0.5;
    EXPECT_EQ(a.masks(20), c.masks(20)) << word;
  }
}

}  // namespace
}  // namespace scalemix::model
