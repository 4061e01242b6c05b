// What one layer of a wide random network does to the variance q of its pre-activations and to the
// correlation c of two inputs:
//
//   h' = W (phi(h) z) + b,  W_ij ~ N(0, sigma_w2 / fan_in),  b ~ N(0, sigma_b2)
//
//   variance      q'   = sigma_w2 mu2 E phi^2 + sigma_b2
//                 additive noise: sigma_w2 (E phi^2 + s2) + sigma_b2
//   covariance    q12' = sigma_w2 (E z)^2 E phi phi + sigma_b2; two inputs have noise of their own
//   correlation   c'   = q12' / sqrt(q1' q2')
//   residual      h' = h + a (W (phi(h) z) + b): q' = q + a^2 (...), q12' = q12 + a^2 (...)
//
// Since mu2 > (E z)^2 stands in the variance alone, c = 1 is no fixed point of a noisy network.
//
// Source: Poole, Lahiri, Raghu, Sohl-Dickstein & Ganguli (2016), Exponential expressivity in deep
// neural networks through transient chaos, NIPS 29; Schoenholz, Gilmer, Ganguli & Sohl-Dickstein
// (2017), Deep information propagation, ICLR; Pretorius, Van Biljon, Kroon & Kamper (2018),
// Critical initialisation for deep neural networks with noise, NeurIPS 31.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "scalemix/signal/moments.h"
#include "scalemix/signal/noise.h"

namespace scalemix::inline v0::signal {

/// Two growth rates nearer to 1 than this are 1: nobody builds 1e12 layers.
inline constexpr double kNeutral = 1e-12;

struct Network {
  Activation activation;
  NoiseMoments noise = {};
  double sigma_w2 = 1, sigma_b2 = 0;
  std::optional<double> branch = {};  // a of a residual block h + a (...)

  /// Throws std::domain_error unless sigma_w2, sigma_b2 and the branch are finite and >= 0.
  void check() const;
  double gain() const { return sigma_w2 * noise.mu2; }  // of the second moment
  double floor() const;                                 // what noise and bias add to q
};

/// All: q finite and >= 0. The result may be infinite (mu2 is).
double variance_map(const Network& net, double q);
/// variance_map(q) - q, with its digits where q is large and hardly changes. Rates within kNeutral
/// of 1 are 1.
double variance_step(const Network& net, double q);
double covariance_map(const Network& net, const Pair& pair);

/// One layer on. Where q1 = q2 the new 1 - c keeps its digits as c goes to 1. Requires finite new
/// variances; if one is 0 (sigma_w2 = 0 and no bias), c is 1: both inputs have become one.
Pair pair_map(const Network& net, const Pair& pair);

/// c' at q1 = q2 = q.
double correlation_map(const Network& net, double q, double c);

struct Trajectory {
  std::vector<Pair> layers;  // layer 0 is the input; depth + 1 of them unless it ended before
  std::string ended;         // empty, or why it is shorter
};

/// Iterates pair_map. Costs a map per layer until nothing changes any more, so that a depth of a
/// million is no matter. Ends early when a variance leaves the range of double.
Trajectory trajectory(const Network& net, const Pair& start, std::size_t depth);

/// The same of variances alone.
struct VarianceTrajectory {
  std::vector<double> q;
  std::string ended;
};
VarianceTrajectory variance_trajectory(const Network& net, double q0, std::size_t depth);

}  // namespace scalemix::inline v0::signal
