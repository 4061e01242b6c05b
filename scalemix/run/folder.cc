#include "scalemix/run/folder.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <system_error>

#include "scalemix/base/atomic_file.h"
#include "scalemix/base/error.h"
#include "scalemix/base/sha256.h"
#include "scalemix/data/registry.h"

namespace scalemix::inline v0::run {
namespace fs = std::filesystem;
namespace {

constexpr const char* kModel = "model.safetensors";
constexpr const char* kDataDigest = "data.sha256";

/// Whether a word that names data names one file; named sets win over files.
bool is_file(const std::string& data) { return !data::find_set(data) && fs::is_regular_file(data); }

void make_folder(const fs::path& path) {
  std::error_code error;
  fs::create_directories(path, error);
  if (error) throw FileError(path.string(), "cannot make this folder: " + error.message());
}

}  // namespace

Folder Folder::create(const std::string& path) {
  const Folder folder(path);
  if (fs::exists(folder.config())) {
    throw ConfigError(path + ": already holds a run; give another --out, or --resume " + path);
  }
  make_folder(path);
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

std::string Folder::model(std::size_t replica, std::size_t replicas) const {
  if (replicas == 1) return path_ + "/" + kModel;
  const std::string folder = fmt::format("{}/replica-{:03}", path_, replica);
  make_folder(folder);
  return folder + "/" + kModel;
}

std::vector<std::string> Folder::models() const {
  const std::string single = path_ + "/" + kModel;
  if (fs::exists(single)) return {single};
  std::vector<std::string> found;
  for (const fs::directory_entry& entry : fs::directory_iterator(path_)) {
    const fs::path file = entry.path() / kModel;
    if (entry.path().filename().string().rfind("replica-", 0) == 0 && fs::exists(file)) {
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

void record_data(const Folder& folder, const std::string& data) {
  if (!is_file(data)) return;
  write_atomically(folder.path() + "/" + kDataDigest,
                   fmt::format("{}  {}\n", sha256_file(data), fs::absolute(data).string()));
}

bool trained_on(const std::string& path, const std::string& data) {
  if (!is_file(data)) return false;
  fs::path place = fs::absolute(path);
  if (!fs::is_directory(place)) place = place.parent_path();
  if (place.filename().string().rfind("replica-", 0) == 0) place = place.parent_path();
  std::ifstream in(place / kDataDigest);
  std::string digest;
  return in >> digest && digest == sha256_file(data);
}

MetricsLog::MetricsLog(const std::string& path, std::uint64_t offset)
    : path_(path), offset_(offset) {
  std::error_code error;
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
