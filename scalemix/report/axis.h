// An axis of a picture: which part of the numbers it shows, where a number stands on it, and the
// numbers written beside it.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

namespace scalemix::inline v0::report {

/// What a picture's author says of an axis. Ends that are not given come from the data.
struct Axis {
  std::string label = {};
  bool log = false;
  std::optional<double> lo = {}, hi = {};
};

/// An axis with ends.
struct Scale {
  double lo = 0, hi = 1;
  bool log = false;

  /// Whether `value` has a place on such an axis: finite, and positive on a logarithmic one.
  bool shows(double value) const;
  /// The place of a value that it shows: 0 at lo, 1 at hi, outside beyond them.
  double at(double value) const;
};

/// The scale of `axis` for these values; those without a place on it are left out. `margin` is the
/// share of the range left free at either end that the author has not fixed. Without values, or
/// with one alone, a range around it. Throws std::domain_error if the author's ends are not
/// ordered, or not positive on a logarithmic axis.
Scale scale_of(const Axis& axis, std::span<const double> values, double margin);

/// Round numbers within the scale, about `most` at most and two at least: multiples of 1, 2 or 5
/// times a power of ten; on a logarithmic axis powers of ten, with 2 and 5 between where there are
/// few.
std::vector<double> ticks(const Scale& scale, std::size_t most = 8);

/// A tick as text: "0.25", "1e-30".
std::string tick_text(double tick);

}  // namespace scalemix::inline v0::report
