#include "scalemix/model/method_word.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "scalemix/base/error.h"
#include "scalemix/base/word.h"
#include "scalemix/model/noise.h"
#include "scalemix/model/parameter_schedule.h"

namespace scalemix::inline v0::model {
namespace {

/// "key=value@schedule" with what stands before the key.
struct Item {
  std::string head, key, value, schedule;

  explicit Item(std::string_view text) {
    const std::size_t equals = text.find('=');
    if (equals == std::string_view::npos) {
      head = text;
      return;
    }
    const std::size_t colon = text.substr(0, equals).rfind(':');
    const std::size_t from = colon == std::string_view::npos ? 0 : colon + 1;
    head = text.substr(0, from);
    key = text.substr(from, equals - from);
    std::string_view rest = text.substr(equals + 1);
    const std::size_t at = rest.find('@');
    value = rest.substr(0, at);
    if (at == std::string_view::npos) return;
    const std::string_view word = rest.substr(at + 1);
    if (word.empty()) throw ConfigError(fmt::format("{}: no schedule after '@'", key));
    schedule = ParameterSchedule::parse(word).word();
  }
};

/// The noises that are in the spec and not in `before`: those of layers without a site, and those behind
/// the ones that a layer had. In execution order.
std::vector<Noise*> added(Spec& spec, const Spec& before) {
  std::map<std::uint32_t, std::size_t> had;
  Spec copy = before;
  for_each_layer(copy, [&](Layer& layer) { had[layer.site] = layer.noise.size(); });
  std::vector<Noise*> out;
  for_each_layer(spec, [&](Layer& layer) {
    const std::size_t from = layer.site == 0 ? 0 : had[layer.site];
    for (std::size_t i = from; i < layer.noise.size(); ++i) out.push_back(&layer.noise[i]);
  });
  return out;
}

/// The canonical word of all: lists of values, and schedules.
std::string joined(const MethodWord& method, const std::vector<std::string>& words) {
  std::string out = words.front();
  for (const std::string& key : method.listed) {
    const auto [from, to] = value_at(out, key);
    if (from == std::string::npos) continue;
    std::string values;
    for (const std::string& word : words) {
      const auto [a, b] = value_at(word, key);
      values += (values.empty() ? "" : "/") + word.substr(a, b - a);
    }
    out = out.substr(0, from) + values + out.substr(to);
  }
  for (const Scheduled& s : method.schedules) out = put_schedule(out, s);
  return out;
}

}  // namespace

MethodWord read_method_word(std::string_view word) {
  MethodWord out;
  std::vector<Item> items;
  std::size_t places = 1;
  std::string first;
  const std::size_t cut = word.find_first_of(":,");
  const std::string name(word.substr(0, cut));
  const char separator = cut == std::string_view::npos ? ':' : word[cut];
  if (cut != std::string_view::npos) {
    for (const std::string_view text : split(word.substr(cut + 1), ',')) items.emplace_back(text);
  }
  for (const Item& item : items) {
    out.input |= item.key == "input";
    if (!item.schedule.empty()) out.schedules.push_back({item.key, item.schedule});
    const std::size_t values = split(item.value, '/').size();
    if (values < 2) continue;
    if (places > 1 && values != places) {
      throw ConfigError(fmt::format("{}: {} has {} values, {} has {}", name, item.key, values,
                                    out.listed.front(), places));
    }
    out.listed.push_back(item.key);
    places = values;
  }
  for (std::size_t i = 0; i < places; ++i) {
    std::string text = name;
    for (std::size_t k = 0; k < items.size(); ++k) {
      text += (k == 0 ? separator : ',') + items[k].head;
      if (items[k].key.empty()) continue;
      const auto values = split(items[k].value, '/');
      const std::string_view value = values.empty()      ? ""
                                     : values.size() > 1 ? values[i]
                                                         : values.front();
      text += items[k].key + "=" + std::string(value);
    }
    if (items.empty() && cut != std::string_view::npos)
      text = word;  // split_word says what is wrong
    out.words.push_back(text);
  }
  return out;
}

void decorate_by(const MethodWord& method, Spec& spec,
                 const std::function<void(Spec&, const std::string& word)>& decorate) {
  std::vector<Spec> made(method.words.size(), spec);
  std::vector<std::vector<Noise*>> noises;
  for (std::size_t i = 0; i < made.size(); ++i) {
    decorate(made[i], method.words[i]);
    noises.push_back(added(made[i], spec));
  }
  const std::size_t skip = method.input ? 1 : 0;  // the input's place comes first
  const std::size_t places = noises[0].size() - std::min(skip, noises[0].size());
  if (made.size() > 1 && places != made.size()) {
    throw ConfigError(fmt::format("{}: {} values of {} for {} places", method.words.front(),
                                  made.size(), method.listed.front(), places));
  }
  for (std::size_t i = 0; i < places && made.size() > 1; ++i) {
    *noises[0][i + skip] = *noises[i][i + skip];
  }
  for (const Scheduled& s : method.schedules) {
    if (s.parameter == "input") {
      const Noise& noise = *noises[0].front();
      const NoiseKind& kind = noise_kind(noise.kind);
      const std::string_view name = kind.takes_law
                                        ? law::AnyLaw::parse(noise.law).row().parameters[0].name
                                        : kind.parameters[0].name;
      noises[0].front()->schedules.push_back({std::string(name), s.schedule});
      continue;
    }
    for (std::size_t i = 0; i < places; ++i) noises[0][i + skip]->schedules.push_back(s);
  }
  std::vector<std::string> words;
  for (const Spec& one : made) {
    if (!one.methods.empty()) words.push_back(one.methods.back());
  }
  if (made.size() > 1 || !method.schedules.empty()) {
    made[0].methods.back() = joined(method, words);
  }
  spec = std::move(made[0]);
}

}  // namespace scalemix::inline v0::model
