#include "scalemix/model/noise.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
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

/// The parameter of a kind, or of its law, that a schedule moves.
UseSchedule find_scheduled(const Noise& noise, const NoiseKind& kind, const Scheduled& scheduled) {
  UseSchedule out{.schedule = ParameterSchedule::parse(scheduled.schedule)};
  std::vector<std::string> known;
  for (const std::string_view name : kind.scheduled) known.emplace_back(name);
  for (std::size_t i = 0; i < kind.parameters.size(); ++i) {
    out.parameter = i;
    out.value = noise.values.at(i);
    const bool moves = std::find(kind.scheduled.begin(), kind.scheduled.end(),
                                 scheduled.parameter) != kind.scheduled.end();
    if (moves && kind.parameters[i].name == scheduled.parameter) return out;
  }
  if (kind.takes_law && !kind.tensors) {
    const law::AnyLaw law = law::AnyLaw::parse(noise.law);
    out.of_law = true;
    for (std::size_t i = 0; i < law.values().size(); ++i) {
      out.parameter = i;
      out.value = law.values()[i];
      if (law.row().parameters[i].name == scheduled.parameter) return out;
      known.emplace_back(law.row().parameters[i].name);
    }
  }
  if (known.empty()) {
    throw ConfigError(fmt::format("{}: no parameter can follow a schedule", kind.name));
  }
  throw ConfigError(std::string(kind.name) + ": " +
                    unknown("parameter that can follow a schedule", scheduled.parameter, known));
}

void check_schedules(const Layer& layer, const Noise& noise, const NoiseKind& kind) {
  for (const Scheduled& scheduled : noise.schedules) {
    try {
      const UseSchedule use = find_scheduled(noise, kind, scheduled);
      const Parameter& parameter =
          use.of_law ? law::AnyLaw::parse(noise.law).row().parameters[use.parameter]
                     : kind.parameters[use.parameter];
      for (const double end : {use.schedule.first(use.value), use.schedule.last(use.value)}) {
        in_range(fmt::format("{}@{}", kind.name, use.schedule.word()), parameter, end);
      }
    } catch (const std::exception& error) {
      refuse(layer, error.what());
    }
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

/// The same with the schedules behind the values that they move.
std::string with_schedules(std::string word, const Noise& noise) {
  for (const Scheduled& s : noise.schedules) word = put_schedule(word, s);
  return word;
}

std::deque<NoiseKind>& kinds() {
  static std::deque<NoiseKind> rows{
      multiply_noise(), add_noise(),        dropconnect_noise(), svdo_noise(),
      vi_noise(),       gsm_noise(),        gnj_noise(),         vdo_a_noise(),
      vdo_b_noise(),    vsd_noise(),        concrete_noise(),    l0_noise(),
      sbp_noise(),      advanced_noise(),   learned_noise(),     soft_noise(),
      tabu_noise(),     dropblock_noise(),  information_noise(), alpha_noise(),
      fast_noise(),     continuous_noise(), gate_noise(),        prior_noise()};
  return rows;
}

constexpr std::size_t kLevels = 64;

/// The law's values in a pass.
void values_at(const NoiseUse& use, double step, double progress, std::vector<double>& values) {
  for (const UseSchedule& s : use.schedules) {
    if (s.of_law) values[s.parameter] = s.schedule.at(s.value, step, progress);
  }
}

/// Puts the values where schedules lead; finds whether the law can move there without new tables.
void follow_schedules(NoiseUse& use, const Noise& noise) {
  for (const Scheduled& scheduled : noise.schedules) {
    use.schedules.push_back(find_scheduled(noise, *use.kind, scheduled));
    const UseSchedule& s = use.schedules.back();
    if (!s.of_law) use.values[s.parameter] = s.schedule.last(s.value);
  }
  std::vector<double> last;
  std::size_t moving = 0;
  const UseSchedule* mover = nullptr;
  if (use.law) last.assign(use.law->values().begin(), use.law->values().end());
  for (const UseSchedule& s : use.schedules) {
    if (!s.of_law) continue;
    last[s.parameter] = s.schedule.last(s.value);
    mover = &s;
    ++moving;
  }
  if (moving == 0) return;
  const std::string name(use.law->row().name);
  use.law = law::AnyLaw::make(name, last);
  law::Sampler multiplier, raw;
  if (use.law->moved(last, multiplier, raw)) return;
  if (moving > 1) {
    throw std::invalid_argument(fmt::format("{}: one parameter alone can follow a schedule", name));
  }
  const double from = mover->schedule.first(mover->value), to = last[mover->parameter];
  for (std::size_t i = 0; i <= kLevels; ++i) {
    const double way = static_cast<double>(i) / kLevels;
    last[mover->parameter] = from + (to - from) * way;
    use.levels.push_back(law::AnyLaw::make(name, last));
    use.levels.back().multiplier();  // its table is made now
  }
}

/// The law's draws in a training pass; `raw`: of z itself.
law::Sampler moved_draws(const At& at, bool raw) {
  const NoiseUse& use = at.use;
  const double step = at.stream.draw;
  if (!use.levels.empty()) {
    const UseSchedule& s = *std::find_if(use.schedules.begin(), use.schedules.end(),
                                         [](const UseSchedule& one) { return one.of_law; });
    const double from = s.schedule.first(s.value), to = s.schedule.last(s.value),
                 now = s.schedule.at(s.value, step, at.progress);
    const double way = to == from ? 1 : std::clamp((now - from) / (to - from), 0.0, 1.0);
    const law::AnyLaw& law = use.levels[static_cast<std::size_t>(std::lround(way * kLevels))];
    return raw ? law.raw() : law.multiplier();
  }
  thread_local std::vector<double> values;  // grown once per thread
  values.assign(use.law->values().begin(), use.law->values().end());
  values_at(use, step, at.progress, values);
  law::Sampler multiplier, plain;
  use.law->moved(values, multiplier, plain);
  return raw ? plain : multiplier;
}

bool law_moves(const At& at) {
  return at.train && std::any_of(at.use.schedules.begin(), at.use.schedules.end(),
                                 [](const UseSchedule& s) { return s.of_law; });
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

double At::value(std::size_t parameter) const {
  if (train) {
    for (const UseSchedule& s : use.schedules) {
      if (!s.of_law && s.parameter == parameter) {
        return s.schedule.at(s.value, stream.draw, progress);
      }
    }
  }
  return use.values[parameter];
}

law::Sampler At::multiplier() const {
  return law_moves(*this) ? moved_draws(*this, false) : use.draws.multiplier;
}

law::Sampler At::raw() const { return law_moves(*this) ? moved_draws(*this, true) : use.draws.raw; }

Where noise_place(const Noise& noise, const Layer& layer, bool train) {
  const NoiseKind& kind = noise_kind(noise.kind);
  return kind.placed ? kind.placed(noise, layer, train) : kind.where;
}

NoiseUse noise_use(const Noise& noise, const Layer& layer, const Shape& in, bool train) {
  NoiseUse use{.kind = &noise_kind(noise.kind),
               .where = noise_place(noise, layer, train),
               .train = train,
               .values = noise.values,
               .number = layer.site,
               .in = in};
  if (use.kind->takes_law) use.law = law::AnyLaw::parse(noise.law);
  if (use.kind->takes_prior) use.prior = prior::Prior::parse(noise.law);
  if (has_weights(layer)) {
    use.weights = weight_count(layer);
    use.outputs = layer.out;
  }
  follow_schedules(use, noise);
  const Where where = use.where;
  const bool drawn_by_moments = where == Where::moments || where == Where::columns;
  const bool behind = drawn_by_moments || where == Where::before_bias;
  use.shape = behind ? output_shape(layer, in) : in;
  if (where == Where::weights || where == Where::row_weights) {
    use.site.columns = use.weights;
  } else if (drawn_by_moments) {
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
    const bool named = i == 0 && !kind.takes_law;
    if (!named && noise.values[i] == kind.parameters[i].value) continue;
    parameters.push_back(kind.parameters[i]);
    values.push_back(noise.values[i]);
  }
  return with_schedules(written(noise, parameters, values), noise);
}

std::string noise_text(const Noise& noise) {
  const NoiseKind& kind = noise_kind(noise.kind);
  return with_schedules(written(noise, kind.parameters, noise.values), noise);
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
    check_schedules(layer, noise, kind);
    check_tensors(layer, noise, kind);
    if (!has_weights(layer) && noise_place(noise, layer) != Where::input) {
      refuse(layer, fmt::format("{} needs a layer with weights", kind.name));
    }
    if (kind.draws() && drawn) {
      refuse(layer, fmt::format("cannot have both {} and {}", noise_summary(*drawn),
                                noise_summary(noise)));
    }
    if (kind.draws()) drawn = &noise;
  }
}

void check_noise_place(const Layer& layer, const Shape& in) {
  for (const Noise& noise : layer.noise) {
    const NoiseKind& kind = noise_kind(noise.kind);
    if (kind.check) kind.check(noise, layer, in);
    const Where where = noise_place(noise, layer, true);
    if (has_weights(layer) && layer_kind(layer.type).windows &&
        (where == Where::row_weights || where == Where::columns)) {
      refuse(layer, fmt::format("{}: weights can be drawn per row, and noise per output, in dense "
                                "layers only",
                                kind.name));
    }
  }
}

}  // namespace scalemix::inline v0::model
