// A run folder: everything about one training run, in one place.
//
//   config.toml          the resolved config, enough to repeat the run
//   data.sha256          digest of the file it was trained on, if it was one; sha256sum -c reads it
//   metrics.jsonl        one object an epoch, appended; cut back to the checkpoint on resume
//   metrics.json         the final numbers
//   model.safetensors    or replica-000/model.safetensors, ... where several were trained
//   checkpoint/          state.safetensors, for resume by the same version only
//   .lock                held by the process that trains the run, and empty of meaning otherwise
#pragma once

#include <cstdint>
#include <fstream>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "scalemix/base/file_lock.h"

namespace scalemix::inline v0::run {

class Folder {
 public:
  /// Makes a folder for a new run and keeps every other process from writing to it as long as this
  /// object or a copy lives. Throws FileError if it cannot be made or written, or ConfigError if it
  /// already holds a run, is taken by another process, or holds anything else.
  static Folder create(const std::string& path);
  /// The same in runs/STEM, or runs/STEM-2, -3, ... : the first that is not there yet.
  static Folder create_fresh(const std::string& stem);
  /// An existing run, to read. Throws FileError (missing) if `path` is no folder with a config.toml.
  static Folder open(const std::string& path);
  /// An existing run, to go on with: taken as by create(), and cleared of what a killed write left.
  /// Throws as open(), and FileError if another process trains it.
  static Folder resume(const std::string& path);
  /// runs/STEM, or runs/STEM-2, -3, ... : the first that is not there yet.
  static std::string fresh_path(const std::string& stem);

  const std::string& path() const { return path_; }
  std::string config() const { return path_ + "/config.toml"; }
  std::string metrics_log() const { return path_ + "/metrics.jsonl"; }
  std::string metrics() const { return path_ + "/metrics.json"; }
  std::string checkpoint() const { return path_ + "/checkpoint/state.safetensors"; }
  std::string data_digest() const { return path_ + "/data.sha256"; }
  /// Where the model of a replica lies.
  std::string model_path(std::size_t replica, std::size_t replicas) const;
  /// The same, its folder made.
  std::string model(std::size_t replica, std::size_t replicas) const;
  /// The models that are there, in replica order; empty before training ended.
  std::vector<std::string> models() const;

 private:
  explicit Folder(std::string path) : path_(std::move(path)) {}
  std::string path_;
  std::shared_ptr<FileLock> lock_;  // of a folder to write to
};

/// Paths of the models that a word names: a model file, or a run folder (all its replicas). Throws
/// FileError saying what was looked for.
std::vector<std::string> find_models(const std::string& path);

/// Whether a folder holds a run: a config.toml, and more of what a run keeps.
bool is_run(const std::string& path);

/// Whether `path` is one of the files that a run keeps (its config, log, model, ...), there or not yet,
/// so that no other output may take its place. Throws FileError as output_place().
bool is_kept_by_run(const std::string& path);

/// Notes in a run's folder which file `data` names; nothing for a named set, a folder or
/// standard input. Throws FileError.
void record_data(const Folder& folder, const std::string& data);

/// Whether record_data() noted a file other than what `data` names now. False where nothing was noted.
bool is_another_file(const Folder& folder, const std::string& data);

/// Locks a folder that is there for this process; null if another one has it. Throws FileError.
std::unique_ptr<FileLock> lock_folder(const std::string& path);
/// Who has it: "process 4711 on HOST".
std::string holder_of(const std::string& path);

/// Whether `data` names a file with the bytes of the one that a run was trained on; `path` is the
/// run's folder or a model in it. False where no digest was recorded.
bool trained_on(const std::string& path, const std::string& data);

/// The metrics log: JSON lines, flushed as they are written.
class MetricsLog {
 public:
  /// Opens for appending after cutting back to `offset` bytes. Throws FileError, also where the log is
  /// shorter than that or gone.
  MetricsLog(const std::string& path, std::uint64_t offset);
  void append(const nlohmann::json& line);
  std::uint64_t offset() const { return offset_; }

 private:
  std::string path_;
  std::ofstream out_;
  std::uint64_t offset_;
};

}  // namespace scalemix::inline v0::run
