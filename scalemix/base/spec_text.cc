#include "scalemix/base/spec_text.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "scalemix/base/error.h"
#include "scalemix/base/nearest.h"

namespace scalemix::inline v0 {
namespace {

double parse_number(std::string_view name, std::string_view key, std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) {
    throw ConfigError(std::string(name) + ": " + std::string(key) + " must be a number, got '" +
                      std::string(text) + "'");
  }
  return value;
}

void add_value(SpecText& spec, std::string_view part) {
  const std::size_t equals = part.find('=');
  if (equals == std::string_view::npos) {
    throw ConfigError(spec.name + ": expected parameter=number, got '" + std::string(part) + "'");
  }
  std::string key(part.substr(0, equals));
  for (const auto& [other, value] : spec.values) {
    if (other == key) throw ConfigError(spec.name + ": " + key + " is given twice");
  }
  const double value = parse_number(spec.name, key, part.substr(equals + 1));
  spec.values.emplace_back(std::move(key), value);
}

}  // namespace

SpecText parse_spec_text(std::string_view text) {
  const std::size_t colon = text.find(':');
  SpecText spec{std::string(text.substr(0, colon)), {}};
  for (std::size_t at = colon; at != std::string_view::npos;) {
    const std::size_t next = text.find(',', at + 1);
    add_value(spec, text.substr(at + 1, next == std::string_view::npos ? next : next - at - 1));
    at = next;
  }
  return spec;
}

std::size_t find_known(std::string_view what, std::string_view name,
                       std::span<const std::string> known) {
  const auto found = std::ranges::find(known, name);
  if (found != known.end()) return found - known.begin();
  std::string message = "unknown " + std::string(what) + " '" + std::string(name) + "'";
  const std::string hint = did_you_mean(name, known);
  message += hint.empty() ? "." : hint;
  message += " There are:";
  for (const std::string& other : known) message.append(" ").append(other);
  throw ConfigError(message);
}

std::string shortest_number(double value) {
  std::array<char, 32> text;
  const auto [end, error] = std::to_chars(text.data(), text.data() + text.size(), value);
  return std::string(text.data(), end);
}

std::string rounded_number(double value) {
  std::array<char, 32> text;
  const auto [end, error] =
      std::to_chars(text.data(), text.data() + text.size(), value, std::chars_format::general, 6);
  return std::string(text.data(), end);
}

}  // namespace scalemix::inline v0
