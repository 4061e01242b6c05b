// A dense layer of sparse variational dropout as one node: local reparameterisation of Gaussian
// weights N(w, exp(log_sigma2)) and their penalty (Molchanov, Ashukha & Vetrov 2017).
//
//   sigma2, penalty = svdo_terms(w, log_sigma2)
//   y = x w^T + b + sqrt(x^2 sigma2^T + kReparamEps) * zeta
//
//   dvar = dy * zeta / (2 sqrt(var + kReparamEps)),   zeta redrawn
//   dx = dy w + 2 x (dvar sigma2),   dw = dy^T x + d penalty/dw
//   dlog_sigma2 = sigma2 * (dvar^T x^2) + d penalty/d log_sigma2,   db = column sums of dy
//
// Kept for backward: x, w, log_sigma2, sigma2 and var; x^2 is computed again.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <tuple>

#include "scalemix/torch/op/draws.h"

namespace scalemix::inline v0::op {

/// (y, penalty): y (R, N, O) of x (R, N, I), w and log_sigma2 (R, O, I), b (R, O) or undefined;
/// penalty (R) in nats, float64. seed, stream, draw, row0 as in noise.
std::tuple<at::Tensor, at::Tensor> svdo_linear(const at::Tensor& x, const at::Tensor& w,
                                               const at::Tensor& log_sigma2, const at::Tensor& b,
                                               const at::Tensor& seed, std::int64_t stream,
                                               const Draw& draw, std::int64_t row0 = 0);

namespace composition {
/// The same from linear, reparam and svdo_terms, as compositions of ordinary torch operators.
std::tuple<at::Tensor, at::Tensor> svdo_linear(const at::Tensor& x, const at::Tensor& w,
                                               const at::Tensor& log_sigma2, const at::Tensor& b,
                                               const at::Tensor& seed, std::int64_t stream,
                                               const Draw& draw, std::int64_t row0 = 0);
}  // namespace composition

}  // namespace scalemix::inline v0::op
