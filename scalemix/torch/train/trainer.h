// A whole run: the stacks of a plan one after the other, logged, checkpointed, resumed, saved.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "scalemix/run/folder.h"
#include "scalemix/run/progress.h"
#include "scalemix/torch/train/checkpoint.h"
#include "scalemix/torch/train/plan.h"

namespace scalemix::inline v0::train {

struct RunOptions {
  bool quiet = false;
  const std::atomic<bool>* stop = nullptr;  // set by a signal: end the step, write a checkpoint
  /// Gets a sentence for the user now and then: what differs on resume, who stopped early.
  std::function<void(const std::string&)> say = [](const std::string&) {};
};

class Trainer {
 public:
  /// `plan` must outlive the trainer. A checkpoint in the folder is resumed from.
  Trainer(const Plan& plan, run::Folder folder, RunOptions options);

  /// Trains to the end and saves every replica's model; true, or false if a stop ended it with a
  /// checkpoint. Throws Diverged with the last good checkpoint kept, FileError when something
  /// cannot be written.
  bool run();

 private:
  bool run_stack(Stack& stack);
  bool run_epoch(Stack& stack);
  void resume();
  void checkpoint(Stack& stack);
  bool checkpoint_due(const Stack& stack) const;
  void save_models(Stack& stack);
  std::string note(const Stack& stack) const;

  using Clock = std::chrono::steady_clock;
  const Plan& plan_;
  run::Folder folder_;
  RunOptions options_;
  std::vector<std::vector<std::size_t>> groups_;
  Position position_;
  bool resumed_ = false;
  std::optional<run::MetricsLog> log_;
  std::optional<run::Progress> progress_;
  Clock::time_point written_ = Clock::now();
  nlohmann::json last_line_;
};

/// Seconds that training will take, from a few steps of the first stack (which are thrown away).
double estimate_seconds(const Plan& plan);

}  // namespace scalemix::inline v0::train
