#include "scalemix/signal/architecture.h"

#include <cmath>

#include "scalemix/base/check.h"

namespace scalemix::inline v0::signal {
namespace {

/// E phi'^2, or the bound that branch_scale states.
double slope_bound(const Activation& activation) {
  const double a = activation.negative_slope().value_or(1);
  return (1 + a * a) / 2;
}

}  // namespace

std::optional<double> residual_growth(const Network& net, double depth) {
  net.check();
  if (!net.activation.negative_slope()) return std::nullopt;
  const double a = net.branch.value_or(1);
  const double layer =
      a * a * net.sigma_w2 > 0 ? a * a * net.gain() * slope_bound(net.activation) : 0;
  return std::exp(depth * std::log1p(layer));
}

std::optional<double> branch_scale(const Network& net, double depth, double growth) {
  net.check();
  check_positive("branch_scale", "depth", depth);
  if (!(growth >= 1 && std::isfinite(growth))) {
    fail<std::domain_error>("branch_scale", "growth must be at least 1 and finite", growth);
  }
  if (net.sigma_w2 == 0 || !net.noise.finite()) return std::nullopt;
  const double layer = std::expm1(std::log(growth) / depth);
  return std::sqrt(layer / (net.gain() * slope_bound(net.activation)));
}

std::size_t conv_fan_in(std::size_t kernel, std::size_t channels) {
  return kernel * kernel * channels;
}

double batch_norm_growth(const Activation& activation, const NoiseMoments& noise) {
  const double m = mean(activation, 1) * noise.mean;
  const double centred = second(activation, 1) + (noise.s2 - m * m) / noise.mu2;
  return slope_second(activation, 1) / centred;
}

}  // namespace scalemix::inline v0::signal
