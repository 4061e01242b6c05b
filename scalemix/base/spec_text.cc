#include "scalemix/base/spec_text.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "scalemix/base/error.h"
#include "scalemix/base/nearest.h"

namespace scalemix::inline v0 {
namespace {

/// Cuts `text` at the first `mark`: what is before it; `text` keeps what is after.
std::string_view cut(std::string_view& text, char mark) {
  const std::size_t at = std::min(text.find(mark), text.size());
  const std::string_view head = text.substr(0, at);
  text.remove_prefix(std::min(at + 1, text.size()));
  return head;
}

double parse_number(const std::string& name, std::string_view key, std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) {
    throw ConfigError(name + ": " + std::string(key) + " must be a number, got '" +
                      std::string(text) + "'");
  }
  return value;
}

}  // namespace

SpecText split_spec_text(std::string_view text) {
  const bool has_parts = text.find(':') != std::string_view::npos;
  SpecText spec{cut(text, ':'), {}};
  if (!has_parts) return spec;
  for (auto left = std::ranges::count(text, ',') + 1; left > 0; --left) {
    spec.parts.push_back(cut(text, ','));
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

void set_values(std::string_view what, const SpecText& text, std::span<const std::string> keys,
                std::span<double> values) {
  const std::string name(text.name);
  std::vector<bool> given(keys.size());
  for (std::string_view part : text.parts) {
    if (part.find('=') == std::string_view::npos) {
      throw ConfigError(name + ": expected parameter=number, got '" + std::string(part) + "'");
    }
    const std::string_view key = cut(part, '=');
    const std::size_t i = find_known("parameter of " + std::string(what) + " " + name, key, keys);
    if (given[i]) throw ConfigError(name + ": " + keys[i] + " is given twice");
    given[i] = true;
    values[i] = parse_number(name, key, part);
  }
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
