// The argument part of a short form: "threshold=3,init=-8" against a table of parameters.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace scalemix::inline v0::model {

/// "name:rest" as (name, rest), cut at the first of `separators`; rest is empty without one.
std::pair<std::string_view, std::string_view> split_word(std::string_view word,
                                                         std::string_view separators = ":");

/// The pieces between the separators; none of an empty text.
std::vector<std::string_view> split(std::string_view text, char separator);

/// A whole number in [1, 10^6]: widths, depths. Throws ConfigError naming `who` and what was
/// expected.
std::size_t parse_count(std::string_view who, std::string_view text);

/// Throws ConfigError if `text` is not a number.
double parse_number(std::string_view who, std::string_view key, std::string_view text);

/// A number as the shortest text that reads back the same: "0.05", "3".
std::string number_text(double value);

/// "key=value" as (key, value). Throws ConfigError without '='.
std::pair<std::string_view, std::string_view> split_setting(std::string_view who,
                                                            std::string_view text);

}  // namespace scalemix::inline v0::model
