#include "scalemix/prior/called.h"

#include <cmath>
#include <limits>

#include "scalemix/prior/mixture.h"

namespace scalemix::inline v0::prior {
namespace {

// A law of z with tail exp(-c z^t) gives power 2 t / (2 + t); one that is bounded gives 2.
constexpr Called kNoNoise = {"", "one value", "normal", "normal", 2};
constexpr Called kRows[] = {
    {"bernoulli", "Bernoulli", "spike and slab", "normal", 2},
    {"gaussian", "alpha times noncentral chi^2(1), noncentrality 1 / alpha", "", "exponential", 1},
    {"uniform", "", "", "normal, times a power", 2},
    {"beta", "", "", "normal, times a power", 2},
    {"laplace", "", "", "exp(-c |w|^(2/3))", 2.0 / 3},
    {"poisson", "", "", "exp(-c (|w| ln |w|)^(2/3))", 2.0 / 3},
    {"lognormal", "lognormal", "normal-lognormal mixture", "exp(-c (ln |w|)^2)", 0},
    {"gamma", "generalised gamma", "", "exp(-c |w|^(2/3))", 2.0 / 3},
    {"rayleigh", "exponential, mean 2 scale^2", "Laplace", "exponential", 1},
    {"inverse_nakagami", "inverse gamma (shape, shape / omega)", "Student-t", "polynomial", 0},
    {"half_cauchy", "scale^2 times beta prime (1/2, 1/2)", "horseshoe", "polynomial", 0},
    {"logistic_normal", "", "", "nearly normal", 2},
    {"normal", "scale^2 times chi^2(1)", "generalised hyperbolic, K0", "exponential", 1},
};
constexpr Called kUnknown = {"", "", "", "", 0};

}  // namespace

const Called& called(const law::AnyLaw& law) {
  if (!law.row().discrete && single_values(law)) return kNoNoise;
  for (const Called& row : kRows) {
    if (row.law == law.row().name) return row;
  }
  return kUnknown;
}

double tail_exponent(const law::AnyLaw& law) {
  if (law.row().name == "half_cauchy") return 2;
  if (law.row().name == "inverse_nakagami") return 2 * law.values()[0] + 1;
  return std::numeric_limits<double>::infinity();
}

}  // namespace scalemix::inline v0::prior
