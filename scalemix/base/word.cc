#include "scalemix/base/word.h"

#include <algorithm>
#include <charconv>
#include <sstream>

#include "scalemix/base/check.h"
#include "scalemix/base/error.h"
#include "scalemix/base/known.h"
#include "scalemix/base/number_text.h"

namespace scalemix::inline v0 {
namespace {

[[noreturn]] void refuse(std::string_view who, const std::string& expected, std::string_view got) {
  throw ConfigError(std::string(who) + ": " + expected + ", got '" + std::string(got) + "'");
}

/// The number of the parameter that is called `key`.
std::size_t find_parameter(std::string_view who, std::span<const Parameter> parameters,
                           std::string_view key) {
  std::vector<std::string> known;
  for (const Parameter& parameter : parameters) {
    if (parameter.name == key) return known.size();
    known.emplace_back(parameter.name);
  }
  if (known.empty()) refuse(who, "takes no parameter", key);
  throw ConfigError(std::string(who) + ": " + unknown("parameter", key, known));
}

}  // namespace

Word split_word(std::string_view text, std::string_view separators) {
  const std::size_t cut = text.find_first_of(separators);
  if (cut == std::string_view::npos) return {text, {}};
  const Word word{text.substr(0, cut), text.substr(cut + 1)};
  if (word.rest.empty()) {
    refuse(word.name, std::string("expected something after '") + text[cut] + "'", word.rest);
  }
  return word;
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> out;
  if (text.empty()) return out;
  for (std::size_t cut; (cut = text.find(separator)) != std::string_view::npos;) {
    out.push_back(text.substr(0, cut));
    text.remove_prefix(cut + 1);
  }
  out.push_back(text);
  return out;
}

Parameter choice(std::string_view name, std::string_view words, std::string_view meaning) {
  const auto last = static_cast<double>(split(words, '|').size() - 1);
  return {name, 0, 0, last, false, false, meaning, false, words};
}

std::vector<std::string> words_of(const Parameter& parameter) {
  const std::vector<std::string_view> words = split(parameter.words, '|');
  return {words.begin(), words.end()};
}

double in_range(std::string_view who, const Parameter& parameter, double value) {
  const Parameter& p = parameter;
  const bool above = p.lo_open ? value > p.lo : value >= p.lo;
  const bool below = p.hi_open ? value < p.hi : value <= p.hi;
  if (above && below) return value;  // a NaN is neither
  std::ostringstream range;
  range << p.name << " must be in " << (p.lo_open ? '(' : '[') << p.lo << ", " << p.hi
        << (p.hi_open ? ')' : ']');
  fail<std::domain_error>(who, range.str(), value);
}

double read_value(std::string_view who, const Parameter& parameter, std::string_view text) {
  if (!parameter.words.empty()) {
    const std::vector<std::string> words = words_of(parameter);
    const auto it = std::find(words.begin(), words.end(), text);
    if (it != words.end()) return static_cast<double>(it - words.begin());
    throw ConfigError(std::string(who) + ": " + std::string(parameter.name) + " " +
                      not_one_of(words, text));
  }
  const std::optional<double> value = read_number(text);
  if (!value) refuse(who, std::string(parameter.name) + " must be a number", text);
  return in_range(who, parameter, *value);
}

std::string value_text(const Parameter& parameter, double value) {
  if (parameter.words.empty()) return shortest_number(value);
  return words_of(parameter).at(static_cast<std::size_t>(value));
}

std::size_t read_count(std::string_view who, std::string_view text) {
  std::size_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < 1 || value > 1000000) {
    refuse(who, "expected a whole number in [1, 1000000]", text);
  }
  return value;
}

Values read_values(std::string_view who, std::span<const Parameter> parameters,
                   std::string_view text) {
  Values out;
  for (const Parameter& parameter : parameters) out.values.push_back(parameter.value);
  out.given.resize(parameters.size());
  std::vector<std::string_view> pieces = split(text, ',');
  for (std::size_t p = 0; p < pieces.size(); ++p) {
    const std::string_view piece = pieces[p];
    const std::size_t equals = piece.find('=');
    if (equals == std::string_view::npos) refuse(who, "expected key=value", piece);
    const std::string_view key = piece.substr(0, equals);
    const std::size_t i = find_parameter(who, parameters, key);
    if (out.given[i])
      throw ConfigError(std::string(who) + ": " + std::string(key) + " is given twice");
    out.given[i] = true;
    Word value{piece.substr(equals + 1), {}};
    if (!parameters[i].words.empty()) value = split_word(value.name);
    if (!value.rest.empty())
      pieces.insert(pieces.begin() + static_cast<std::ptrdiff_t>(p) + 1, value.rest);
    out.values[i] = read_value(who, parameters[i], value.name);
  }
  return out;
}

std::string write_word(std::string_view name, std::span<const Parameter> parameters,
                       std::span<const double> values) {
  std::string text(name);
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    text.append(i == 0 ? ":" : ",").append(parameters[i].name);
    text.append("=").append(value_text(parameters[i], values[i]));
  }
  return text;
}

}  // namespace scalemix::inline v0
