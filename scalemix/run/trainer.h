// A training that leaves a run folder: models, log, checkpoints, progress.
#pragma once

#include <atomic>
#include <functional>
#include <string>

#include "scalemix/run/folder.h"
#include "scalemix/run/plan.h"

namespace scalemix::inline v0::run {

struct RunOptions {
  bool quiet = false;
  const std::atomic<bool>* stop = nullptr;  // set by a signal: end the step, write a checkpoint
  /// Gets a sentence for the user now and then: what differs on resume, who stopped early.
  std::function<void(const std::string&)> say = [](const std::string&) {};
};

/// Trains to the end and saves every replica's model; true, or false if a stop ended it with a
/// checkpoint. The folder has its config.toml; a checkpoint in it is resumed from. Throws as
/// check_resume(), Diverged with the last good checkpoint kept, FileError when something cannot be
/// written.
bool train(const Plan& plan, const Folder& folder, const RunOptions& options);

}  // namespace scalemix::inline v0::run
