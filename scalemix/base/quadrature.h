// Integrals of piecewise analytic functions: 20-point Gauss-Legendre panels, halved until the
// caller finds them fine enough. Nothing is allocated, and nothing is estimated: the caller knows
// where its function changes and how fast, so the panels, and the result's bits, do not depend on
// the function's values.
#pragma once

#include <boost/math/quadrature/gauss.hpp>
#include <cstddef>

namespace scalemix::inline v0 {

/// The integral of f over [lo, hi] by 20 points: exact for polynomials up to degree 39.
template <class F>
double gauss_panel(double lo, double hi, const F& f) {
  using Rule = boost::math::quadrature::gauss<double, 20>;
  const double middle = (lo + hi) / 2, half = (hi - lo) / 2;
  double sum = 0;
  for (std::size_t i = 0; i < Rule::abscissa().size(); ++i) {
    const double step = half * Rule::abscissa()[i];
    sum += Rule::weights()[i] * (f(middle - step) + f(middle + step));
  }
  return half * sum;
}

/// The sum over panels of [lo, hi], each halved until fine_enough(lo, hi). 0 unless lo < hi.
template <class F, class Fine>
double integrate(double lo, double hi, const Fine& fine_enough, const F& f) {
  if (!(lo < hi)) return 0;
  if (fine_enough(lo, hi)) return gauss_panel(lo, hi, f);
  const double middle = (lo + hi) / 2;
  if (middle <= lo || middle >= hi) return gauss_panel(lo, hi, f);  // no number between them
  return integrate(lo, middle, fine_enough, f) + integrate(middle, hi, fine_enough, f);
}

}  // namespace scalemix::inline v0
