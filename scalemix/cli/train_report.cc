#include "scalemix/cli/train_report.h"

#include <fmt/format.h>
#include <fmt/ostream.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <ostream>

#include "scalemix/base/error.h"
#include "scalemix/base/read_file.h"
#include "scalemix/cli/metrics_table.h"

namespace scalemix::inline v0::cli {
namespace {

using Json = nlohmann::ordered_json;  // metrics in the order they are made

/// Columns of the table over replicas, where they are there; metrics.json has all.
const std::vector<std::string> kColumns = {"error",          "nll",      "rmse",
                                           "log_likelihood", "sparsity", "mc_error",
                                           "mc_nll",         "mc_rmse",  "mc_log_likelihood"};

constexpr std::size_t kShownImportances = 12;

void print_single(const Json& replica, std::ostream& out) {
  fmt::print(out, "{} {} rows\n", replica["rows"].get<std::size_t>(),
             replica["rows_of"].get<std::string>());
  std::vector<std::pair<std::string, double>> metrics;
  for (const auto& [name, value] : replica["metrics"].items()) {
    if (value.is_number()) metrics.emplace_back(name, value.get<double>());
  }
  print_metrics(metrics, out);
}

/// "lr=0.01 penalty=1", empty without a grid.
std::string point_text(const Json& point) {
  std::vector<std::string> parts;
  for (const auto& [key, value] : point.items()) {
    parts.push_back(fmt::format("{}={:g}", key, value.get<double>()));
  }
  return fmt::format("{}", fmt::join(parts, " "));
}

/// A table of metrics, one line per replica or mean.
class MetricsTable {
 public:
  MetricsTable(std::vector<std::string> names, std::size_t label, std::ostream& out)
      : names_(std::move(names)), label_(label), out_(out) {
    line("replica", [](const std::string& name) { return name; });
  }
  /// A replica's metrics.
  void add(const std::string& label, const Json& metrics) {
    line(label, [&](const std::string& name) {
      return metrics[name].is_number() ? metric_text(name, metrics[name]) : "-";
    });
  }
  /// "mean" or "standard_error" of a summary.
  void add(const std::string& label, const Json& summary, const char* what) {
    line(label, [&](const std::string& name) {
      return summary.contains(name) ? metric_text(name, summary[name][what]) : "-";
    });
  }

 private:
  template <class Text>
  void line(const std::string& label, const Text& text) {
    fmt::print(out_, "{:>{}}", label, label_);
    for (const std::string& name : names_) {
      fmt::print(out_, " {:>{}}", text(name), std::max<std::size_t>(name.size(), 9));
    }
    out_ << '\n';
  }

  std::vector<std::string> names_;
  std::size_t label_;
  std::ostream& out_;
};

std::string joined(const std::string& head, const Json& point) {
  return point.empty() ? head : head + " " + point_text(point);
}

void print_replicas(const Json& metrics, std::ostream& out) {
  const Json& replicas = metrics["replicas"];
  std::vector<std::string> names;
  for (const std::string& name : kColumns) {
    const bool there = std::any_of(replicas.begin(), replicas.end(),
                                   [&](const Json& r) { return r["metrics"].contains(name); });
    if (there) names.push_back(name);
  }
  std::size_t label = 9;
  for (const auto& point : metrics["points"]) {
    label = std::max(label, joined("std.err.", point["settings"]).size());
  }
  MetricsTable table(names, label, out);
  for (const auto& r : replicas) {
    table.add(joined(fmt::format("{}", r["replica"].get<std::size_t>()), r["settings"]),
              r["metrics"]);
  }
  for (const auto& point : metrics["points"]) {
    if (point["replicas"] == 1) continue;  // its line stands above
    table.add(joined("mean", point["settings"]), point["summary"], "mean");
    table.add(joined("std.err.", point["settings"]), point["summary"], "standard_error");
  }
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
  struct Input {
    std::string name;
    double nats, error;
  };
  std::vector<Input> inputs;
  for (const auto& [name, found] : replica["importance"].items()) {
    const Json& error = found["standard_error"];
    inputs.push_back({name, found["nats"].is_number() ? found["nats"].get<double>() : 0.0,
                      error.is_number() ? error.get<double>() : 0.0});
  }
  std::stable_sort(inputs.begin(), inputs.end(),
                   [](const Input& a, const Input& b) { return a.nats > b.nats; });
  fmt::print(out,
             "inputs that matter: growth of the loss, in nats per row, when one is shuffled; "
             "standard error\n");
  for (std::size_t i = 0; i < std::min(inputs.size(), kShownImportances); ++i) {
    fmt::print(out, "  {:<22}{:>12.3f} +- {:.3f}\n", inputs[i].name, inputs[i].nats + 0.0,
               inputs[i].error);
  }
  if (inputs.size() > kShownImportances) {
    fmt::print(out, "  and {} more, in metrics.json\n", inputs.size() - kShownImportances);
  }
}

}  // namespace

nlohmann::ordered_json read_metrics(const run::Folder& folder) {
  try {
    return Json::parse(read_file(folder.metrics()));
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
    if (replicas[0].contains("off")) {
      fmt::print(out, "off     {}\n", replicas[0]["off"]["text"].get<std::string>());
    }
    print_importance(replicas[0], out);
  } else {
    print_replicas(metrics, out);
  }
  fmt::print(out, "run folder: {}\n", folder.path());
}

}  // namespace scalemix::inline v0::cli
