#include "scalemix/cli/options.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <limits>

#include "scalemix/base/error.h"
#include "scalemix/base/known.h"
#include "scalemix/base/limits.h"
#include "scalemix/base/message.h"
#include "scalemix/base/parallel.h"
#include "scalemix/base/printable.h"
#include "scalemix/run/config.h"

namespace scalemix::inline v0::cli {
namespace {

constexpr std::uint64_t kLastSeed = std::numeric_limits<std::uint64_t>::max();
constexpr std::uint64_t kMostRows = std::numeric_limits<std::uint32_t>::max();
constexpr std::uint64_t kMostReplicas = std::numeric_limits<int>::max();
constexpr std::uint64_t kMostSamples = 1000000;

/// The whole text as a number; nothing if it is none.
template <class T>
std::optional<T> read(const std::string& text) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

/// One of `words`; the nearest is suggested.
CLI::Validator one_of(std::vector<std::string> words) {
  const auto check = [words = std::move(words)](const std::string& text) {
    return std::find(words.begin(), words.end(), text) != words.end() ? std::string()
                                                                      : not_one_of(words, text);
  };
  return {check, ""};
}

}  // namespace

CLI::Validator whole_number(std::uint64_t most) {
  const auto check = [most](std::string& text) {
    const auto value = read<std::uint64_t>(text);
    if (!value || *value > most)
      return fmt::format("must be a whole number from 0 to {}, got {}", most, text);
    text = fmt::format("{}", *value);  // CLI11 would read 010 as octal
    return std::string();
  };
  return {check, ""};
}

CLI::Validator open_share() {
  const auto check = [](std::string& text) {
    const auto value = read<double>(text);
    return value && *value > 0 && *value < 1
               ? std::string()
               : fmt::format("must be a number above 0 and below 1, got {}", text);
  };
  return {check, ""};
}

CLI::Option* take_words(CLI::Option* option, const std::vector<std::string>& words) {
  return option->check(one_of(words))->type_name(fmt::format("{}", fmt::join(words, "|")));
}

void add_model_options(CLI::App& sub, ModelOptions& o) {
  sub.add_option("model", o.path, "Model file or run folder")->required()->type_name("MODEL|RUN");
  sub.add_option("--replica", o.replica,
                 "Only replica K of a run (from 0); default: all, as an ensemble")
      ->type_name("K")
      ->transform(whole_number(kMostReplicas));
}

data::OpenOptions RowOptions::open_options() const {
  data::OpenOptions options;
  if (header != "auto") options.header = header == "yes";
  options.rows = rows;
  options.seed = data_seed;
  options.decimal = decimal;
  options.thousands = thousands;
  options.units = units;
  options.id = id;
  return options;
}

void add_row_options(CLI::App& sub, RowOptions& o, bool required) {
  CLI::Option* data = sub.add_option("--data", o.data,
                                     "Rows: a data set's name, a file, a folder, or - for a "
                                     "table on standard input");
  data->type_name("NAME|FILE|FOLDER|-");
  if (required) data->required();
  take_words(sub.add_option("--header", o.header, "Whether the first row of a table holds names"),
             {"auto", "yes", "no"})
      ->capture_default_str();
  add_notation_options(sub, o.decimal, o.thousands, o.units);
  add_generator_options(sub, o.rows, "--data-seed", o.data_seed);
}

void add_notation_options(CLI::App& sub, std::string& decimal, std::string& thousands,
                          std::vector<std::string>& units) {
  sub.add_option("--decimal", decimal, "The decimal sign of the table's numbers")->type_name(".|,");
  sub.add_option("--thousands", thousands,
                 "What stands between thousands: , . ' _ or space (default: nothing)")
      ->type_name("CHAR");
  sub.add_option("--units", units, "A unit that is taken off numbers, such as $ or % (repeatable)")
      ->type_name("TEXT")
      ->expected(1)
      ->take_all();
}

std::string one_target(const std::vector<std::string>& given) {
  if (given.size() > 1) {
    throw ConfigError(
        fmt::format("--target: {} columns are given; several targets cannot be "
                    "learned at once yet",
                    given.size()));
  }
  return given.empty() ? "" : given[0];
}

void add_generator_options(CLI::App& sub, std::size_t& rows, const char* seed_flag,
                           std::uint64_t& seed) {
  sub.add_option("--rows", rows, "How many rows a generator makes; 0: its default")
      ->type_name("N")
      ->transform(whole_number(kMostRows))
      ->capture_default_str();
  sub.add_option(seed_flag, seed, "Seed of a generator")
      ->type_name("S")
      ->transform(whole_number(kLastSeed))
      ->capture_default_str();
}

void add_draw_options(CLI::App& sub, DrawOptions& o) {
  sub.add_option("--samples", o.samples,
                 "Monte-Carlo draws; 0: deterministic; default: 100 if the network has "
                 "noise, else 0")
      ->type_name("N")
      ->transform(whole_number(kMostSamples));
  sub.add_option("--seed", o.seed, "Seed of the draws")
      ->type_name("S")
      ->transform(whole_number(kLastSeed))
      ->capture_default_str();
}

void add_threads_option(CLI::App& sub, int& threads) {
  sub.add_option("--threads", threads, "Threads; 0: all cores")
      ->type_name("N")
      ->transform(whole_number(run::kMostThreads))
      ->capture_default_str();
}

void use_threads(int threads) {
  if (threads > 0) set_threads(threads);
}

namespace {
bool warnings = true;
}

void set_warnings(bool on) { warnings = on; }

void warn(const std::string& what) {
  if (!warnings) return;
  message(fmt::format("scalemix: warning: {}\n", shortened(printable(what, true), kMostMessage)));
}

}  // namespace scalemix::inline v0::cli
