// The text form of a named thing with numbers, "name" or "name:key=value,key=value", and what to
// say when it is wrong.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace scalemix::inline v0 {

struct SpecText {
  std::string_view name;
  std::vector<std::string_view> parts;  // "key=value" as they stand; "name:" has one, empty
};

/// Views into `text`.
SpecText split_spec_text(std::string_view text);

/// The index of `name` in `known`. Throws ConfigError "unknown WHAT 'name', did you mean 'nearest'?
/// There are: ..." if it is not there.
std::size_t find_known(std::string_view what, std::string_view name,
                       std::span<const std::string> known);

/// values[i] = value for each part "keys[i]=value". Throws ConfigError if a part is not key=number,
/// a key is unknown (`what` says of what kind of thing: "law") or comes twice.
void set_values(std::string_view what, const SpecText& text, std::span<const std::string> keys,
                std::span<double> values);

/// The shortest text that reads back as the same number.
std::string shortest_number(double value);

/// Six significant digits, for messages.
std::string rounded_number(double value);

}  // namespace scalemix::inline v0
