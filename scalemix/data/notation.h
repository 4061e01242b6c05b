// How numbers are written in a table: 1054.5 unless told otherwise.
//
// A number in another notation ("1.054,5", "1'054", "12 %") is a text to a reader that does not
// expect it, and texts become categories. So looks_foreign() names such texts, and Notation reads
// them when asked to.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace scalemix::inline v0::data {

/// What a cell holds. "", "NA", "N/A", "NaN" (any case), "null", "NULL" and "?" are missing;
/// infinite numbers and those beyond float's range are told apart because no column may hold them.
enum class Cell { number, missing, text, infinite, too_large };

/// Sorts a cell and, for a number, reads it: decimal digits, a point, an exponent behind e or E.
/// Also read, since they can be nothing else: blanks around the number, U+2212 as its minus, and
/// Fortran's exponents that show a point or a sign ("0.10D+02"; not "3D5").
Cell read_cell(std::string_view text, double& value);

struct Notation {
  char decimal = '.';              // or ','
  std::string thousands;           // what stands between groups of digits; empty: nothing does
  std::vector<std::string> units;  // taken off the front or the back of a number: "$", "%", "kg"

  bool plain() const { return decimal == '.' && thousands.empty() && units.empty(); }

  /// As read_cell(), in this notation. Groups have three digits, or two in front of the last three.
  Cell read(std::string_view text, double& value) const;

  bool operator==(const Notation&) const = default;
};

/// Notation from the words of an option: decimal "." or ","; thousands one of , . ' _ "space" (all
/// kinds of blanks) or nothing. Throws ConfigError for other words, or one sign for both.
Notation make_notation(const std::string& decimal, const std::string& thousands,
                       const std::vector<std::string>& units);

/// Why a text is probably a number.
struct Foreign {
  std::string looks;   // "a number with a decimal comma"
  std::string advice;  // "read it with --decimal ,"
};

/// A text that `notation` does not read and that is a number in another one; nothing for other
/// texts.
std::optional<Foreign> looks_foreign(std::string_view text, const Notation& notation = {});

/// The letters behind the number that a text begins with ("kg" of "12.5 kg"), at most four, or in
/// front of the one it ends with and apart from it ("Rs." of "Rs. 5"), at most three; else empty.
std::string unit_of(std::string_view text);

/// A text without blanks at its ends, no-break and narrow ones included.
std::string_view trimmed(std::string_view text);

}  // namespace scalemix::inline v0::data
