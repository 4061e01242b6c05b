// Every key of the training config as a flag: of `train`, and of commands that train several times.
#pragma once

#include <CLI/CLI.hpp>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "scalemix/run/config.h"

namespace scalemix::inline v0::cli {

struct TrainKeys {
  std::vector<std::vector<std::string>> given;  // words of each flag, in the table's order
  std::string config_file;

  /// Defaults < file < environment < flags.
  run::TrainConfig config() const;
  /// A flag that was given, or "config"; empty if none was.
  std::string first_given() const;
};

/// All keys but those in `without`, and --config.
std::shared_ptr<TrainKeys> add_train_keys(CLI::App& sub,
                                          const std::vector<std::string_view>& without);

/// Takes config.threads for the process; 0 becomes what is.
void use_threads(run::TrainConfig& config);

}  // namespace scalemix::inline v0::cli
