// scalemix evaluate runs/a --data test.csv
//
// Metrics of a model, or of a run's replicas as an ensemble, on labelled rows. Without --data it
// prints what the run measured at its end.

#include <fmt/format.h>

#include <filesystem>
#include <memory>
#include <optional>
#include <ostream>

#include "scalemix/base/error.h"
#include "scalemix/cli/command.h"
#include "scalemix/cli/exit_code.h"
#include "scalemix/cli/labelled.h"
#include "scalemix/cli/metrics_file.h"
#include "scalemix/cli/models.h"
#include "scalemix/cli/options.h"
#include "scalemix/cli/table.h"
#include "scalemix/predict/evaluate.h"

namespace scalemix::inline v0::cli {
namespace {

using nlohmann::ordered_json;

struct EvaluateOptions {
  ModelOptions model;
  RowOptions rows;
  DrawOptions draws;
  std::string part = "auto";
  bool json = false, quiet = false;
  int threads = 0;
  std::optional<double> precision;  // in place of the models' own
};

int evaluate_rows(const EvaluateOptions& o, std::ostream& out) {
  if (o.precision && !(*o.precision > 0)) {
    throw ConfigError(fmt::format("precision must be a positive number, got {:g}", *o.precision));
  }
  const Models models = load_models(o.model.path, o.model.replica);
  const Labelled labelled = open_labelled(o.rows, o.part, format_of(models.first().model()));
  if (!o.quiet) {
    for (const std::string& warning : labelled.rows.warnings) warn(warning);
    warn_if_trained_on(o.model.path, o.rows.data);
  }
  const std::size_t samples = samples_for(models, o.draws.samples);
  const predict::Evaluation evaluation = predict::evaluate(
      models.all(), labelled.rows,
      {.samples = samples, .seed = o.draws.seed, .precision = o.precision.value_or(0)});
  if (o.json) {
    ordered_json json = {
        {"data", o.rows.data}, {"part", labelled.part}, {"networks", models.files.size()},
        {"samples", samples},  {"seed", o.draws.seed},  {"rows", evaluation.rows}};
    json["metrics"] = evaluation.to_json();
    json["metrics"].erase("rows");
    out << json.dump(2) << '\n';
    return kSuccess;
  }
  out << fmt::format("{} {}rows of {}, {} {}, {} samples\n", evaluation.rows,
                     labelled.part == "all" ? "" : labelled.part + " ", o.rows.data,
                     models.files.size(), models.files.size() == 1 ? "network" : "networks",
                     samples);
  print_evaluation(evaluation, out);
  return kSuccess;
}

std::string number(const ordered_json& row, const char* key) {
  const bool there = row.contains(key) && row[key].is_number();
  return there ? fmt::format("{:.6g}", row[key].get<double>()) : "-";
}

int print_run(const EvaluateOptions& o, std::ostream& out) {
  if (!std::filesystem::is_directory(o.model.path)) {
    model_files(o.model.path, -1);  // throws if nothing is there
    throw ConfigError(fmt::format("{}: a model alone has no metrics; give --data", o.model.path));
  }
  const ordered_json metrics = load_metrics(o.model.path);
  if (o.json) {
    out << metrics.dump(2) << '\n';
    return kSuccess;
  }
  const std::size_t replicas = metrics["replicas"].size();
  out << fmt::format("measured at the end of {}, {} {}\n", o.model.path, replicas,
                     replicas == 1 ? "replica" : "replicas");
  Table table({"metric", "mean", "standard error"});
  for (const auto& [name, row] : metrics["summary"].items()) {
    table.add({name, number(row, "mean"), number(row, "standard_error")});
  }
  table.print(out);
  return kSuccess;
}

int run(const EvaluateOptions& o, std::ostream& out) {
  use_threads(o.threads);
  return o.rows.data.empty() ? print_run(o, out) : evaluate_rows(o, out);
}

}  // namespace

Action setup_evaluate(CLI::App& sub) {
  auto o = std::make_shared<EvaluateOptions>();
  add_model_options(sub, o->model);
  add_row_options(sub, o->rows, false);
  take_words(sub.add_option("--part", o->part,
                            "Which rows of data that came divided; auto: test where there is one "
                            "division, else all"),
             {"auto", "test", "train", "all"})
      ->capture_default_str();
  add_draw_options(sub, o->draws);
  sub.add_option("--precision", o->precision,
                 "Noise precision of a regression, in 1 / target units squared, in place of the "
                 "models' own (default: theirs)")
      ->type_name("TAU");
  sub.add_flag("--json", o->json, "Print JSON");
  sub.add_flag("--quiet", o->quiet, "No messages but errors");
  add_threads_option(sub, o->threads);
  return [o](std::ostream& out) { return run(*o, out); };
}

}  // namespace scalemix::inline v0::cli
