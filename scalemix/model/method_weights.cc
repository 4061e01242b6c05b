#include "scalemix/model/method_weights.h"

#include <fmt/format.h>

#include <stdexcept>

#include "scalemix/base/error.h"
#include "scalemix/model/layer_kind.h"

namespace scalemix::inline v0::model {
namespace {

constexpr const char* kScaleMixture = "gsm";

void check_weights_free(const Layer& layer, std::string_view method) {
  const Noise* drawn = drawn_noise(layer);
  if (!drawn) return;
  throw std::invalid_argument(
      fmt::format("{}: {} carries {} already, and a layer draws one kind of noise", method,
                  label(layer), noise_text(*drawn)));
}

/// Values that do not go together are a wrong word.
void put(Layer& layer, const Noise& noise) {
  const NoiseKind& kind = noise_kind(noise.kind);
  try {
    if (kind.tensors) kind.tensors(noise, layer);
  } catch (const std::invalid_argument& error) {
    throw ConfigError(fmt::format("{}: {}", noise.kind, error.what()));
  }
  layer.noise.push_back(noise);
}

/// "laplace:scale=1,group=row" cut before the key `group`, which a comma or a colon precedes.
std::pair<std::string_view, std::string_view> cut_before(std::string_view word,
                                                         std::string_view key) {
  const std::size_t at = word.rfind(std::string(key) + "=");
  const bool there =
      at != std::string_view::npos && (at == 0 || word[at - 1] == ',' || word[at - 1] == ':');
  if (!there) return {word, {}};
  return {word.substr(0, at == 0 ? 0 : at - 1), word.substr(at)};
}

/// gsm's parameters without its first, the group.
std::vector<scalemix::Parameter> ungrouped() {
  const std::vector<scalemix::Parameter>& all = noise_kind(kScaleMixture).parameters;
  return {all.begin() + 1, all.end()};
}

/// gsm with `group` on all layers with weights but the first and the last, whose inputs have scales.
void structured(Spec& spec, std::string_view method, std::string_view group,
                std::string_view argument) {
  const std::vector<scalemix::Parameter> parameters = ungrouped();
  const std::vector<double> values = read_values(method, parameters, argument).values;
  const scalemix::Parameter& groups = noise_kind(kScaleMixture).parameters[0];
  const auto noise = [&](std::string_view of) {
    Noise out{kScaleMixture, "", {read_value(method, groups, of)}};
    out.values.insert(out.values.end(), values.begin(), values.end());
    return out;
  };
  std::vector<Layer*> layers;
  for_each_weight_layer(spec, method, [&](Layer& layer) { layers.push_back(&layer); });
  for (Layer* layer : layers) {
    const bool end = layer == layers.front() || layer == layers.back();
    put(*layer, noise(end ? "row" : group));
  }
  spec.methods.push_back(write_word(method, parameters, values));
}

}  // namespace

std::size_t for_each_weight_layer(Spec& spec, std::string_view method,
                                  const std::function<void(Layer&)>& f) {
  std::size_t count = 0;
  for_each_layer(spec, [&](Layer& layer) {
    if (!has_weights(layer)) return;
    check_weights_free(layer, method);
    f(layer);
    ++count;
  });
  if (count == 0) {
    throw std::invalid_argument(fmt::format("{}: the network has no weight layer", method));
  }
  return count;
}

std::string_view site_of(const NoiseKind& kind) {
  switch (kind.where) {
    case Where::columns:
    case Where::pairs:
      return "input of a layer";
    case Where::input:
      return kind.own_layer ? (kind.images ? "channel" : "unit") : "input of a layer";
    case Where::before_bias:
      return "output of a layer";
    case Where::weights:
    case Where::row_weights:
    case Where::moments:
      return "weight";
    case Where::penalty:
      break;
  }
  return "";
}

void on_weights(const NoiseKind& kind, Spec& spec, std::string_view argument) {
  const std::vector<double> values = read_values(kind.name, kind.parameters, argument).values;
  const Noise noise{std::string(kind.name), "", values};
  for_each_weight_layer(spec, kind.name, [&](Layer& layer) { put(layer, noise); });
  spec.methods.push_back(write_word(kind.name, kind.parameters, values));
}

MethodRow weights_row(const NoiseKind& kind) {
  MethodRow out{kind.name, kind.summary,  kind.source, kind.parameters,
                {},        site_of(kind), kind.name};
  out.decorate = [&kind](Spec& spec, std::string_view argument) {
    on_weights(kind, spec, argument);
  };
  return out;
}

MethodRow structured_row(std::string_view name, std::string_view group, std::string_view summary) {
  MethodRow out{name,     summary,      noise_kind(kScaleMixture).source, ungrouped(), {},
                "weight", kScaleMixture};
  out.decorate = [name, group](Spec& spec, std::string_view argument) {
    structured(spec, name, group, argument);
  };
  return out;
}

MethodRow prior_row(const NoiseKind& kind) {
  MethodRow out{kind.name, kind.summary, kind.source, kind.parameters, {}, "", kind.name};
  out.decorate = [&kind](Spec& spec, std::string_view argument) {
    const auto [prior, own] = cut_before(argument, kind.parameters.front().name);
    const Noise noise{std::string(kind.name),
                      prior::Prior::parse(prior.empty() ? "laplace" : prior).word(),
                      read_values(kind.name, kind.parameters, own).values};
    std::size_t count = 0;
    for_each_layer(spec, [&](Layer& layer) {
      if (!has_weights(layer)) return;
      layer.noise.push_back(noise);
      ++count;
    });
    if (count == 0) throw std::invalid_argument("prior: the network has no weight layer");
    spec.methods.push_back(noise_text(noise));
  };
  return out;
}

}  // namespace scalemix::inline v0::model
