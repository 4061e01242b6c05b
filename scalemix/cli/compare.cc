// scalemix compare --methods none bernoulli:p=0.5 bernoulli:p=0.2+spatial:p=0.1 svdo --seeds 10 --data mnist
//
// Trains every variant on the same seeds and splits, all replicas of one in a stack, and compares what they
// score. A variant is a run folder of its own in the comparison's; --resume goes on where it was
// interrupted.

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <chrono>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <ostream>

#include "scalemix/base/atomic_file.h"
#include "scalemix/base/error.h"
#include "scalemix/base/json_text.h"
#include "scalemix/base/message.h"
#include "scalemix/base/read_file.h"
#include "scalemix/base/signals.h"
#include "scalemix/cli/command.h"
#include "scalemix/cli/compare_report.h"
#include "scalemix/cli/exit_code.h"
#include "scalemix/cli/options.h"
#include "scalemix/cli/paths.h"
#include "scalemix/cli/train_options.h"
#include "scalemix/cli/train_report.h"
#include "scalemix/run/trainer.h"

namespace scalemix::inline v0::cli {
namespace {

using nlohmann::ordered_json;

struct CompareOptions {
  std::shared_ptr<TrainKeys> keys;
  std::vector<std::string> methods, models, optimisers, inits;
  std::string resume, csv, plot;
  bool json = false, quiet = false;
};

/// What is to be trained.
struct Entry {
  std::string label, folder;
  run::TrainConfig config;
};

void say(const CompareOptions& o, const std::string& what) {
  if (!o.quiet) message(fmt::format("{}\n", what));
}

/// "a+b" cut where a method begins: not in a number such as 1e+3.
std::vector<std::string> parts_of(const std::string& word) {
  std::vector<std::string> out{""};
  for (std::size_t i = 0; i < word.size(); ++i) {
    const bool cut = word[i] == '+' && i + 1 < word.size() &&
                     std::isalpha(static_cast<unsigned char>(word[i + 1]));
    if (cut) {
      out.emplace_back();
    } else {
      out.back() += word[i];
    }
  }
  return out;
}

/// One of a list, or what the config has.
struct Choice {
  std::string word;
  bool given = false;
};
std::vector<Choice> choices(const std::vector<std::string>& words) {
  std::vector<Choice> out;
  for (const std::string& word : words) out.push_back({word, true});
  if (out.empty()) out.push_back({});
  return out;
}

/// All combinations, the last list running fastest.
std::vector<Entry> entries_of(const CompareOptions& o, const run::TrainConfig& base) {
  std::vector<Entry> out;
  for (const Choice& model : choices(o.models)) {
    for (const Choice& method : choices(o.methods)) {
      for (const Choice& optimiser : choices(o.optimisers)) {
        for (const Choice& init : choices(o.inits)) {
          Entry entry{"", "", base};
          std::vector<std::string> label;
          if (model.given) entry.config.model = model.word;
          if (method.given) entry.config.method = parts_of(method.word);
          if (optimiser.given) entry.config.optimiser = optimiser.word;
          if (init.given) entry.config.init = init.word;
          if (model.given && o.models.size() > 1) label.push_back(model.word);
          if (method.given) label.push_back(method.word);
          if (optimiser.given && o.optimisers.size() > 1) label.push_back(optimiser.word);
          if (init.given && o.inits.size() > 1) label.push_back(init.word);
          entry.label = fmt::format("{}", fmt::join(label, " "));
          out.push_back(std::move(entry));
        }
      }
    }
  }
  return out;
}

std::string plain(const std::string& text) {
  std::string out;
  for (const char c : text) {
    out += std::isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '.' ? c : '_';
  }
  return out.substr(0, 60);
}

constexpr const char* kIndex = "/variants.json";  // what is to be trained

/// Makes a comparison's folder. Throws FileError if that fails, ConfigError if it holds anything else.
void make_folder(const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error) throw FileError(path, "cannot make this folder: " + error.message());
  if (std::filesystem::exists(path + kIndex)) return;  // which create() says
  for (const auto& entry : std::filesystem::directory_iterator(path)) {
    const std::string name = entry.path().filename().string();
    if (name == ".lock") continue;
    throw ConfigError(
        fmt::format("{}: holds {}; a comparison takes a new or an empty folder", path, name));
  }
}

/// Makes a folder named after the data.
std::string fresh_folder(const data::Dataset& data) {
  for (;;) {
    const std::string path = run::Folder::fresh_path("compare-" + plain(data.name));
    std::error_code error;
    std::filesystem::create_directories(std::filesystem::path(path).parent_path(), error);
    // Of two processes that saw it free, one makes it.
    if (!error && std::filesystem::create_directory(path, error)) return path;
    if (error) throw FileError(path, "cannot make this folder: " + error.message());
  }
}

/// Keeps every other process out of a comparison's folder. Throws FileError if one is there.
std::unique_ptr<FileLock> take(const std::string& path) {
  std::unique_ptr<FileLock> lock = run::lock_folder(path);
  if (lock) return lock;
  throw FileError(path, run::holder_of(path) + " works on this comparison now");
}

/// Makes the run folders in a comparison's, and their list.
void create(std::vector<Entry>& entries, const data::Dataset& data, const std::string& path) {
  if (std::filesystem::exists(path + kIndex)) {
    throw ConfigError(
        fmt::format("{} holds a comparison; --resume {} goes on with it", path, path));
  }
  ordered_json index = ordered_json::array();
  for (std::size_t i = 0; i < entries.size(); ++i) {
    Entry& e = entries[i];
    e.folder = fmt::format("{:02}-{}", i + 1, plain(e.label));
    e.config.out = path + "/" + e.folder;
    const run::Plan plan = run::make_plan(e.config, data);
    const run::Folder folder = run::Folder::create(e.config.out);
    run::record_data(folder, plan.config.data);
    write_atomically(folder.config(), run::to_toml(plan.config));
    index.push_back({{"label", e.label}, {"folder", e.folder}});
  }
  write_atomically(path + kIndex, ordered_json{{"variants", index}}.dump(2) + "\n");
}

std::vector<Entry> read_entries(const std::string& path) {
  if (!std::filesystem::exists(path + kIndex)) {
    throw FileError(path + kIndex, "no comparison is there", true);
  }
  std::vector<Entry> out;
  try {
    const auto index = parse_json<ordered_json>(read_file(path + kIndex));
    for (const auto& row : index.at("variants")) {
      Entry e{row.at("label"), row.at("folder"), {}};
      run::read_toml(path + "/" + e.folder + "/config.toml", e.config);
      e.config.out = path + "/" + e.folder;
      out.push_back(std::move(e));
    }
  } catch (const nlohmann::json::exception& error) {
    throw DataError(path + kIndex, 0, 0, "damaged: " + json_error(error));
  } catch (const std::invalid_argument& error) {
    throw DataError(path + kIndex, 0, 0, std::string("damaged: ") + error.what());
  }
  if (out.empty()) throw DataError(path + kIndex, 0, 0, "no variants");
  return out;
}

/// Trains one variant unless that is done; its metrics, or nothing where a signal ended it.
std::optional<ordered_json> train_entry(const CompareOptions& o, const Entry& entry,
                                        const data::Dataset& data, const GracefulStop& stop) {
  if (const run::Folder done = run::Folder::open(entry.config.out);
      std::filesystem::exists(done.metrics())) {
    return read_metrics(done);
  }
  const run::Folder folder = run::Folder::resume(entry.config.out);
  const run::Plan plan = run::make_plan(entry.config, data);
  const auto begin = std::chrono::steady_clock::now();
  run::RunOptions options;
  options.quiet = o.quiet;
  options.stop = &stop.asked();
  options.say = [&](const std::string& what) { say(o, what); };
  if (!run::train(plan, folder, options)) return std::nullopt;
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
  ordered_json metrics = final_metrics(plan, folder);
  metrics["seconds"] = seconds.count();
  write_atomically(folder.metrics(), metrics.dump(2) + "\n");
  return metrics;
}

int interrupted(const std::string& path) {
  message(
      fmt::format("scalemix: interrupted; go on with:\n  scalemix compare --resume {}\n", path));
  return kInterrupted;
}

int compare_entries(const CompareOptions& o, const std::string& path,
                    const std::vector<Entry>& entries, const data::Dataset& data,
                    std::ostream& out) {
  const GracefulStop stop;
  std::vector<study::Variant> variants;
  std::vector<std::string> diverged;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    say(o, fmt::format("{} of {}: {}", i + 1, entries.size(), entries[i].label));
    std::optional<ordered_json> metrics;
    try {
      metrics = train_entry(o, entries[i], data, stop);
    } catch (const Diverged& error) {
      diverged.push_back(fmt::format("{}: {}", entries[i].label, error.what()));
      say(o, diverged.back());
      continue;
    }
    if (!metrics) return interrupted(path);
    study::Variant variant{.label = entries[i].label, .folder = entries[i].folder};
    variant.seconds = metrics->value("seconds", 0.0);
    for (const auto& replica : (*metrics)["replicas"]) {
      study::add_scores(replica["metrics"], data.task, variant);
    }
    variants.push_back(std::move(variant));
  }
  for (const std::string& what : diverged) warn("not compared: " + what);
  if (variants.size() < 2) {
    throw Diverged("fewer than two variants are left to compare. Try a lower --lr or --clip 1");
  }
  const study::Comparison comparison = study::compare(data.task, std::move(variants));
  ordered_json json = study::to_json(comparison);
  json["not_compared"] = diverged;
  write_atomically(path + "/compare.json", json.dump(2) + "\n");
  write_atomically(path + "/compare.csv", study::to_csv(comparison));
  write_atomically(path + "/compare.svg", report::svg(figure_of(comparison)));
  if (!o.csv.empty()) write_atomically(o.csv, study::to_csv(comparison));
  if (!o.plot.empty()) write_atomically(o.plot, report::svg(figure_of(comparison)));
  if (o.json) {
    out << json.dump(2) << '\n';
  } else {
    print_comparison(comparison, out);
    out << fmt::format("\n{}/compare.svg, compare.csv, compare.json\n", path);
  }
  return diverged.empty() ? kSuccess : kDiverged;
}

int run_compare(const CompareOptions& o, std::ostream& out) {
  if (!o.resume.empty()) {
    std::string given = o.keys->first_given();
    for (const auto& [flag, words] : {std::pair{"methods", &o.methods},
                                      {"models", &o.models},
                                      {"optimisers", &o.optimisers},
                                      {"inits", &o.inits}}) {
      if (given.empty() && !words->empty()) given = flag;
    }
    if (!given.empty()) {
      throw ConfigError(fmt::format(
          "--{} cannot be given with --resume: a comparison goes on as it began", given));
    }
    std::vector<Entry> entries = read_entries(o.resume);
    const std::unique_ptr<FileLock> lock = take(o.resume);
    use_threads(entries.front().config);
    const run::Plan plan = run::make_plan(entries.front().config);
    return compare_entries(o, o.resume, entries, plan.data, out);
  }
  run::TrainConfig base = o.keys->config();
  const std::string path = base.out;
  std::vector<Entry> entries = entries_of(o, base);
  if (entries.size() < 2) {
    throw ConfigError(
        "nothing to compare: give two or more --methods, --models, --optimisers or --inits");
  }
  for (const Entry& e : entries) run::validate(e.config);
  use_threads(base);
  for (Entry& e : entries) e.config.threads = base.threads;
  const run::Plan first = run::make_plan(entries.front().config);
  const std::string folder = path.empty() ? fresh_folder(first.data) : path;
  make_folder(folder);
  const std::unique_ptr<FileLock> lock = take(folder);
  create(entries, first.data, folder);
  return compare_entries(o, folder, entries, first.data, out);
}

}  // namespace

Action setup_compare(CLI::App& sub) {
  auto o = std::make_shared<CompareOptions>();
  const auto list = [&](const char* flag, std::vector<std::string>& to, const char* help) {
    sub.add_option(flag, to, help)->type_name("WORD...")->group("Variants");
  };
  list("--methods", o->methods,
       "methods to compare; a+b applies both; the first is what tests go against");
  list("--models", o->models, "architectures to compare");
  list("--optimisers", o->optimisers, "update rules to compare");
  list("--inits", o->inits, "initial weights to compare");
  o->keys = add_train_keys(sub, {"method", "grid"});
  sub.add_option("--resume", o->resume, "go on with an interrupted comparison")
      ->type_name("FOLDER");
  writes(sub.add_option("--csv", o->csv, "write the table here too"))->type_name("FILE");
  writes(sub.add_option("--plot", o->plot, "write the picture here too (SVG)"))->type_name("FILE");
  sub.add_flag("--json", o->json, "print the results as JSON");
  sub.add_flag("--quiet", o->quiet, "no messages, no progress");
  sub.footer(
      "All combinations of the lists are trained, each on the same seeds, splits and folds. Results, run\n"
      "folders and pictures lie in the comparison's folder");
  return [o](std::ostream& out) { return run_compare(*o, out); };
}

}  // namespace scalemix::inline v0::cli
