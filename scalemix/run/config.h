// The configuration of a training run: one struct, and one table of its keys.
//
// The table serves the command line (a flag a key), the config file (TOML), the environment
// (SCALEMIX_TRAIN_<KEY>), config.toml of the run folder, shell completion and the docs. Precedence:
// defaults < file < environment < flags.
//
// Numbers that are 0 (or -1 where 0 means something) and words that are "auto" are chosen from the
// data and the method by run/plan.h and train::resolve(); config.toml holds what was chosen.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "scalemix/train/options.h"

namespace scalemix::inline v0::run {

inline constexpr int kMostThreads = 1024;  // memory for more stacks may not be there

/// How to train, and on what.
struct TrainConfig : train::FitOptions {
  // data
  std::string data = "glyphs";
  std::string target;
  std::string task = "auto";
  std::vector<std::string> categorical, ignore;
  std::string missing = "mean";
  std::string header = "auto";
  std::string decimal = ".", thousands;  // how numbers are written (data/notation.h)
  std::vector<std::string> units, as;    // taken off numbers; "date:COLUMN"
  std::string id;                        // a column that goes with the predictions
  std::string image_size;                // "32x32"; empty: as the pictures are
  // division
  std::string splits = "auto";
  int split = -1;
  int folds = 0;
  double test_fraction = 0.1;
  std::string test;               // a file whose rows are the test set
  std::string stratify = "auto";  // by class; "target": a regression's by its tenths; "none"
  std::string group, time_split;  // columns a division goes by
  // network
  std::string model = "auto";
  std::vector<std::string> method;
  std::string prior;  // on every weight; becomes the method prior:WORD
  std::string from_model;
  std::string teacher;  // a model or run whose answers are learned
  // run
  std::vector<std::string> grid;
  int seeds = 1;
  int threads = 0;
  int samples = -1;
  double checkpoint_seconds = 30;
  int checkpoint_steps = 0;
  std::string out;

  bool operator==(const TrainConfig&) const = default;
};

/// One key: its name in a file (`test_fraction`, the flag is --test-fraction), where it lives, what
/// it takes (words in lower case stand for themselves: "auto|yes|no"), what it means.
struct Field {
  using Member =
      std::variant<std::string TrainConfig::*, int TrainConfig::*, double TrainConfig::*,
                   std::uint64_t TrainConfig::*, std::vector<std::string> TrainConfig::*>;
  std::string_view key;
  Member member;
  std::string_view metavar;
  std::string_view help;
  std::string_view group;
};
const std::vector<Field>& train_fields();

/// "test_fraction" -> "test-fraction"
std::string flag_of(std::string_view key);

/// Sets a key from text. Throws ConfigError naming the key, what is expected and what came;
/// `origin` says where it came from ("--lr", "train.toml:3"). A list is one item a call, appended.
void set_from_text(TrainConfig& config, const Field& field, const std::string& text,
                   const std::string& origin);

/// Reads a TOML file over `config`. Throws FileError, or ConfigError with file, line and, for an
/// unknown key, the nearest known one.
void read_toml(const std::string& path, TrainConfig& config);

/// Whether what an option or a key takes may be a path: FILE, FOLDER, MODEL, RUN or TEACHER, alone or one of
/// several ("NAME|FILE|FOLDER"). It must not be empty where it is given.
bool takes_path(std::string_view metavar);

/// The variables SCALEMIX_TRAIN_<KEY> that are set. Throws ConfigError with the nearest for one that
/// begins so and is of no key.
std::vector<std::string> environment_keys();

/// Takes SCALEMIX_TRAIN_<KEY> for every key that is set in the environment. Throws ConfigError as
/// environment_keys(), and for a value that is none.
void read_environment(TrainConfig& config);

/// The whole config as TOML, enough to repeat the run.
std::string to_toml(const TrainConfig& config);

/// The same as an object of its keys.
nlohmann::ordered_json to_json(const TrainConfig& config);

/// Checks ranges and words; throws ConfigError naming key, range and value.
void validate(const TrainConfig& config);

}  // namespace scalemix::inline v0::run
