// Options that mean the same in several subcommands, declared once.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "scalemix/data/dataset.h"

namespace scalemix::inline v0::cli {

// Checks for an option's value. The message says what was expected and what came:
// "--rows: must be a whole number from 0 to 9, got -1"; a wrong value is exit code 78.

/// A decimal whole number from 0 to `most`.
CLI::Validator whole_number(std::uint64_t most);
/// A number above 0 and below 1.
CLI::Validator open_share();

/// Names the words an option takes, for the check (the nearest is suggested), the help text and
/// completion: "auto|yes|no".
CLI::Option* take_words(CLI::Option* option, const std::vector<std::string>& words);

/// Which networks: a model file or run folder, and perhaps one replica of it.
struct ModelOptions {
  std::string path;
  int replica = -1;  // all
};
void add_model_options(CLI::App& sub, ModelOptions& o);

/// Which rows, and how to read them.
struct RowOptions {
  std::string data;
  std::string header = "auto";
  std::size_t rows = 0;            // of a generator
  std::uint64_t data_seed = 0;     // of a generator
  std::string decimal, thousands;  // empty: as the model's training table
  std::vector<std::string> units;
  std::string id;

  data::OpenOptions open_options() const;
};
void add_row_options(CLI::App& sub, RowOptions& o, bool required);

/// --decimal, --thousands, --units: how a table's numbers are written.
void add_notation_options(CLI::App& sub, std::string& decimal, std::string& thousands,
                          std::vector<std::string>& units);

/// The one target of an option that may be repeated; empty if there is none. Throws ConfigError for
/// several.
std::string one_target(const std::vector<std::string>& given);

/// --rows and the seed of a generator.
void add_generator_options(CLI::App& sub, std::size_t& rows, const char* seed_flag,
                           std::uint64_t& seed);

/// Monte-Carlo draws.
struct DrawOptions {
  int samples = -1;  // 100 if the network has noise
  std::uint64_t seed = 0;
};
void add_draw_options(CLI::App& sub, DrawOptions& o);

/// --threads N: takes N threads for the whole process; 0 leaves what is.
void add_threads_option(CLI::App& sub, int& threads);
void use_threads(int threads);

/// One line on standard error: "scalemix: warning: ..."; nothing while warnings are off.
void warn(const std::string& what);
void set_warnings(bool on);

}  // namespace scalemix::inline v0::cli
