#include "scalemix/signal/fractional.h"

#include <algorithm>
#include <boost/math/special_functions/gamma.hpp>
#include <cmath>

#include "scalemix/base/check.h"

namespace scalemix::inline v0::signal {
namespace {

void check_arguments(std::size_t fan_in, double s) {
  check(fan_in > 0, "fractional_variance", "fan_in must be at least 1");
  if (!(s > 0 && s <= 2)) fail<std::domain_error>("fractional_variance", "s must be in (0, 2]", s);
}

/// E |N(0, I_n)|^s
double norm_moment(double n, double s) {
  return std::exp2(s / 2) / boost::math::tgamma_delta_ratio(n / 2, s / 2);
}

/// E norm_moment(n) of n ~ Binomial(m, live). From the likeliest n both ways by the ratio of
/// neighbours, which loses no digits to large logarithms; the weights are divided by their sum.
double mixed_moment(double m, double live, double s) {
  const double top = std::min(std::floor((m + 1) * live), m), odds = live / (1 - live);
  double weights = 1, sum = top > 0 ? norm_moment(top, s) : 0;
  double weight = 1;
  for (double n = top + 1; n <= m && weight > 1e-20; ++n) {
    weight *= (m - n + 1) / n * odds;
    weights += weight;
    sum += weight * norm_moment(n, s);
  }
  weight = 1;
  for (double n = top - 1; n >= 0 && weight > 1e-20; --n) {
    weight *= (n + 1) / (m - n) / odds;
    weights += weight;
    if (n > 0) sum += weight * norm_moment(n, s);
  }
  return sum / weights;
}

/// E Y^t of Y = sum of m terms, each 0 with probability 1 - keep, else u^2 or a^2 u^2 with equal
/// chance, 0 < t < 1: t / Gamma(1 - t) times the integral over x = ln lambda of (1 - E exp(-lambda
/// Y)) exp(-t x), which the trapezoid rule takes to full precision. Left of its range 1 - E exp(-
/// lambda Y) is lambda E Y, right of it constant.
double transformed_moment(double a, double m, double keep, double t) {
  const double per_unit = keep * (1 + a * a) / 2, left = std::log(1e-18 / (m * per_unit));
  const auto decay = [](double x) { return std::expm1(-std::log1p(2 * x) / 2); };
  const auto lost = [&](double lambda) {
    const double unit = keep * (decay(lambda) + decay(a * a * lambda)) / 2;
    return -std::expm1(m * std::log1p(unit));
  };
  constexpr double kStep = 0.125;
  const double low = std::floor(left / kStep) * kStep, high = std::min(100 + 40 / t, 700.0);
  double sum = 0, x = low;
  for (; x <= high; x += kStep) sum += lost(std::exp(x)) * std::exp(-t * x);
  // The geometric series of the nodes on both sides.
  sum += m * per_unit * std::exp((1 - t) * (low - kStep)) / -std::expm1((t - 1) * kStep);
  sum += lost(std::exp(x)) * std::exp(-t * x) / -std::expm1(-t * kStep);
  return t / std::tgamma(1 - t) * kStep * sum;
}

/// E |sum of phi(u_i)^2|^(s/2) for masks in {0, 1}.
double length_moment(double a, double m, double keep, double s) {
  const double live = keep * (a == 1 ? 1 : 0.5);
  if (a != 0 && a != 1) {
    return s == 2 ? m * keep * (1 + a * a) / 2 : transformed_moment(a, m, keep, s / 2);
  }
  return live == 1 ? norm_moment(m, s) : mixed_moment(m, live, s);
}

}  // namespace

std::optional<double> fractional_variance(const Activation& activation, double p,
                                          std::size_t fan_in, double s) {
  check_arguments(fan_in, s);
  check_in("fractional_variance", "p", p, 0, 1);
  const auto a = activation.negative_slope();
  if (!a) return std::nullopt;
  const double moment = length_moment(*a, static_cast<double>(fan_in), 1 - p, s);
  return std::pow(moment, -2 / s) * (1 - p) * (1 - p);
}

std::optional<double> fractional_variance_expansion(const Activation& activation,
                                                    const NoiseMoments& noise, std::size_t fan_in,
                                                    double s) {
  check_arguments(fan_in, s);
  const auto a = activation.negative_slope();
  if (!a || noise.additive || !(noise.kurtosis() < 1e300)) return std::nullopt;
  const double squares = 1 + *a * *a, m = static_cast<double>(fan_in);
  const double spread = noise.kurtosis() * 6 * (1 + std::pow(*a, 4)) / (squares * squares) - 1;
  return 2 / (m * noise.mu2 * squares) * (1 + (2 - s) * spread / (4 * m));
}

}  // namespace scalemix::inline v0::signal
