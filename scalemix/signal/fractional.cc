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

}  // namespace

std::optional<double> fractional_variance(const Activation& activation, double p,
                                          std::size_t fan_in, double s) {
  check_arguments(fan_in, s);
  check_in("fractional_variance", "p", p, 0, 1);
  const auto a = activation.negative_slope();
  if (!a || (*a != 0 && *a != 1)) return std::nullopt;
  const double m = static_cast<double>(fan_in), live = (1 - p) * (*a == 1 ? 1 : 0.5);
  const double moment = live == 1 ? norm_moment(m, s) : mixed_moment(m, live, s);
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
