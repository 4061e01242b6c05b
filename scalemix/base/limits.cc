#include "scalemix/base/limits.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <cstring>

#include "scalemix/base/error.h"

namespace scalemix::inline v0 {
namespace {

const LimitRow& row(Limit which) { return kLimits[static_cast<std::size_t>(which)]; }

/// "2G"; 0 for what is no such number.
std::uint64_t read_amount(const char* text) {
  constexpr std::string_view kUnits = "KMGT";
  const char* end = text + std::strlen(text);
  std::uint64_t value = 0;
  const auto [stop, error] = std::from_chars(text, end, value);
  if (error != std::errc()) return 0;
  if (stop == end) return value;
  const std::size_t unit = kUnits.find(*stop);
  if (unit == kUnits.npos || stop + 1 != end) return 0;
  for (std::size_t i = 0; i <= unit; ++i) value = times(value, kKi);
  return value;
}

}  // namespace

std::uint64_t limit(Limit which) {
  const char* text = std::getenv(row(which).variable);
  if (!text) return row(which).value;
  const std::uint64_t value = read_amount(text);
  if (value == 0) {
    throw ConfigError(std::string(row(which).variable) +
                      " must be a whole number from 1, or one followed by K, M, G or T, got '" +
                      text + "'");
  }
  return value;
}

std::string beyond(Limit which) {
  return "more than " + std::to_string(limit(which)) + " " + row(which).unit + "; " +
         row(which).variable + " allows more";
}

void check_limit(Limit which, std::string_view what, std::uint64_t asked) {
  if (asked <= limit(which)) return;
  throw std::invalid_argument(std::string(what) + " asks for " + std::to_string(asked) + " " +
                              row(which).unit + ", " + beyond(which));
}

std::uint64_t most_unpacked(std::uint64_t packed) {
  const std::uint64_t any = limit(Limit::unpacked);
  return std::min(std::max(any, times(packed, kUnpackedPerByte)),
                  std::max(any, limit(Limit::input)));
}

}  // namespace scalemix::inline v0
