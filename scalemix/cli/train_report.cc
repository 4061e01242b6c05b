#include "scalemix/cli/train_report.h"

#include <fmt/format.h>
#include <fmt/ostream.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <ostream>
#include <set>

#include "scalemix/base/error.h"
#include "scalemix/data/rows.h"
#include "scalemix/metric/uncertainty.h"
#include "scalemix/model/predictor.h"
#include "scalemix/model/sparsity.h"
#include "scalemix/run/evaluate.h"
#include "scalemix/run/importance.h"

namespace scalemix::inline v0::cli {
namespace {

using Json = nlohmann::ordered_json;  // metrics in the order they are made

/// Columns of the table over replicas, where they are there; metrics.json has all.
const std::vector<std::string> kColumns = {"error",          "nll",      "rmse",
                                           "log_likelihood", "sparsity", "mc_error",
                                           "mc_nll",         "mc_rmse",  "mc_log_likelihood"};

constexpr std::size_t kMostImportances = 200;  // computed: one evaluation each
constexpr std::size_t kShownImportances = 12;

data::LabelledRows pick(const data::Dataset& data, const std::vector<std::uint32_t>& rows) {
  data::LabelledRows out;
  out.rows = rows.size();
  out.labelled = true;
  const std::size_t k = data.width();
  out.x.reserve(rows.size() * k);
  for (const std::uint32_t row : rows) {
    out.x.insert(out.x.end(), data.x.begin() + static_cast<std::ptrdiff_t>(row * k),
                 data.x.begin() + static_cast<std::ptrdiff_t>((row + 1) * k));
    if (data.task == Task::regression) {
      out.y.push_back(data.y[row]);
    } else {
      out.label.push_back(data.label[row]);
    }
  }
  return out;
}

Json metrics_of(const run::Evaluation& evaluation) {
  Json out = Json::object();
  for (const auto& [name, value] : evaluation.metrics) {
    out[name] = std::isfinite(value) ? Json(value) : Json();
  }
  return out;
}

/// Weights and zeros of the layers under a posterior; inputs that the first of them has cut off.
Json sparsity_of(const model::Model& m) {
  Json layers = Json::array();
  double weights = 0, nonzero = 0;
  std::set<std::string> posterior;
  model::for_each_layer(m.spec, [&](const model::Layer& layer, const model::Shape&) {
    if (!layer.posterior.empty()) posterior.insert(layer.name);
  });
  for (const model::LayerSparsity& layer : model::sparsity(m)) {
    if (!posterior.count(layer.name)) continue;
    layers.push_back(
        {{"layer", layer.name}, {"weights", layer.weights}, {"nonzero", layer.nonzero}});
    weights += static_cast<double>(layer.weights);
    nonzero += static_cast<double>(layer.nonzero);
  }
  if (layers.empty()) return nullptr;
  return {{"layers", layers},
          {"sparsity", 1 - nonzero / weights},
          {"compression", nonzero > 0 ? weights / nonzero : 0.0}};
}

Json replica_metrics(const train::Plan& plan, const run::Folder& folder, std::size_t i) {
  const train::Replica& replica = plan.replicas[i];
  const bool held_out = !replica.split.test.empty();
  const model::Predictor predictor(model::load_model(folder.model(i, plan.replicas.size())));
  const data::LabelledRows rows =
      pick(plan.data, held_out ? replica.split.test : replica.split.train);
  const run::Evaluation evaluation = run::evaluate(
      {&predictor}, rows,
      {.samples = static_cast<std::size_t>(plan.config.samples), .seed = plan.config.seed});
  Json out = {{"replica", i},
              {"seed", replica.seed},
              {"epochs", predictor.model().about.value("epochs", std::int64_t{0})},
              {"rows", rows.rows},
              {"rows_of", held_out ? "test" : "train"},
              {"metrics", metrics_of(evaluation)}};
  if (const Json sparsity = sparsity_of(predictor.model()); !sparsity.is_null()) {
    out["pruning"] = sparsity;
    out["metrics"]["sparsity"] = sparsity["sparsity"];
  }
  if (!plan.data.features.empty() && plan.data.features.size() <= kMostImportances) {
    const std::vector<double> nats = run::permutation_importance(predictor, rows, plan.config.seed);
    Json importance = Json::object();
    for (std::size_t k = 0; k < nats.size(); ++k) importance[plan.data.features[k]] = nats[k];
    out["importance"] = importance;
  }
  return out;
}

/// Mean and standard error over replicas of every metric they all have.
Json summary_of(const Json& replicas) {
  Json summary = Json::object();
  for (const auto& [name, first] : replicas.front()["metrics"].items()) {
    if (!first.is_number()) continue;
    std::vector<double> values;
    for (const auto& r : replicas) {
      if (r["metrics"][name].is_number()) values.push_back(r["metrics"][name].get<double>());
    }
    if (values.size() < replicas.size()) continue;  // not finite somewhere: no mean
    const metric::MeanError m = metric::mean_and_error(values);
    summary[name] = {{"mean", m.mean}, {"standard_error", m.error}};
  }
  return summary;
}

std::string number(const std::string& name, double value) {
  const bool share = name == "error" || name == "mc_error" || name == "sparsity" ||
                     name == "accuracy" || name == "mc_accuracy";
  return share ? fmt::format("{:.2f} %", 100 * value) : fmt::format("{:.4f}", value);
}

void print_single(const Json& replica, std::ostream& out) {
  fmt::print(out, "{} {} rows\n", replica["rows"].get<std::size_t>(),
             replica["rows_of"].get<std::string>());
  for (const auto& [name, value] : replica["metrics"].items()) {
    if (value.is_number()) fmt::print(out, "  {:<22}{:>12}\n", name, number(name, value));
  }
}

void print_replicas(const Json& metrics, std::ostream& out) {
  std::vector<std::string> names;
  for (const std::string& name : kColumns) {
    if (metrics["summary"].contains(name)) names.push_back(name);
  }
  fmt::print(out, "{:>9}", "replica");
  for (const std::string& name : names)
    fmt::print(out, " {:>{}}", name, std::max<std::size_t>(name.size(), 9));
  out << '\n';
  const auto line = [&](const std::string& head, const auto& text) {
    fmt::print(out, "{:>9}", head);
    for (const std::string& name : names) {
      fmt::print(out, " {:>{}}", text(name), std::max<std::size_t>(name.size(), 9));
    }
    out << '\n';
  };
  for (const auto& r : metrics["replicas"]) {
    line(fmt::format("{}", r["replica"].get<std::size_t>()), [&](const std::string& name) {
      return r["metrics"][name].is_number() ? number(name, r["metrics"][name]) : "-";
    });
  }
  const auto& summary = metrics["summary"];
  line("mean", [&](const std::string& name) { return number(name, summary[name]["mean"]); });
  line("std.err.",
       [&](const std::string& name) { return number(name, summary[name]["standard_error"]); });
}

void print_pruning(const Json& replica, std::ostream& out) {
  if (!replica.contains("pruning")) return;
  const auto& pruning = replica["pruning"];
  fmt::print(out, "pruned  {:.2f} % of the weights, {:.0f} times fewer\n",
             100 * pruning["sparsity"].get<double>(), pruning["compression"].get<double>());
  for (const auto& layer : pruning["layers"]) {
    const auto weights = layer["weights"].get<double>(), nonzero = layer["nonzero"].get<double>();
    fmt::print(out, "  {:<22}{:>10} of {:>10} left ({:.1f} % zero)\n",
               layer["layer"].get<std::string>(), nonzero, weights, 100 * (1 - nonzero / weights));
  }
}

/// The inputs by how much the loss grows when they are shuffled, the most important first.
void print_importance(const Json& replica, std::ostream& out) {
  if (!replica.contains("importance")) return;
  std::vector<std::pair<double, std::string>> inputs;
  for (const auto& [name, nats] : replica["importance"].items()) {
    inputs.emplace_back(-nats.get<double>(), name);
  }
  std::stable_sort(inputs.begin(), inputs.end());
  fmt::print(out, "inputs that matter: growth of the loss, in nats a row, when one is shuffled\n");
  for (std::size_t i = 0; i < std::min(inputs.size(), kShownImportances); ++i) {
    fmt::print(out, "  {:<22}{:>12.3f}\n", inputs[i].second, -inputs[i].first + 0.0);
  }
  if (inputs.size() > kShownImportances) {
    fmt::print(out, "  and {} more, in metrics.json\n", inputs.size() - kShownImportances);
  }
}

}  // namespace

nlohmann::ordered_json final_metrics(const train::Plan& plan, const run::Folder& folder) {
  Json replicas = Json::array();
  for (std::size_t i = 0; i < plan.replicas.size(); ++i) {
    replicas.push_back(replica_metrics(plan, folder, i));
  }
  return {{"data", plan.data.name},
          {"model", plan.config.model},
          {"method", plan.config.method},
          {"epochs", plan.config.epochs},
          {"run", folder.path()},
          {"samples", plan.config.samples},
          {"summary", summary_of(replicas)},
          {"replicas", replicas}};
}

nlohmann::ordered_json read_metrics(const run::Folder& folder) {
  std::ifstream in(folder.metrics());
  try {
    return Json::parse(in);
  } catch (const nlohmann::json::exception& error) {
    throw DataError(folder.metrics(), 0, 0, error.what());
  }
}

void print_metrics(const nlohmann::ordered_json& metrics, const run::Folder& folder,
                   std::ostream& out) {
  const auto& replicas = metrics["replicas"];
  fmt::print(out, "{}, {}, {}\n", metrics["data"].get<std::string>(),
             metrics["model"].get<std::string>(),
             fmt::join(metrics["method"].get<std::vector<std::string>>(), " + "));
  if (replicas.size() == 1) {
    print_single(replicas[0], out);
    print_pruning(replicas[0], out);
    print_importance(replicas[0], out);
  } else {
    print_replicas(metrics, out);
  }
  fmt::print(out, "run folder: {}\n", folder.path());
}

}  // namespace scalemix::inline v0::cli
