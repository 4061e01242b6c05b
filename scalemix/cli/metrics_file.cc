#include "scalemix/cli/metrics_file.h"

#include <fmt/format.h>

#include <filesystem>

#include "scalemix/base/error.h"
#include "scalemix/base/json_text.h"
#include "scalemix/base/read_file.h"
#include "scalemix/run/folder.h"

namespace scalemix::inline v0::cli {

bool has_metrics(const std::string& path) {
  return std::filesystem::is_directory(path) &&
         std::filesystem::exists(run::Folder::open(path).metrics());
}

nlohmann::ordered_json load_metrics(const std::string& path) {
  const std::string file = run::Folder::open(path).metrics();
  if (!std::filesystem::exists(file)) {
    throw FileError(
        file, "the run has not ended, so it has no metrics yet; give --data to evaluate its model",
        true);
  }
  try {
    const auto metrics = parse_json<nlohmann::ordered_json>(read_file(file));
    for (const char* key : {"summary", "replicas"}) {
      if (!metrics.contains(key)) {
        throw DataError(file, 0, 0, fmt::format("expected the key '{}', which is not there", key));
      }
    }
    return metrics;
  } catch (const std::invalid_argument& error) {
    throw DataError(file, 0, 0,
                    fmt::format("expected the JSON that train wrote: {}", error.what()));
  }
}

}  // namespace scalemix::inline v0::cli
