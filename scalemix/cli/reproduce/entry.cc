#include "scalemix/cli/reproduce/entry.h"

#include <cmath>
#include <numbers>

namespace scalemix::inline v0::cli::reproduce {

#define SCALEMIX_ENTRY(function, ...) Result function(const Effort& effort);
#include "scalemix/cli/reproduce/entries.inc"
#undef SCALEMIX_ENTRY

const std::vector<Entry>& entries() {
#define SCALEMIX_ENTRY(function, ...) {__VA_ARGS__, function},
  static const std::vector<Entry> table = {
#include "scalemix/cli/reproduce/entries.inc"
  };
#undef SCALEMIX_ENTRY
  return table;
}

std::string_view name(Size size) {
  return size == Size::quick ? "quick" : size == Size::reduced ? "reduced" : "full";
}

std::string_view name(Against against) {
  return against == Against::published ? "published"
         : against == Against::program ? "program"
                                       : "own";
}

std::optional<bool> Row::within() const {
  if (!reference) return std::nullopt;
  const double errors = drawn ? 3 * std::numbers::sqrt2 : 3;
  return std::abs(ours - *reference) <= tolerance + errors * error.value_or(0);
}

}  // namespace scalemix::inline v0::cli::reproduce
