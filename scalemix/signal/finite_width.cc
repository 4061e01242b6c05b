#include "scalemix/signal/finite_width.h"

#include <cmath>

#include "scalemix/base/check.h"

namespace scalemix::inline v0::signal {
namespace {

/// d ln map / d ln q
double elasticity(const Network& net, double q) {
  return net.gain() * second_rate(net.activation, q) * q / variance_map(net, q);
}

/// One layer: the elasticity r, its own derivative, and s.
struct Step {
  double rate, bend, spread;
};
Step step(const Network& net, double q) {
  const double carried = net.noise.mu2 * second(net.activation, q);
  const double square = net.noise.mu4 * fourth(net.activation, q) - carried * carried;
  const double share = net.sigma_w2 / variance_map(net, q);
  constexpr double kStep = 1e-4;
  const double up = elasticity(net, q * std::exp(kStep)),
               down = elasticity(net, q / std::exp(kStep));
  return {elasticity(net, q), (up - down) / (2 * kStep), share * share * square};
}

LogVariance after(const Step& s, const LogVariance& before, double width) {
  const double added = s.spread / width;
  return {s.rate * before.mean + s.bend * before.variance / 2 - added / 2,
          s.rate * s.rate * before.variance + added};
}

bool same(const LogVariance& a, const LogVariance& b) {
  return std::abs(a.mean - b.mean) <= 1e-15 * std::abs(a.mean) &&
         std::abs(a.variance - b.variance) <= 1e-15 * a.variance;
}

}  // namespace

std::optional<LogVariance> log_variance(const Network& net, double q0, std::size_t depth,
                                        double width) {
  net.check();
  check_positive("log_variance", "the start variance q0", q0);
  check_positive("log_variance", "width", width);
  if (net.noise.additive || net.branch || !(net.noise.mu4 < 1e300)) return std::nullopt;
  if (net.activation.negative_slope() && net.floor() == 0 && net.sigma_w2 > 0) {
    const double all = step(net, 1).spread * static_cast<double>(depth) / width;
    return LogVariance{-all / 2, all};
  }
  LogVariance log{0, 0};
  double q = q0;
  for (std::size_t layer = 0; layer < depth; ++layer) {
    const double next_q = variance_map(net, q);
    if (!(next_q > 0 && next_q < 1e150)) return std::nullopt;
    const LogVariance next = after(step(net, q), log, width);
    if (std::abs(next_q - q) <= 1e-15 * q && same(log, next)) return next;
    log = next;
    q = next_q;
  }
  return log;
}

}  // namespace scalemix::inline v0::signal
