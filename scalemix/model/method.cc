#include "scalemix/model/method.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <optional>
#include <stdexcept>

#include "scalemix/base/error.h"
#include "scalemix/base/known.h"
#include "scalemix/base/number_text.h"
#include "scalemix/law/any_law.h"
#include "scalemix/model/layer_kind.h"
#include "scalemix/model/method_fast.h"
#include "scalemix/model/method_ic.h"
#include "scalemix/model/method_weights.h"
#include "scalemix/model/method_word.h"
#include "scalemix/model/noise.h"

namespace scalemix::inline v0::model {
namespace {

using law::AnyLaw;

constexpr std::string_view kUnit = "unit";
constexpr const char *kMultiply = "multiply", *kAdd = "add", *kLearned = "learned";  // of noise

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

Layer noise_layer(const Noise& noise, Site at, const Shape& shape) {
  Layer layer;
  layer.type = "noise";
  layer.noise = {noise};
  layer.at = at;
  layer.width = site_columns(at, shape);
  return layer;
}

/// Unit noise on the input of every weight layer but the first, and of the first if `input` is
/// given. Returns the number of places.
std::size_t noise_on_inputs(Spec& spec, const Noise& noise, const std::optional<Noise>& input) {
  const bool channels = noise_kind(noise.kind).channels;
  const auto site = [&](const Shape& shape) {
    return channels && shape.size() == 3 ? Site::channel : Site::unit;
  };
  std::size_t weights = 0, places = 0;
  insert(spec.layers, spec.input, [&](const Layer& layer, const Shape& shape) {
    std::optional<Layer> extra;
    if (!has_weights(layer)) return extra;
    const bool first = weights++ == 0;
    if (!first) extra = noise_layer(noise, site(shape), shape);
    return places += !first, extra;
  });
  if (input) {
    spec.layers.insert(spec.layers.begin(), noise_layer(*input, site(spec.input), spec.input));
    ++places;
  }
  return places;
}

// ------------------------------------------------------------------------------ laws

/// "name:arguments", or the name alone.
std::string join_word(std::string_view name, std::string_view argument) {
  return argument.empty() ? std::string(name) : fmt::format("{}:{}", name, argument);
}

const AnyLaw& check_multiplier(std::string_view method, const AnyLaw& law) {
  if (law.mean() == 0) {
    throw ConfigError(
        fmt::format("{}: a multiplier of mean zero carries no signal; use --method additive:{}",
                    method, law.spec()));
  }
  return law;
}

/// A law's parameters, or a kind's, and `input`: the first of them on the network's input.
std::vector<scalemix::Parameter> unit_parameters(std::span<const scalemix::Parameter> parameters) {
  std::vector<scalemix::Parameter> out(parameters.begin(), parameters.end());
  if (out.empty()) return out;
  scalemix::Parameter input = out[0];
  input.name = "input";
  input.meaning = "puts the noise on the network's input as well, with this first parameter";
  input.optional = true;
  out.push_back(input);
  return out;
}

struct UnitLaw {
  AnyLaw law;
  std::optional<double> input;
};

UnitLaw read_unit_law(std::string_view name, std::string_view argument) {
  const law::LawRow& row = find_row("law", name, law::laws());
  const auto [values, given] = read_values(name, unit_parameters(row.parameters), argument);
  UnitLaw out{AnyLaw::make(name, std::span(values).first(row.parameters.size())), {}};
  if (!given.empty() && given.back()) out.input = values.back();
  return out;
}

AnyLaw with_first(const AnyLaw& law, double value) {
  std::vector<double> values(law.values().begin(), law.values().end());
  values[0] = value;
  return AnyLaw::make(law.row().name, values);
}

/// `word` is what the spec remembers; `value` the first parameter of `input`.
void decorate_units(Spec& spec, std::string_view method, const Noise& noise,
                    const std::optional<Noise>& input, const std::optional<double>& value,
                    std::string word) {
  if (noise_on_inputs(spec, noise, input) == 0) {
    throw std::invalid_argument(fmt::format(
        "{}: no place for noise: the network has no second weight layer; input=VALUE puts it on "
        "the network's input",
        method));
  }
  if (value) {
    word += word.find('=') == std::string::npos ? ':' : ',';
    word += "input=" + shortest_number(*value);
  }
  spec.methods.push_back(std::move(word));
}

/// A law at units, by a kind that takes one; `prefix` stands before the law in the word.
void decorate_units(Spec& spec, std::string_view method, const UnitLaw& unit, const char* kind,
                    const std::string& prefix) {
  std::optional<Noise> input;
  if (unit.input) input = noise_of(kind, with_first(unit.law, *unit.input).spec());
  decorate_units(spec, method, noise_of(kind, unit.law.spec()), input, unit.input,
                 prefix + unit.law.spec());
}

// ------------------------------------------------------------------------------ rows

void none(Spec&, std::string_view argument) {
  if (!argument.empty())
    throw ConfigError(fmt::format("none: takes no argument, got '{}'", argument));
}

void unit(std::string_view name, Spec& spec, std::string_view argument) {
  const UnitLaw unit = read_unit_law(name, argument);
  check_multiplier(name, unit.law);
  decorate_units(spec, name, unit, kMultiply, "");
}

void additive(Spec& spec, std::string_view argument) {
  if (argument.empty()) {
    throw ConfigError("additive: expected a law, for example additive:normal:scale=0.1");
  }
  const auto [name, rest] = split_word(argument, ":,");  // additive:laplace,input=0.1
  decorate_units(spec, "additive", read_unit_law(name, rest), kAdd, "additive:");
}

void learned(Spec& spec, std::string_view argument) {
  const auto [name, rest] = split_word(argument.empty() ? "gaussian" : argument, ":,");
  const UnitLaw unit = read_unit_law(name, rest);
  check_multiplier("learned", unit.law);
  decorate_units(spec, "learned", unit, kLearned, "learned:");
}

/// "[LAW:]parameters", bernoulli by default.
AnyLaw optional_law(std::string_view method, std::string_view argument) {
  const std::string_view name = split_word(argument).name;
  const bool bare = argument.empty() || name.find('=') != std::string_view::npos;
  const std::string word = bare ? join_word("bernoulli", argument) : std::string(argument);
  return check_multiplier(method, AnyLaw::parse(word));
}

/// Noise at the last point after each convolution where its output is still an image: before the
/// next convolution, or before the flatten.
void after_convolutions(Spec& spec, std::string_view method, const Noise& noise, Site site) {
  bool after_conv = false;
  std::size_t places = 0;
  insert(spec.layers, spec.input, [&](const Layer& layer, const Shape& shape) {
    const LayerKind& kind = layer_kind(layer.type);
    const bool conv = kind.family == Family::weighted && kind.windows;
    std::optional<Layer> extra;
    if (after_conv && (conv || kind.family == Family::shape)) {
      extra = noise_layer(noise, site, shape);
      ++places;
    }
    after_conv = conv || (after_conv && !extra);
    return extra;
  });
  if (places == 0) {
    throw std::invalid_argument(fmt::format(
        "{}: the architecture has no convolution whose channels another layer reads", method));
  }
}

void spatial(Spec& spec, std::string_view argument) {
  const AnyLaw law = optional_law("spatial", argument);
  after_convolutions(spec, "spatial", noise_of(kMultiply, law.spec()), Site::channel);
  spec.methods.push_back("spatial:" + law.spec());
}

/// "p=0.3,mask=row" cut into what names the law, "p=0.3", and what a kind's own keys say.
std::pair<std::string, std::string> cut_own(const NoiseKind& kind, std::string_view argument) {
  std::pair<std::string, std::string> out;
  for (const std::string_view item : split(argument, ',')) {
    const std::string_view key = item.substr(0, item.find('='));
    const bool own = std::any_of(kind.parameters.begin(), kind.parameters.end(),
                                 [&](const scalemix::Parameter& p) { return p.name == key; });
    std::string& to = own ? out.second : out.first;
    to += (to.empty() ? "" : ",") + std::string(item);
  }
  return out;
}

void dropconnect(Spec& spec, std::string_view argument) {
  const NoiseKind& kind = noise_kind("dropconnect");
  const auto [law_text, own] = cut_own(kind, argument);
  const AnyLaw law = optional_law("dropconnect", law_text);
  Noise noise = noise_of(kind.name, law.spec());
  noise.values = read_values(kind.name, kind.parameters, own).values;
  for_each_weight_layer(spec, "dropconnect", [&](Layer& layer) { layer.noise.push_back(noise); });
  spec.methods.push_back(noise_summary(noise));
}

const std::vector<scalemix::Parameter> kDepthParameters{
    {.name = "p", .value = 0.5, .lo = 0, .hi = 1, .meaning = "drop probability of the last block"},
    choice("gate", "row|batch",
           "one draw per row, rescaled, or per batch and not, as it was released"),
    choice("rates", "ramp|linspace|constant",
           "of block l of L: l / L times p, (l - 1) / (L - 1) times p, or p")};

double depth_rate(const std::vector<double>& values, std::size_t block, std::size_t blocks) {
  const auto l = static_cast<double>(block), all = static_cast<double>(blocks);
  if (values[2] == 2) return values[0];
  if (values[2] == 1) return blocks > 1 ? values[0] * (l - 1) / (all - 1) : values[0];
  return values[0] * l / all;
}

void stochastic_depth(Spec& spec, std::string_view argument) {
  const std::vector<double> values =
      read_values("stochastic_depth", kDepthParameters, argument).values;
  std::size_t blocks = 0, block = 0;
  for_each_layer(
      spec, [&](Layer& layer) { blocks += layer_kind(layer.type).family == Family::residual; });
  if (blocks == 0) {
    throw std::invalid_argument(
        "stochastic_depth: the architecture has no residual block (resmlp and resnet have)");
  }
  for_each_layer(spec, [&](Layer& layer) {
    if (layer_kind(layer.type).family != Family::residual) return;
    const double p = depth_rate(values, ++block, blocks);
    const AnyLaw law = AnyLaw::make("bernoulli", std::vector{p});
    Noise noise = noise_of(kMultiply, law.spec());
    if (values[1] != 0) noise = {"gate", "", {p}};
    layer.branch.push_back(noise_layer(noise, Site::layer, {}));
  });
  spec.methods.push_back(write_word("stochastic_depth", kDepthParameters, values));
}

/// A kind of noise at units, in layers of its own.
void on_units(const NoiseKind& kind, Spec& spec, std::string_view argument) {
  const auto [values, given] = read_values(kind.name, unit_parameters(kind.parameters), argument);
  Noise noise = noise_of(kind.name);
  noise.values.assign(values.begin(), values.begin() + std::ssize(kind.parameters));
  std::optional<Noise> input;
  std::optional<double> value;
  if (!given.empty() && given.back()) {
    value = values.back();
    input = noise;
    input->values[0] = *value;
  }
  decorate_units(spec, kind.name, noise, input, value,
                 write_word(kind.name, kind.parameters, noise.values));
}

// ------------------------------------------------------------------------------ the table

const std::vector<scalemix::Parameter> kChannelParameters{
    {.name = "p",
     .value = 0.5,
     .lo = 0,
     .hi = 1,
     .meaning = "drop probability; or LAW:parameters for another law"}};

MethodRow law_row(const law::LawRow& row) {
  MethodRow out{row.name, row.summary, row.source, unit_parameters(row.parameters),
                {},       kUnit,       kMultiply};
  out.decorate = [name = row.name](Spec& spec, std::string_view argument) {
    unit(name, spec, argument);
  };
  return out;
}

/// A kind of noise on images, in layers of its own.
void on_images(const NoiseKind& kind, Spec& spec, std::string_view argument) {
  Noise noise = noise_of(kind.name);
  noise.values = read_values(kind.name, kind.parameters, argument).values;
  after_convolutions(spec, kind.name, noise, Site::unit);
  spec.methods.push_back(write_word(kind.name, kind.parameters, noise.values));
}

/// Another row's method with one parameter as it is given here: vbd is vsd of depth 0.
MethodRow special_row(std::string_view name, std::string_view of, std::string_view key,
                      double value, std::string_view summary) {
  const NoiseKind& kind = noise_kind(of);
  std::vector<scalemix::Parameter> parameters = kind.parameters;
  for (scalemix::Parameter& p : parameters) {
    if (p.name == key) p.value = value;
  }
  NoiseKind changed = kind;
  changed.parameters = parameters;
  MethodRow out{name, summary, kind.source, parameters, {}, site_of(kind), of};
  if (kind.own_layer) out.parameters = unit_parameters(parameters);
  out.decorate = [name, changed](Spec& spec, std::string_view argument) {
    changed.own_layer ? on_units(changed, spec, argument) : on_weights(changed, spec, argument);
    std::string& word = spec.methods.back();
    word = std::string(name) + word.substr(changed.name.size());
  };
  return out;
}

/// Kinds that stand for themselves: what takes a law is reached through the law's word.
MethodRow kind_row(const NoiseKind& kind) {
  if (kind.images) {
    MethodRow out{kind.name, kind.summary, kind.source, kind.parameters, {}, "channel", kind.name};
    out.decorate = [&kind](Spec& spec, std::string_view argument) {
      on_images(kind, spec, argument);
    };
    return out;
  }
  if (!kind.own_layer) return weights_row(kind);
  MethodRow out{kind.name, kind.summary, kind.source, unit_parameters(kind.parameters),
                {},        kUnit,        kind.name};
  out.decorate = [&kind](Spec& spec, std::string_view argument) { on_units(kind, spec, argument); };
  return out;
}

std::vector<MethodRow> make_methods() {
  std::vector<MethodRow> rows{
      {"none", "nothing", "", {}, none},
      {"additive",
       "x + z with z of any law, at the sites of unit noise: additive:normal:scale=0.1",
       "Bishop (1995), Neural Computation 7(1)",
       {},
       additive,
       kUnit,
       kAdd},
      {"learned",
       "x z with z of a law whose parameters are learned: learned:gaussian:alpha=0.25 (its default)",
       "Kingma, Salimans & Welling (2015), section 3",
       {},
       learned,
       kUnit,
       kLearned},
      {"spatial", "one draw per channel and row, after each convolution (bernoulli by default)",
       "Tompson, Goroshin, Jain, LeCun & Bregler (2015)", kChannelParameters, spatial, "channel",
       kMultiply},
      {"dropconnect", "one draw per weight and step (bernoulli by default)",
       "Wan, Zeiler, Zhang, LeCun & Fergus (2013)", kChannelParameters, dropconnect, "weight",
       "dropconnect"},
      {"stochastic_depth", "one draw per residual branch and row, p rising linearly with depth",
       "Huang, Sun, Liu, Sedra & Weinberger (2016)", kDepthParameters, stochastic_depth, "branch",
       kMultiply},
  };
  rows.push_back(
      structured_row("ard", "row",
                     "gsm with a scale for each input of every layer: automatic relevance "
                     "determination"));
  rows.push_back(
      structured_row("add", "matrix",
                     "gsm with a scale for each layer between the first and the last, which "
                     "have ard: automatic depth determination"));
  rows.push_back(structured_row("ard_add", "both",
                                "gsm with scales for inputs times layers between the first and the "
                                "last, which have ard"));
  rows.push_back(
      special_row("vdo_a2", "vdo_a", "factor", 1.0 / 3, "vdo_a with a third of the divergence"));
  rows.push_back(special_row("vbd", "vsd", "depth", 0,
                             "vsd without reflections: variational Bayesian dropout"));
  rows.push_back(ic_row());
  rows.push_back(fast_row());
  for (const NoiseKind& kind : noise_kinds()) {
    if (!kind.by_method) continue;
    if (kind.takes_prior) rows.push_back(prior_row(kind));
    if (!kind.takes_law && !kind.takes_prior) rows.push_back(kind_row(kind));
  }
  for (const law::LawRow& row : law::laws()) {
    if (row.name != "normal") rows.push_back(law_row(row));
  }
  return rows;
}

const MethodRow& method_row(std::string_view name) {
  if (name == "normal") {
    throw ConfigError(
        "normal: a multiplier of mean zero carries no signal; use additive:normal:scale=0.1");
  }
  return find_row("method", name, methods());
}

}  // namespace

MethodTraits traits_of(const MethodRow& row) {
  MethodTraits out;
  if (row.kind.empty()) return out;
  const NoiseKind& kind = noise_kind(row.kind);
  out.learns = kind.learns;
  out.penalty = kind.penalty || kind.data_penalty;
  out.prunes = kind.prunes != nullptr;
  out.draws = kind.random();
  out.remembers = kind.marks != nullptr;
  return out;
}

const std::vector<MethodRow>& methods() {
  static const std::vector<MethodRow> rows = make_methods();
  return rows;
}

void apply_method(Spec& spec, std::string_view word) {
  Spec decorated = spec;
  decorate_by(read_method_word(word), decorated, [](Spec& one, const std::string& plain) {
    const auto [name, argument] = split_word(plain, ":,");  // laplace,input=0.1
    method_row(name).decorate(one, argument);
  });
  decorated.number();
  decorated.validate();
  spec = std::move(decorated);
}

}  // namespace scalemix::inline v0::model
