// scalemix train --data mnist --model mlp:300-100 --method svdo
//
// Data + architecture + method -> run folder. Every key of the config is a flag; see run/config.h.

#include <fmt/format.h>
#include <fmt/ostream.h>
#include <fmt/ranges.h>

#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <ostream>

#include "scalemix/base/atomic_file.h"
#include "scalemix/base/error.h"
#include "scalemix/base/message.h"
#include "scalemix/base/parallel.h"
#include "scalemix/base/signals.h"
#include "scalemix/cli/command.h"
#include "scalemix/cli/exit_code.h"
#include "scalemix/cli/train_options.h"
#include "scalemix/cli/train_report.h"
#include "scalemix/cli/train_run.h"
#include "scalemix/run/progress.h"
#include "scalemix/run/resume.h"
#include "scalemix/run/trainer.h"
#include "scalemix/train/checkpoint.h"
#include "scalemix/train/tune.h"

namespace scalemix::inline v0::cli {
namespace {

struct TrainOptions : TrainSwitches {
  std::shared_ptr<TrainKeys> keys;
  std::string resume;
};

/// The new run's folder: --out, or one named after the run, whose name then stands in the config.
run::Folder make_folder(run::Plan& plan) {
  if (!plan.config.out.empty()) return run::Folder::create(plan.config.out);
  const std::filesystem::path data(plan.data.name);
  const std::string name = data.has_extension() ? data.stem().string() : plan.data.name;
  const std::string& method = plan.config.method.front();
  run::Folder folder = run::Folder::create_fresh(
      fmt::format("{}-{}-{}", name, std::filesystem::path(plan.config.model).stem().string(),
                  method.substr(0, method.find(':'))));
  plan.config.out = folder.path();
  return folder;
}

void say(const TrainSwitches& o, const std::string& what) {
  if (!o.quiet) message(fmt::format("{}\n", what));
}

void announce(const TrainSwitches& o, const run::Plan& plan) {
  const train::Estimate e = train::estimate(plan, plan.data);
  const run::TrainConfig& c = plan.config;
  say(o, fmt::format("data    {}: {} rows, {} inputs, {}", plan.data.name, plan.data.rows(),
                     plan.data.width(),
                     plan.data.task == Task::regression
                         ? "regression"
                         : fmt::format("{} classes", plan.data.classes.size())));
  say(o, fmt::format(
             "network {}, {}, {} weights{}", c.model, fmt::join(c.method, " + "), e.weights,
             plan.replicas.size() > 1 ? fmt::format(", {} replicas", plan.replicas.size()) : ""));
  say(o, fmt::format("train   {} epochs of {} steps, batch {}, {} lr {:g}, {} threads{}", c.epochs,
                     e.steps, c.batch, c.optimiser, c.lr, c.threads,
                     c.grid.empty() ? "" : fmt::format(", grid {}", fmt::join(c.grid, " "))));
  for (const std::string& warning : plan.warnings) say(o, "warning: " + warning);
}

int dry_run(const TrainSwitches& o, run::Plan plan, std::ostream& out) {
  if (train::tunes_precision(plan.options)) {
    say(o, "the precision is tuned first, which takes a training for each value of its grid more");
    plan.options.precision = "learned";
  }
  const train::Estimate e = train::estimate(plan, plan.data);
  const double seconds = train::estimate_seconds(plan, plan.data);
  if (o.json) {
    out << nlohmann::ordered_json{{"config", run::to_json(plan.config)},
                                  {"replicas", plan.replicas.size()},
                                  {"weights", e.weights},
                                  {"bytes", e.bytes},
                                  {"seconds", seconds}}
               .dump(2)
        << '\n';
    return kSuccess;
  }
  out << run::to_toml(plan.config);
  fmt::print(out, "\n# {} {} of {} weights; about {:.0f} MiB and {} of training\n",
             plan.replicas.size(), plan.replicas.size() == 1 ? "replica" : "replicas", e.weights,
             static_cast<double>(e.bytes) / (1 << 20), run::clock_text(seconds));
  return kSuccess;
}

/// What the numbers of this run depend on besides its keys.
std::string bits_comment() {
  std::string text = "\n# Made with";
  const nlohmann::json bits = train::bits_record();
  for (const auto& [key, value] : bits.items()) {
    text += fmt::format("\n#   {}: {}", key,
                        value.is_string() ? value.get<std::string>() : value.dump());
  }
  return text + "\n";
}

int interrupted(const run::Folder& folder) {
  message(fmt::format(
      "scalemix: interrupted; a checkpoint is written. Resume with:\n  scalemix train --resume {}\n",
      folder.path()));
  return kInterrupted;
}

void print_results(const TrainSwitches& o, const nlohmann::ordered_json& metrics,
                   const run::Folder& folder, std::ostream& out) {
  if (o.json) {
    out << metrics.dump(2) << '\n';
  } else {
    print_metrics(metrics, folder, out);
  }
}

/// --precision tuned: what held-out rows choose stands in the config from here on. False if a signal
/// ended it.
bool tune_precision(const TrainSwitches& o, run::Plan& plan) {
  const GracefulStop stop;
  run::Progress progress("epoch", plan.config.epochs, o.quiet);
  double done = 0;
  train::Callbacks callbacks;
  callbacks.stop = [&] { return stop.asked().load(); };
  callbacks.epoch = [&](const train::EpochReport& report) {
    done = static_cast<double>(report.epoch);
    progress.update(done, "tuning the precision");
  };
  const train::Tuning tuning = train::tune_precision(
      plan.data, plan, static_cast<std::size_t>(plan.config.samples), callbacks);
  progress.finish(done, "tuning the precision");
  if (tuning.best.empty()) return false;
  std::map<double, std::size_t> chosen;
  for (std::size_t r = 0; r < tuning.best.size(); ++r) ++chosen[tuning.grid[r][tuning.best[r]]];
  std::string text;
  for (const auto& [value, count] : chosen) {
    text += fmt::format("{}{:.4g}", text.empty() ? "" : ", ", value);
    if (tuning.best.size() > 1) text += fmt::format(" ({} of {})", count, tuning.best.size());
  }
  say(o, "precision, chosen on held-out rows: " + text);
  plan.config.precision = plan.options.precision = tuning.word();
  return true;
}

int train_and_report(const TrainSwitches& o, const run::Plan& plan, const run::Folder& folder,
                     std::ostream& out) {
  announce(o, plan);
  const GracefulStop stop;
  run::RunOptions options;
  options.quiet = o.quiet;
  options.stop = &stop.asked();
  options.say = [&o](const std::string& what) { say(o, what); };
  try {
    if (!run::train(plan, folder, options)) return interrupted(folder);
  } catch (const Diverged& error) {
    const bool kept = std::filesystem::exists(folder.checkpoint());
    throw Diverged(fmt::format("training diverged at {}. Try a lower --lr or --clip 1. {}",
                               error.what(),
                               kept ? "The last good checkpoint is in " + folder.checkpoint()
                                    : "No checkpoint had been written yet."));
  }
  say(o, plan.config.samples == 0
             ? "evaluating"
             : fmt::format("evaluating with {} Monte-Carlo draws", plan.config.samples));
  const nlohmann::ordered_json metrics = final_metrics(plan, folder);
  write_atomically(folder.metrics(), metrics.dump(2) + "\n");
  print_results(o, metrics, folder, out);
  return kSuccess;
}

/// A run goes on as it began: nothing may be set anew.
void check_alone(const TrainOptions& o) {
  std::string other = o.keys->first_given();
  if (other.empty() && o.dry_run) other = "dry-run";
  if (other.empty()) return;
  throw ConfigError(fmt::format(
      "--{} cannot be given with --resume: a run continues with its own config.toml", other));
}

/// Nor by the environment, which may be there for other runs.
void warn_of_environment(const TrainSwitches& o) {
  const std::vector<std::string> keys = run::environment_keys();
  if (keys.empty()) return;
  say(o, fmt::format("warning: {} counts for new runs; this one continues with its own config.toml",
                     fmt::join(keys, ", ")));
}

int print_finished(const TrainSwitches& o, const run::Folder& folder, std::ostream& out) {
  const nlohmann::ordered_json metrics = read_metrics(folder);
  run::check_finished(folder, metrics.at("replicas").size(),
                      [&o](const std::string& what) { say(o, what); });
  say(o, folder.path() + ": this run is finished; its results:");
  print_results(o, metrics, folder, out);
  return kSuccess;
}

int resume(const TrainOptions& o, std::ostream& out) {
  const run::Folder folder = run::Folder::open(o.resume);
  check_alone(o);
  warn_of_environment(o);
  if (std::filesystem::exists(folder.metrics())) return print_finished(o, folder, out);
  const run::Folder taken = run::Folder::resume(o.resume);
  if (!std::filesystem::exists(taken.checkpoint())) {
    say(o, o.resume + ": no checkpoint is there; training begins at epoch 0");
  }
  run::TrainConfig config;
  run::read_toml(folder.config(), config);
  use_threads(config);
  const run::Plan plan = run::make_plan(config);
  return train_and_report(o, plan, taken, out);
}

int run_train(const TrainOptions& o, std::ostream& out) {
  return o.resume.empty() ? train_anew(o, o.keys->config(), out) : resume(o, out);
}

}  // namespace

int train_anew(const TrainSwitches& o, run::TrainConfig config, std::ostream& out) {
  run::validate(config);
  use_threads(config);
  run::Plan plan = run::make_plan(config);
  if (o.dry_run) return dry_run(o, plan, out);
  const run::Folder folder = make_folder(plan);
  if (train::tunes_precision(plan.options) && !tune_precision(o, plan)) {
    message(fmt::format("scalemix: interrupted while the precision was tuned; start it again\n"));
    return kInterrupted;
  }
  run::record_data(folder, plan.config.data);
  write_atomically(folder.config(), run::to_toml(plan.config) + bits_comment());
  return train_and_report(o, plan, folder, out);
}

Action setup_train(CLI::App& sub) {
  auto o = std::make_shared<TrainOptions>();
  o->keys = add_train_keys(sub, {});
  sub.add_option("--resume", o->resume, "continue an interrupted run")->type_name("RUN");
  sub.add_flag("--dry-run", o->dry_run,
               "print the resolved config, memory and time; train nothing");
  sub.add_flag("--json", o->json, "print the results as JSON");
  sub.add_flag("--quiet", o->quiet, "no messages, no progress");
  sub.footer(
      "Every key can also be given in --config FILE or as SCALEMIX_TRAIN_<KEY> in the\n"
      "environment; defaults < file < environment < flags.");
  return [o](std::ostream& out) { return run_train(*o, out); };
}

}  // namespace scalemix::inline v0::cli
