#include "scalemix/model/spec_json.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "scalemix/base/known.h"
#include "scalemix/model/layer_kind.h"
#include "scalemix/model/noise.h"

namespace scalemix::inline v0::model {
namespace {

using nlohmann::json;

constexpr std::size_t kMaxDepth = 64;

[[noreturn]] void refuse(const std::string& place, const std::string& what) {
  throw std::invalid_argument(place.empty() ? what : place + ": " + what);
}

[[noreturn]] void refuse_type(const std::string& place, std::string_view expected,
                              const json& got) {
  refuse(place, fmt::format("expected {}, got {}", expected, got.type_name()));
}

// ------------------------------------------------------------------------------ values

std::size_t read_size(const json& value, const std::string& place) {
  if (!value.is_number_integer()) refuse_type(place, "a whole number", value);
  const bool negative = !value.is_number_unsigned() && value.get<std::int64_t>() < 0;
  if (negative || value.get<std::uint64_t>() >= kMaxSize) {
    refuse(place, "expected a number in [0, 2^31), got " + value.dump());
  }
  return value.get<std::size_t>();
}

double read_number(const json& value, const std::string& place) {
  if (!value.is_number()) refuse_type(place, "a number", value);
  const double number = value.get<double>();
  if (!std::isfinite(number)) refuse(place, "expected a finite number");
  return number;
}

bool read_bool(const json& value, const std::string& place) {
  if (!value.is_boolean()) refuse_type(place, "true or false", value);
  return value.get<bool>();
}

std::string read_text(const json& value, const std::string& place) {
  if (!value.is_string()) refuse_type(place, "a text", value);
  return value.get<std::string>();
}

template <class T, class Read>
std::vector<T> read_list(const json& value, const std::string& place, Read read) {
  if (!value.is_array()) refuse_type(place, "a list", value);
  std::vector<T> out;
  for (std::size_t i = 0; i < value.size(); ++i) {
    out.push_back(static_cast<T>(read(value[i], fmt::format("{}[{}]", place, i))));
  }
  return out;
}

/// Names of an enumeration, in the order of its values.
template <class E>
E read_enum(const json& value, const std::string& place, const std::vector<std::string>& names) {
  const std::string text = read_text(value, place);
  const auto found = std::find(names.begin(), names.end(), text);
  if (found == names.end()) {
    refuse(place, not_one_of(names, text));
  }
  return static_cast<E>(found - names.begin());
}

const std::vector<std::string> kSites{"unit", "channel", "layer"};
const std::vector<std::string> kModes{"multiply", "add"};
const std::vector<std::string> kTasks{"regression", "classification"};

// ------------------------------------------------------------------------------ fields

struct Reader;

struct Field {
  std::string name;
  json (*write)(const Layer&);  // null: nothing to say
  void (*read)(Layer&, const json&, const Reader&, const std::string& place);
};

struct Reader {
  bool open = false;
  std::size_t depth = 0;

  std::vector<Layer> layers(const json& list, const std::string& place) const;
  Layer layer(const json& object, const std::string& place) const;
};

json write_layers(const std::vector<Layer>& layers);

// ------------------------------------------------------------------------------ noise

const char* law_key(const NoiseKind& kind) { return kind.takes_prior ? "prior" : "law"; }

json write_noise(const Noise& noise) {
  json out{{"kind", noise.kind}};
  const NoiseKind& kind = noise_kind(noise.kind);
  if (!noise.law.empty()) out[law_key(kind)] = noise.law;
  for (std::size_t i = 0; i < kind.parameters.size(); ++i) {
    json& value = out[std::string(kind.parameters[i].name)];
    value = noise.values[i];
    if (!kind.parameters[i].words.empty()) value = value_text(kind.parameters[i], noise.values[i]);
  }
  for (const Scheduled& s : noise.schedules) out["schedules"][s.parameter] = s.schedule;
  return out;
}

void check_keys(const json& object, std::vector<std::string> known, const std::string& place);

/// {"p": "linear:start=0"}
std::vector<Scheduled> read_schedules(const json& object, const std::string& place) {
  if (!object.is_object()) refuse_type(place, "an object", object);
  std::vector<Scheduled> out;
  for (const auto& [parameter, word] : object.items()) {
    out.push_back({parameter, read_text(word, place + "." + parameter)});
  }
  return out;
}

/// {"kind": "svdo", "threshold": 3}: what is not there has its default.
Noise read_noise(const json& value, const std::string& place) {
  if (!value.is_object()) refuse_type(place, "an object", value);
  if (!value.contains("kind")) refuse(place + ".kind", "missing");
  std::string name = read_text(value["kind"], place + ".kind");
  std::vector<std::string> known{"kind", "schedules"};
  Noise out;
  try {
    out = noise_of(name);
  } catch (const std::invalid_argument& error) {
    refuse(place + ".kind", error.what());
  }
  const NoiseKind& kind = noise_kind(name);
  const char* law = law_key(kind);
  known.emplace_back(law);
  for (const Parameter& p : kind.parameters) known.emplace_back(p.name);
  check_keys(value, known, place);
  if (value.contains(law)) out.law = read_text(value[law], place + "." + law);
  if (value.contains("schedules")) {
    out.schedules = read_schedules(value["schedules"], place + ".schedules");
  }
  for (std::size_t i = 0; i < kind.parameters.size(); ++i) {
    const std::string key(kind.parameters[i].name);
    if (!value.contains(key)) continue;
    const std::string at = place + "." + key;
    if (kind.parameters[i].words.empty()) {
      out.values[i] = read_number(value[key], at);
      continue;
    }
    try {
      out.values[i] = read_value(name, kind.parameters[i], read_text(value[key], at));
    } catch (const ConfigError& error) {
      refuse(at, error.what());
    }
  }
  return out;
}

/// The law of a noise layer that multiplies or adds stands in keys of its own.
bool has_short_form(const Layer& layer) {
  if (has_weights(layer) || layer.noise.size() != 1) return false;
  if (!layer.noise[0].schedules.empty()) return false;
  return std::find(kModes.begin(), kModes.end(), layer.noise[0].kind) != kModes.end();
}

json write_noises(const Layer& layer) {
  if (layer.noise.empty() || has_short_form(layer)) return {};
  json out = json::array();
  for (const Noise& noise : layer.noise) out.push_back(write_noise(noise));
  return out;
}

Noise& only_noise(Layer& layer, const char* kind) {
  if (layer.noise.empty()) layer.noise.push_back(noise_of(kind));
  return layer.noise.front();
}

#define SCALEMIX_FIELD(member, reader)                                                             \
  Field {                                                                                          \
#member,                                                                                       \
        [](const Layer& l) { return json(l.member); },                                             \
                                                    [](Layer & l, const json& v, const Reader&,    \
                                                       const std::string&                          \
                                                           place) { l.member = reader(v, place); } \
  }

const std::vector<Field>& fields() {
  static const std::vector<Field> table{
      SCALEMIX_FIELD(in, read_size),
      SCALEMIX_FIELD(out, read_size),
      SCALEMIX_FIELD(kernel, read_size),
      SCALEMIX_FIELD(stride, read_size),
      SCALEMIX_FIELD(padding, read_size),
      SCALEMIX_FIELD(bias, read_bool),
      SCALEMIX_FIELD(slope, read_number),
      SCALEMIX_FIELD(eps, read_number),
      {"law", [](const Layer& l) { return has_short_form(l) ? json(l.noise[0].law) : json(); },
       [](Layer& l, const json& v, const Reader&, const std::string& place) {
         only_noise(l, "multiply").law = read_text(v, place);
       }},
      {"at", [](const Layer& l) { return json(kSites[static_cast<std::size_t>(l.at)]); },
       [](Layer& l, const json& v, const Reader&, const std::string& place) {
         l.at = read_enum<Site>(v, place, kSites);
       }},
      {"mode", [](const Layer& l) { return has_short_form(l) ? json(l.noise[0].kind) : json(); },
       [](Layer& l, const json& v, const Reader&, const std::string& place) {
         only_noise(l, "multiply").kind = kModes[read_enum<std::size_t>(v, place, kModes)];
       }},
      {"noise", write_noises,
       [](Layer& l, const json& v, const Reader&, const std::string& place) {
         if (!l.noise.empty()) refuse(place, "cannot be given together with law and mode");
         l.noise = read_list<Noise>(v, place, read_noise);
       }},
      SCALEMIX_FIELD(width, read_size),
      {"columns", [](const Layer& l) { return l.columns.empty() ? json() : json(l.columns); },
       [](Layer& l, const json& v, const Reader&, const std::string& place) {
         l.columns = read_list<std::int64_t>(v, place, read_size);
       }},
      {"branch", [](const Layer& l) { return write_layers(l.branch); },
       [](Layer& l, const json& v, const Reader& reader, const std::string& place) {
         l.branch = reader.layers(v, place);
       }},
      {"shortcut",
       [](const Layer& l) { return l.shortcut.empty() ? json() : write_layers(l.shortcut); },
       [](Layer& l, const json& v, const Reader& reader, const std::string& place) {
         l.shortcut = reader.layers(v, place);
       }},
  };
  return table;
}
#undef SCALEMIX_FIELD

const Field& field(std::string_view name) {
  for (const Field& f : fields()) {
    if (f.name == name) return f;
  }
  throw std::logic_error(
      fmt::format("layer_kinds() names a field '{}' that spec_json has not", name));
}

std::vector<std::string> keys_of(const LayerKind& kind) {
  std::vector<std::string> keys(kind.required.begin(), kind.required.end());
  keys.insert(keys.end(), kind.optional.begin(), kind.optional.end());
  return keys;
}

// ------------------------------------------------------------------------------ layers

json write_layer(const Layer& layer) {
  json out{{"type", layer.type}};
  if (!layer.name.empty()) out["name"] = layer.name;
  if (layer.site != 0) out["site"] = layer.site;
  for (const std::string& key : keys_of(layer_kind(layer.type))) {
    json value = field(key).write(layer);
    if (!value.is_null()) out[key] = std::move(value);
  }
  return out;
}

json write_layers(const std::vector<Layer>& layers) {
  json out = json::array();
  for (const Layer& layer : layers) out.push_back(write_layer(layer));
  return out;
}

void check_keys(const json& object, std::vector<std::string> known, const std::string& place) {
  for (const auto& item : object.items()) {
    if (std::find(known.begin(), known.end(), item.key()) != known.end()) continue;
    refuse(place, unknown("key", item.key(), known));
  }
}

/// Of format 1, where a law on the weights and svdo had keys of their own.
const std::vector<std::string> kOldKeys{"weight_law", "posterior", "threshold", "init_log_sigma2"};

void read_old_noise(const json& object, Layer& layer, const std::string& place) {
  const auto has = [&](std::size_t key) { return object.contains(kOldKeys[key]); };
  const auto at = [&](std::size_t key) { return place + "." + kOldKeys[key]; };
  if (has(0)) {
    layer.noise.push_back(noise_of("dropconnect", read_text(object[kOldKeys[0]], at(0))));
  }
  if (!has(1)) return;
  const std::string posterior = read_text(object[kOldKeys[1]], at(1));
  if (posterior != "svdo") refuse(at(1), "expected svdo, got '" + posterior + "'");
  Noise noise = noise_of(posterior);
  for (const std::size_t i : {std::size_t{0}, std::size_t{1}}) {
    if (has(i + 2)) noise.values[i] = read_number(object[kOldKeys[i + 2]], at(i + 2));
  }
  layer.noise.push_back(std::move(noise));
}

/// What an open spec may leave to fill().
bool may_be_open(std::string_view key) { return key == "in" || key == "out" || key == "width"; }

Layer Reader::layer(const json& object, const std::string& place) const {
  if (!object.is_object()) refuse_type(place, "a layer", object);
  if (!object.contains("type")) refuse(place + ".type", "missing");
  Layer out;
  out.type = read_text(object["type"], place + ".type");
  const LayerKind* kind = nullptr;
  try {
    kind = &layer_kind(out.type);
  } catch (const std::invalid_argument& error) {
    refuse(place + ".type", error.what());
  }
  const std::vector<std::string> keys = keys_of(*kind);
  std::vector<std::string> known{"type", "name", "site"};
  known.insert(known.end(), keys.begin(), keys.end());
  if (kind->family == Family::weighted) known.insert(known.end(), kOldKeys.begin(), kOldKeys.end());
  check_keys(object, known, place);
  if (object.contains("name")) out.name = read_text(object["name"], place + ".name");
  if (object.contains("site")) {
    out.site = static_cast<std::uint32_t>(read_size(object["site"], place + ".site"));
  }
  for (const std::string_view key : kind->required) {
    if (object.contains(key) || (open && may_be_open(key))) continue;
    refuse(fmt::format("{}.{}", place, key), "missing");
  }
  for (const std::string& key : keys) {
    if (object.contains(key)) field(key).read(out, object[key], *this, place + "." + key);
  }
  if (kind->family == Family::weighted) read_old_noise(object, out, place);
  if (kind->family == Family::norm) out.out = out.in;
  return out;
}

std::vector<Layer> Reader::layers(const json& list, const std::string& place) const {
  if (depth >= kMaxDepth) refuse(place, fmt::format("nested more than {} deep", kMaxDepth));
  const Reader inner{open, depth + 1};
  return read_list<Layer>(list, place, [&](const json& value, const std::string& here) {
    return inner.layer(value, here);
  });
}

// ------------------------------------------------------------------------------ the rest

OpenSpec read_spec(const json& object, bool open) {
  if (!object.is_object()) refuse_type("spec", "an object", object);
  check_keys(object, {"input", "task", "outputs", "layers", "architecture", "methods"}, "");
  for (const char* key : {"input", "task", "outputs", "layers"}) {
    if (!object.contains(key) && !(open && std::string_view(key) != "layers")) {
      refuse(key, "missing");
    }
  }
  OpenSpec out;
  Spec& spec = out.spec;
  if (object.contains("input"))
    spec.input = read_list<std::size_t>(object["input"], "input", read_size);
  if (object.contains("task")) out.task = read_enum<Task>(object["task"], "task", kTasks);
  if (object.contains("outputs")) spec.outputs = read_size(object["outputs"], "outputs");
  if (object.contains("architecture")) {
    spec.architecture = read_text(object["architecture"], "architecture");
  }
  if (object.contains("methods")) {
    spec.methods = read_list<std::string>(object["methods"], "methods", read_text);
  }
  spec.layers = Reader{open, 0}.layers(object["layers"], "layers");
  if (out.task) spec.task = *out.task;
  return out;
}

Shape fill(std::vector<Layer>& layers, Shape shape) {
  for (Layer& layer : layers) {
    const LayerKind& kind = layer_kind(layer.type);
    const bool norm = kind.family == Family::norm;
    if ((norm || kind.family == Family::weighted) && layer.in == 0 && !shape.empty()) {
      layer.in = norm && !kind.of_batch ? elements(shape) : shape[0];
    }
    if (norm) layer.out = layer.in;
    if (kind.family == Family::noise && layer.width == 0) {
      layer.width = site_columns(layer.at, shape);
    }
    if (kind.family == Family::residual) {
      fill(layer.branch, shape);
      fill(layer.shortcut, shape);
    }
    shape = output_shape(layer, shape);
  }
  return shape;
}

}  // namespace

std::string_view task_name(Task task) { return kTasks[static_cast<std::size_t>(task)]; }

void fill(Spec& spec) {
  if (!spec.layers.empty() && has_weights(spec.layers.back()) && spec.layers.back().out == 0) {
    spec.layers.back().out = spec.outputs;
  }
  fill(spec.layers, spec.input);
}

OpenSpec open_spec_from_json(const json& object) { return read_spec(object, true); }

json to_json(const Spec& spec) {
  return {{"input", spec.input},     {"task", task_name(spec.task)},
          {"outputs", spec.outputs}, {"architecture", spec.architecture},
          {"methods", spec.methods}, {"layers", write_layers(spec.layers)}};
}

Spec spec_from_json(const json& object) {
  Spec spec = read_spec(object, false).spec;
  spec.number();
  spec.validate();
  return spec;
}

}  // namespace scalemix::inline v0::model
