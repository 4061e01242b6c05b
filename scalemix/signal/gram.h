// The kernels of an infinitely wide fully connected network with multiplicative noise: NNGP, the
// covariance of its outputs at random weights, and NTK, the kernel of its training by gradient
// descent (NTK parameterisation), both in expectation over the noise.
//
//   x -> linear -> [phi -> noise -> linear] x depth         depth hidden layers, a linear read-out
//
// Every linear layer has weights of variance sigma_w2 / fan-in and biases of variance sigma_b2.
// For two rows of D numbers
//
//   k = m sigma_w2 <x1, x2> / D + sigma_b2,  t = k                                       input
//   k' = m sigma_w2 E phi(u1) phi(u2) + sigma_b2                                         each layer
//   t' = k' + m sigma_w2 t E phi'(u1) phi'(u2)
//
// with (u1, u2) normal with the rows' variances (their own k) and covariance k. m = mu2 for a row
// with itself, where both factors carry one draw; m = 1 for two rows, whose draws are independent
// with mean 1, be they equal in every number. On the input m is 1 unless noise_input is set.
//
// Residual, of branch scale a: h + a (W phi(h) + b) in all hidden layers after the first; then
// k' = k + a^2 (...) and t' = t + a^2 (...). The read-out is plain.
//
// Accuracy: relu, leaky_relu, linear, erf, gelu and sine by closed form (kernel/gram_map.h); tanh,
// sigmoid, silu and elu by interpolation, hard_tanh by Owen's function (pair_moments.h), within
// 1e-11 of sqrt(k11 k22) a layer. Bits do not depend on the number of threads; they do on the SIMD
// target. Work is N^2 (D + c depth), memory beyond the results a block a thread and O(N) a layer.
//
// Source: Lee et al. (2018), Deep neural networks as Gaussian processes, ICLR; Jacot, Gabriel &
// Hongler (2018), Neural tangent kernel, NeurIPS; Pretorius, Kamper & Kroon (2020), On the expected
// behaviour of noise regularised deep neural networks as Gaussian processes, Pattern Recognition
// Letters; Novak et al. (2020), Neural Tangents, ICLR (noise on the diagonal only).
#pragma once

#include <cstddef>
#include <optional>

#include "scalemix/signal/activation.h"

namespace scalemix::inline v0::signal {

struct GramOptions {
  Activation activation = Activation::parse("relu");
  std::size_t depth = 3;  // hidden layers; 0 is a linear model
  double sigma_w2 = 2, sigma_b2 = 0;
  double mu2 = 1;            // of the noise on every hidden activation
  bool noise_input = false;  // on the input too
  std::optional<double> residual = {};
};

/// Row-major numbers, (rows, columns).
struct RowsView {
  const double* values;
  std::size_t rows, columns;
};

/// Where the kernels go, row-major; null for one that is not wanted.
struct GramOut {
  double *nngp = nullptr, *ntk = nullptr;
};

// All throw std::domain_error unless sigma_w2, sigma_b2 and the branch scale are finite and >= 0,
// 1 <= mu2 < infinity, and if a variance overflows on its way (saying at which layer); and
// std::invalid_argument without columns or if x and x2 differ in theirs.

/// (N, N), symmetric to the last bit. NTK alone, deeper than its tables reach in one pass, keeps
/// NNGP in the other triangle meanwhile.
void gram(const GramOptions& options, const RowsView& x, const GramOut& out);

/// (N, N2): every pair counts as two inputs. NTK alone, where it takes more than one pass, needs a
/// second (N, N2) for NNGP.
void gram(const GramOptions& options, const RowsView& x, const RowsView& x2, const GramOut& out);

/// Each row with itself, as on gram's diagonal: (N).
void gram_diagonal(const GramOptions& options, const RowsView& x, const GramOut& out);

}  // namespace scalemix::inline v0::signal
