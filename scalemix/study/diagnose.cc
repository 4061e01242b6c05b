#include "scalemix/study/diagnose.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <sstream>

#include "scalemix/base/error.h"
#include "scalemix/base/json_text.h"
#include "scalemix/base/read_file.h"
#include "scalemix/kernel/variational.h"
#include "scalemix/law/any_law.h"
#include "scalemix/model/layer_kind.h"
#include "scalemix/model/noise_tensors.h"
#include "scalemix/model/signal_report.h"
#include "scalemix/predict/sparsity.h"

namespace scalemix::inline v0::study {
namespace {

using model::Layer;
using model::Model;

/// Which of the line's replicas is ours; nothing if the line belongs to another stack.
std::optional<std::size_t> place_of(const nlohmann::json& line, std::size_t replica) {
  const auto members = line.at("replicas").get<std::vector<std::size_t>>();
  const auto it = std::find(members.begin(), members.end(), replica);
  if (it == members.end()) return std::nullopt;
  return static_cast<std::size_t>(it - members.begin());
}

/// Adds our number of a key, where the line has it.
void take(const nlohmann::json& line, const char* key, std::size_t place,
          std::vector<double>& out) {
  if (!line.contains(key)) return;
  const nlohmann::json& value = line[key];
  out.push_back(value.is_array() ? value.at(place).get<double>() : value.get<double>());
}

void take_line(const nlohmann::json& line, std::size_t replica, History& out) {
  const auto place = place_of(line, replica);
  if (!place) return;
  take(line, "nll", *place, out.nll);
  take(line, "penalty", *place, out.penalty);
  take(line, "penalty_weight", *place, out.penalty_weight);
  take(line, "validation_nll", *place, out.validation_nll);
}

/// weight is (outputs, inputs, window): counts rows and columns without a nonzero weight.
void count_dead(const std::vector<float>& w, LayerFacts& f) {
  const std::size_t window = f.weights / (f.inputs * f.outputs);
  std::vector<bool> row(f.outputs), column(f.inputs);
  for (std::size_t i = 0; i < w.size(); ++i) {
    if (w[i] == 0) continue;
    ++f.nonzero;
    row[i / (f.inputs * window)] = true;
    column[i / window % f.inputs] = true;
  }
  f.dead_outputs = static_cast<std::size_t>(std::count(row.begin(), row.end(), false));
  f.dead_inputs = static_cast<std::size_t>(std::count(column.begin(), column.end(), false));
}

void weigh_posterior(const Model& model, const Layer& layer, const model::Noise& noise,
                     LayerFacts& f) {
  const model::NoiseTensors tensors(model, layer, noise);
  const model::NoiseKind& kind = tensors.kind();
  if (kind.penalty) {
    f.penalised = true;
    f.penalty += kind.penalty(tensors.at());
  }
  if (!kind.log_alpha) return;
  f.posterior = true;
  std::vector<float> log_alpha(tensors.weights());
  kind.log_alpha(tensors.at(), log_alpha.data());
  if (kind.threshold) f.threshold = kind.threshold(noise);
  std::size_t undecided = 0;
  for (const float la : log_alpha) {
    const double bin = std::isnan(la) ? 0 : std::floor(la + kernel::kLogAlphaClip);
    ++f.log_alpha[static_cast<std::size_t>(std::clamp(bin, 0.0, kLogAlphaBins - 1.0))];
    undecided += kind.threshold && std::abs(la - f.threshold) < 1;
  }
  f.undecided = static_cast<double>(undecided) / static_cast<double>(log_alpha.size());
}

void add_learned(const Model& model, const Layer& layer, const model::Noise& noise, Facts& facts) {
  if (!model::noise_kind(noise.kind).readings) return;
  const model::NoiseTensors tensors(model, layer, noise);
  for (model::NoiseReading& reading : tensors.kind().readings(tensors.at())) {
    facts.learned.push_back(
        {layer.name, model::noise_summary(noise), std::move(reading.name), reading.value});
  }
}

LayerFacts layer_facts(const Model& model, const Layer& layer) {
  LayerFacts f;
  f.name = layer.name;
  f.inputs = layer.in;
  f.outputs = layer.out;
  const std::vector<float> w = predict::deterministic_weights(model, layer);
  f.weights = w.size();
  count_dead(w, f);
  for (const model::Noise& noise : layer.noise) weigh_posterior(model, layer, noise, f);
  return f;
}

std::vector<std::string> constant_columns(const model::Preprocessing& p) {
  std::vector<std::string> out;
  for (std::size_t k = 0; k < p.features.size() && k < p.scale.size(); ++k) {
    if (p.scale[k] == 1) out.push_back(p.features[k]);
  }
  return out;
}

void add_heavy(const std::optional<law::AnyLaw>& law, Facts& facts) {
  if (!law) return;
  const std::string spec = law->spec();
  const bool heavy = !std::isfinite(law->mean()) || !std::isfinite(law->mu2());
  if (heavy && std::find(facts.heavy.begin(), facts.heavy.end(), spec) == facts.heavy.end()) {
    facts.heavy.push_back(spec);
  }
}

void add_not_finite(const Model& model, Facts& facts) {
  for (const auto& [name, t] : model.tensors) {
    if (t.dtype != "F32") continue;
    const std::vector<float> values = t.floats();
    if (!std::all_of(values.begin(), values.end(), [](float v) { return std::isfinite(v); })) {
      facts.not_finite.push_back(name);
    }
  }
}

nlohmann::ordered_json to_json(const LayerFacts& f) {
  nlohmann::ordered_json out = {{"name", f.name},
                                {"weights", f.weights},
                                {"nonzero", f.nonzero},
                                {"inputs", f.inputs},
                                {"dead_inputs", f.dead_inputs},
                                {"outputs", f.outputs},
                                {"dead_outputs", f.dead_outputs}};
  if (f.penalised) out["penalty"] = f.penalty;
  if (f.posterior) {
    out["threshold"] = f.threshold;
    out["undecided"] = f.undecided;
    out["log_alpha"] = {{"from", -kernel::kLogAlphaClip}, {"width", 1}, {"counts", f.log_alpha}};
  }
  return out;
}

nlohmann::ordered_json last(const std::vector<double>& values) {
  return values.empty() ? nlohmann::ordered_json() : nlohmann::ordered_json(values.back());
}

/// Judged at the start that leaves most depth, so that only the noise is to blame.
void add_depth(const Model& model, Facts& facts) {
  try {
    const model::SignalReport report =
        model::signal_report(model.spec, model::initial_weights(model.spec, "critical"));
    if (report.reach == model::Reach::unsaid)
      facts.depth_unsaid = "no rule for the depth of this network";
    if (report.reach == model::Reach::beyond) facts.too_deep = report.verdict.front();
  } catch (const ConfigError&) {  // the plan: some layer cannot start critically
    facts.depth_unsaid = "no critical initialisation to judge the depth by";
  }
}

}  // namespace

History read_history(const std::string& path, std::size_t replica) {
  if (!std::filesystem::exists(path)) throw FileError(path, "no such training log", true);
  std::istringstream in(read_file(path));
  History out;
  std::string text;
  for (std::size_t number = 1; std::getline(in, text); ++number) {
    try {
      take_line(parse_json(text), replica, out);
    } catch (const nlohmann::json::exception& error) {
      throw DataError(path, number, 0, "expected the JSON that train wrote: " + json_error(error));
    } catch (const std::invalid_argument& error) {
      throw DataError(path, number, 0,
                      std::string("expected the JSON that train wrote: ") + error.what());
    }
  }
  return out;
}

Facts facts_of(const Model& model, History history) {
  Facts facts;
  model::for_each_layer(model.spec, [&](const Layer& layer, const model::Shape&) {
    for (const model::Noise& noise : layer.noise) {
      add_heavy(model::noise_signal(noise, layer).law, facts);
      add_learned(model, layer, noise, facts);
    }
    if (model::has_weights(layer)) facts.layers.push_back(layer_facts(model, layer));
  });
  facts.off = switched_off(model);
  for (const LayerFacts& f : facts.layers) facts.penalty += f.penalty;
  facts.train_rows = model::about_number(model, "train_rows", 0);
  if (model.spec.task == Task::regression) {
    const double lp = model.tensors.at("output.log_precision").floats()[0];
    facts.log_precision = lp;
    facts.noise_sd = std::exp(-lp / 2) * model.preprocessing.target_scale;
  }
  facts.constant = constant_columns(model.preprocessing);
  add_not_finite(model, facts);
  add_depth(model, facts);
  facts.history = std::move(history);
  return facts;
}

nlohmann::ordered_json to_json(const Facts& facts) {
  nlohmann::ordered_json out;
  const History& h = facts.history;
  out["loss"] = {{"epochs", h.nll.size()},
                 {"nll", last(h.nll)},
                 {"penalty_weight", last(h.penalty_weight)},
                 {"train_rows", facts.train_rows},
                 {"penalty", facts.penalty}};
  if (!h.nll.empty() && facts.train_rows > 0) {
    out["loss"]["sum_nll"] = h.nll.back() * static_cast<double>(facts.train_rows);
  }
  out["loss"]["validation_nll"] = last(h.validation_nll);
  if (facts.log_precision) {
    out["noise"] = {{"log_precision", *facts.log_precision}, {"sd", *facts.noise_sd}};
  }
  out["layers"] = nlohmann::ordered_json::array();
  for (const LayerFacts& f : facts.layers) out["layers"].push_back(to_json(f));
  out["off"] = to_json(facts.off);
  out["learned_noise"] = nlohmann::ordered_json::array();
  for (const LearnedNoise& l : facts.learned) {
    out["learned_noise"].push_back(
        {{"layer", l.layer}, {"start", l.noise}, {"name", l.name}, {"value", l.value}});
  }
  return out;
}

}  // namespace scalemix::inline v0::study
