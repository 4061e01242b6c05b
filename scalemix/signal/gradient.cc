#include "scalemix/signal/gradient.h"

#include <cmath>

#include "scalemix/signal/fixed_point.h"

namespace scalemix::inline v0::signal {
namespace {

/// sum over i = 0..k of r^i
double geometric(double r, double k) {
  const double gap = 1 - r;
  if (std::abs(gap) * (k + 1) < 1e-8) return (k + 1) * (1 - k * gap / 2);
  return r > 0 ? -std::expm1((k + 1) * std::log(r)) / gap : 1;
}

std::string refusal(const Network& net) {
  if (net.activation.name() != "linear") return "only linear networks have a closed form";
  if (net.branch) return "a residual network has no fixed point";
  if (net.noise.additive) return "additive noise is not part of the theory";
  if (!net.noise.finite() || !(net.noise.kurtosis() < 1e300)) {
    return "a moment of the noise is infinite";
  }
  if (net.gain() >= 1) return "the variance has no fixed point";
  if (net.sigma_b2 == 0) return "the variance shrinks to 0";
  return {};
}

}  // namespace

LinearGradients linear_gradient(const Network& net, std::size_t below) {
  net.check();
  if (std::string reason = refusal(net); !reason.empty()) return {{}, std::move(reason)};
  const double x = net.gain(), w = net.sigma_w2 * net.noise.mean * net.noise.mean;
  const double k = static_cast<double>(below), q = net.sigma_b2 / (1 - x);
  const double q12 = net.sigma_b2 / (1 - w);
  const double same = 4 * net.noise.mu2 * q * q * std::pow(x, k) *
                      (1 + net.noise.kurtosis() * (geometric(x, k) - 1));
  if (w == 0) return {LinearGradient{same, 4 * q12 * q12 * std::pow(x, 2 * k)}, {}};
  // w^k (x^2 / w)^i, written so that neither power runs away alone.
  const double ratio = x * x / w;
  const double cross = ratio <= 1 ? std::pow(w, k) * geometric(ratio, k)
                                  : std::pow(x, 2 * k) * geometric(1 / ratio, k);
  return {LinearGradient{same, 4 * q12 * q12 * cross}, {}};
}

}  // namespace scalemix::inline v0::signal
