// The Gaussian moments that have a closed form; moments.h falls back to quadrature for the others.
#pragma once

#include "scalemix/signal/moments.h"

namespace scalemix::inline v0::signal {

/// Null where there is no closed form. The functions take the activation's parameter; for the
/// piecewise linear ones (relu, leaky_relu, linear) that is the slope of the negative side.
struct ClosedForms {
  using Moment = double (*)(double parameter, double q);
  using PairMoment = double (*)(double parameter, const Pair& pair);
  Moment mean = nullptr, second = nullptr, slope_second = nullptr, second_rate = nullptr;
  PairMoment product = nullptr, slope_product = nullptr;
  PairMoment gap = nullptr;  // at q1 = q2
};

/// The row of `phi`, all null if it has none.
const ClosedForms& closed_forms(const Activation& phi);

/// sin t - t cos t for t in [0, pi], without loss of digits at small t.
double sine_minus_chord(double t);

}  // namespace scalemix::inline v0::signal
