// What a run must be to go on: the one that it was.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "scalemix/run/folder.h"
#include "scalemix/run/plan.h"

namespace scalemix::inline v0::run {

/// What a checkpoint keeps of its run, to know it again: the config that lies in the folder, a
/// fingerprint of the data, and digests of the models that it starts from or learns from.
std::string identity(const Plan& plan, const Folder& folder);

/// Compares a run with what its folder holds, before the first step. Returns how much of the log a
/// checkpoint continues; 0 where there is none and nothing has been trained. What differs and cannot
/// matter (where the data lies, how often a checkpoint is written) goes to `say`. Throws
///   - ConfigError that names every key of config.toml that is another than when training began;
///   - DataError if the data or such a model is not what it was, or if the checkpoint is damaged;
///   - FileError (missing) if there is no checkpoint though training had begun, or no model of a
///     replica that was finished.
std::uint64_t check_resume(const Plan& plan, const Folder& folder,
                           const std::function<void(const std::string&)>& say);

/// Of a run whose metrics.json says that it is finished: throws FileError (missing) if one of its
/// models is gone, and tells `say` of a log or a checkpoint that is.
void check_finished(const Folder& folder, std::size_t replicas,
                    const std::function<void(const std::string&)>& say);

}  // namespace scalemix::inline v0::run
