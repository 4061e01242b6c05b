// The final metrics of a run: every replica's model on its test rows, through the predictor.

#include <cmath>
#include <set>

#include "scalemix/cli/train_report.h"
#include "scalemix/data/rows.h"
#include "scalemix/data/schema.h"
#include "scalemix/metric/uncertainty.h"
#include "scalemix/model/noise.h"
#include "scalemix/predict/evaluate.h"
#include "scalemix/predict/importance.h"
#include "scalemix/predict/predictor.h"
#include "scalemix/predict/sparsity.h"
#include "scalemix/study/switched_off.h"

namespace scalemix::inline v0::cli {
namespace {

using Json = nlohmann::ordered_json;  // metrics in the order they are made

constexpr std::size_t kMostImportances = 200;  // computed: one evaluation each

Json metrics_of(const predict::Evaluation& evaluation) {
  Json out = Json::object();
  for (const auto& [name, value] : evaluation.metrics) {
    out[name] = std::isfinite(value) ? Json(value) : Json();
  }
  return out;
}

/// Weights and zeros of the layers whose noise switches weights off.
Json sparsity_of(const model::Model& m) {
  Json layers = Json::array();
  double weights = 0, nonzero = 0;
  std::set<std::string> switched;
  model::for_each_layer(m.spec, [&](const model::Layer& layer, const model::Shape&) {
    const model::Noise* noise = model::drawn_noise(layer);
    const auto prunes = noise ? model::noise_kind(noise->kind).prunes : nullptr;
    if (prunes && prunes(*noise)) switched.insert(layer.name);
  });
  for (const predict::LayerSparsity& layer : predict::sparsity(m)) {
    if (!switched.count(layer.name)) continue;
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

Json settings_json(const train::GridPoint& point) {
  Json out = Json::object();
  for (const auto& [key, value] : point) out[key] = value;
  return out;
}

/// The columns of a table, as many numbers as each is coded by; the features of other data.
struct Inputs {
  std::vector<std::string> names;
  std::vector<std::size_t> widths;
};

Inputs inputs_of(const data::Dataset& data) {
  if (data.schema.empty())
    return {data.features, std::vector<std::size_t>(data.features.size(), 1)};
  const data::Schema schema = data::schema_from_text(data.schema);
  Inputs out{{}, schema.widths()};
  for (const data::Column& column : schema.inputs) out.names.push_back(column.name);
  return out;
}

Json replica_metrics(const run::Plan& plan, const run::Folder& folder, std::size_t i) {
  const train::Replica& replica = plan.replicas[i];
  const bool held_out = !replica.split.test.empty();
  const predict::Predictor predictor(model::load_model(folder.model(i, plan.replicas.size())));
  const data::LabelledRows rows =
      data::rows_of(plan.data, held_out ? replica.split.test : replica.split.train);
  const predict::Evaluation evaluation = predict::evaluate(
      {&predictor}, rows,
      {.samples = static_cast<std::size_t>(plan.config.samples), .seed = plan.config.seed});
  Json out = {{"replica", i},
              {"seed", replica.seed},
              {"settings", settings_json(replica.point)},
              {"epochs", model::about_number(predictor.model(), "epochs", 0)},
              {"rows", rows.rows},
              {"rows_of", held_out ? "test" : "train"},
              {"metrics", metrics_of(evaluation)}};
  if (const Json sparsity = sparsity_of(predictor.model()); !sparsity.is_null()) {
    out["pruning"] = sparsity;
    out["metrics"]["sparsity"] = sparsity["sparsity"];
  }
  if (const study::SwitchedOff off = study::switched_off(predictor.model()); off.any()) {
    out["off"] = study::to_json(off);
    out["off"]["text"] = study::to_text(off);
  }
  const Inputs inputs = inputs_of(plan.data);
  if (!inputs.names.empty() && inputs.names.size() <= kMostImportances) {
    const std::vector<predict::Importance> found =
        predict::permutation_importance(predictor, rows, inputs.widths, plan.config.seed);
    out["importance"] = Json::object();
    for (std::size_t k = 0; k < found.size(); ++k) {
      out["importance"][inputs.names[k]] = {{"nats", found[k].nats},
                                            {"standard_error", found[k].error}};
    }
  }
  return out;
}

/// Mean and standard error over replicas of every metric they all have.
Json summary_of(const std::vector<Json>& replicas) {
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

/// The replicas' points of the grid, each with the mean over its replicas; one without a grid.
Json points_of(const std::vector<Json>& replicas) {
  Json points = Json::array();
  std::vector<std::vector<Json>> members;
  for (const Json& r : replicas) {
    std::size_t i = 0;
    while (i < points.size() && points[i]["settings"] != r["settings"]) ++i;
    if (i == points.size()) {
      points.push_back({{"settings", r["settings"]}});
      members.emplace_back();
    }
    members[i].push_back(r);
  }
  for (std::size_t i = 0; i < points.size(); ++i) {
    points[i]["replicas"] = members[i].size();
    points[i]["summary"] = summary_of(members[i]);
  }
  return points;
}

}  // namespace

nlohmann::ordered_json final_metrics(const run::Plan& plan, const run::Folder& folder) {
  std::vector<Json> replicas;
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
          {"points", points_of(replicas)},
          {"replicas", replicas}};
}

}  // namespace scalemix::inline v0::cli
