// One training from the command line: of `train`, and of commands that train in their own way.
#pragma once

#include <iosfwd>

#include "scalemix/run/config.h"

namespace scalemix::inline v0::cli {

struct TrainSwitches {
  bool dry_run = false, json = false, quiet = false;
};

/// Announces, trains into config.out (empty: a folder named after the run), evaluates, prints. Returns an
/// exit code; throws as run::make_plan and training do.
int train_anew(const TrainSwitches& switches, run::TrainConfig config, std::ostream& out);

}  // namespace scalemix::inline v0::cli
