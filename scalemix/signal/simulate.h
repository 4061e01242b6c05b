// Random networks run for real, forwards and backwards, to hold beside the theory:
//
//   h^l = W^l (phi(h^(l-1)) z) + b^l,  W_ij ~ N(0, sigma_w2 / fan_in),  b_i ~ N(0, sigma_b2)
//   h^l = h^(l-1) + a (W^l (phi(h^(l-1)) z) + b^l)                     a layer with a branch
//
// in float32, as networks are trained. Pairs of inputs h^0 of variance q0 and correlation c0 share
// the weights of a net and have noise of their own. A first layer with activation `linear` and no
// law is one whose inputs are data rather than pre-activations.
//
// Backwards the loss of an input is E = sum (h^L_i)^2. The gradient of W^l is an outer product, so
// that means over its entries are products of means and no gradient is ever stored. A gradient
// carries an exponent of its own and does not underflow.
//
// Weights, inputs and noise are pure functions of (seed, net, layer): the result does not depend on
// threads, and the first layers of a deeper net are the shallower one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "scalemix/signal/maps.h"

namespace scalemix::inline v0::signal {

struct SimulatedLayer {
  Activation activation;                // of what comes in
  std::optional<law::AnyLaw> law = {};  // of the noise after it
  bool additive = false;
  double sigma_w2 = 1, sigma_b2 = 0;
  std::optional<double> branch = {};
  std::size_t width = 1000;  // of what goes out

  /// The layer as theory sees it.
  Network network() const;
};

struct SimulateOptions {
  std::vector<SimulatedLayer> layers;
  std::size_t inputs = 1000;  // width of h^0
  double q0 = 1, c0 = 0;
  std::vector<float> rows = {};  // h^0 itself in place of draws: (2 pairs, inputs), first inputs of
                                 // all pairs before second ones; the same in every net
  std::size_t pairs = 1, nets = 20;
  std::uint64_t seed = 1;
  bool backward = false;
};

/// Mean over nets, standard deviation over nets and standard error of the mean (0 for one net).
/// Infinite mean: float32 overflowed; sd and error are 0 then.
struct Estimate {
  double mean = 0, sd = 0, error = 0;
};

struct SimulatedForward {
  Estimate q1, q2;                // mean square of the first and the second inputs of pairs
  std::optional<Estimate> c;      // sum of covariances over root of sums of q1 and of q2, means not
                                  // removed; empty if a row overflowed or all are 0
  std::optional<Estimate> log_q;  // ln of the mean square of one input (q > 0 and finite), sd of
                                  // one input over nets; empty if none is left
  std::size_t overflowed = 0, underflowed = 0;  // rows (of 2 pairs nets) that are not finite, all 0
};

/// g = dE/dW of one layer: means over all entries of W and all pairs.
struct SimulatedGradient {
  Estimate same;      // g_a^2, of both inputs
  Estimate cross;     // g_a g_b
  Estimate absolute;  // |g_a g_b|
};

struct Simulated {
  std::vector<SimulatedForward> layers;      // layer 0 is the input; depth + 1 of them
  std::vector<SimulatedGradient> gradients;  // of W^1 ... W^depth; empty without `backward`
};

/// Throws std::invalid_argument if a width, nets or pairs is 0, `rows` has another size or a
/// branch changes the width; std::domain_error for numbers out of range. Keeps nets (depth + 1) (2
/// pairs + 6) doubles and, for each thread, one layer's weights (backwards also every layer's h).
Simulated simulate(const SimulateOptions& options);

/// `depth` layers alike.
std::vector<SimulatedLayer> stack(const SimulatedLayer& layer, std::size_t depth);

/// What theory expects of the same layers as width goes to infinity. It ends early as trajectory()
/// does.
Trajectory expected(const SimulateOptions& options);

}  // namespace scalemix::inline v0::signal
