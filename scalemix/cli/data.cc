// scalemix data list|describe|get|convert|generate
//
// Data sets: what there is by name, what is in one, fetching, rewriting and making them.

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <ostream>

#include "scalemix/base/error.h"
#include "scalemix/base/message.h"
#include "scalemix/cli/command.h"
#include "scalemix/cli/exit_code.h"
#include "scalemix/cli/options.h"
#include "scalemix/cli/paths.h"
#include "scalemix/cli/table.h"
#include "scalemix/data/convert.h"
#include "scalemix/data/describe.h"
#include "scalemix/data/registry.h"
#include "scalemix/run/progress.h"

namespace scalemix::inline v0::cli {
namespace {

using nlohmann::ordered_json;

/// How to read a table, as in `train`.
struct ReadOptions {
  std::string what, task = "auto", missing = "mean", header = "auto";
  std::vector<std::string> target, categorical, ignore, as, units;
  std::string decimal, thousands, id;
  std::size_t rows = 0;
  std::uint64_t seed = 0;

  data::OpenOptions open_options() const {
    data::OpenOptions o;
    o.target = one_target(target);
    o.as = as;
    o.id = id;
    o.decimal = decimal;
    o.thousands = thousands;
    o.units = units;
    o.exact = true;
    if (task != "auto") o.task = task == "regression" ? Task::regression : Task::classification;
    o.categorical = categorical;
    o.ignore = ignore;
    o.missing = missing;
    if (header != "auto") o.header = header == "yes";
    o.rows = rows;
    o.seed = seed;
    return o;
  }
};

struct DataOptions {
  ReadOptions read;
  std::string out;
  bool json = false, quiet = false;
};

void add_read_options(CLI::App& sub, ReadOptions& o) {
  sub.add_option("data", o.what, "A data set's name, a file, a folder, or - for standard input")
      ->required()
      ->type_name("NAME|FILE|FOLDER");
  sub.add_option("--target", o.target, "Target column, by name or number from 1; default: the last")
      ->type_name("COLUMN")
      ->expected(1)
      ->take_all();
  take_words(sub.add_option("--task", o.task, "What the target is; auto: text makes classes"),
             {"auto", "regression", "classification"})
      ->capture_default_str();
  sub.add_option("--categorical", o.categorical,
                 "Read a column of numbers as categories (repeatable)")
      ->type_name("COLUMN")
      ->expected(1)
      ->take_all();
  sub.add_option("--ignore", o.ignore, "Leave a column out (repeatable, or a,b)")
      ->type_name("COLUMN")
      ->expected(1)
      ->take_all();
  sub.add_option("--as", o.as,
                 "Read a column as number, category, date, or as one part of a date: year, month, "
                 "weekday, seconds (repeatable)")
      ->type_name("KIND:COLUMN")
      ->expected(1)
      ->take_all();
  sub.add_option("--id", o.id, "No input: a column that goes with the predictions")
      ->type_name("COLUMN");
  add_notation_options(sub, o.decimal, o.thousands, o.units);
  take_words(sub.add_option("--missing", o.missing,
                            "What to do with missing cells; drop: leave the row out"),
             {"mean", "error", "drop"})
      ->capture_default_str();
  take_words(sub.add_option("--header", o.header, "Whether the first row holds names"),
             {"auto", "yes", "no"})
      ->capture_default_str();
}

/// Where a set stands: "generated", "here", "download" or "elsewhere" (its files must be put in
/// place).
std::string state_of(const data::NamedSet& set) {
  if (set.generated()) return "generated";
  if (data::locate(set)) return "here";
  return set.downloadable() ? "download" : "elsewhere";
}

int list_sets(const DataOptions& o, std::ostream& out) {
  ordered_json rows = ordered_json::array();
  Table table({"name", "task", "input", "where", "summary"});
  for (const data::NamedSet& set : data::named_sets()) {
    const std::string task = set.task == Task::regression ? "regression" : "classification";
    rows.push_back({{"name", set.name},
                    {"task", task},
                    {"shape", set.shape},
                    {"state", state_of(set)},
                    {"folder", data::locate(set).value_or("")},
                    {"summary", set.summary},
                    {"source", set.source},
                    {"licence", set.licence}});
    table.add({set.name, task, fmt::format("({})", fmt::join(set.shape, ", ")), state_of(set),
               set.summary});
  }
  if (o.json) {
    out << rows.dump(2) << '\n';
  } else {
    table.print(out);
  }
  return kSuccess;
}

int describe_set(const DataOptions& o, std::ostream& out) {
  const data::Description d = data::describe(data::open(o.read.what, o.read.open_options()));
  if (o.json) {
    out << data::to_json(d).dump(2) << '\n';
  } else {
    out << data::to_text(d);
  }
  return kSuccess;
}

constexpr std::uint64_t kMega = 1000000;

int get_set(const DataOptions& o, std::ostream& out) {
  const data::NamedSet& set = data::named_set(o.read.what);
  if (set.generated()) throw ConfigError(set.name + " is generated; there is nothing to get");
  std::string file;
  std::unique_ptr<run::Progress> progress;
  const std::string folder =
      data::get(set, [&](const std::string& name, std::uint64_t done, std::uint64_t total) {
        if (total == 0) return;
        if (name != file) {
          file = name;
          progress = std::make_unique<run::Progress>("megabyte", total / kMega + 1, o.quiet);
        }
        progress->update(static_cast<double>(done) / kMega, name);
      });
  if (o.json) {
    out << ordered_json{{"name", set.name}, {"folder", folder}}.dump(2) << '\n';
  } else {
    out << folder << '\n';
  }
  return kSuccess;
}

int write_set(const DataOptions& o, std::ostream& out) {
  const data::Dataset set = data::open(o.read.what, o.read.open_options());
  for (const std::string& note : set.notes) {
    if (!o.quiet) warn(note);
  }
  data::convert(set, o.out);
  if (o.json) {
    out << ordered_json{{"file", o.out}, {"rows", set.rows()}}.dump(2) << '\n';
  } else if (!o.quiet) {
    message(fmt::format("scalemix: {} rows in {}\n", set.rows(), o.out));
  }
  return kSuccess;
}

int generate_set(const DataOptions& o, std::ostream& out) {
  const data::NamedSet& set = data::named_set(o.read.what);
  if (!set.generated()) {
    throw ConfigError(
        fmt::format("{} is not generated; use: scalemix data get {}", set.name, set.name));
  }
  return write_set(o, out);
}

using Run = int (*)(const DataOptions&, std::ostream&);

std::vector<std::string> generated_sets() {
  std::vector<std::string> names;
  for (const data::NamedSet& set : data::named_sets()) {
    if (set.generated()) names.push_back(set.name);
  }
  return names;
}

/// A subcommand of `data`, run in the place of the whole.
CLI::App* add(CLI::App& sub, const char* name, const char* summary, Run run,
              std::shared_ptr<Run> chosen) {
  CLI::App* inner = sub.add_subcommand(name, summary);
  inner->callback([run, chosen] { *chosen = run; });
  return inner;
}

}  // namespace

Action setup_data(CLI::App& sub) {
  auto o = std::make_shared<DataOptions>();
  auto chosen = std::make_shared<Run>(nullptr);
  sub.require_subcommand(1);

  CLI::App* list = add(sub, "list", "Data sets by name, and whether they are on this machine",
                       list_sets, chosen);
  list->add_flag("--json", o->json, "Print JSON");

  CLI::App* describe = add(sub, "describe", "What is in a data set: statistics of its columns",
                           describe_set, chosen);
  add_read_options(*describe, o->read);
  add_generator_options(*describe, o->read.rows, "--seed", o->read.seed);
  describe->add_flag("--json", o->json, "Print JSON");

  CLI::App* get =
      add(sub, "get", "Download a named set into the cache and print its folder", get_set, chosen);
  get->add_option("name", o->read.what, "Its name")->required()->type_name("NAME");
  get->add_flag("--json", o->json, "Print JSON");
  get->add_flag("--quiet", o->quiet, "No progress");

  CLI::App* convert =
      add(sub, "convert", "Rewrite a data set as .csv, .tsv or .npz", write_set, chosen);
  add_read_options(*convert, o->read);
  writes(convert->add_option("out", o->out, "File to write; its ending is the format"))
      ->required()
      ->type_name("FILE");
  add_generator_options(*convert, o->read.rows, "--seed", o->read.seed);
  convert->add_flag("--json", o->json, "Print JSON");
  convert->add_flag("--quiet", o->quiet, "No messages but errors");

  CLI::App* generate = add(sub, "generate", "Make a data set from a seed", generate_set, chosen);
  generate->add_option("name", o->read.what, "Its name")
      ->required()
      ->type_name(fmt::format("{}", fmt::join(generated_sets(), "|")));
  writes(generate->add_option("--out", o->out, "File to write; its ending is the format"))
      ->required()
      ->type_name("FILE");
  add_generator_options(*generate, o->read.rows, "--seed", o->read.seed);
  generate->add_flag("--json", o->json, "Print JSON");
  generate->add_flag("--quiet", o->quiet, "No messages but errors");

  return [o, chosen](std::ostream& out) { return (*chosen)(*o, out); };
}

}  // namespace scalemix::inline v0::cli
