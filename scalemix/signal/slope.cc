#include "scalemix/signal/slope.h"

namespace scalemix::inline v0::signal {
namespace {

double with_skip(const Network& net, double layer) {
  return net.branch ? 1 + *net.branch * *net.branch * layer : layer;
}

/// d c' / d c for equal variances: the covariance's slope times q / q'.
double correlation_slope(const Network& net, double q, double slopes) {
  const double mean2 = net.noise.mean * net.noise.mean;
  const double next = variance_map(net, q);
  if (next == 0) return 0;
  return with_skip(net, net.sigma_w2 * mean2 * slopes) * q / next;
}

}  // namespace

double chi_gradient(const Network& net, double q) {
  return with_skip(net, net.gain() * slope_second(net.activation, q));
}

double chi_one(const Network& net, double q) {
  return correlation_slope(net, q, slope_second(net.activation, q));
}

double chi_correlation(const Network& net, double q, double one_minus_c) {
  return correlation_slope(net, q,
                           slope_product(net.activation, Pair::near_one(q, q, one_minus_c)));
}

double chi_variance(const Network& net, double q) {
  return with_skip(net, net.gain() * second_rate(net.activation, q));
}

Slopes slopes_at(const Network& net, double q, double one_minus_c) {
  return {chi_gradient(net, q), chi_one(net, q), chi_correlation(net, q, one_minus_c),
          chi_variance(net, q)};
}

}  // namespace scalemix::inline v0::signal
