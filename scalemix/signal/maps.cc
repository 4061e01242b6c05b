#include "scalemix/signal/maps.h"

#include <algorithm>
#include <cmath>

#include "scalemix/base/check.h"
#include "scalemix/base/number_text.h"

namespace scalemix::inline v0::signal {
namespace {

constexpr double kSettled = 4e-16;  // relative change below which a trajectory stands still
constexpr double kLargest = 1e150;  // squares of variances stay finite

bool settled(double before, double after) {
  return std::abs(after - before) <= kSettled * std::abs(before);
}

std::string ended_at(std::size_t layer, double q) {
  return "the variance is " + rounded_number(q) + " at layer " + std::to_string(layer) +
         ", out of range";
}

bool in_range(double q) { return q <= kLargest; }

/// c and 1 - c of new moments at q1 = q2: the part of 1 - c that noise brings, and what is left of
/// the old.
double lost_correlation(const Network& net, double q, double one_minus_c, double next) {
  const NoiseMoments& z = net.noise;
  const double drive = z.alpha() * second(net.activation, q) + z.s2;
  const double kept = z.mean * z.mean * gap(net.activation, q, one_minus_c);
  const double branch = net.sigma_w2 * (drive + kept);
  if (!net.branch) return branch / next;
  return (q * one_minus_c + *net.branch * *net.branch * branch) / next;
}

}  // namespace

void Network::check() const {
  const auto at_least_zero = [](std::string_view name, double value) {
    if (!(value >= 0 && std::isfinite(value))) {
      fail<std::domain_error>("signal", std::string(name) + " must be finite and not negative",
                              value);
    }
  };
  at_least_zero("sigma_w2", sigma_w2);
  at_least_zero("sigma_b2", sigma_b2);
  if (branch) at_least_zero("the branch scale", *branch);
}

double Network::floor() const { return sigma_b2 + (noise.s2 > 0 ? sigma_w2 * noise.s2 : 0); }

double variance_map(const Network& net, double q) {
  const double carried = second(net.activation, q);
  const double layer = (carried > 0 && net.sigma_w2 > 0 ? net.gain() * carried : 0) + net.floor();
  return net.branch ? q + *net.branch * *net.branch * layer : layer;
}

double variance_step(const Network& net, double q) {
  const double beyond = net.sigma_w2 > 0 ? net.gain() * second_beyond(net.activation, q) : 0;
  const double far = net.sigma_w2 > 0 ? net.gain() * far_rate(net.activation) : 0;
  if (net.branch) return *net.branch * *net.branch * (far * q + beyond + net.floor());
  const double rate = std::abs(far - 1) <= kNeutral ? 0 : far - 1;
  return rate * q + beyond + net.floor();
}

double covariance_map(const Network& net, const Pair& pair) {
  const double mean2 = net.noise.mean * net.noise.mean;
  const double layer = net.sigma_w2 * mean2 * product(net.activation, pair) + net.sigma_b2;
  return net.branch ? pair.covariance() + *net.branch * *net.branch * layer : layer;
}

Pair pair_map(const Network& net, const Pair& pair) {
  const double q1 = variance_map(net, pair.q1);
  const double q2 = pair.q1 == pair.q2 ? q1 : variance_map(net, pair.q2);
  if (q1 == 0 || q2 == 0) return Pair::at(q1, q2, 1);
  if (pair.q1 == pair.q2 && pair.one_minus_c < 0.5) {
    const double lost = lost_correlation(net, pair.q1, pair.one_minus_c, q1);
    return Pair::near_one(q1, q2, std::clamp(lost, 0.0, 2.0));
  }
  const double c = covariance_map(net, pair) / (std::sqrt(q1) * std::sqrt(q2));
  return Pair::at(q1, q2, std::clamp(c, -1.0, 1.0));
}

double correlation_map(const Network& net, double q, double c) {
  return pair_map(net, Pair::at(q, q, c)).c;
}

Trajectory trajectory(const Network& net, const Pair& start, std::size_t depth) {
  net.check();
  Trajectory path;
  path.layers.reserve(depth + 1);
  path.layers.push_back(start);
  for (std::size_t layer = 1; layer <= depth; ++layer) {
    const Pair before = path.layers.back();
    const double largest = std::max(variance_map(net, before.q1), variance_map(net, before.q2));
    if (!in_range(largest)) {
      path.ended = ended_at(layer, largest);
      break;
    }
    const Pair after = pair_map(net, before);
    path.layers.push_back(after);
    if (settled(before.q1, after.q1) && settled(before.q2, after.q2) &&
        settled(before.one_minus_c, after.one_minus_c)) {
      path.layers.resize(depth + 1, after);
      break;
    }
  }
  return path;
}

VarianceTrajectory variance_trajectory(const Network& net, double q0, std::size_t depth) {
  net.check();
  VarianceTrajectory path;
  path.q.reserve(depth + 1);
  path.q.push_back(q0);
  for (std::size_t layer = 1; layer <= depth; ++layer) {
    const double before = path.q.back(), after = variance_map(net, before);
    if (!in_range(after)) {
      path.ended = ended_at(layer, after);
      break;
    }
    path.q.push_back(after);
    if (settled(before, after)) {
      path.q.resize(depth + 1, after);
      break;
    }
  }
  return path;
}

}  // namespace scalemix::inline v0::signal
