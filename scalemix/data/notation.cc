#include "scalemix/data/notation.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <limits>

#include "scalemix/base/error.h"
#include "scalemix/base/known.h"

namespace scalemix::inline v0::data {
namespace {

constexpr std::string_view kBlanks[] = {" ", "\t", "\xC2\xA0", "\xE2\x80\xAF", "\xE2\x80\x89"};
constexpr std::string_view kMinus = "\xE2\x88\x92";  // U+2212

bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::size_t blank_at(std::string_view text) {
  for (const std::string_view blank : kBlanks) {
    if (text.starts_with(blank)) return blank.size();
  }
  return 0;
}

bool is_missing(std::string_view text) {
  if (text.size() > 4 || (!text.empty() && text[0] != 'N' && text[0] != 'n' && text[0] != '?')) {
    return false;
  }
  for (const std::string_view word : {"", "?", "NA", "N/A", "NaN", "nan", "NAN", "null", "NULL"}) {
    if (text == word) return true;
  }
  return false;
}

/// Reads a decimal without exponent and with at most 15 digits, exactly: its digits and the power
/// of ten that divides them are doubles without error, so the quotient is the nearest double
/// (Clinger, "How to read floating point numbers accurately", 1990). False for anything else.
bool read_short_decimal(std::string_view text, double& value) {
  constexpr std::size_t kDigits = 15;
  static constexpr double kTens[kDigits + 1] = {1e0, 1e1, 1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                                1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};
  if (text.size() > kDigits + 2) return false;  // a sign and a point
  std::uint64_t digits = 0;
  std::size_t i = text.starts_with('-');
  const bool negative = i == 1;
  const auto read_digits = [&] {
    const std::size_t first = i;
    for (; i < text.size(); ++i) {
      const auto digit = static_cast<unsigned char>(text[i] - '0');
      if (digit > 9) break;
      digits = 10 * digits + digit;
    }
    return i - first;
  };
  const std::size_t before = read_digits();
  std::size_t behind = 0;
  if (i < text.size() && text[i] == '.') {
    ++i;
    behind = read_digits();
  }
  if (i < text.size() || before + behind == 0 || before + behind > kDigits) return false;
  value = static_cast<double>(digits) / kTens[behind];
  if (negative) value = -value;
  return true;
}

/// A number as from_chars knows it, and a plus in front.
Cell read_standard(std::string_view digits, double& value) {
  if (digits.size() > 1 && digits[0] == '+' && digits[1] != '-') digits.remove_prefix(1);
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (end != digits.data() + digits.size() || error == std::errc::invalid_argument)
    return Cell::text;
  if (std::isnan(value)) return Cell::missing;
  if (error == std::errc::result_out_of_range) {
    // Both ways out of double's range end here; a tiny number is zero.
    value = std::strtod(std::string(digits).c_str(), nullptr);
    if (std::abs(value) <= 1) return Cell::number;
    return Cell::too_large;
  }
  if (std::isinf(value)) return Cell::infinite;
  if (std::abs(value) > std::numeric_limits<float>::max()) return Cell::too_large;
  return Cell::number;
}

/// "0.10D+02" as "0.10e+02" and the minus of typesetters as one of ours; else the text.
std::string modern(std::string_view text) {
  std::string out(text);
  if (text.starts_with(kMinus)) out.replace(0, kMinus.size(), "-");
  const std::size_t d = out.find_first_of("Dd");
  if (d == std::string::npos || d == 0 || d + 1 == out.size()) return out;
  const bool shows = out.find('.') < d || out[d + 1] == '+' || out[d + 1] == '-';
  if (shows && (is_digit(out[d - 1]) || out[d - 1] == '.')) out[d] = 'e';
  return out;
}

/// Whether a sign of `thousands` starts `text`: how many bytes it takes.
std::size_t group_sign(std::string_view text, const std::string& thousands) {
  if (thousands.empty()) return 0;
  if (thousands == " ") return blank_at(text);
  if (text.starts_with(thousands)) return thousands.size();
  constexpr std::string_view kApostrophe = "\xE2\x80\x99";
  return thousands == "'" && text.starts_with(kApostrophe) ? kApostrophe.size() : 0;
}

/// Sign and digits of groups at the front of `text`, moved to `out`; false if they are no groups.
bool take_groups(std::string_view& text, const std::string& thousands, std::string& out) {
  std::vector<std::size_t> groups(1, 0);
  while (!text.empty()) {
    if (is_digit(text[0])) {
      out += text[0];
      ++groups.back();
      text.remove_prefix(1);
      continue;
    }
    const std::size_t sign = group_sign(text, thousands);
    if (sign == 0 || sign == text.size() || !is_digit(text[sign])) break;
    groups.push_back(0);
    text.remove_prefix(sign);
  }
  if (groups.size() == 1) return true;
  const auto fits = [&](std::size_t size) {
    return std::all_of(groups.begin() + 1, groups.end() - 1,
                       [&](std::size_t g) { return g == size; }) &&
           groups[0] >= 1 && groups[0] <= size;
  };
  return groups.back() == 3 && (fits(3) || fits(2));
}

/// A text of this notation, units aside, in the plain one; empty if it is no number in it.
std::string to_plain(std::string_view text, const Notation& notation) {
  std::string out;
  if (text.starts_with(kMinus)) {
    out = "-";
    text.remove_prefix(kMinus.size());
  } else if (!text.empty() && (text[0] == '-' || text[0] == '+')) {
    out = text.substr(0, 1);
    text.remove_prefix(1);
  }
  if (!take_groups(text, notation.thousands, out)) return "";
  if (text.starts_with(notation.decimal)) {
    out += '.';
    text.remove_prefix(1);
    for (; !text.empty() && is_digit(text[0]); text.remove_prefix(1)) out += text[0];
  }
  // What is left can only be an exponent.
  if (!text.empty() && text.find_first_not_of("0123456789eEdD+-") != std::string_view::npos) {
    return "";
  }
  out += text;
  double value;
  const std::string read = modern(out);
  return read_standard(read, value) == Cell::text ? "" : read;
}

/// Takes the units off both ends; a sign stays in front of the number.
std::string without_units(std::string_view text, const std::vector<std::string>& units) {
  std::string sign;
  const auto take_sign = [&] {
    for (const std::string_view s : {std::string_view("-"), std::string_view("+"), kMinus}) {
      if (!sign.empty() || !text.starts_with(s)) continue;
      sign = s;
      text.remove_prefix(s.size());
    }
  };
  bool taken = true;
  while (taken) {
    taken = false;
    take_sign();
    for (const std::string& unit : units) {
      if (unit.empty() || text.size() <= unit.size()) continue;
      if (text.starts_with(unit)) {
        text = trimmed(text.substr(unit.size()));
        taken = true;
      } else if (text.ends_with(unit)) {
        text = trimmed(text.substr(0, text.size() - unit.size()));
        taken = true;
      }
    }
  }
  take_sign();
  return sign + std::string(text);
}

}  // namespace

std::string_view trimmed(std::string_view text) {
  for (std::size_t n; (n = blank_at(text)) > 0;) text.remove_prefix(n);
  for (bool more = true; more;) {
    more = false;
    for (const std::string_view blank : kBlanks) {
      if (!text.ends_with(blank)) continue;
      text.remove_suffix(blank.size());
      more = true;
    }
  }
  return text;
}

Cell read_cell(std::string_view text, double& value) {
  if (read_short_decimal(text, value)) return Cell::number;
  if (is_missing(text)) return Cell::missing;
  if (const Cell cell = read_standard(text, value); cell != Cell::text) return cell;
  // The rest is rare: texts, and numbers that are written in an unusual way.
  const std::string_view inner = trimmed(text);
  if (inner.size() < text.size()) return read_cell(inner, value);
  const bool may_be = text.starts_with(kMinus) || text.find_first_of("Dd") != text.npos;
  if (!may_be || text.size() > 64) return Cell::text;
  return read_standard(modern(text), value);
}

Cell Notation::read(std::string_view text, double& value) const {
  if (plain()) return read_cell(text, value);
  text = trimmed(text);
  if (is_missing(text)) return Cell::missing;
  if (text.size() > 128) return Cell::text;
  const std::string bare = units.empty() ? std::string(text) : without_units(text, units);
  const std::string number = to_plain(bare, *this);
  if (!number.empty()) return read_cell(number, value);
  // Words such as "inf" are the same in every notation.
  const Cell cell = read_cell(bare, value);
  return cell == Cell::infinite || cell == Cell::missing ? cell : Cell::text;
}

Notation make_notation(const std::string& decimal, const std::string& thousands,
                       const std::vector<std::string>& units) {
  const std::vector<std::string> decimals = {".", ","};
  const std::vector<std::string> groups = {",", ".", "'", "_", "space"};
  Notation out;
  out.units = units;
  if (!decimal.empty()) {
    if (std::find(decimals.begin(), decimals.end(), decimal) == decimals.end()) {
      throw ConfigError(fmt::format("decimal {}", not_one_of(decimals, decimal)));
    }
    out.decimal = decimal[0];
  }
  if (!thousands.empty()) {
    const bool blank = blank_at(thousands) == thousands.size();
    const std::string word = blank ? "space" : thousands == "\xE2\x80\x99" ? "'" : thousands;
    if (std::find(groups.begin(), groups.end(), word) == groups.end()) {
      throw ConfigError(fmt::format("thousands {}", not_one_of(groups, thousands)));
    }
    out.thousands = word == "space" ? " " : word;
  }
  if (out.thousands == std::string(1, out.decimal)) {
    throw ConfigError(fmt::format("thousands and decimal are both '{}'", out.decimal));
  }
  for (const std::string& unit : units) {
    if (trimmed(unit).empty() || std::any_of(unit.begin(), unit.end(), is_digit)) {
      throw ConfigError(fmt::format("units must be texts without digits, got '{}'", unit));
    }
  }
  return out;
}

}  // namespace scalemix::inline v0::data
