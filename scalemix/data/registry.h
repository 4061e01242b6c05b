// The data sets that have a name: where each comes from, what its licence is, which files it needs,
// and where they lie on this machine. The generators are sets too; they need no file.
//
// Files are looked for in $SCALEMIX_DATA/<folder>, then in the cache: $SCALEMIX_CACHE, else
// $XDG_CACHE_HOME/scalemix, else ~/.cache/scalemix.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "scalemix/base/task.h"
#include "scalemix/data/dataset.h"
#include "scalemix/data/download.h"

namespace scalemix::inline v0::data {

/// A file of a set: its path below the set's folder, its digest, and where it may be fetched.
struct NamedFile {
  std::string path;
  std::string sha256;             // empty: not known, so not downloadable
  std::uint64_t size = 0;         // bytes; 0: not known, so not downloadable
  std::vector<std::string> urls;  // tried in order
};

/// A set is generated or read: one of `generate` and `read` is there, the other is null.
struct NamedSet {
  std::string name;                  // "uci:concrete"
  std::vector<std::string> aliases;  // other accepted names
  std::string summary;               // one line
  Task task = Task::regression;
  std::size_t rows = 0;            // generators: the default
  std::vector<std::size_t> shape;  // of one input
  std::string source, licence;
  std::string folder;  // below $SCALEMIX_DATA or the cache; empty for generators
  std::vector<NamedFile> files;
  Dataset (*generate)(std::size_t rows, std::uint64_t seed) = nullptr;
  Dataset (*read)(const std::string& folder) = nullptr;

  bool generated() const { return generate != nullptr; }
  bool downloadable() const;
};

/// All sets: generators first. Built once.
const std::vector<NamedSet>& named_sets();

/// The set of that name or alias; null if there is none.
const NamedSet* find_set(const std::string& name);

/// Throws ConfigError "unknown data set 'x', did you mean 'y'?".
const NamedSet& named_set(const std::string& name);

/// Folder of the download cache; need not exist.
std::string cache_folder();

/// The folder that holds all files of the set, if there is one.
std::optional<std::string> locate(const NamedSet& set);

/// Downloads what the cache lacks of a set and returns its folder; does nothing if $SCALEMIX_DATA
/// or the cache has it. Throws ConfigError for a set that cannot be downloaded, with what to do
/// instead; DataError for a wrong checksum; FileError for a failed transfer or write.
std::string get(const NamedSet& set, const Progress& progress = {});

/// Opens a set that is generated or lies on this machine. Throws FileError (missing) that says how
/// to get it.
Dataset open_set(const NamedSet& set, const OpenOptions& options = {});

}  // namespace scalemix::inline v0::data
