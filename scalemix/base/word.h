// Words: how a law, a method, an architecture, an activation or an initialisation is named together
// with its numbers, and what to say when the word is wrong.
//
//   bernoulli   gaussian:alpha=0.25   svdo:threshold=3,init=-10   vgg:0.5   gsm:group=row
//
// A value may itself be one of a few words, and be followed by keys of its own, which are keys of the
// same table: gsm:hyper=inv_gamma:a=3,b=3 is gsm:hyper=inv_gamma,a=3,b=3.
//
// A key stands in a table of parameters. What is not given has its default; a key given twice, an
// unknown key and a value that is no number are a ConfigError, a value out of range is a
// std::domain_error.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace scalemix::inline v0 {

/// A number that a word may set: bernoulli's p, the threshold of svdo. Or one of a few words, whose
/// number is its place among them.
struct Parameter {
  std::string_view name;
  double value;                           // default
  double lo, hi;                          // accepted range
  bool lo_open = false, hi_open = false;  // whether the ends are excluded
  std::string_view meaning;
  bool optional = false;        // without a default: not used unless it is given
  std::string_view words = {};  // "weight|row|matrix"; then lo is 0, hi the last one's place
};

/// A parameter whose value is one of `words`, by default the first.
Parameter choice(std::string_view name, std::string_view words, std::string_view meaning);

/// The words that its value may be; empty where it is a number.
std::vector<std::string> words_of(const Parameter& parameter);

struct Word {
  std::string_view name;
  std::string_view rest;  // after the separator; empty without one
};

/// "name:rest" cut at the first of `separators`; views into `text`. Throws ConfigError if nothing
/// follows the separator.
Word split_word(std::string_view text, std::string_view separators = ":");

/// The pieces between the separators; none of an empty text.
std::vector<std::string_view> split(std::string_view text, char separator);

/// `value`, checked against the range: throws std::domain_error such as
/// "bernoulli: p must be in [0, 1), got 1".
double in_range(std::string_view who, const Parameter& parameter, double value);

/// The number that `text` is, in the parameter's range; or the place of the word.
double read_value(std::string_view who, const Parameter& parameter, std::string_view text);

/// What read_value() reads as `value`: the shortest exact number, or the word.
std::string value_text(const Parameter& parameter, double value);

/// A whole number in [1, 10^6]: widths, depths. Throws ConfigError saying what was expected.
std::size_t read_count(std::string_view who, std::string_view text);

/// One entry for each parameter of a table, in its order.
struct Values {
  std::vector<double> values;  // the default where nothing was given
  std::vector<bool> given;
};

/// Reads "key=value,key=value"; nothing is given by an empty text.
Values read_values(std::string_view who, std::span<const Parameter> parameters,
                   std::string_view text);

/// The canonical word: "name:key=value,...", every parameter with the shortest exact number, or
/// "name" without parameters. `values` in the order of the table.
std::string write_word(std::string_view name, std::span<const Parameter> parameters,
                       std::span<const double> values);

}  // namespace scalemix::inline v0
