// looks_foreign() and unit_of() of notation.h: which texts are numbers to those who wrote them.

#include <fmt/format.h>

#include <algorithm>

#include "scalemix/data/notation.h"

namespace scalemix::inline v0::data {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

bool reads(std::string_view text, const Notation& notation) {
  double value;
  const Cell cell = notation.read(text, value);
  return cell == Cell::number || cell == Cell::too_large;
}

constexpr std::string_view kUnits[] = {"$",
                                       "%",
                                       "\xE2\x82\xAC" /* euro */,
                                       "\xC2\xA3" /* pound */,
                                       "\xC2\xA5" /* yen */,
                                       "\xE2\x80\xB0" /* per mille */,
                                       "\xE2\x82\xB9" /* rupee */,
                                       "\xE2\x82\xBD" /* rouble */,
                                       "\xC2\xB0"
                                       "C",
                                       "\xC2\xB0"
                                       "F",
                                       "\xC2\xB0",
                                       "USD",
                                       "EUR",
                                       "GBP",
                                       "CHF",
                                       "JPY",
                                       "US$"};

/// The unit at one end of a text, if a number stands beside it.
std::string_view unit_beside(std::string_view text) {
  std::string_view found;
  for (const std::string_view unit : kUnits) {
    if (text.size() <= unit.size() || unit.size() < found.size()) continue;
    const std::string_view in_front = text.substr(text[0] == '-' || text[0] == '+');
    if (in_front.starts_with(unit) || text.ends_with(unit)) found = unit;
  }
  return found;
}

std::string option(const Notation& n, const std::string& unit) {
  std::string words;
  if (n.decimal != '.') words += fmt::format(" --decimal '{}'", n.decimal);
  if (n.thousands == " ") {
    words += " --thousands space";
  } else if (!n.thousands.empty()) {
    words +=
        n.thousands == "'" ? " --thousands \"'\"" : fmt::format(" --thousands '{}'", n.thousands);
  }
  if (!unit.empty()) words += fmt::format(" --units '{}'", unit);
  return "read it with" + words;
}

std::string name_of(const Notation& n, bool uses_decimal) {
  const std::string between = n.thousands == ","   ? "commas"
                              : n.thousands == "." ? "points"
                              : n.thousands == "'" ? "apostrophes"
                              : n.thousands == "_" ? "underscores"
                              : n.thousands == " " ? "blanks"
                                                   : "";
  std::string out = "a number";
  if (n.decimal == ',' && uses_decimal) out += " with a decimal comma";
  if (n.decimal == '.' && between.empty()) out += " with a decimal point";
  if (!between.empty()) {
    out += (n.decimal == ',' && uses_decimal ? " and " : " with ") + between + " between thousands";
  }
  return out;
}

/// Numbers of other decimal and thousands signs.
std::optional<Foreign> of_signs(std::string_view text, const Notation& known,
                                const std::string& unit) {
  const std::string_view body = text.substr(text[0] == '-' || text[0] == '+');
  const bool comma = body.find(',') != body.npos, point = body.find('.') != body.npos;
  if (reads(text, {'.', "", {}}) && unit.empty() && known.decimal != '.') {
    return Foreign{"a number with a decimal point", "the table is read with --decimal ','"};
  }
  if (comma && !point && reads(text, {',', "", {}}) && reads(text, {'.', ",", {}})) {
    return Foreign{"a number with a decimal comma or commas between thousands",
                   option({',', "", {}}, unit) + ", or with --thousands ','"};
  }
  for (const char* thousands : {"", ",", ".", "'", " ", "_"}) {
    for (const char decimal : {'.', ','}) {
      if (*thousands == decimal) continue;
      const Notation n{decimal, thousands, {}};
      if (n.plain() && unit.empty()) continue;
      if (!reads(text, n)) continue;
      const bool uses_decimal = decimal == ',' && comma;
      // The plain decimal point is not worth an option where no comma says otherwise.
      if (decimal == ',' && !comma && *thousands != '.') continue;
      Foreign out{n.plain() ? "a number" : name_of(n, uses_decimal), option(n, unit)};
      if (!unit.empty()) out.looks += fmt::format(" with the unit '{}'", unit);
      return out;
    }
  }
  return std::nullopt;
}

/// Whether a text holds digits of another script, full-width ones included.
bool other_digits(std::string_view text) {
  std::size_t found = 0;
  for (std::size_t i = 0; i + 1 < text.size(); ++i) {
    const auto byte = [&](std::size_t k) { return static_cast<unsigned char>(text[k]); };
    const bool arabic = (byte(i) == 0xD9 && byte(i + 1) >= 0xA0 && byte(i + 1) <= 0xA9) ||
                        (byte(i) == 0xDB && byte(i + 1) >= 0xB0 && byte(i + 1) <= 0xB9);
    const bool three = i + 2 < text.size();
    const bool wide = three && byte(i) == 0xEF && byte(i + 1) == 0xBC && byte(i + 2) >= 0x90 &&
                      byte(i + 2) <= 0x99;
    const bool hindi = three && byte(i) == 0xE0 && byte(i + 1) == 0xA5 && byte(i + 2) >= 0xA6 &&
                       byte(i + 2) <= 0xAF;
    if (arabic) i += 1, ++found;
    if (wide || hindi) i += 2, ++found;
    if (!arabic && !wide && !hindi && is_letter(text[i])) return false;
  }
  return found > 0;
}

/// Spellings that no option reads: what to write instead.
std::optional<Foreign> of_spelling(std::string_view text) {
  const auto ascii = [](std::string_view body) { return reads(body, {'.', ",", {}}); };
  if (text.size() > 2 && text.front() == '(' && text.back() == ')') {
    const std::string_view inner = text.substr(1, text.size() - 2);
    if (!inner.empty() && (is_digit(inner[0]) || inner[0] == '$') &&
        (ascii(inner) || looks_foreign(inner))) {
      return Foreign{"a negative number in brackets", "write it with a minus"};
    }
  }
  if (text.size() > 1 && text.back() == '-' && ascii(text.substr(0, text.size() - 1))) {
    return Foreign{"a number with its minus behind it", "write the minus in front"};
  }
  for (const std::string_view dash :
       {"\xE2\x80\x93", "\xE2\x80\x94", "\xE2\x80\x90", "\xE2\x80\x91", "\xEF\xBC\x8D"}) {
    if (text.starts_with(dash) && ascii(text.substr(dash.size()))) {
      return Foreign{"a number with a dash for its minus", "write a minus"};
    }
  }
  if (text.size() > 2 && text[0] == '0' && (text[1] == 'x' || text[1] == 'X') &&
      text.find_first_not_of("0123456789abcdefABCDEF", 2) == text.npos) {
    return Foreign{"a hexadecimal number", "write it with decimal digits"};
  }
  if (text[0] == '=' || text[0] == '\'') {
    std::string_view body = text.substr(1);
    if (body.size() > 2 && body.front() == '"' && body.back() == '"') {
      body = body.substr(1, body.size() - 2);
    }
    if (ascii(body)) {
      return Foreign{"a number that a spreadsheet keeps as text", "write the number alone"};
    }
  }
  const std::size_t d = text.find_first_of("DdQq");
  if (d != text.npos && d > 0 && d + 1 < text.size() && is_digit(text[d - 1])) {
    std::string e(text);
    e[d] = 'e';
    if (reads(e, {})) {
      return Foreign{"a number with a Fortran exponent", "write e for its letter, 1e2"};
    }
  }
  for (const std::string_view times : {"x10^", "*10^",
                                       "\xC3\x97"
                                       "10^",
                                       "E^", "e^", "*^"}) {
    const std::size_t at = text.find(times);
    if (at == text.npos || at == 0) continue;
    if (ascii(trimmed(text.substr(0, at))) && ascii(text.substr(at + times.size()))) {
      return Foreign{"a number times a power of ten", "write 1e2"};
    }
  }
  const std::size_t sign = text.find_last_of("+-");
  if (sign != text.npos && sign > 1 && text.size() - sign == 4 && text.find('.') < sign &&
      is_digit(text[sign - 1]) && ascii(text.substr(0, sign)) && ascii(text.substr(sign + 1))) {
    return Foreign{"a number with a Fortran exponent without its letter", "write e before it"};
  }
  if (other_digits(text)) return Foreign{"a number in digits of another script", "write 0 to 9"};
  return std::nullopt;
}

}  // namespace

std::optional<Foreign> looks_foreign(std::string_view text, const Notation& notation) {
  text = trimmed(text);
  if (text.size() < 2 || text.size() > 64 || reads(text, notation)) return std::nullopt;
  const std::string unit(unit_beside(text));
  if (!unit.empty()) {
    // Read without the unit, in whatever notation: "1.037,01 EUR".
    for (const char decimal : {'.', ','}) {
      for (const char* thousands : {"", ",", ".", "'", " ", "_"}) {
        if (*thousands == decimal) continue;
        const Notation n{decimal, thousands, {unit}};
        if (!reads(text, n)) continue;
        Foreign out{fmt::format("a number with the unit '{}'", unit),
                    option({decimal, thousands, {}}, unit)};
        return out;
      }
    }
  }
  if (auto found = of_signs(text, notation, "")) return found;
  return of_spelling(text);
}

std::string unit_of(std::string_view text) {
  text = trimmed(text);
  // In front: up to three letters, perhaps a dot, and a blank.
  std::size_t letters = 0;
  while (letters < text.size() && is_letter(text[letters])) ++letters;
  if (letters > 0 && letters <= 3) {
    const std::size_t past = letters + (text.substr(letters).starts_with('.') ? 1 : 0);
    const std::string_view number = trimmed(text.substr(past));
    const bool blank = number.size() < text.size() - past;
    return blank && reads(number, {}) ? std::string(text.substr(0, past)) : "";
  }
  std::size_t end = text.size();
  while (end > 0 && !is_digit(text[end - 1])) --end;
  std::string_view unit = trimmed(text.substr(end));
  if (end == 0 || unit.empty() || unit.size() > 4 || !is_letter(unit[0])) return "";
  return reads(trimmed(text.substr(0, end)), {}) ? std::string(unit) : "";
}

}  // namespace scalemix::inline v0::data
