#include "scalemix/run/folder.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <system_error>

#include "scalemix/base/atomic_file.h"
#include "scalemix/base/error.h"
#include "scalemix/base/output_place.h"
#include "scalemix/base/sha256.h"
#include "scalemix/data/registry.h"

namespace scalemix::inline v0::run {
namespace fs = std::filesystem;
namespace {

constexpr const char* kModel = "model.safetensors";
constexpr const char* kDataDigest = "data.sha256";
constexpr const char* kConfig = "config.toml";
constexpr const char* kLog = "metrics.jsonl";
constexpr const char* kMetrics = "metrics.json";
constexpr const char* kCheckpoints = "checkpoint";
constexpr const char* kState = "state.safetensors";
constexpr const char* kReplica = "replica-";
constexpr const char* kLock = ".lock";

/// Whether a word that names data names one file; named sets win over files.
bool is_file(const std::string& data) { return !data::find_set(data) && fs::is_regular_file(data); }

void make_folder(const fs::path& path) {
  std::error_code error;
  fs::create_directories(path, error);
  if (error) throw FileError(path.string(), "cannot make this folder: " + error.message());
}

/// Of the folder itself and of those in it that a run writes to.
void remove_left_temporaries(const fs::path& folder) {
  std::vector<fs::path> left;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    const bool inner = name == kCheckpoints || name.rfind(kReplica, 0) == 0;
    if (inner && entry.is_directory()) remove_left_temporaries(entry.path());
    if (entry.is_regular_file() && is_left_temporary(name)) left.push_back(entry.path());
  }
  std::error_code failed;  // one that stays is in nobody's way
  for (const fs::path& path : left) fs::remove(path, failed);
}

/// Whether a run that was ended before it had a config.toml may have left this.
bool is_of_a_run_that_never_began(const fs::directory_entry& entry) {
  const std::string name = entry.path().filename().string();
  if (name == kLock || name == kDataDigest || is_left_temporary(name)) return true;
  return name == kCheckpoints && entry.is_directory() && fs::is_empty(entry.path());
}

/// Throws ConfigError if a folder holds anything that a new run must not touch.
void expect_free(const std::string& path) {
  if (fs::exists(path + "/" + kConfig)) {
    throw ConfigError(path + ": already holds a run; give another --out, or --resume " + path);
  }
  if (!fs::is_directory(path)) return;
  for (const fs::directory_entry& entry : fs::directory_iterator(path)) {
    if (is_of_a_run_that_never_began(entry)) continue;
    throw ConfigError(fmt::format("{}: holds {}; a run takes a new or an empty folder", path,
                                  entry.path().filename().string()));
  }
}

}  // namespace

Folder Folder::create(const std::string& path) {
  Folder folder(path);
  expect_free(path);
  make_folder(path);
  folder.lock_ = lock_folder(path);
  if (!folder.lock_) {
    throw ConfigError(
        fmt::format("{}: already holds a run, by {}; give another --out", path, holder_of(path)));
  }
  expect_free(path);  // nobody else changes it from here on
  remove_left_temporaries(path);
  make_folder(fs::path(folder.checkpoint()).parent_path());
  return folder;
}

Folder Folder::create_fresh(const std::string& stem) {
  for (;;) {
    const std::string path = fresh_path(stem);
    make_folder(fs::path(path).parent_path());
    std::error_code error;
    // Of two processes that saw it free, one makes it.
    if (fs::create_directory(path, error)) return create(path);
    if (error) throw FileError(path, "cannot make this folder: " + error.message());
  }
}

Folder Folder::resume(const std::string& path) {
  Folder folder = open(path);
  folder.lock_ = lock_folder(path);
  if (!folder.lock_) {
    throw FileError(path, fmt::format("{} trains this run now; resume it when that has ended",
                                      holder_of(path)));
  }
  remove_left_temporaries(path);
  make_folder(fs::path(folder.checkpoint()).parent_path());
  return folder;
}

Folder Folder::open(const std::string& path) {
  const Folder folder(path);
  if (!fs::is_directory(path)) throw FileError(path, "no such run folder", true);
  if (!fs::exists(folder.config())) {
    throw FileError(path, "is not a run folder: it has no config.toml", true);
  }
  return folder;
}

std::string Folder::fresh_path(const std::string& stem) {
  std::string name;
  for (const char c : stem) {
    name +=
        std::isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '.' || c == '_' ? c : '-';
  }
  const std::string base = "runs/" + name;
  std::string path = base;
  for (int i = 2; fs::exists(path); ++i) path = fmt::format("{}-{}", base, i);
  return path;
}

std::string Folder::model_path(std::size_t replica, std::size_t replicas) const {
  if (replicas == 1) return path_ + "/" + kModel;
  return fmt::format("{}/{}{:03}/{}", path_, kReplica, replica, kModel);
}

std::string Folder::model(std::size_t replica, std::size_t replicas) const {
  const std::string path = model_path(replica, replicas);
  make_folder(fs::path(path).parent_path());
  return path;
}

std::vector<std::string> Folder::models() const {
  const std::string single = path_ + "/" + kModel;
  if (fs::exists(single)) return {single};
  std::vector<std::string> found;
  for (const fs::directory_entry& entry : fs::directory_iterator(path_)) {
    const fs::path file = entry.path() / kModel;
    if (entry.path().filename().string().rfind(kReplica, 0) == 0 && fs::exists(file)) {
      found.push_back(file.string());
    }
  }
  std::sort(found.begin(), found.end());
  return found;
}

std::vector<std::string> find_models(const std::string& path) {
  if (!fs::exists(path)) throw FileError(path, "no such model file or run folder", true);
  if (!fs::is_directory(path)) return {path};
  if (const fs::path file = fs::path(path) / kModel; fs::exists(file)) return {file.string()};
  const std::vector<std::string> found = Folder::open(path).models();
  if (found.empty()) {
    throw FileError(
        path, "holds no model yet; resume the run with: scalemix train --resume " + path, true);
  }
  return found;
}

bool is_run(const std::string& path) {
  std::error_code failed;
  const fs::path folder(path);
  if (!fs::is_regular_file(folder / kConfig, failed)) return false;
  for (const char* name : {kLog, kModel, kCheckpoints, "replica-000"}) {
    if (fs::exists(folder / name, failed)) return true;
  }
  return false;
}

bool is_kept_by_run(const std::string& path) {
  const fs::path file(output_place(path).path);
  const fs::path folder = folder_of(file.string());
  const std::string name = file.filename().string();
  for (const char* kept : {kConfig, kLog, kMetrics, kModel, kDataDigest}) {
    if (name == kept && is_run(folder.string())) return true;
  }
  const fs::path inside = fs::absolute(folder).lexically_normal();
  const std::string inner = inside.filename().string();
  const bool state = name == kState && inner == kCheckpoints;
  const bool replica = name == kModel && inner.rfind(kReplica, 0) == 0;
  return (state || replica) && is_run(inside.parent_path().string());
}

void record_data(const Folder& folder, const std::string& data) {
  if (!is_file(data)) {
    std::error_code none;  // of a run that never began here
    fs::remove(folder.data_digest(), none);
    return;
  }
  write_atomically(folder.data_digest(),
                   fmt::format("{}  {}\n", sha256_file(data), fs::absolute(data).string()));
}

std::unique_ptr<FileLock> lock_folder(const std::string& path) {
  return FileLock::take(path + "/" + kLock);
}

std::string holder_of(const std::string& path) { return FileLock::holder(path + "/" + kLock); }

bool is_another_file(const Folder& folder, const std::string& data) {
  std::ifstream in(folder.data_digest());
  std::string digest;
  return in >> digest && (!is_file(data) || digest != sha256_file(data));
}

bool trained_on(const std::string& path, const std::string& data) {
  if (!is_file(data)) return false;
  fs::path place = fs::absolute(path);
  if (!fs::is_directory(place)) place = place.parent_path();
  if (place.filename().string().rfind(kReplica, 0) == 0) place = place.parent_path();
  std::ifstream in(place / kDataDigest);
  std::string digest;
  return in >> digest && digest == sha256_file(data);
}

MetricsLog::MetricsLog(const std::string& path, std::uint64_t offset)
    : path_(path), offset_(offset) {
  std::error_code error;
  if (!fs::exists(path) && offset > 0) {
    throw FileError(path, "is missing, and its checkpoint continues it; was it moved?", true);
  }
  if (fs::exists(path)) {
    if (fs::file_size(path) < offset) {
      throw FileError(path, "is shorter than its checkpoint says; was it edited?");
    }
    fs::resize_file(path, offset, error);
    if (error) throw FileError(path, "cannot be cut back: " + error.message());
  }
  out_.open(path, std::ios::app | std::ios::binary);
  if (!out_) throw FileError(path, "cannot be written");
}

void MetricsLog::append(const nlohmann::json& line) {
  const std::string text = line.dump() + "\n";
  out_ << text << std::flush;
  if (!out_) throw FileError(path_, "cannot be written (is the disk full?)");
  offset_ += text.size();
}

}  // namespace scalemix::inline v0::run
