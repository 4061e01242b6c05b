// Numbers as text, and back.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace scalemix::inline v0 {

/// The number that the whole of `text` is, "nan" and "inf" too; nothing if it is none.
std::optional<double> read_number(std::string_view text);

/// The shortest text that reads back as the same number.
std::string shortest_number(double value);

/// Six significant digits, for messages.
std::string rounded_number(double value);

}  // namespace scalemix::inline v0
