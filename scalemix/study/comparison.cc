#include "scalemix/study/comparison.h"

#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "scalemix/base/check.h"
#include "scalemix/base/csv_cell.h"
#include "scalemix/base/number_text.h"
#include "scalemix/metric/paired.h"
#include "scalemix/metric/rank_test.h"
#include "scalemix/metric/uncertainty.h"

namespace scalemix::inline v0::study {
namespace {

using nlohmann::ordered_json;

const std::vector<double>* scores_of(const Variant& variant, std::string_view name,
                                     std::size_t replicas) {
  const auto it = variant.scores.find(std::string(name));
  return it != variant.scores.end() && it->second.size() == replicas ? &it->second : nullptr;
}

/// The column of a measure: means, and each variant against the first.
void fill_column(Comparison& c, std::size_t m) {
  const Measure& measure = measures(c.task)[m];
  std::vector<double> p;
  std::vector<std::size_t> of;
  const std::vector<double>* first = scores_of(c.variants.front(), measure.name, c.replicas);
  for (std::size_t v = 0; v < c.variants.size(); ++v) {
    const std::vector<double>* scores = scores_of(c.variants[v], measure.name, c.replicas);
    if (!scores) continue;
    const metric::MeanError mean = metric::mean_and_error(*scores);
    Cell& cell = c.cells[v][m].emplace(Cell{mean.mean, mean.error});
    if (v == 0 || !first || !measure.tested || c.replicas < 2) continue;
    const metric::PairedTest test = metric::paired_t(*scores, *first);
    cell.difference = test.mean;
    cell.difference_error = test.error;
    cell.detectable = metric::detectable(test.error, c.replicas);
    p.push_back(test.p);
    of.push_back(v);
  }
  const std::vector<double> corrected = metric::holm(p);
  for (std::size_t i = 0; i < of.size(); ++i) c.cells[of[i]][m]->p = corrected[i];
}

/// Ranks of the first measure over replicas.
void rank(Comparison& c) {
  const Measure& measure = measures(c.task).front();
  if (c.variants.size() < 2 || c.replicas < 2) return;
  std::vector<double> values(c.replicas * c.variants.size());
  for (std::size_t v = 0; v < c.variants.size(); ++v) {
    const std::vector<double>* scores = scores_of(c.variants[v], measure.name, c.replicas);
    if (!scores) return;
    for (std::size_t r = 0; r < c.replicas; ++r) {
      values[r * c.variants.size() + v] = measure.largest ? (*scores)[r] : -(*scores)[r];
    }
  }
  const metric::RankTest test = metric::friedman(values, c.variants.size());
  c.mean_ranks = test.mean_rank;
  c.friedman_p = test.p;
  c.critical_difference = metric::critical_difference(c.variants.size(), c.replicas);
}

ordered_json number(const std::optional<double>& value) {
  return value && std::isfinite(*value) ? ordered_json(*value) : ordered_json();
}

std::string text(const std::optional<double>& value) {
  return value && std::isfinite(*value) ? shortest_number(*value) : "";
}

}  // namespace

const std::vector<Measure>& measures(Task task) {
  static const std::vector<Measure> classes{{"error", "error", true, false},
                                            {"log_likelihood", "log-likelihood", true, true},
                                            {"ece", "ECE", true, false},
                                            {"sparsity", "sparsity", false, true}};
  static const std::vector<Measure> numbers{{"rmse", "RMSE", true, false},
                                            {"log_likelihood", "log-likelihood", true, true},
                                            {"coverage_90", "coverage of 90 %", false, true},
                                            {"sparsity", "sparsity", false, true}};
  return task == Task::classification ? classes : numbers;
}

void add_scores(const ordered_json& metrics, Task task, Variant& variant) {
  const auto find = [&](const std::string& name) -> std::optional<double> {
    for (const std::string& key : {"mc_" + name, name}) {
      if (metrics.contains(key) && metrics[key].is_number()) return metrics[key].get<double>();
    }
    return std::nullopt;
  };
  for (const Measure& measure : measures(task)) {
    std::optional<double> value = find(std::string(measure.name));
    if (!value && measure.name == "log_likelihood") {
      value = find("nll");
      if (value) value = -*value;
    }
    if (value) variant.scores[std::string(measure.name)].push_back(*value);
  }
}

Comparison compare(Task task, std::vector<Variant> variants) {
  constexpr const char* kWho = "compare";
  check(!variants.empty(), kWho, "nothing to compare");
  Comparison out{.task = task, .variants = std::move(variants)};
  const Measure& first = measures(task).front();
  out.replicas = out.variants.front().scores[std::string(first.name)].size();
  check(out.replicas > 0, kWho, "no scores");
  for (const Variant& variant : out.variants) {
    check(scores_of(variant, first.name, out.replicas) != nullptr, kWho,
          "variants of different numbers of replicas");
  }
  out.cells.assign(out.variants.size(), std::vector<std::optional<Cell>>(measures(task).size()));
  for (std::size_t m = 0; m < measures(task).size(); ++m) fill_column(out, m);
  rank(out);
  return out;
}

ordered_json to_json(const Comparison& c) {
  ordered_json variants = ordered_json::array();
  for (std::size_t v = 0; v < c.variants.size(); ++v) {
    const Variant& variant = c.variants[v];
    ordered_json row = {
        {"label", variant.label}, {"folder", variant.folder}, {"seconds", variant.seconds}};
    if (!c.mean_ranks.empty()) row["mean_rank"] = c.mean_ranks[v];
    for (std::size_t m = 0; m < c.cells[v].size(); ++m) {
      const std::optional<Cell>& cell = c.cells[v][m];
      if (!cell) continue;
      const std::string name(measures(c.task)[m].name);
      ordered_json& to = row["measures"][name];
      to = {{"mean", number(cell->mean)}, {"standard_error", number(cell->error)}};
      if (cell->p) {
        to["difference"] = number(cell->difference);
        to["difference_error"] = number(cell->difference_error);
        to["p"] = number(cell->p);
        to["detectable"] = number(cell->detectable);
      }
      to["replicas"] = variant.scores.at(name);
    }
    variants.push_back(row);
  }
  return {{"replicas", c.replicas},
          {"ranked_by", measures(c.task).front().name},
          {"friedman_p", number(c.friedman_p)},
          {"critical_difference", number(c.critical_difference)},
          {"variants", variants}};
}

std::string to_csv(const Comparison& c) {
  std::string out = "variant,measure,mean,standard_error,difference,difference_error,p,rank\n";
  for (std::size_t v = 0; v < c.variants.size(); ++v) {
    for (std::size_t m = 0; m < c.cells[v].size(); ++m) {
      const std::optional<Cell>& cell = c.cells[v][m];
      if (!cell) continue;
      const bool ranked = m == 0 && !c.mean_ranks.empty();
      out += fmt::format("{},{},{},{},{},{},{},{}\n", csv_cell(c.variants[v].label),
                         measures(c.task)[m].name, text(cell->mean), text(cell->error),
                         text(cell->difference), text(cell->difference_error), text(cell->p),
                         ranked ? shortest_number(c.mean_ranks[v]) : "");
    }
  }
  return out;
}

}  // namespace scalemix::inline v0::study
