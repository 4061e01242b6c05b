#include "scalemix/prior/variance.h"

#include <algorithm>
#include <cmath>

#include "scalemix/base/check.h"
#include "scalemix/prior/mixture.h"

namespace scalemix::inline v0::prior {
namespace {

double variance_of(double kappa) { return (1 - kappa) / kappa; }

}  // namespace

double variance_density(const law::AnyLaw& law, double variance, double scale) {
  const double lambda = std::sqrt(check_positive("variance_density", "variance", variance));
  return folded(law, lambda / scale) / (single_values(law) ? 1 : 2 * lambda * scale);
}

double variance_within(const law::AnyLaw& law, double variance, double scale) {
  return variance < 0 ? 0 : within(law, std::sqrt(variance) / scale);
}

double shrinkage_density(const law::AnyLaw& law, double kappa, double scale) {
  check_in("shrinkage_density", "kappa", kappa, 1e-300, 1);
  // d lambda^2 / d kappa = -1 / kappa^2
  return variance_density(law, variance_of(kappa), scale) /
         (single_values(law) ? 1 : kappa * kappa);
}

double shrinkage_within(const law::AnyLaw& law, double bound, double scale) {
  // kappa <= bound where |lambda| is at least this: all but what lies strictly within.
  check_in("shrinkage_within", "bound", bound, 1e-300, 1);
  const double z = std::sqrt(variance_of(bound)) / scale;
  const double at = single_values(law) ? std::min(1.0, folded(law, z)) : 0;
  return 1 - within(law, z) + at;
}

double mean_shrinkage(const law::AnyLaw& law, double scale) {
  return Mixture(law, scale).expect([](double lambda) { return 1 / (1 + lambda * lambda); });
}

}  // namespace scalemix::inline v0::prior
