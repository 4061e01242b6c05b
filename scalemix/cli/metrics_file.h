// What a run measured at its end: metrics.json of its folder.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace scalemix::inline v0::cli {

/// Whether the run at `path` has ended and left its metrics; false for a model file.
bool has_metrics(const std::string& path);

/// {"summary": {METRIC: {"mean", "standard_error"}}, "replicas": [{"metrics": {...}}, ...], ...}.
/// Throws FileError (missing) if the run has not ended, DataError if the file is not what train
/// wrote.
nlohmann::ordered_json load_metrics(const std::string& path);

}  // namespace scalemix::inline v0::cli
