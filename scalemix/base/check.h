// Argument checks, called once at each public boundary. All take who asks, the argument's name and
// its value; they return the value or throw with a message of one form:
//
//   bernoulli: p must be in [0, 1), got 1
#pragma once

#include <cmath>
#include <sstream>
#include <stdexcept>
#include <string_view>

namespace scalemix::inline v0 {

/// Throws E{"who: what, got value"}.
template <class E, class V>
[[noreturn]] void fail(std::string_view who, std::string_view what, const V& got) {
  std::ostringstream message;
  message << who << ": " << what << ", got " << got;
  throw E(message.str());
}

/// Throws std::domain_error unless `value` is finite.
inline double check_finite(std::string_view who, std::string_view name, double value) {
  if (!std::isfinite(value)) {
    fail<std::domain_error>(who, std::string(name) + " must be finite", value);
  }
  return value;
}

/// Throws std::domain_error unless `value` is finite and > 0.
inline double check_positive(std::string_view who, std::string_view name, double value) {
  if (!(std::isfinite(value) && value > 0)) {
    fail<std::domain_error>(who, std::string(name) + " must be positive and finite", value);
  }
  return value;
}

/// Throws std::domain_error unless lo <= value < hi.
inline double check_in(std::string_view who, std::string_view name, double value, double lo,
                       double hi) {
  if (!(value >= lo && value < hi)) {
    std::ostringstream range;
    range << name << " must be in [" << lo << ", " << hi << ")";
    fail<std::domain_error>(who, range.str(), value);
  }
  return value;
}

/// Throws std::invalid_argument with "who: what" unless `ok`.
inline void check(bool ok, std::string_view who, std::string_view what) {
  if (!ok) throw std::invalid_argument(std::string(who) + ": " + std::string(what));
}

}  // namespace scalemix::inline v0
