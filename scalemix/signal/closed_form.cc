#include "scalemix/signal/closed_form.h"

#include <boost/math/special_functions/gamma.hpp>
#include <cmath>
#include <numbers>

#include "scalemix/law/standard_normal.h"

namespace scalemix::inline v0::signal {
namespace {

constexpr double kPi = std::numbers::pi;
constexpr double kTwoOverPi = 2 / std::numbers::pi;

// ---- x for x > 0, a x for x < 0
double linear_mean(double a, double q) { return (1 - a) * std::sqrt(q / (2 * kPi)); }
double linear_slope_second(double a, double) { return (1 + a * a) / 2; }
double linear_second(double a, double q) { return linear_slope_second(a, q) * q; }
double linear_slope_product(double a, const Pair& p) {
  return (1 + a * a) / 2 - (1 - a) * (1 - a) * p.angle() / (2 * kPi);
}
double linear_product(double a, const Pair& p) {
  const double bend = (1 - a) * (1 - a) * sine_minus_chord(p.angle()) / (2 * kPi);
  return std::sqrt(p.q1) * std::sqrt(p.q2) * (bend + (1 + a * a) / 2 * p.c);
}
double linear_gap(double a, const Pair& p) {
  const double bend = (1 - a) * (1 - a) * sine_minus_chord(p.angle()) / (2 * kPi);
  return p.q1 * ((1 + a * a) / 2 * p.one_minus_c - bend);
}

// ---- erf(b x); k = 2 b^2
double zero(double, double) { return 0; }
double erf_second(double b, double q) {
  const double k = 2 * b * b * q;
  return kTwoOverPi * std::atan(k / std::sqrt(1 + 2 * k));
}
double erf_slope_second(double b, double q) {
  return 2 * kTwoOverPi * b * b / std::sqrt(1 + 4 * b * b * q);
}
double erf_second_rate(double b, double q) {
  const double k = 2 * b * b;
  return kTwoOverPi * k / ((1 + k * q) * std::sqrt(1 + 2 * k * q));
}
/// sqrt((1 + k q1)(1 + k q2) - k^2 q12^2), as a sum of positive terms
double erf_root(double k, const Pair& p) {
  const double s = p.sine();
  return std::sqrt(1 + k * p.q1 + k * p.q2 + (k * p.q1 * s) * (k * p.q2 * s));
}
double erf_product(double b, const Pair& p) {
  const double k = 2 * b * b;
  return kTwoOverPi * std::atan2(k * p.covariance(), erf_root(k, p));
}
double erf_slope_product(double b, const Pair& p) {
  return 2 * kTwoOverPi * b * b / erf_root(2 * b * b, p);
}
double erf_gap(double b, const Pair& p) {
  // arcsin x - arcsin y of x = k q / (1 + k q), y = c x: the sine of the difference.
  const double k = 2 * b * b * p.q1, x = k / (1 + k), y = p.c * x;
  const double cos_x = std::sqrt(1 + 2 * k) / (1 + k), cos_y = std::sqrt((1 - y) * (1 + y));
  const double step = x * p.one_minus_c;
  const double sine = step * cos_y + y * step * (x + y) / (cos_x + cos_y);
  return kTwoOverPi * std::atan2(sine, cos_x * cos_y + x * y);
}

// ---- sin x
double sine_second(double, double q) { return -std::expm1(-2 * q) / 2; }
double sine_slope_second(double, double q) { return (1 + std::exp(-2 * q)) / 2; }
double sine_second_rate(double, double q) { return std::exp(-2 * q); }
/// E cos(u1 - u2) for c >= 0: (q1 + q2) / 2 - q12 = (sqrt q1 - sqrt q2)^2 / 2 + sqrt(q1 q2) (1 - c)
double sine_apart(const Pair& p, double one_minus_c) {
  const double r1 = std::sqrt(p.q1), r2 = std::sqrt(p.q2);
  return std::exp(-(r1 - r2) * (r1 - r2) / 2 - r1 * r2 * one_minus_c);
}
double sine_product(double, const Pair& p) {
  const double lost = p.c < 0 ? 1 + p.c : p.one_minus_c;
  const double half = -sine_apart(p, lost) * std::expm1(-2 * std::abs(p.covariance())) / 2;
  return std::copysign(half, p.c);
}
double sine_slope_product(double, const Pair& p) {
  return (sine_apart(p, p.one_minus_c) + sine_apart(p, 1 + p.c)) / 2;
}
double sine_gap(double, const Pair& p) {
  const double q = p.q1;
  return -std::expm1(-q * p.one_minus_c) * (1 + std::exp(-q * (1 + p.c))) / 2;
}

// ---- x Phi(x)
double gelu_mean(double, double q) { return q / std::sqrt(2 * kPi * (1 + q)); }
double gelu_second(double, double q) {
  const double d = std::sqrt(1 + 2 * q);
  return q * (2 * q / (1 + q) / d + std::atan(q / d)) / (2 * kPi) + q / 4;
}
double gelu_slope_second(double, double q) {
  const double d = std::sqrt(1 + 2 * q);
  return q / d * (1 / (d * d) + 2 / (1 + q)) / (2 * kPi) + 0.25 + std::atan(q / d) / (2 * kPi);
}
double gelu_second_rate(double, double q) {
  const double d = std::sqrt(1 + 2 * q), r = q / (1 + q);
  const double first = 2 * r * (2 + 4 * q + q * q) / (1 + q) / (d * d * d);
  return (first + std::atan(q / d) + r / d) / (2 * kPi) + 0.25;
}
/// sqrt((1 + q1)(1 + q2) - q12^2)
double gelu_root(const Pair& p) { return erf_root(1, p); }
double gelu_product(double, const Pair& p) {
  const double k = p.covariance(), d = gelu_root(p);
  const double square = p.q1 * p.q2 * (p.c / d * p.c + d) / ((1 + p.q1) * (1 + p.q2));
  return (square + k * std::atan2(k, d)) / (2 * kPi) + k / 4;
}
double gelu_slope_product(double, const Pair& p) {
  const double k = p.covariance(), d = gelu_root(p), all = (1 + p.q1) * (1 + p.q2);
  const double bracket = 1 / (d * d) + (2 + p.q1 + p.q2) / all;
  return k / (2 * kPi * d) * bracket + 0.25 + std::atan2(k, d) / (2 * kPi);
}

// ---- min(max(x, -1), 1)
/// E u^2 / q over |u| < 1
double hard_tanh_second_rate(double, double q) {
  return q == 0 ? 1 : boost::math::gamma_p(1.5, 1 / (2 * q));
}
double hard_tanh_second(double, double q) {
  if (q == 0) return 0;
  return q * hard_tanh_second_rate(0, q) + std::erfc(1 / std::sqrt(2 * q));
}
double hard_tanh_slope_second(double, double q) {
  return q == 0 ? 1 : std::erf(1 / std::sqrt(2 * q));
}

constexpr ClosedForms kPiecewiseLinear = {linear_mean,         linear_second,  linear_slope_second,
                                          linear_slope_second, linear_product, linear_slope_product,
                                          linear_gap};
constexpr ClosedForms kErf = {zero,        erf_second,        erf_slope_second, erf_second_rate,
                              erf_product, erf_slope_product, erf_gap};
constexpr ClosedForms kSine = {
    zero,         sine_second,        sine_slope_second, sine_second_rate,
    sine_product, sine_slope_product, sine_gap};
constexpr ClosedForms kGelu = {gelu_mean,        gelu_second,  gelu_slope_second,
                               gelu_second_rate, gelu_product, gelu_slope_product,
                               nullptr};
constexpr ClosedForms kHardTanh = {
    zero,    hard_tanh_second, hard_tanh_slope_second, hard_tanh_second_rate, nullptr,
    nullptr, nullptr};
constexpr ClosedForms kNone = {};

}  // namespace

double sine_minus_chord(double t) {
  if (t > 0.5) return std::sin(t) - t * std::cos(t);
  // sum over n >= 1 of (-1)^(n+1) 2n t^(2n+1) / (2n+1)!
  double term = t * t * t / 3, sum = 0;
  for (int n = 1; n <= 8; ++n) {
    sum += term;
    term *= -t * t * (n + 1) / (n * (2 * n + 2) * (2 * n + 3.0));
  }
  return sum;
}

const ClosedForms& closed_forms(const Activation& phi) {
  if (phi.negative_slope()) return kPiecewiseLinear;
  if (phi.name() == "erf") return kErf;
  if (phi.name() == "sine") return kSine;
  if (phi.name() == "gelu") return kGelu;
  if (phi.name() == "hard_tanh") return kHardTanh;
  return kNone;
}

}  // namespace scalemix::inline v0::signal
