// scalemix prune runs/a --data mnist --rule magnitude snr gsm
//
// scalemix prune runs/a --data held-out.csv --max-loss 0.2 --out small.safetensors
// scalemix prune runs/a --data mnist --sparsity 0.98 --store int8 --out small.safetensors
//
// Error against sparsity for each rule, without training again; and the network at a chosen point, with
// its zeros left out of the file and its silent units taken out.

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <ostream>

#include "scalemix/base/atomic_file.h"
#include "scalemix/base/error.h"
#include "scalemix/cli/command.h"
#include "scalemix/cli/exit_code.h"
#include "scalemix/cli/labelled.h"
#include "scalemix/cli/paths.h"
#include "scalemix/cli/prune_study.h"
#include "scalemix/cli/table.h"
#include "scalemix/compress/fold_blocks.h"
#include "scalemix/compress/shrink.h"
#include "scalemix/predict/sparsity.h"
#include "scalemix/report/plot.h"

namespace scalemix::inline v0::cli {
namespace {

using nlohmann::ordered_json;

model::Store store_of(const std::string& word) {
  return word == "int8"      ? model::Store::int8
         : word == "float16" ? model::Store::float16
                             : model::Store::float32;
}

/// Bytes of the network's tensors in float32, without posteriors.
std::size_t dense_bytes(const model::Model& model) {
  std::size_t out = 0;
  for (const auto& [name, tensor] : model.tensors) out += tensor.bytes.size();
  return out;
}

ordered_json save(const PruneCommand& o, const PruneStudy& study, const model::Model& before) {
  auto [chosen, rule] = study.choose();
  const double sparsity = compress::sparsity_of(chosen);
  const std::size_t dense = dense_bytes(chosen);
  ordered_json units = ordered_json::array(), blocks = ordered_json::array();
  if (!o.keep_units) {
    compress::Folded folded = compress::fold_blocks(std::move(chosen));
    chosen = std::move(folded.model);
    blocks = folded.removed;
    compress::Shrunk shrunk = compress::shrink(std::move(chosen));
    chosen = std::move(shrunk.model);
    for (const auto& l : shrunk.layers) {
      units.push_back({{"layer", l.name}, {"before", l.before}, {"after", l.after}});
    }
  }
  nlohmann::json about = model::about(before);
  about["pruned"] = {{"rule", study.label(rule)}, {"sparsity", sparsity}};
  chosen.about = about.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  ordered_json layers = ordered_json::array();
  double left = 0;
  for (const predict::LayerSparsity& l : predict::sparsity(chosen)) {
    layers.push_back({{"layer", l.name}, {"weights", l.weights}, {"left", l.nonzero}});
    left += static_cast<double>(l.nonzero);
  }
  model::save_model(o.out, chosen, {.store = store_of(o.store)});
  const model::Model saved = model::load_model(o.out);
  return {{"file", o.out},
          {"rule", study.label(rule)},
          {"sparsity", sparsity},
          {"compression", left > 0 ? static_cast<double>(study.pruner(rule).weights()) / left : 0},
          {"error_before", study.before()},
          {"error", study.error(saved)},
          {"bytes", std::filesystem::file_size(o.out)},
          {"dense_bytes", dense},
          {"store", o.store},
          {"layers", layers},
          {"units", units},
          {"blocks", blocks}};
}

void print_saved(const ordered_json& saved, const char* what, std::ostream& out) {
  out << fmt::format(
      "\n{}: {:.2f} % of the weights are zero (1 in {:.1f} left), by {}; {} {:.4g}, before {:.4g}\n",
      saved["file"].get<std::string>(), 100 * saved["sparsity"].get<double>(),
      saved["compression"].get<double>(), saved["rule"].get<std::string>(), what,
      saved["error"].get<double>(), saved["error_before"].get<double>());
  out << fmt::format("{} bytes, its weights in float32 alone {} ({:.1f} times as many)\n",
                     saved["bytes"].get<std::size_t>(), saved["dense_bytes"].get<std::size_t>(),
                     saved["dense_bytes"].get<double>() / saved["bytes"].get<double>());
  Table table({"layer", "weights", "left"});
  for (const ordered_json& l : saved["layers"]) {
    table.add({l["layer"].get<std::string>(), fmt::format("{}", l["weights"].get<std::size_t>()),
               fmt::format("{}", l["left"].get<std::size_t>())});
  }
  table.print(out);
  for (const ordered_json& block : saved["blocks"]) {
    out << fmt::format("{}: gone, it adds the same to every row\n", block.get<std::string>());
  }
  for (const ordered_json& l : saved["units"]) {
    out << fmt::format("{}: {} of {} units left\n", l["layer"].get<std::string>(),
                       l["after"].get<std::size_t>(), l["before"].get<std::size_t>());
  }
}

/// Errors (rules, points).
std::vector<std::vector<double>> curves(const PruneCommand& o, const PruneStudy& study) {
  std::vector<std::vector<double>> out(study.rules());
  for (std::size_t r = 0; r < study.rules(); ++r) {
    for (const double s : o.points) {
      const bool there = s <= study.pruner(r).most();
      out[r].push_back(there ? study.error(study.pruner(r).at_sparsity(s)) : NAN);
    }
  }
  return out;
}

report::Figure figure_of(const PruneCommand& o, const PruneStudy& study,
                         const std::vector<std::vector<double>>& errors) {
  report::Panel panel{"pruned, not trained again", {"share of weights at zero"}, {study.what()}};
  for (std::size_t r = 0; r < study.rules(); ++r) {
    panel.series.push_back({study.label(r), o.points, errors[r], {}, report::Style::both});
  }
  return {"error against sparsity", {panel}, 1};
}

int run(PruneCommand o, std::ostream& out) {
  use_threads(o.threads);
  if (o.sparsity.has_value() + o.max_loss.has_value() + o.threshold.has_value() > 1) {
    throw ConfigError("give one of --sparsity, --max-loss and --threshold");
  }
  if (o.chooses() && o.out.empty()) throw ConfigError("a point is chosen: give --out FILE for it");
  if (!o.chooses() && !o.out.empty()) {
    throw ConfigError("--out: choose a point with --sparsity, --max-loss or --threshold");
  }
  if (o.max_loss && !(*o.max_loss >= 0)) throw ConfigError("--max-loss must not be negative");
  for (const double s : o.points) {
    if (!(s >= 0 && s < 1)) {
      throw ConfigError(fmt::format("--points: a sparsity must be in [0, 1), got {:g}", s));
    }
  }
  const Models models = load_models(o.model.path, o.model.replica);
  if (models.files.size() != 1)
    throw ConfigError("prune takes one network: name one with --replica");
  const model::Model& model = models.first().model();
  if (o.rules.empty()) o.rules = {o.threshold ? "log_alpha" : "magnitude"};
  const Labelled labelled = open_labelled(o.rows, o.part, format_of(model));
  if (!o.quiet) {
    for (const std::string& warning : labelled.rows.warnings) warn(warning);
  }
  const PruneStudy study(o, model, labelled.rows);
  const std::vector<std::vector<double>> errors = curves(o, study);
  const report::Figure figure = figure_of(o, study, errors);
  if (!o.plot.empty()) write_atomically(o.plot, report::svg(figure));
  if (!o.csv.empty()) write_atomically(o.csv, report::csv(figure));
  ordered_json saved;
  if (o.chooses()) saved = save(o, study, model);
  if (o.json) {
    ordered_json json = {{"data", o.rows.data},           {"part", labelled.part},
                         {"rows", labelled.rows.rows},    {"measure", study.what()},
                         {"before", study.before()},      {"points", o.points},
                         {"rules", ordered_json::array()}};
    for (std::size_t r = 0; r < study.rules(); ++r) {
      json["rules"].push_back({{"rule", study.label(r)}, {"errors", errors[r]}});
    }
    if (o.chooses()) json["saved"] = saved;
    out << json.dump(2) << '\n';
    return kSuccess;
  }
  out << fmt::format("{} on {} {}rows of {}; as it is {:.4g}\n", study.what(), labelled.rows.rows,
                     labelled.part == "all" ? "" : labelled.part + " ", o.rows.data,
                     study.before());
  std::vector<std::string> heads{"sparsity"};
  for (std::size_t r = 0; r < study.rules(); ++r) heads.push_back(study.label(r));
  Table table(heads);
  for (std::size_t i = 0; i < o.points.size(); ++i) {
    std::vector<std::string> cells{fmt::format("{:g}", o.points[i])};
    for (const std::vector<double>& of_rule : errors) {
      cells.push_back(std::isnan(of_rule[i]) ? "-" : fmt::format("{:.4g}", of_rule[i]));
    }
    table.add(cells);
  }
  table.print(out);
  if (o.chooses()) print_saved(saved, study.what(), out);
  return kSuccess;
}

}  // namespace

Action setup_prune(CLI::App& sub) {
  auto o = std::make_shared<PruneCommand>();
  std::vector<std::string> rules;
  for (const compress::Rule& row : compress::rules()) rules.emplace_back(row.name);
  add_model_options(sub, o->model);
  add_row_options(sub, o->rows, true);
  take_words(sub.add_option("--part", o->part,
                            "Which rows of data that came divided; auto: test where there is one "
                            "division, else all"),
             {"auto", "test", "train", "all"})
      ->capture_default_str();
  take_words(sub.add_option("--rule", o->rules,
                            "What says which weights go; several are compared (default: magnitude; "
                            "log_alpha where --threshold is given)"),
             rules)
      ->type_name("RULE ...");
  take_words(
      sub.add_option("--estimator", o->estimator,
                     "Where a rule's variances are from; auto: the network's posterior, else "
                     "laplace on --data"),
      {"auto", "posterior", "noise", "spread", "laplace"})
      ->capture_default_str();
  sub.add_option("--laplace-rows", o->laplace_rows, "Rows that laplace looks at")
      ->transform(whole_number(100'000'000))
      ->type_name("N")
      ->capture_default_str();
  take_words(sub.add_option("--grain", o->grain,
                            "What goes or stays together: weights, or units "
                            "and channels"),
             {"weight", "unit"})
      ->capture_default_str();
  take_words(
      sub.add_option("--scope", o->scope, "One order for all layers, or the same share of each"),
      {"global", "layer"})
      ->capture_default_str();
  sub.add_option("--hyper", o->options.hyper, "gsm: hyper-prior of the scales")
      ->type_name("WORD")
      ->capture_default_str();
  sub.add_option("--seed", o->options.seed, "Of what is drawn: labels of laplace, the rule random")
      ->type_name("S")
      ->capture_default_str();
  sub.add_option("--points", o->points, "Sparsities of the curve")
      ->type_name("SHARE ...")
      ->capture_default_str();
  sub.add_option("--sparsity", o->sparsity, "Save the network with this share of weights at zero")
      ->type_name("SHARE");
  sub.add_option(
         "--max-loss", o->max_loss,
         "Save the sparsest that is at most so much worse on these rows: percentage points of "
         "error, percent of the RMSE")
      ->type_name("LOSS");
  sub.add_option("--threshold", o->threshold, "Save the one without weights of log alpha >= T")
      ->type_name("T");
  take_words(sub.add_option("--store", o->store, "How the file holds weights"),
             {"float32", "float16", "int8"})
      ->capture_default_str();
  sub.add_flag("--keep-units", o->keep_units,
               "Leave units and residual blocks in that say nothing");
  writes(sub.add_option("--out", o->out, "The model file to write"))->type_name("MODEL");
  writes(sub.add_option("--plot", o->plot, "Write the curves (SVG)"))->type_name("FILE");
  writes(sub.add_option("--csv", o->csv, "Write the curves (CSV)"))->type_name("FILE");
  sub.add_flag("--json", o->json, "Print JSON");
  sub.add_flag("--quiet", o->quiet, "No messages but errors");
  add_threads_option(sub, o->threads);
  return [o](std::ostream& out) { return run(*o, out); };
}

}  // namespace scalemix::inline v0::cli
