#include "scalemix/model/noise.h"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

#include "scalemix/base/known.h"
#include "scalemix/model/layer_kind.h"

namespace scalemix::inline v0::model {
namespace {

[[noreturn]] void refuse(const Layer& layer, const std::string& what) {
  throw std::invalid_argument(label(layer) + ": " + what);
}

void check_values(const Layer& layer, const Noise& noise, const NoiseKind& kind) {
  if (noise.values.size() != kind.parameters.size()) {
    refuse(layer, fmt::format("{}: expected {} parameters, got {}", kind.name,
                              kind.parameters.size(), noise.values.size()));
  }
  for (std::size_t i = 0; i < noise.values.size(); ++i) {
    try {
      in_range(kind.name, kind.parameters[i], noise.values[i]);
    } catch (const std::domain_error& error) {
      refuse(layer, error.what());
    }
  }
}

void check_law(const Layer& layer, const Noise& noise, const NoiseKind& kind) {
  const bool wants = kind.takes_law || kind.takes_prior;
  if (noise.law.empty() == wants) {
    refuse(layer, fmt::format("{} takes {}", kind.name,
                              kind.takes_law     ? "a law"
                              : kind.takes_prior ? "a prior"
                                                 : "no law"));
  }
  if (!wants) return;
  try {
    if (kind.takes_law) law::AnyLaw::parse(noise.law);
    if (kind.takes_prior) prior::Prior::parse(noise.law);
  } catch (const std::exception& error) {
    refuse(layer, fmt::format("{}: {}", kind.takes_law ? "law" : "prior", error.what()));
  }
}

void check_tensors(const Layer& layer, const Noise& noise, const NoiseKind& kind) {
  if (!kind.tensors) return;
  try {
    if (kind.tensors(noise, layer).size() > kMostTensors) {
      refuse(layer, fmt::format("{} has more than {} tensors", kind.name, kMostTensors));
    }
  } catch (const std::invalid_argument& error) {
    refuse(layer, error.what());
  }
}

std::string written(const Noise& noise, const std::vector<Parameter>& parameters,
                    const std::vector<double>& values) {
  // A multiplier is what a bare law means.
  if (noise.law.empty()) return write_word(noise.kind, parameters, values);
  const std::string law = noise.kind == "multiply" ? noise.law : noise.kind + ":" + noise.law;
  const std::string own = write_word("", parameters, values);
  if (own.empty()) return law;
  return law + (noise.law.find(':') == std::string::npos ? ":" : ",") + own.substr(1);
}

std::deque<NoiseKind>& kinds() {
  static std::deque<NoiseKind> rows{
      multiply_noise(), add_noise(),      dropconnect_noise(), svdo_noise(), vi_noise(),
      gsm_noise(),      concrete_noise(), learned_noise(),     tabu_noise(), prior_noise()};
  return rows;
}

}  // namespace

kernel::Site NoiseUse::at(std::size_t rows, std::uint64_t row0, std::size_t group,
                          std::uint64_t stride) const {
  kernel::Site out = site;
  out.rows = rows;
  out.row0 = row0;
  out.group = group;
  out.stride = stride;
  out.logical = columns.empty() ? nullptr : columns.data();
  return out;
}

NoiseUse noise_use(const Noise& noise, const Layer& layer, const Shape& in) {
  NoiseUse use{.kind = &noise_kind(noise.kind), .values = noise.values, .number = layer.site};
  if (use.kind->takes_law) use.law = law::AnyLaw::parse(noise.law);
  if (use.kind->takes_prior) use.prior = prior::Prior::parse(noise.law);
  if (has_weights(layer)) use.weights = weight_count(layer);
  const Where where = use.kind->where;
  const bool behind = where == Where::moments || where == Where::before_bias;
  use.shape = behind ? output_shape(layer, in) : in;
  if (where == Where::weights) {
    use.site.columns = use.weights;
  } else if (where == Where::moments) {
    use.site.columns = elements(use.shape);
  } else if (where == Where::before_bias) {  // per unit, or channel of an image
    use.site.columns = use.shape[0];
    use.site.inner = elements(use.shape) / use.site.columns;
  } else {
    use.site.columns = site_columns(layer.at, in);
    use.site.inner = elements(in) / use.site.columns;
    use.site.width = layer.width;
    use.columns = layer.columns;
  }
  if (use.kind->compile) use.kind->compile(use, layer);
  return use;
}

const std::deque<NoiseKind>& noise_kinds() { return kinds(); }

void add_noise_kind(NoiseKind kind) {
  for (const NoiseKind& row : kinds()) {
    if (row.name != kind.name) continue;
    throw std::invalid_argument(fmt::format("noise: '{}' is there already", kind.name));
  }
  kinds().push_back(std::move(kind));
}

const NoiseKind& noise_kind(std::string_view name) {
  return find_row<std::invalid_argument>("noise", name, noise_kinds());
}

Noise noise_of(std::string_view kind, std::string law) {
  Noise out{std::string(kind), std::move(law), {}};
  for (const Parameter& p : noise_kind(kind).parameters) out.values.push_back(p.value);
  return out;
}

double setting(const Noise& noise, std::string_view name) {
  const NoiseKind& kind = noise_kind(noise.kind);
  for (std::size_t i = 0; i < kind.parameters.size(); ++i) {
    if (kind.parameters[i].name == name) return noise.values.at(i);
  }
  throw std::invalid_argument(fmt::format("{} has no parameter '{}'", noise.kind, name));
}

std::string noise_summary(const Noise& noise) {
  const NoiseKind& kind = noise_kind(noise.kind);
  std::vector<Parameter> parameters;
  std::vector<double> values;
  for (std::size_t i = 0; i < kind.parameters.size(); ++i) {
    if (i > 0 && noise.values[i] == kind.parameters[i].value) continue;
    parameters.push_back(kind.parameters[i]);
    values.push_back(noise.values[i]);
  }
  return written(noise, parameters, values);
}

std::string noise_text(const Noise& noise) {
  const NoiseKind& kind = noise_kind(noise.kind);
  return written(noise, kind.parameters, noise.values);
}

const Noise* drawn_noise(const Layer& layer) {
  for (const Noise& noise : layer.noise) {
    if (noise_kind(noise.kind).draws()) return &noise;
  }
  return nullptr;
}

NoiseSignal noise_signal(const Noise& noise, const Layer& layer) {
  const NoiseKind& kind = noise_kind(noise.kind);
  return kind.signal ? kind.signal(noise, layer) : NoiseSignal{};
}

prior::Weights prior_weights(const Layer& layer) {
  const Shape shape = weight_shape(layer);
  return {shape[0], shape[1], elements(shape) / (shape[0] * shape[1])};
}

double weight_spread(const Layer& layer) {
  const Noise* noise = drawn_noise(layer);
  if (!noise) return 0;
  const NoiseSignal signal = noise_signal(*noise, layer);
  return signal.second_moment ? 0 : signal.weight_variance;
}

void check_noise(const Layer& layer) {
  const Noise* drawn = nullptr;
  for (const Noise& noise : layer.noise) {
    const NoiseKind& kind = noise_kind(noise.kind);
    check_law(layer, noise, kind);
    check_values(layer, noise, kind);
    check_tensors(layer, noise, kind);
    if (!has_weights(layer) && kind.where != Where::input) {
      refuse(layer, fmt::format("{} needs a layer with weights", kind.name));
    }
    if (kind.draws() && drawn) {
      refuse(layer,
             fmt::format("cannot have both {} and {}", noise_text(*drawn), noise_text(noise)));
    }
    if (kind.draws()) drawn = &noise;
  }
}

}  // namespace scalemix::inline v0::model
