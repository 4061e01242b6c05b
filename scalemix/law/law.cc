#include "scalemix/law/law.h"

#include <cmath>

#include "scalemix/base/check.h"

namespace scalemix::inline v0::law {

bool normalised(double mean) { return std::isfinite(mean) && mean != 0; }

double checked(std::string_view law, std::span<const Parameter> parameters,
               std::span<const double> values, std::size_t i) {
  if (values.size() != parameters.size()) {
    fail<std::invalid_argument>(law, "takes " + std::to_string(parameters.size()) + " parameter(s)",
                                values.size());
  }
  return in_range(law, parameters[i], values[i]);
}

}  // namespace scalemix::inline v0::law
