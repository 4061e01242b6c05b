// Gradient statistics of deep linear networks with noise, without the assumption that weights are
// independent forwards and backwards.
//
// For the loss E = |h^L|^2 of one input at the variance's fixed point, k = L - l layers above
// the weights W^l, and a, b two inputs with masks of their own:
//
//   same   E (dE_a/dW^l)^2            = 4 mu2 q^2 x^k [1 + kappa sum over i = 1..k of x^i]
//   cross  E (dE_a/dW^l)(dE_b/dW^l)   = 4 q12^2 w^k  sum over i = 0..k of (x^2 / w)^i
//
// x = sigma_w2 mu2, w = sigma_w2 (E z)^2, kappa = mu4 / mu2^2, q = sigma_b2 / (1 - x),
// q12 = sigma_b2 / (1 - w). Exact as the width grows. At finite width `cross` drowns far below the
// output in fluctuations that decay like x^k, which is why the gradients of one and of two inputs
// show the same depth scale.
//
// Source: Huang, Xu, Du, Zeng & Zhao (2020), Mean field theory for deep dropout networks, ECAI
// (Bernoulli noise); kappa for any law is derived here.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "scalemix/signal/maps.h"

namespace scalemix::inline v0::signal {

struct LinearGradient {
  double same = 0, cross = 0;
};

struct LinearGradients {
  std::optional<LinearGradient> value = {};
  std::string reason = {};  // why there is none
};

/// `below` = k. Empty unless the activation is linear, the noise multiplicative with finite mu4,
/// and x < 1 with a bias (q exists and is not 0).
LinearGradients linear_gradient(const Network& net, std::size_t below);

}  // namespace scalemix::inline v0::signal
