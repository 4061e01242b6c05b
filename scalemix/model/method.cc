#include "scalemix/model/method.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <functional>
#include <optional>
#include <stdexcept>

#include "scalemix/base/error.h"
#include "scalemix/base/nearest.h"
#include "scalemix/law/any_law.h"
#include "scalemix/model/arguments.h"
#include "scalemix/model/layer_kind.h"

namespace scalemix::inline v0::model {
namespace {

using law::AnyLaw;

// ------------------------------------------------------------------------------ places

/// What to put before a layer that a shape reaches.
using Before = std::function<std::optional<Layer>(const Layer&, const Shape&)>;

Shape insert(std::vector<Layer>& layers, Shape shape, const Before& before) {
  std::vector<Layer> out;
  for (Layer& layer : layers) {
    if (std::optional<Layer> extra = before(layer, shape)) out.push_back(std::move(*extra));
    const Shape next = output_shape(layer, shape);
    insert(layer.branch, shape, before);
    insert(layer.shortcut, shape, before);
    out.push_back(std::move(layer));
    shape = next;
  }
  layers = std::move(out);
  return shape;
}

Layer noise_layer(const AnyLaw& law, Site at, Mode mode, const Shape& shape) {
  Layer layer;
  layer.type = "noise";
  layer.law = law.spec();
  layer.at = at;
  layer.mode = mode;
  layer.width = site_columns(at, shape);
  return layer;
}

/// Unit noise on the input of every weight layer but the first, and of the first if `input` is
/// given. Returns the number of places.
std::size_t noise_on_inputs(Spec& spec, const AnyLaw& law, const std::optional<AnyLaw>& input,
                            Mode mode) {
  std::size_t weights = 0, places = 0;
  insert(spec.layers, spec.input, [&](const Layer& layer, const Shape& shape) {
    std::optional<Layer> extra;
    if (!has_weights(layer)) return extra;
    const bool first = weights++ == 0;
    if (!first) extra = noise_layer(law, Site::unit, mode, shape);
    return places += !first, extra;
  });
  if (input) {
    spec.layers.insert(spec.layers.begin(), noise_layer(*input, Site::unit, mode, spec.input));
    ++places;
  }
  return places;
}

// ------------------------------------------------------------------------------ laws

/// "name:arguments", or the name alone.
std::string join_word(std::string_view name, std::string_view argument) {
  return argument.empty() ? std::string(name) : fmt::format("{}:{}", name, argument);
}

AnyLaw multiplier_law(std::string_view method, const std::string& word) {
  AnyLaw law = AnyLaw::parse(word);
  if (law.mean() == 0) {
    throw ConfigError(
        fmt::format("{}: a multiplier of mean zero carries no signal; use --method additive:{}",
                    method, law.spec()));
  }
  return law;
}

struct UnitWord {
  std::string law;  // the word without input=
  std::optional<double> input;
};

UnitWord read_unit_word(std::string_view name, std::string_view argument) {
  UnitWord out;
  std::vector<std::string_view> rest;
  for (const std::string_view piece : split(argument, ',')) {
    if (piece.substr(0, 6) == "input=") {
      out.input = parse_number(name, "input", piece.substr(6));
    } else {
      rest.push_back(piece);
    }
  }
  out.law = join_word(name, fmt::format("{}", fmt::join(rest, ",")));
  return out;
}

AnyLaw with_first(const AnyLaw& law, double value) {
  std::vector<double> values(law.values().begin(), law.values().end());
  if (values.empty()) {
    throw ConfigError(fmt::format("{}: has no parameter for input=", law.spec()));
  }
  values[0] = value;
  return AnyLaw::make(law.row().name, values);
}

void decorate_units(Spec& spec, std::string_view method, const AnyLaw& law,
                    const std::optional<double>& value, Mode mode) {
  std::optional<AnyLaw> input;
  if (value) input = with_first(law, *value);
  if (noise_on_inputs(spec, law, input, mode) == 0) {
    throw std::invalid_argument(
        fmt::format("{}: no place for noise: the network has no second weight layer; input=VALUE "
                    "puts it on the "
                    "network's input",
                    method));
  }
  std::string word = law.spec();
  if (value) {
    word += word.find(':') == std::string::npos ? ':' : ',';
    word += "input=" + number_text(*value);
  }
  spec.methods.push_back((mode == Mode::add ? "additive:" : "") + word);
}

// ------------------------------------------------------------------------------ rows

void none(Spec&, std::string_view argument) {
  if (!argument.empty())
    throw ConfigError(fmt::format("none: takes no argument, got '{}'", argument));
}

void unit(std::string_view name, Spec& spec, std::string_view argument) {
  const UnitWord word = read_unit_word(name, argument);
  decorate_units(spec, name, multiplier_law(name, word.law), word.input, Mode::multiply);
}

void additive(Spec& spec, std::string_view argument) {
  if (argument.empty()) {
    throw ConfigError("additive: expected a law, for example additive:normal:scale=0.1");
  }
  const auto [name, rest] = split_word(argument, ":,");  // additive:laplace,input=0.1
  const UnitWord word = read_unit_word(name, rest);
  decorate_units(spec, "additive", AnyLaw::parse(word.law), word.input, Mode::add);
}

/// "[LAW:]parameters", bernoulli by default.
AnyLaw optional_law(std::string_view method, std::string_view argument) {
  const std::string_view name = split_word(argument).first;
  const bool bare = argument.empty() || name.find('=') != std::string_view::npos;
  return multiplier_law(method, bare ? join_word("bernoulli", argument) : std::string(argument));
}

/// Channel noise at the last point after each convolution where its output is still an image:
/// before the next convolution, or before the flatten.
void spatial(Spec& spec, std::string_view argument) {
  const AnyLaw law = optional_law("spatial", argument);
  bool after_conv = false;
  std::size_t places = 0;
  insert(spec.layers, spec.input, [&](const Layer& layer, const Shape& shape) {
    const bool conv = layer.type == "conv2d";
    std::optional<Layer> extra;
    if (after_conv && (conv || layer.type == "flatten")) {
      extra = noise_layer(law, Site::channel, Mode::multiply, shape);
      ++places;
    }
    after_conv = conv || (after_conv && !extra);
    return extra;
  });
  if (places == 0) {
    throw std::invalid_argument(
        "spatial: the architecture has no convolution whose channels another "
        "layer reads");
  }
  spec.methods.push_back("spatial:" + law.spec());
}

void check_weights_free(const Layer& layer, std::string_view method) {
  if (layer.weight_law.empty() && layer.posterior.empty()) return;
  throw std::invalid_argument(fmt::format(
      "{}: the weights of {} are noisy already ({}); svdo and dropconnect exclude each other",
      method, label(layer), layer.posterior.empty() ? layer.weight_law : layer.posterior));
}

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

void dropconnect(Spec& spec, std::string_view argument) {
  const AnyLaw law = optional_law("dropconnect", argument);
  for_each_weight_layer(spec, "dropconnect", [&](Layer& layer) { layer.weight_law = law.spec(); });
  spec.methods.push_back("dropconnect:" + law.spec());
}

const std::vector<MethodParameter> kDepthParameters{
    {"p", 0.5, 0, 1, "drop probability of the last block; block l of L has l / L times it"}};

const std::vector<MethodParameter> kSvdoParameters{
    {"threshold", 3, -8, 8, "a weight whose log alpha is at or above it counts as zero"},
    {"init", -10, -20, 2, "initial log variance of every weight"}};

/// Values in the table's order, defaults where the argument is silent.
std::vector<double> read_parameters(std::string_view method, std::string_view argument,
                                    const std::vector<MethodParameter>& table) {
  std::vector<double> values;
  std::vector<std::string> names;
  for (const MethodParameter& row : table) {
    values.push_back(row.value);
    names.emplace_back(row.name);
  }
  for (const std::string_view piece : split(argument, ',')) {
    const auto [key, text] = split_setting(method, piece);
    const auto found = std::find(names.begin(), names.end(), key);
    if (found == names.end()) {
      throw ConfigError(fmt::format("{}: unknown parameter '{}'{} (known: {})", method, key,
                                    did_you_mean(key, names), fmt::join(names, ", ")));
    }
    const std::size_t i = static_cast<std::size_t>(found - names.begin());
    values[i] = parse_number(method, key, text);
    if (!(values[i] >= table[i].lo && values[i] <= table[i].hi)) {
      throw std::domain_error(fmt::format("{}: {} must be in [{}, {}], got {}", method, key,
                                          table[i].lo, table[i].hi, text));
    }
  }
  return values;
}

std::string canonical_word(std::string_view method, const std::vector<MethodParameter>& table,
                           const std::vector<double>& values) {
  std::vector<std::string> settings;
  for (std::size_t i = 0; i < table.size(); ++i) {
    settings.push_back(fmt::format("{}={}", table[i].name, number_text(values[i])));
  }
  return fmt::format("{}:{}", method, fmt::join(settings, ","));
}

void stochastic_depth(Spec& spec, std::string_view argument) {
  const std::vector<double> values =
      read_parameters("stochastic_depth", argument, kDepthParameters);
  std::size_t blocks = 0, block = 0;
  for_each_layer(spec, [&](Layer& layer) { blocks += layer.type == "residual"; });
  if (blocks == 0) {
    throw std::invalid_argument(
        "stochastic_depth: the architecture has no residual block (resmlp and resnet have)");
  }
  for_each_layer(spec, [&](Layer& layer) {
    if (layer.type != "residual") return;
    const double p = values[0] * static_cast<double>(++block) / static_cast<double>(blocks);
    layer.branch.push_back(
        noise_layer(AnyLaw::make("bernoulli", std::vector{p}), Site::layer, Mode::multiply, {}));
  });
  spec.methods.push_back(canonical_word("stochastic_depth", kDepthParameters, values));
}

void svdo(Spec& spec, std::string_view argument) {
  const std::vector<double> values = read_parameters("svdo", argument, kSvdoParameters);
  for_each_weight_layer(spec, "svdo", [&](Layer& layer) {
    layer.posterior = "svdo";
    layer.threshold = values[0];
    layer.init_log_sigma2 = values[1];
  });
  spec.methods.push_back(canonical_word("svdo", kSvdoParameters, values));
}

// ------------------------------------------------------------------------------ the table

const std::vector<MethodParameter> kChannelParameters{
    {"p", 0.5, 0, 1, "drop probability; or LAW:parameters for another law"}};

MethodRow law_row(const law::LawRow& row) {
  MethodRow out{row.name, row.summary, row.source, {}, {}};
  for (const law::Parameter& p : row.parameters) {
    out.parameters.push_back({p.name, p.value, p.lo, p.hi, p.meaning});
  }
  if (!out.parameters.empty()) {
    MethodParameter input = out.parameters[0];
    input.name = "input";
    input.meaning = "puts the law on the network's input too, with this first parameter";
    input.optional = true;
    out.parameters.push_back(input);
  }
  out.decorate = [name = row.name](Spec& spec, std::string_view argument) {
    unit(name, spec, argument);
  };
  return out;
}

std::vector<MethodRow> make_methods() {
  std::vector<MethodRow> rows{
      {"none", "nothing", "", {}, none},
      {"additive",
       "x + z with z of any law at the places of unit noise: additive:normal:scale=0.1",
       "Bishop (1995), Neural Computation 7(1)",
       {},
       additive},
      {"spatial", "one draw a channel and row, after each convolution (bernoulli by default)",
       "Tompson, Goroshin, Jain, LeCun & Bregler (2015)", kChannelParameters, spatial},
      {"dropconnect", "one draw a weight and step (bernoulli by default)",
       "Wan, Zeiler, Zhang, LeCun & Fergus (2013)", kChannelParameters, dropconnect},
      {"stochastic_depth", "one draw a residual branch and row, rates rising linearly with depth",
       "Huang, Sun, Liu, Sedra & Weinberger (2016)", kDepthParameters, stochastic_depth},
      {"svdo", "sparse variational dropout on every linear and conv2d",
       "Molchanov, Ashukha & Vetrov (2017)", kSvdoParameters, svdo},
  };
  for (const law::LawRow& row : law::laws()) {
    if (row.name != "normal") rows.push_back(law_row(row));
  }
  return rows;
}

const MethodRow& method_row(std::string_view name) {
  std::vector<std::string> names;
  for (const MethodRow& row : methods()) {
    if (row.name == name) return row;
    names.emplace_back(row.name);
  }
  if (name == "normal") {
    throw ConfigError(
        "normal: a multiplier of mean zero carries no signal; use additive:normal:scale=0.1");
  }
  throw ConfigError(fmt::format("unknown method '{}'{} (known: {})", name,
                                did_you_mean(name, names), fmt::join(names, ", ")));
}

}  // namespace

const std::vector<MethodRow>& methods() {
  static const std::vector<MethodRow> rows = make_methods();
  return rows;
}

void apply_method(Spec& spec, std::string_view word) {
  const auto [name, argument] = split_word(word, ":,");  // laplace,input=0.1
  Spec decorated = spec;
  method_row(name).decorate(decorated, argument);
  decorated.number();
  decorated.validate();
  spec = std::move(decorated);
}

}  // namespace scalemix::inline v0::model
