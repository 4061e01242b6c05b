// Weight terms of sparse variational dropout as a differentiable op; formulas in
// kernel/variational.h.
//
//   w, log_sigma2 (R, ...)  ->  sigma2 (R, ...) = exp(log_sigma2),  penalty (R) in nats, float64
//
// One pass over the weights forward, one backward.
#pragma once

#include <ATen/core/Tensor.h>

#include <tuple>

namespace scalemix::inline v0::op {

/// (sigma2, penalty). The penalty is summed over a replica's weights, never averaged.
std::tuple<at::Tensor, at::Tensor> svdo_terms(const at::Tensor& w, const at::Tensor& log_sigma2);

/// (dw, dlog_sigma2) of dsigma2 (R, ...), which may be undefined (no variance was used), and
/// dpenalty (R). Where a second derivative is asked for, the composition computes it.
std::tuple<at::Tensor, at::Tensor> svdo_terms_backward(const at::Tensor& w,
                                                       const at::Tensor& log_sigma2,
                                                       const at::Tensor& dsigma2,
                                                       const at::Tensor& dpenalty);

namespace composition {
std::tuple<at::Tensor, at::Tensor> svdo_terms(const at::Tensor& w, const at::Tensor& log_sigma2);
std::tuple<at::Tensor, at::Tensor> svdo_terms_backward(const at::Tensor& w,
                                                       const at::Tensor& log_sigma2,
                                                       const at::Tensor& dsigma2,
                                                       const at::Tensor& dpenalty);
}  // namespace composition

}  // namespace scalemix::inline v0::op
