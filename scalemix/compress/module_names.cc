#include "scalemix/compress/module_names.h"

#include <fmt/format.h>

#include <cctype>

#include "scalemix/base/error.h"
#include "scalemix/base/word.h"

namespace scalemix::inline v0::compress {

bool natural_less(std::string_view a, std::string_view b) {
  const auto digit = [](std::string_view text, std::size_t i) {
    return i < text.size() && std::isdigit(static_cast<unsigned char>(text[i])) != 0;
  };
  // Past zeros in front, the longer number is the larger one.
  const auto number = [&](std::string_view text, std::size_t& i) {
    while (digit(text, i) && text[i] == '0') ++i;
    const std::size_t from = i;
    while (digit(text, i)) ++i;
    return text.substr(from, i - from);
  };
  std::size_t i = 0, j = 0;
  while (i < a.size() && j < b.size()) {
    if (digit(a, i) && digit(b, j)) {
      const std::string_view m = number(a, i), n = number(b, j);
      if (m.size() != n.size()) return m.size() < n.size();
      if (m != n) return m < n;
    } else {
      if (a[i] != b[j]) return a[i] < b[j];
      ++i, ++j;
    }
  }
  if (i < a.size() || j < b.size()) return j < b.size();
  return a < b;  // 01 and 1 are two names
}

std::map<std::string, std::string> read_names(std::string_view text) {
  std::map<std::string, std::string> out;
  for (const std::string_view pair : split(text, ',')) {
    const std::size_t equals = pair.find('=');
    const bool whole = equals != pair.npos && equals != 0 && equals + 1 < pair.size();
    const std::string group(pair.substr(0, equals));
    if (!whole || !out.emplace(group, pair.substr(equals + 1)).second) {
      throw ConfigError(
          fmt::format("--names: expected GROUP=LAYER,..., each once, got '{}'", pair));
    }
  }
  return out;
}

}  // namespace scalemix::inline v0::compress
