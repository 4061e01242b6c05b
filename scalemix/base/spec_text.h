// The text form of a named thing with numbers: "name" or "name:key=value,key=value".
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace scalemix::inline v0 {

struct SpecText {
  std::string name;
  std::vector<std::pair<std::string, double>> values;  // in the order they came, each key once
};

/// Throws ConfigError if a part is not key=number or a key comes twice; `name` may be anything.
SpecText parse_spec_text(std::string_view text);

/// The index of `name` in `known`. Throws ConfigError "unknown WHAT 'name', did you mean 'nearest'?
/// There are: ..." if it is not there.
std::size_t find_known(std::string_view what, std::string_view name,
                       std::span<const std::string> known);

/// The shortest text that reads back as the same number.
std::string shortest_number(double value);

/// Six significant digits, for messages.
std::string rounded_number(double value);

}  // namespace scalemix::inline v0
