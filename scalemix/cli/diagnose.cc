// scalemix diagnose runs/a
//
// Where the loss sits, log alpha of every layer, dead units, the learned noise, and what looks
// wrong.

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <memory>
#include <ostream>

#include "scalemix/cli/command.h"
#include "scalemix/cli/exit_code.h"
#include "scalemix/cli/labelled.h"
#include "scalemix/cli/metrics_file.h"
#include "scalemix/cli/metrics_table.h"
#include "scalemix/cli/models.h"
#include "scalemix/cli/options.h"
#include "scalemix/cli/table.h"
#include "scalemix/predict/evaluate.h"
#include "scalemix/run/folder.h"
#include "scalemix/study/diagnose.h"

namespace scalemix::inline v0::cli {
namespace {

using nlohmann::ordered_json;

constexpr std::size_t kBar = 40;  // characters of the longest bar

struct DiagnoseOptions {
  ModelOptions model;
  RowOptions rows;
  bool json = false;
};

/// The log of the run that a model stands in; a model on its own has none.
study::History history_of(const std::string& path, const model::Model& model) {
  if (!std::filesystem::is_directory(path)) return {};
  const std::string log = run::Folder::open(path).metrics_log();
  const std::size_t replica = model::about_number(model, "replica", 0);
  return study::read_history(log, replica);
}

/// Error on rows that were not trained on: of the rows given, else of the run's own test rows.
std::optional<double> held_out_rmse(const std::string& path, const model::Model& model,
                                    const std::optional<predict::Evaluation>& measured) {
  if (measured && model.spec.task == Task::regression) return measured->at("rmse");
  if (!has_metrics(path)) return std::nullopt;
  const std::size_t replica = model::about_number(model, "replica", 0);
  const ordered_json metrics = load_metrics(path);
  for (const ordered_json& r : metrics["replicas"]) {
    const bool ours = r.value("replica", replica) == replica && r.value("rows_of", "") == "test";
    if (ours && r.contains("metrics") && r["metrics"].contains("rmse"))
      return r["metrics"]["rmse"].get<double>();
  }
  return std::nullopt;
}

ordered_json to_json(const std::vector<study::Finding>& findings) {
  ordered_json out = ordered_json::array();
  for (const study::Finding& f : findings) {
    out.push_back({{"rule", f.rule}, {"where", f.where}, {"what", f.what}});
  }
  return out;
}

void print_loss(const study::Facts& facts, std::ostream& out) {
  const study::History& h = facts.history;
  const bool logged = !h.nll.empty();
  const double sum = logged ? h.nll.back() * static_cast<double>(facts.train_rows) : 0;
  out << "loss, in nats\n";
  if (logged) {
    out << fmt::format("  likelihood   {:.6g} per row in epoch {}", h.nll.back(), h.nll.size());
    out << (facts.train_rows
                ? fmt::format(", {:.6g} over {} training rows\n", sum, facts.train_rows)
                : "\n");
  } else {
    out << "  likelihood   not known: the model comes without the log of its run\n";
  }
  out << fmt::format("  penalty      {:.6g} over all weights", facts.penalty);
  out << (h.penalty_weight.empty() ? "\n"
                                   : fmt::format(", weight {:.3g}\n", h.penalty_weight.back()));
  if (!h.validation_nll.empty())
    out << fmt::format("  validation   {:.6g} per row\n", h.validation_nll.back());
  if (facts.noise_sd) {
    out << fmt::format(
        "  noise        sd {:.4g} in the target's units (log precision {:.3f} standardised)\n",
        *facts.noise_sd, *facts.log_precision);
  }
  out << '\n';
}

void print_layers(const study::Facts& facts, std::ostream& out) {
  Table table({"layer", "weights", "nonzero", "% zero", "penalty", "dead inputs", "dead units"});
  for (const study::LayerFacts& l : facts.layers) {
    const double zero = 100 * (1 - static_cast<double>(l.nonzero) / static_cast<double>(l.weights));
    table.add({l.name, fmt::format("{}", l.weights), fmt::format("{}", l.nonzero),
               fmt::format("{:.1f}", zero), l.penalised ? fmt::format("{:.1f}", l.penalty) : "-",
               fmt::format("{} of {}", l.dead_inputs, l.inputs),
               fmt::format("{} of {}", l.dead_outputs, l.outputs)});
  }
  table.print(out);
  if (facts.off.any()) out << "switched off: " << study::to_text(facts.off) << '\n';
  out << '\n';
}

void print_learned(const study::Facts& facts, std::ostream& out) {
  if (facts.learned.empty()) return;
  Table table({"layer", "noise at the start", "learned"});
  std::vector<std::vector<std::string>> rows;
  for (const study::LearnedNoise& l : facts.learned) {
    const std::string reading = fmt::format("{} = {:.4g}", l.name, l.value);
    if (!rows.empty() && rows.back()[0] == l.layer && rows.back()[1] == l.noise) {
      rows.back()[2] += ", " + reading;
    } else {
      rows.push_back({l.layer, l.noise, reading});
    }
  }
  for (std::vector<std::string>& row : rows) table.add(std::move(row));
  table.print(out);
  out << '\n';
}

void print_histogram(const study::LayerFacts& l, std::ostream& out) {
  const std::size_t most = *std::max_element(l.log_alpha.begin(), l.log_alpha.end());
  out << fmt::format("log alpha of {} (threshold {:g}; at and above it a weight counts as zero)\n",
                     l.name, l.threshold);
  for (std::size_t b = 0; b < study::kLogAlphaBins; ++b) {
    const double from = static_cast<double>(b) - static_cast<double>(study::kLogAlphaBins) / 2;
    const std::size_t n = l.log_alpha[b];
    // Any weight at all shows as one mark.
    const std::size_t length = n == 0 ? 0 : std::max<std::size_t>(1, n * kBar / most);
    const bool threshold = l.threshold >= from && l.threshold < from + 1;
    out << fmt::format("  {:>3} ..{:>3} {} {:<{}} {}\n", from, from + 1, threshold ? '>' : '|',
                       std::string(length, '#'), kBar, n);
  }
  out << '\n';
}

/// Names of the rules that looked.
std::vector<std::string> looked(const study::Facts& facts) {
  std::vector<std::string> out;
  for (const study::Rule& rule : study::rules()) {
    if (rule.lacks(facts).empty()) out.emplace_back(rule.name);
  }
  return out;
}

void print_findings(const study::Facts& facts, const std::vector<study::Finding>& findings,
                    std::ostream& out) {
  out << (findings.empty() ? "nothing looks wrong\n" : "what looks wrong\n");
  for (const study::Finding& f : findings) {
    out << fmt::format("  {}: {}{}{}\n", f.rule, f.where, f.where.empty() ? "" : ": ", f.what);
  }
  out << fmt::format("\nrules applied\n  {}\n", fmt::join(looked(facts), ", "));
  std::map<std::string_view, std::vector<std::string_view>> blind;
  for (const study::Unjudged& u : study::unjudged(facts)) blind[u.why].push_back(u.rule);
  if (!blind.empty()) out << "rules not applied\n";
  for (const auto& [why, names] : blind) {
    out << fmt::format("  {}: {}\n", fmt::join(names, ", "), why);
  }
}

/// Metrics on rows the user gave, beside what training says.
std::optional<predict::Evaluation> measure(const DiagnoseOptions& o, const Models& models) {
  if (o.rows.data.empty()) return std::nullopt;
  const Labelled labelled = open_labelled(o.rows, "auto", format_of(models.first().model()));
  for (const std::string& warning : labelled.rows.warnings) warn(warning);
  warn_if_trained_on(o.model.path, o.rows.data);
  return predict::evaluate({&models.first()}, labelled.rows);
}

ordered_json to_json(const study::Facts& facts, const std::vector<study::Finding>& findings,
                     const std::optional<predict::Evaluation>& measured) {
  ordered_json out = study::to_json(facts);
  if (measured) out["measured"] = measured->to_json();
  out["findings"] = to_json(findings);
  out["looked"] = looked(facts);
  out["could_not_look"] = ordered_json::array();
  for (const study::Unjudged& u : study::unjudged(facts)) {
    out["could_not_look"].push_back({{"rule", u.rule}, {"why", u.why}});
  }
  return out;
}

int run(const DiagnoseOptions& o, std::ostream& out) {
  const std::vector<std::string> files = model_files(o.model.path, o.model.replica);
  if (files.size() > 1) {
    warn(fmt::format("{} holds {} replicas; this is the first (--replica K for another)",
                     o.model.path, files.size()));
  }
  const Models models = load_models(o.model.path, std::max(o.model.replica, 0));
  const model::Model& model = models.first().model();
  const std::optional<predict::Evaluation> measured = measure(o, models);
  study::Facts facts = study::facts_of(model, history_of(o.model.path, model));
  facts.rmse = held_out_rmse(o.model.path, model, measured);
  const std::vector<study::Finding> findings = study::findings(facts);
  if (o.json) {
    out << to_json(facts, findings, measured).dump(2) << '\n';
    return kSuccess;
  }
  print_loss(facts, out);
  if (measured) {
    out << fmt::format("on {} rows of {}\n", measured->rows, o.rows.data);
    print_metrics(measured->metrics, out);
    out << '\n';
  }
  print_layers(facts, out);
  print_learned(facts, out);
  for (const study::LayerFacts& l : facts.layers) {
    if (l.posterior) print_histogram(l, out);
  }
  print_findings(facts, findings, out);
  return kSuccess;
}

}  // namespace

Action setup_diagnose(CLI::App& sub) {
  auto o = std::make_shared<DiagnoseOptions>();
  add_model_options(sub, o->model);
  add_row_options(sub, o->rows, false);
  sub.add_flag("--json", o->json, "Print JSON");
  return [o](std::ostream& out) { return run(*o, out); };
}

}  // namespace scalemix::inline v0::cli
