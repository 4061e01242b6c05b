// A run folder: everything about one training run, in one place.
//
//   config.toml          the resolved config, enough to repeat the run
//   data.sha256          digest of the file it was trained on, if it was one; sha256sum -c reads it
//   metrics.jsonl        one object an epoch, appended; cut back to the checkpoint on resume
//   metrics.json         the final numbers
//   model.safetensors    or replica-000/model.safetensors, ... where several were trained
//   checkpoint/          state.safetensors, for resume by the same version only
#pragma once

#include <cstdint>
#include <fstream>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace scalemix::inline v0::run {

class Folder {
 public:
  /// Makes a folder for a new run. Throws FileError if it cannot be made or written, or ConfigError
  /// if it already holds a run.
  static Folder create(const std::string& path);
  /// An existing run. Throws FileError (missing) if `path` is no folder with a config.toml.
  static Folder open(const std::string& path);
  /// runs/STEM, or runs/STEM-2, -3, ... : the first that holds no run.
  static std::string fresh_path(const std::string& stem);

  const std::string& path() const { return path_; }
  std::string config() const { return path_ + "/config.toml"; }
  std::string metrics_log() const { return path_ + "/metrics.jsonl"; }
  std::string metrics() const { return path_ + "/metrics.json"; }
  std::string checkpoint() const { return path_ + "/checkpoint/state.safetensors"; }
  /// Where the model of a replica goes, its folder made.
  std::string model(std::size_t replica, std::size_t replicas) const;
  /// The models that are there, in replica order; empty before training ended.
  std::vector<std::string> models() const;

 private:
  explicit Folder(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

/// Paths of the models that a word names: a model file, or a run folder (all its replicas). Throws
/// FileError saying what was looked for.
std::vector<std::string> find_models(const std::string& path);

/// Notes in a new run's folder which file `data` names; nothing for a named set, a folder or
/// standard input. Throws FileError.
void record_data(const Folder& folder, const std::string& data);

/// Whether `data` names a file with the bytes of the one that a run was trained on; `path` is the
/// run's folder or a model in it. False where no digest was recorded.
bool trained_on(const std::string& path, const std::string& data);

/// The metrics log: JSON lines, flushed as they are written.
class MetricsLog {
 public:
  /// Opens for appending after cutting back to `offset` bytes. Throws FileError.
  MetricsLog(const std::string& path, std::uint64_t offset);
  void append(const nlohmann::json& line);
  std::uint64_t offset() const { return offset_; }

 private:
  std::string path_;
  std::ofstream out_;
  std::uint64_t offset_;
};

}  // namespace scalemix::inline v0::run
