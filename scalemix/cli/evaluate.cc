// scalemix evaluate runs/a --data test.csv
//
// scalemix evaluate runs/a --data test.csv --ood other.csv --plot uncertainty.svg
// scalemix evaluate runs/a --data held-out.csv --calibrate calibrated.safetensors
//
// Metrics of a model, or of a run's replicas as an ensemble, on labelled rows. Without --data it
// prints what the run measured at its end.

#include <fmt/format.h>

#include <filesystem>
#include <memory>
#include <optional>
#include <ostream>

#include "scalemix/base/atomic_file.h"
#include "scalemix/base/error.h"
#include "scalemix/cli/command.h"
#include "scalemix/cli/confusion.h"
#include "scalemix/cli/evaluate_uncertainty.h"
#include "scalemix/cli/exit_code.h"
#include "scalemix/cli/labelled.h"
#include "scalemix/cli/metrics_file.h"
#include "scalemix/cli/metrics_table.h"
#include "scalemix/cli/models.h"
#include "scalemix/cli/options.h"
#include "scalemix/cli/paths.h"
#include "scalemix/cli/products.h"
#include "scalemix/cli/table.h"
#include "scalemix/predict/calibrate.h"
#include "scalemix/predict/evaluate.h"

namespace scalemix::inline v0::cli {
namespace {

using nlohmann::ordered_json;

struct EvaluateOptions {
  ModelOptions model;
  RowOptions rows;
  DrawOptions draws;
  std::string part = "auto";
  bool json = false, quiet = false, tune = false;
  int threads = 0;
  std::optional<double> precision;  // in place of the models' own
  std::string ood, plot, calibrate;
  double level = 0.9;
};

/// Rows number first, first + 2, ... of the rest.
data::LabelledRows every_second(const data::LabelledRows& rows, std::size_t first) {
  data::LabelledRows out;
  out.labelled = rows.labelled;
  const std::size_t width = rows.x.size() / rows.rows;
  for (std::size_t n = first; n < rows.rows; n += 2, ++out.rows) {
    const auto x = rows.x.begin() + static_cast<std::ptrdiff_t>(n * width);
    out.x.insert(out.x.end(), x, x + static_cast<std::ptrdiff_t>(width));
    if (!rows.y.empty()) out.y.push_back(rows.y[n]);
    if (!rows.label.empty()) out.label.push_back(rows.label[n]);
  }
  return out;
}

/// Calibrates on every second row and says what that does on the others.
ordered_json calibrate(const EvaluateOptions& o, const Models& models,
                       const data::LabelledRows& rows, std::size_t samples) {
  if (models.predictors.size() != 1) {
    throw ConfigError("--calibrate takes one network: name one with --replica");
  }
  if (rows.rows < 4) throw ConfigError("--calibrate needs four rows at least");
  const data::LabelledRows used = every_second(rows, 0), other = every_second(rows, 1);
  const predict::CalibrateOptions options{
      .samples = samples, .seed = o.draws.seed, .level = o.level};
  model::Model model = models.first().model();
  model.preprocessing.calibration = predict::calibrate(models.first(), used, options);
  const predict::Predictor calibrated(model);
  const auto metrics = [&](const predict::Predictor& p) {
    return predict::evaluate({&p}, other, {.samples = samples, .seed = o.draws.seed}).to_json();
  };
  const ordered_json before = metrics(models.first()), after = metrics(calibrated);
  const predict::Conformal conformal = predict::conformal_coverage(calibrated, other, options);
  model::save_model(o.calibrate, model);
  ordered_json out = {
      {"file", o.calibrate},        {"rows", used.rows},
      {"level", o.level},           {"quantile", model.preprocessing.calibration.quantile},
      {"checked_on", other.rows},   {"coverage", conformal.coverage},
      {"mean_size", conformal.size}};
  if (models.first().spec().task == Task::classification) {
    const std::string prefix = samples > 0 ? "mc_" : "";
    out["temperature"] = model.preprocessing.calibration.temperature;
    for (const char* name : {"nll", "ece"}) {
      out[std::string(name) + "_before"] = before[prefix + name];
      out[std::string(name) + "_after"] = after[prefix + name];
    }
  }
  return out;
}

/// Numbers under a heading.
void print_numbers(const std::string& heading, const ordered_json& numbers, std::ostream& out) {
  out << heading << '\n';
  Table table({"  ", ""});
  for (const auto& [name, value] : numbers.items()) {
    if (value.is_number()) table.add({"  " + name, fmt::format("{:.6g}", value.get<double>())});
  }
  table.print(out);
}

int evaluate_rows(const EvaluateOptions& o, std::ostream& out) {
  if (o.precision && !(*o.precision > 0)) {
    throw ConfigError(fmt::format("precision must be a positive number, got {:g}", *o.precision));
  }
  const Models models = load_models(o.model.path, o.model.replica, products_here(o.tune, o.quiet));
  const Labelled labelled = open_labelled(o.rows, o.part, format_of(models.first().model()));
  if (!o.quiet) {
    for (const std::string& warning : labelled.rows.warnings) warn(warning);
    warn_if_trained_on(o.model.path, o.rows.data);
  }
  const std::size_t samples = samples_for(models, o.draws.samples);
  const predict::EvaluateOptions drawn{
      .samples = samples, .seed = o.draws.seed, .precision = o.precision.value_or(0)};
  const predict::Evaluation evaluation = predict::evaluate(models.all(), labelled.rows, drawn);
  const predict::RowPredictions& said = evaluation.said;
  const ordered_json selective = selective_json(said, labelled.rows),
                     reliability = reliability_json(said, labelled.rows),
                     confusion = confusion_json(said, labelled.rows,
                                                models.first().preprocessing().classes);
  ordered_json ood, calibration;
  if (!o.ood.empty()) {
    RowOptions other = o.rows;
    other.data = o.ood;
    const data::LabelledRows rows = data::open_rows(o.ood, format_of(models.first().model()),
                                                    data::Labels::ignored, other.open_options());
    ood = ood_json(said, predict::predict_rows(models.all(), rows, drawn));
    ood["rows"] = rows.rows;
  }
  if (!o.calibrate.empty()) calibration = calibrate(o, models, labelled.rows, samples);
  if (!o.plot.empty()) {
    write_atomically(o.plot, report::svg(uncertainty_figure(selective, reliability)));
  }
  if (o.json) {
    ordered_json json = {
        {"data", o.rows.data}, {"part", labelled.part}, {"networks", models.files.size()},
        {"samples", samples},  {"seed", o.draws.seed},  {"rows", evaluation.rows}};
    json["metrics"] = evaluation.to_json();
    json["metrics"].erase("rows");
    if (!confusion.is_null()) json["confusion"] = confusion;
    json["selective"] = selective;
    if (!reliability.is_null()) json["reliability"] = reliability;
    if (!ood.is_null()) json["ood"] = ood;
    if (!calibration.is_null()) json["calibration"] = calibration;
    out << json.dump(2) << '\n';
    return kSuccess;
  }
  out << fmt::format("{} {}rows of {}, {} {}, {} samples\n", evaluation.rows,
                     labelled.part == "all" ? "" : labelled.part + " ", o.rows.data,
                     models.files.size(), models.files.size() == 1 ? "network" : "networks",
                     samples);
  print_metrics(evaluation.metrics, out);
  if (!confusion.is_null()) print_confusion(confusion, out);
  out << fmt::format(
      "\nanswers for the surest rows alone: mean risk over coverages (AURC) {:.6g}\n",
      selective["aurc"].get<double>());
  if (!ood.is_null()) {
    out << fmt::format("\ntold from {} rows of {}\n", ood["rows"].get<std::size_t>(), o.ood);
    Table table({"  score", "AUROC", "FPR95", "AUPR"});
    for (const auto& [name, row] : ood.items()) {
      if (!row.is_object()) continue;
      table.add({"  " + name, fmt::format("{:.4f}", row["auroc"].get<double>()),
                 fmt::format("{:.4f}", row["fpr95"].get<double>()),
                 fmt::format("{:.4f}", row["aupr"].get<double>())});
    }
    table.print(out);
  }
  if (!calibration.is_null()) {
    print_numbers(
        fmt::format("\ncalibrated on every second row, checked on the others; {}", o.calibrate),
        calibration, out);
  }
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
  sub.add_option("--ood", o->ood,
                 "Rows of another origin: how well the model's uncertainty tells them from --data")
      ->type_name("NAME|FILE|FOLDER");
  writes(sub.add_option("--plot", o->plot,
                        "Write a reliability diagram and a risk-coverage curve (SVG)"))
      ->type_name("FILE");
  writes(sub.add_option(
             "--calibrate", o->calibrate,
             "Write the model with a temperature and a conformal quantile, from every second row; "
             "the others check it"))
      ->type_name("MODEL");
  sub.add_option("--level", o->level, "Coverage of the conformal sets and intervals")
      ->type_name("SHARE")
      ->check(open_share())
      ->capture_default_str();
  sub.add_flag("--json", o->json, "Print JSON");
  sub.add_flag("--quiet", o->quiet, "No messages but errors");
  add_products_option(sub, o->tune);
  add_threads_option(sub, o->threads);
  return [o](std::ostream& out) { return run(*o, out); };
}

}  // namespace scalemix::inline v0::cli
