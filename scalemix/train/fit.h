// Training in memory.
//
//   const model::Model model = train::fit(spec, data, {.epochs = 100});
//   predict::Predictor predictor(model);
//
// run() trains all replicas of a plan, with checkpoints where they are asked for.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>

#include "scalemix/model/model_file.h"
#include "scalemix/train/checkpoint.h"
#include "scalemix/train/plan.h"
#include "scalemix/train/stack.h"

namespace scalemix::inline v0::train {

/// What a training calls on its way. Each may be empty; an exception from one ends the training.
struct Callbacks {
  std::function<void(const Stack&, std::size_t number)> begin = {};  // of a stack
  std::function<void(const Stack&)> step = {};                       // after every step
  std::function<void(const EpochReport&)> epoch = {};                // after every epoch
  std::function<void(const Stack&)> end = {};                        // a stack is trained
  std::function<bool()> stop = {};  // asked after every step: true ends the training there
  std::function<void(const std::string&)> say = {};  // a sentence for people
};

/// Where and when the stack in training is saved.
struct Checkpoints {
  std::string path = {};  // empty: nowhere. One that is there is resumed from
  double seconds = 30;    // about every so many
  int steps = 0;          // or every so many steps, if not 0
  std::function<std::uint64_t()> log_offset = {};  // kept with it (Position)
  std::string about = {};                          // kept with it, too
};

/// Trains the stacks of a plan one after the other. Returns false if stop() ended it, with a
/// checkpoint written where there is a path. Throws Diverged with the last good checkpoint kept,
/// FileError when it cannot be written.
bool run(const data::Dataset& data, const Plan& plan, const Callbacks& callbacks = {},
         const Checkpoints& checkpoints = {});

/// Trains one network on all rows of the data (but those of options.validation_fraction). Where
/// stop() ends it early, the network as it is then. Throws std::invalid_argument if data and spec do
/// not fit, ConfigError for options that are none, Diverged.
model::Model fit(const model::Spec& spec, const data::Dataset& data, FitOptions options = {},
                 const Callbacks& callbacks = {});

/// The same on rows x (N, K), K the spec's input, NaN where a number is missing, and targets y (N)
/// in their own units, or class numbers (N) from 0.
model::Model fit(const model::Spec& spec, std::span<const float> x, std::span<const float> y,
                 FitOptions options = {}, const Callbacks& callbacks = {});
model::Model fit(const model::Spec& spec, std::span<const float> x,
                 std::span<const std::int32_t> label, FitOptions options = {},
                 const Callbacks& callbacks = {});

}  // namespace scalemix::inline v0::train
