#include "scalemix/signal/moments.h"

#include <cmath>

#include "scalemix/base/check.h"
#include "scalemix/signal/closed_form.h"

namespace scalemix::inline v0::signal {
namespace {

double check_q(double q) {
  if (!(q >= 0 && std::isfinite(q))) {
    fail<std::domain_error>("signal", "variance q must be finite and not negative", q);
  }
  return q;
}

/// What the closed forms take: piecewise linear activations share one set.
double parameter(const Activation& phi) { return phi.negative_slope().value_or(phi.parameter()); }

}  // namespace

Pair Pair::at(double q1, double q2, double c) {
  if (!(c >= -1 && c <= 1)) fail<std::domain_error>("signal", "c must be in [-1, 1]", c);
  return {check_q(q1), check_q(q2), c, 1 - c};
}

Pair Pair::near_one(double q1, double q2, double one_minus_c) {
  if (!(one_minus_c >= 0 && one_minus_c <= 2)) {
    fail<std::domain_error>("signal", "1 - c must be in [0, 2]", one_minus_c);
  }
  return {check_q(q1), check_q(q2), 1 - one_minus_c, one_minus_c};
}

double Pair::sine() const { return std::sqrt(one_minus_c * (1 + c)); }
double Pair::angle() const { return std::atan2(sine(), c); }
double Pair::covariance() const { return c * std::sqrt(q1) * std::sqrt(q2); }

double mean(const Activation& phi, double q) {
  const auto closed = closed_forms(phi).mean;
  return closed ? closed(parameter(phi), check_q(q)) : by_quadrature::mean(phi, check_q(q));
}

double second(const Activation& phi, double q) {
  const auto closed = closed_forms(phi).second;
  return closed ? closed(parameter(phi), check_q(q)) : by_quadrature::second(phi, check_q(q));
}

double slope_second(const Activation& phi, double q) {
  const auto closed = closed_forms(phi).slope_second;
  return closed ? closed(parameter(phi), check_q(q)) : by_quadrature::slope_second(phi, check_q(q));
}

double second_rate(const Activation& phi, double q) {
  const auto closed = closed_forms(phi).second_rate;
  return closed ? closed(parameter(phi), check_q(q)) : by_quadrature::second_rate(phi, check_q(q));
}

double fourth(const Activation& phi, double q) {
  check_q(q);
  if (const auto a = phi.negative_slope()) return 1.5 * (1 + std::pow(*a, 4)) * q * q;
  // sin^4 u = 3/8 - cos(2 u) / 2 + cos(4 u) / 8, which cancels at small q.
  if (phi.name() == "sine" && q > 1) return 0.375 - std::exp(-2 * q) / 2 + std::exp(-8 * q) / 8;
  return by_quadrature::fourth(phi, q);
}

double far_rate(const Activation& phi) {
  if (const auto a = phi.negative_slope()) return (1 + *a * *a) / 2;
  return phi.row().above_line ? phi.row().line * phi.row().line / 2 : 0;
}

double second_beyond(const Activation& phi, double q) {
  if (phi.negative_slope()) return 0;
  return phi.row().above_line ? by_quadrature::second_beyond(phi, check_q(q)) : second(phi, q);
}

double product(const Activation& phi, const Pair& pair) {
  const auto closed = closed_forms(phi).product;
  return closed ? closed(parameter(phi), pair) : by_quadrature::product(phi, pair);
}

double product(const Activation& phi, double q1, double q2, double c) {
  return product(phi, Pair::at(q1, q2, c));
}

double slope_product(const Activation& phi, const Pair& pair) {
  const auto closed = closed_forms(phi).slope_product;
  return closed ? closed(parameter(phi), pair) : by_quadrature::slope_product(phi, pair);
}

double slope_product(const Activation& phi, double q1, double q2, double c) {
  return slope_product(phi, Pair::at(q1, q2, c));
}

double gap(const Activation& phi, double q, double one_minus_c) {
  const Pair pair = Pair::near_one(q, q, one_minus_c);
  const auto closed = closed_forms(phi).gap;
  return closed ? closed(parameter(phi), pair) : by_quadrature::gap(phi, q, one_minus_c);
}

}  // namespace scalemix::inline v0::signal
