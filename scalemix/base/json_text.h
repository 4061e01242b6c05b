// JSON from a file: nested so deep and no deeper, so that neither the parser nor what walks over its result
// runs out of stack.
#pragma once

#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>

#include "scalemix/base/limits.h"
#include "scalemix/base/printable.h"

namespace scalemix::inline v0 {

/// How many brackets of JSON text stand in each other at the most, those in texts left out. Of text that is
/// no JSON: at least as many as a parser would meet.
std::size_t json_depth(std::string_view text);

/// The library's message without its number: "parse error at line 1, column 5: ...", 200 bytes at most.
inline std::string json_error(const nlohmann::json::exception& error) {
  const std::string_view text = error.what();
  const std::size_t end = text.find("] ");
  return shortened(printable(end == text.npos ? text : text.substr(end + 2)), 200);
}

/// Throws std::invalid_argument: nested more than kMostJsonDepth deep, or no JSON; a short reason.
template <class Json = nlohmann::json>
Json parse_json(std::string_view text,
                const nlohmann::json::parser_callback_t& callback = nullptr) {
  if (json_depth(text) > kMostJsonDepth) {
    throw std::invalid_argument("nested more than " + std::to_string(kMostJsonDepth) + " deep");
  }
  try {
    if constexpr (std::is_same_v<Json, nlohmann::json>) {
      return Json::parse(text, callback);
    } else {
      return Json::parse(text);
    }
  } catch (const nlohmann::json::exception& error) {
    throw std::invalid_argument(json_error(error));
  }
}

/// The whole number that `value` is, in [0, most]; "expected a whole number" for a fraction, a text or a
/// number beyond. Throws std::invalid_argument. The library's own get<int>() casts a double unchecked.
template <class Int, class Json>
Int whole_number(const Json& value, Int most = std::numeric_limits<Int>::max()) {
  const bool fits = value.is_number_integer() &&
                    (value.is_number_unsigned() || value.template get<std::int64_t>() >= 0) &&
                    value.template get<std::uint64_t>() <= static_cast<std::uint64_t>(most);
  if (fits) return static_cast<Int>(value.template get<std::uint64_t>());
  throw std::invalid_argument("expected a whole number from 0 to " + std::to_string(most) +
                              ", got " + shortened(value.dump(), 40));
}

}  // namespace scalemix::inline v0
