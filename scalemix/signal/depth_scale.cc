#include "scalemix/signal/depth_scale.h"

#include <algorithm>
#include <cmath>

#include "scalemix/base/check.h"

namespace scalemix::inline v0::signal {
namespace {

using End = RangeDepth::End;
constexpr double kForever = std::numeric_limits<double>::infinity();
constexpr int kLayers = 100000;

RangeDepth leaves(bool up, double layers) {
  return {up ? End::overflows : End::underflows, std::max(layers, 0.0),
          up ? "the variance grows" : "the variance shrinks"};
}
RangeDepth stays(std::string reason) { return {End::stays, kForever, std::move(reason)}; }

/// q -> rate q + floor
RangeDepth straight_depth(double rate, double floor, double q0, const Range& range) {
  if (std::abs(rate - 1) <= kNeutral) {
    if (floor == 0) return stays("every variance is fixed");
    return leaves(true, (range.largest - q0) / floor);
  }
  const double rest = floor / (1 - rate);  // q - rest is multiplied by the rate
  if (rate > 1)
    return leaves(true, std::log((range.largest - rest) / (q0 - rest)) / std::log(rate));
  if (floor > 0) return stays("the variance settles at its fixed point");
  return leaves(false, std::log(range.smallest / q0) / std::log(rate));
}

RangeDepth iterated_depth(const Network& net, double q0, const Range& range) {
  double q = q0;
  for (int layer = 0; layer < kLayers; ++layer) {
    const double next = variance_map(net, q);
    if (next == 0) return leaves(false, layer + 1);
    if (std::abs(next - q) <= 4e-16 * q) {
      const bool settles = variance_fixed_point(net, q0).kind == Fixed::point;
      return stays(settles ? "the variance settles at its fixed point"
                           : "the variance changes by less than a double tells apart");
    }
    const bool up = next > range.largest;
    if (up || next < range.smallest) {
      const double bound = up ? range.largest : range.smallest;
      return leaves(up, layer + std::log(bound / q) / std::log(next / q));
    }
    q = next;
  }
  return stays("the variance is in range for 100000 layers");
}

}  // namespace

double depth_scale(double slope) {
  if (!(slope >= 0)) fail<std::domain_error>("depth_scale", "slope must be >= 0", slope);
  if (std::abs(slope - 1) <= kNeutral) return kForever;
  return 1 / std::abs(std::log(slope));
}

DepthScales depth_scales(const Slopes& s) {
  return {depth_scale(s.gradient), depth_scale(s.one), depth_scale(s.correlation),
          depth_scale(s.variance)};
}

Propagation propagation(const Network& net, double q0) {
  Propagation p{variance_fixed_point(net, q0), correlation_fixed_point(net, q0), {}, {}};
  const auto at = operating_point(net, p.q);
  if (!at || !p.c.exists()) return p;
  p.slopes = slopes_at(at->net, at->q, p.c.one_minus);
  p.scales = depth_scales(*p.slopes);
  return p;
}

std::array<TrainableDepth, 2> trainable_depths(const DepthScales& s) {
  return {
      TrainableDepth{"6 xi_c",
                     "Schoenholz et al. (2017) and Pretorius et al. (2018): inputs must still be "
                     "told apart. Fits relu with noise and tanh with p >= 0.02 best; for weaker "
                     "noise measured depths are 1.1 to 1.4 times as large.",
                     6 * s.correlation},
      TrainableDepth{
          "12 min(xi_1, xi_c)",
          "After Huang et al. (2020): gradients must neither vanish nor explode either. "
          "Fits tanh without noise and with p <= 0.02 within 30 %; 50 % too deep for "
          "p >= 0.05. For critical relu xi_1 is infinite and it is twice the other rule.",
          12 * std::min(s.gradient, s.correlation)}};
}

RangeDepth range_depth(const Network& net, double q0, const Range& range) {
  net.check();
  check_positive("range_depth", "the start variance q0", q0);
  if (!net.noise.finite()) return {End::overflows, 1, "the noise's second moment is infinite"};
  const auto a = net.activation.negative_slope();
  if (!a) return iterated_depth(net, q0, range);
  double rate = net.gain() * (1 + *a * *a) / 2, floor = net.floor();
  if (net.branch) {
    rate = 1 + *net.branch * *net.branch * rate;
    floor *= *net.branch * *net.branch;
  }
  if (rate == 0 && floor == 0) return leaves(false, 1);
  return straight_depth(rate, floor, q0, range);
}

}  // namespace scalemix::inline v0::signal
