#include "scalemix/law/law.h"

#include <cmath>
#include <sstream>

#include "scalemix/base/check.h"

namespace scalemix::inline v0::law {

bool normalised(double mean) { return std::isfinite(mean) && mean != 0; }

double checked(std::string_view law, std::span<const Parameter> parameters,
               std::span<const double> values, std::size_t i) {
  if (values.size() != parameters.size()) {
    fail<std::invalid_argument>(law, "takes " + std::to_string(parameters.size()) + " parameter(s)",
                                values.size());
  }
  const Parameter& p = parameters[i];
  const double v = values[i];
  const bool above = p.lo_open ? v > p.lo : v >= p.lo;
  const bool below = p.hi_open ? v < p.hi : v <= p.hi;
  if (!(above && below)) {  // a NaN is neither
    std::ostringstream range;
    range << p.name << " must be in " << (p.lo_open ? '(' : '[') << p.lo << ", " << p.hi
          << (p.hi_open ? ')' : ']');
    fail<std::domain_error>(law, range.str(), v);
  }
  return v;
}

}  // namespace scalemix::inline v0::law
