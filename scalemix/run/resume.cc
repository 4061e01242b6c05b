#include "scalemix/run/resume.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "scalemix/base/error.h"
#include "scalemix/base/sha256.h"
#include "scalemix/data/fingerprint.h"
#include "scalemix/train/checkpoint.h"

namespace scalemix::inline v0::run {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using Say = std::function<void(const std::string&)>;

// Keys that decide nothing about the numbers. That of the threads is said as a difference of bits; the
// data itself is compared, whatever its path.
constexpr std::string_view kOfNoMatter[] = {"out", "checkpoint_seconds", "checkpoint_steps",
                                            "threads", "data"};

TrainConfig config_of(const Folder& folder) {
  TrainConfig config;
  read_toml(folder.config(), config);
  return config;
}

/// Digests of the models that a word names; none of an empty one.
std::vector<std::string> digests_of(const std::string& word) {
  std::vector<std::string> out;
  if (word.empty()) return out;
  for (const std::string& file : find_models(word)) out.push_back(sha256_file(file));
  return out;
}

void check_config(const Folder& folder, const json& was, const json& is, const Say& say) {
  std::vector<std::string> differ;
  for (const auto& [key, value] : is.items()) {
    const json before = was.value(key, json());
    if (before == value) continue;
    const std::string text = fmt::format("{} is {}, was {}", key, value.dump(), before.dump());
    const bool matters =
        std::find(std::begin(kOfNoMatter), std::end(kOfNoMatter), key) == std::end(kOfNoMatter);
    if (matters) {
      differ.push_back(text);
    } else {
      say(folder.config() + ": " + text);
    }
  }
  if (differ.empty()) return;
  throw ConfigError(fmt::format(
      "{}: {}; a run goes on as it began. To train with this config: --config {} --out ANOTHER",
      folder.config(), fmt::join(differ, "; "), folder.config()));
}

void check_data(const Plan& plan, const Folder& folder, const json& was, const Say& say) {
  const std::vector<std::string> differ = data::differences(was, data::fingerprint(plan.data));
  const std::string& name = plan.config.data;
  if (!differ.empty()) {
    throw DataError(name, 0, 0,
                    fmt::format("is not the data that {} began with: {}; a run goes on with the "
                                "same data, other data is another run",
                                folder.path(), fmt::join(differ, ", ")));
  }
  if (!is_another_file(folder, name)) return;
  say(name + ": another file than at first, with the same content");
  record_data(folder, name);
}

/// Of a run without a checkpoint: nothing may have been trained.
void check_not_begun(const Plan& plan, const Folder& folder) {
  std::error_code none;
  const bool logged =
      fs::exists(folder.metrics_log()) && fs::file_size(folder.metrics_log(), none) > 0;
  if (logged || !folder.models().empty()) {
    throw FileError(folder.checkpoint(),
                    "is missing, and training had begun; put it back, or train anew with another "
                    "--out",
                    true);
  }
  if (!is_another_file(folder, plan.config.data)) return;
  throw DataError(plan.config.data, 0, 0,
                  fmt::format("is not the file that {} was made for", folder.path()));
}

void check_models(const Plan& plan, const Folder& folder, std::size_t finished_stacks) {
  const auto groups = train::group(plan);
  for (std::size_t g = 0; g < std::min(finished_stacks, groups.size()); ++g) {
    for (const std::size_t replica : groups[g]) {
      const std::string path = folder.model_path(replica, plan.replicas.size());
      if (!fs::exists(path)) throw FileError(path, "is missing; it had been trained", true);
    }
  }
}

}  // namespace

std::string identity(const Plan& plan, const Folder& folder) {
  const TrainConfig config = config_of(folder);
  return json{{"config", to_json(config)},
              {"data", data::fingerprint(plan.data)},
              {"from", digests_of(config.from_model)},
              {"teacher", digests_of(config.teacher)}}
      .dump(-1, ' ', false, json::error_handler_t::replace);
}

std::uint64_t check_resume(const Plan& plan, const Folder& folder, const Say& say) {
  if (!fs::exists(folder.checkpoint())) {
    check_not_begun(plan, folder);
    return 0;
  }
  const train::Position position = train::read_position(folder.checkpoint());
  const json was = json::parse(position.about, nullptr, false);
  if (!was.is_object() || !was.contains("config") || !was.contains("data")) {
    throw DataError(folder.checkpoint(), 0, 0, "does not say which run it is of");
  }
  // As the checkpoint keeps it: what is no UTF-8 is replaced.
  const json is = json::parse(identity(plan, folder));
  check_config(folder, was["config"], is["config"], say);
  check_data(plan, folder, was["data"], say);
  for (const char* key : {"from", "teacher"}) {
    if (was.value(key, json()) == is[key]) continue;
    throw DataError(is["config"][key], 0, 0,
                    fmt::format("is not the model that {} began with (--{})", folder.path(), key));
  }
  check_models(plan, folder, position.stack);
  return position.log_offset;
}

void check_finished(const Folder& folder, std::size_t replicas, const Say& say) {
  for (std::size_t r = 0; r < replicas; ++r) {
    const std::string path = folder.model_path(r, replicas);
    if (!fs::exists(path)) throw FileError(path, "is missing; the run had finished it", true);
  }
  for (const std::string& path : {folder.metrics_log(), folder.checkpoint()}) {
    if (!fs::exists(path)) say("warning: " + path + " is missing");
  }
}

}  // namespace scalemix::inline v0::run
