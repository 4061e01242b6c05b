#include "scalemix/model/arguments.h"

#include <fmt/format.h>

#include <charconv>

#include "scalemix/base/error.h"

namespace scalemix::inline v0::model {

std::pair<std::string_view, std::string_view> split_word(std::string_view word,
                                                         std::string_view separators) {
  const std::size_t cut = word.find_first_of(separators);
  if (cut == std::string_view::npos) return {word, {}};
  return {word.substr(0, cut), word.substr(cut + 1)};
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

std::size_t parse_count(std::string_view who, std::string_view text) {
  std::size_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < 1 || value > 1000000) {
    throw ConfigError(
        fmt::format("{}: expected a whole number in [1, 1000000], got '{}'", who, text));
  }
  return value;
}

double parse_number(std::string_view who, std::string_view key, std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) {
    throw ConfigError(fmt::format("{}: {} must be a number, got '{}'", who, key, text));
  }
  return value;
}

std::string number_text(double value) { return fmt::format("{}", value); }

std::pair<std::string_view, std::string_view> split_setting(std::string_view who,
                                                            std::string_view text) {
  const std::size_t equals = text.find('=');
  if (equals == std::string_view::npos) {
    throw ConfigError(fmt::format("{}: expected key=value, got '{}'", who, text));
  }
  return {text.substr(0, equals), text.substr(equals + 1)};
}

}  // namespace scalemix::inline v0::model
