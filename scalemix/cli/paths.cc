#include "scalemix/cli/paths.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <optional>

#include "scalemix/base/error.h"
#include "scalemix/base/output_place.h"
#include "scalemix/data/registry.h"
#include "scalemix/run/config.h"
#include "scalemix/run/folder.h"

namespace scalemix::inline v0::cli {
namespace {

namespace fs = std::filesystem;

constexpr const char* kWritten = "written";

/// A file's identity, whatever it is called.
struct Identity {
  dev_t device;
  ino_t number;
  bool operator==(const Identity&) const = default;
};

std::optional<Identity> identity_of(const std::string& path) {
  struct stat status {};
  const int failed = path == "-" ? ::fstat(STDIN_FILENO, &status) : ::stat(path.c_str(), &status);
  // A terminal may well be both.
  if (failed != 0 || S_ISCHR(status.st_mode)) return std::nullopt;
  return Identity{status.st_dev, status.st_ino};
}

/// The folder or file that an input's word stands for.
std::string place_of_input(const std::string& word) {
  const data::NamedSet* set = data::find_set(word);
  return set ? data::locate(*set).value_or("") : word;
}

/// Whether `path` is there and lies in a folder that is read. Of a run folder only what the run keeps
/// is, which check_written() looks at by itself.
bool lies_in(const std::string& path, const std::string& folder) {
  std::error_code failed;
  if (!fs::is_directory(folder, failed) || run::is_run(folder)) return false;
  const fs::path file = fs::canonical(path, failed);
  if (failed) return false;
  const fs::path base = fs::canonical(folder, failed);
  if (failed) return false;
  return std::mismatch(base.begin(), base.end(), file.begin(), file.end()).first == base.end();
}

std::string name_of(const CLI::Option& option) {
  return option.get_lnames().empty() ? option.get_name() : "--" + option.get_lnames().front();
}

/// The paths given for the options that are written, or for the others.
std::vector<std::pair<std::string, std::string>> paths_of(const CLI::App& sub, bool written) {
  std::vector<std::pair<std::string, std::string>> out;
  for (const CLI::Option* option : sub.get_options()) {
    if (option->count() == 0 || is_written(*option) != written) continue;
    if (!written && !run::takes_path(option->get_type_name())) continue;
    for (const std::string& path : option->results()) out.emplace_back(name_of(*option), path);
  }
  return out;
}

}  // namespace

CLI::Option* writes(CLI::Option* option) {
  // A check that refuses nothing, found again by its name.
  return option->check(
      CLI::Validator([](const std::string&) { return std::string(); }, "", kWritten));
}

bool is_written(const CLI::Option& option) {
  try {
    return const_cast<CLI::Option&>(option).get_validator(kWritten) != nullptr;
  } catch (const CLI::OptionNotFound&) {
    return false;
  }
}

void check_written(const std::string& flag, const std::string& path,
                   const std::vector<std::string>& inputs) {
  if (path == "-") {
    throw ConfigError(
        fmt::format("{}: expected a file's name, got '-'; standard output is /dev/stdout", flag));
  }
  check_output(path);
  const auto written = identity_of(path);
  for (const std::string& word : inputs) {
    const std::string input = place_of_input(word);
    if ((written && written == identity_of(input)) || lies_in(path, input)) {
      const bool model = run::is_run(input) || input.ends_with(".safetensors");
      throw ConfigError(
          fmt::format("{}: {} would replace the {} it is made from; write to another file", flag,
                      path, model ? "model" : "data"));
    }
  }
  if (run::is_kept_by_run(path)) {
    throw ConfigError(fmt::format("{}: {} belongs to a run; write to another file", flag, path));
  }
}

void check_paths(const CLI::App& sub) {
  std::vector<std::string> inputs;
  for (const auto& [flag, path] : paths_of(sub, false)) {
    if (path.empty()) throw ConfigError(flag + ": expected a path, got ''");
    inputs.push_back(path);
  }
  std::vector<std::pair<std::string, std::string>> before;
  for (const auto& [flag, path] : paths_of(sub, true)) {
    if (path.empty()) throw ConfigError(flag + ": expected a path, got ''");
    check_written(flag, path, inputs);
    const OutputPlace place = output_place(path);
    // Devices, pipes and what is open already may well get several.
    if (place.kind != OutputPlace::Kind::file && place.kind != OutputPlace::Kind::fresh) continue;
    const std::string file = fs::weakly_canonical(place.path).string();
    for (const auto& [other, taken] : before) {
      if (taken == file) {
        throw ConfigError(fmt::format("{} and {} name one file, {}", other, flag, path));
      }
    }
    before.emplace_back(flag, file);
  }
}

}  // namespace scalemix::inline v0::cli
