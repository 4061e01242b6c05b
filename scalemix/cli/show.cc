// scalemix show model.safetensors
//
// What is in a model file: layers, shapes, nonzeros, bytes, work per row, method, preprocessing.

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>
#include <memory>
#include <ostream>

#include "scalemix/base/name_list.h"
#include "scalemix/base/printable.h"
#include "scalemix/cli/command.h"
#include "scalemix/cli/exit_code.h"
#include "scalemix/cli/models.h"
#include "scalemix/cli/options.h"
#include "scalemix/cli/table.h"
#include "scalemix/data/schema.h"
#include "scalemix/model/layer_kind.h"
#include "scalemix/model/model_file.h"
#include "scalemix/model/noise.h"
#include "scalemix/model/spec_json.h"
#include "scalemix/predict/sparsity.h"

namespace scalemix::inline v0::cli {
namespace {

using nlohmann::ordered_json;

struct ShowOptions {
  ModelOptions model;
  bool json = false;
};

/// Multiplications and additions of a layer on one row, as if no weight were zero; one per element
/// for the cheap layers.
std::size_t flops(const model::Layer& layer, const model::Shape& in, const model::Shape& out) {
  if (model::has_weights(layer)) {
    return static_cast<std::size_t>(2 * model::multiplications(layer, in));
  }
  const bool renames = model::layer_kind(layer.type).family == model::Family::shape;
  return renames ? 0 : std::max(model::elements(in), model::elements(out));
}

ordered_json layer_row(const model::Layer& layer, const model::Shape& in) {
  const model::Shape out = model::output_shape(layer, in);
  ordered_json row = {{"name", layer.name},
                      {"type", layer.type},
                      {"in", in},
                      {"out", out},
                      {"flops", flops(layer, in, out)}};
  std::vector<std::string> noises;
  for (const model::Noise& noise : layer.noise) noises.push_back(model::noise_summary(noise));
  if (!noises.empty()) row["noise"] = fmt::format("{}", fmt::join(noises, " + "));
  return row;
}

ordered_json layers_of(const model::Model& model) {
  std::map<std::string, predict::LayerSparsity> weights;
  for (const predict::LayerSparsity& s : predict::sparsity(model)) weights[s.name] = s;
  ordered_json out = ordered_json::array();
  model::for_each_layer(model.spec, [&](const model::Layer& layer, const model::Shape& in) {
    out.push_back(layer_row(layer, in));
    const auto it = weights.find(layer.name);
    if (it == weights.end()) return;
    out.back()["weights"] = it->second.weights;
    out.back()["nonzero"] = it->second.nonzero;
    // A weight that is zero is not multiplied.
    const double left = static_cast<double>(it->second.nonzero) /
                        static_cast<double>(std::max<std::size_t>(1, it->second.weights));
    out.back()["flops"] =
        static_cast<std::size_t>(std::round(left * out.back()["flops"].get<double>()));
  });
  return out;
}

ordered_json totals(const ordered_json& layers) {
  std::size_t weights = 0, nonzero = 0, work = 0;
  for (const auto& layer : layers) {
    weights += layer.value("weights", std::size_t{0});
    nonzero += layer.value("nonzero", std::size_t{0});
    work += layer["flops"].get<std::size_t>();
  }
  return {{"weights", weights}, {"nonzero", nonzero}, {"flops", work}};
}

ordered_json columns_of(const model::Preprocessing& p) {
  ordered_json out = ordered_json::array();
  if (p.schema.empty()) return out;
  for (const data::Column& column : data::schema_from_text(p.schema).inputs) {
    out.push_back({{"name", column.name},
                   {"kind", column.categorical     ? "categorical"
                            : column.parts.empty() ? "numeric"
                                                   : "date"}});
    if (column.categorical) out.back()["categories"] = column.categories;
  }
  return out;
}

ordered_json facts_of(const std::string& file, const model::Model& model) {
  const model::Preprocessing& p = model.preprocessing;
  const ordered_json layers = layers_of(model);
  ordered_json out = {{"file", file},
                      {"bytes", std::filesystem::file_size(file)},
                      {"task", model::task_name(model.spec.task)},
                      {"architecture", model.spec.architecture},
                      {"methods", model.spec.methods},
                      {"input", model.spec.input},
                      {"outputs", model.spec.outputs},
                      {"target", p.target},
                      {"classes", p.classes},
                      {"columns", columns_of(p)},
                      {"standardised", !p.mean.empty()},
                      {"layers", layers},
                      {"total", totals(layers)},
                      {"about", model::about(model)}};
  if (model.spec.task == Task::regression) {
    out["target_mean"] = p.target_mean + p.target_origin;
    out["target_scale"] = p.target_scale;
  }
  return out;
}

std::string percent(const ordered_json& of) {
  const double weights = of["weights"].get<double>();
  return weights > 0 ? fmt::format("{:.1f}", 100 * of["nonzero"].get<double>() / weights) : "-";
}

std::string count(const ordered_json& row, const char* key) {
  return row.contains(key) ? fmt::format("{}", row[key].get<std::size_t>()) : "";
}

void print_layers(const ordered_json& facts, std::ostream& out) {
  Table table({"layer", "type", "in", "out", "weights", "nonzero", "%", "flops", "noise"});
  for (const auto& row : facts["layers"]) {
    table.add({row["name"].get<std::string>(), row["type"].get<std::string>(),
               model::shape_text(row["in"].get<model::Shape>()),
               model::shape_text(row["out"].get<model::Shape>()), count(row, "weights"),
               count(row, "nonzero"), row.contains("weights") ? percent(row) : "",
               count(row, "flops"), row.value("noise", "")});
  }
  const ordered_json& total = facts["total"];
  table.add({"total", "", "", "", count(total, "weights"), count(total, "nonzero"), percent(total),
             count(total, "flops")});
  table.print(out);
}

/// At most `most` items: "a, b, c and 7 more".
std::string some(const std::vector<std::string>& items, std::size_t most) {
  const std::size_t shown = std::min(items.size(), most);
  const auto end = items.begin() + static_cast<std::ptrdiff_t>(shown);
  return fmt::format("{}{}", fmt::join(items.begin(), end, ", "),
                     shown < items.size() ? fmt::format(" and {} more", items.size() - shown) : "");
}

std::string column_text(const ordered_json& column) {
  const std::string name = quoted_name(column["name"].get<std::string>());
  if (!column.contains("categories")) return name;
  return fmt::format("{} ({} categories)", name, column["categories"].size());
}

std::vector<std::string> class_texts(const ordered_json& facts) {
  std::vector<std::string> out;
  for (const auto& name : facts["classes"]) out.push_back(quoted_name(name.get<std::string>()));
  return out;
}

void print_facts(const ordered_json& facts, std::ostream& out) {
  const auto line = [&](const char* head, const std::string& text) {
    if (!text.empty()) out << fmt::format("{:<14}{}\n", printable(head), printable(text));
  };
  const auto methods = facts["methods"].get<std::vector<std::string>>();
  line("file", fmt::format("{}, {} bytes", facts["file"].get<std::string>(),
                           facts["bytes"].get<std::size_t>()));
  line("task", facts["task"].get<std::string>());
  line("architecture", facts["architecture"].get<std::string>());
  line("method", methods.empty() ? "none" : fmt::format("{}", fmt::join(methods, " + ")));
  std::vector<std::string> columns;
  for (const auto& column : facts["columns"]) columns.push_back(column_text(column));
  line("columns", some(columns, 12));
  line("target", facts["target"].get<std::string>());
  line("classes", some(class_texts(facts), 12));
  if (facts.contains("target_scale")) {
    line("target units",
         fmt::format("mean {:.6g}, scale {:.6g}", facts["target_mean"].get<double>(),
                     facts["target_scale"].get<double>()));
  }
  for (const auto& [key, value] : facts["about"].items()) line(key.c_str(), value.dump());
  out << '\n';
  print_layers(facts, out);
}

int run(const ShowOptions& o, std::ostream& out) {
  const std::vector<std::string> files = model_files(o.model.path, o.model.replica);
  if (files.size() > 1) {
    warn(fmt::format("{} holds {} replicas; this is the first (--replica K for another)",
                     o.model.path, files.size()));
  }
  const ordered_json facts = facts_of(files[0], model::load_model(files[0]));
  if (o.json) {
    out << facts.dump(2) << '\n';
  } else {
    print_facts(facts, out);
  }
  return kSuccess;
}

}  // namespace

Action setup_show(CLI::App& sub) {
  auto o = std::make_shared<ShowOptions>();
  add_model_options(sub, o->model);
  sub.add_flag("--json", o->json, "Print JSON");
  return [o](std::ostream& out) { return run(*o, out); };
}

}  // namespace scalemix::inline v0::cli
