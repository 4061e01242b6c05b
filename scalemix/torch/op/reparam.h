// Local reparameterisation as a differentiable op (Kingma, Salimans & Welling 2015): draw the
// pre-activation of a layer with Gaussian weights instead of the weights.
//
//   y = mean + sqrt(var + kReparamEps) * zeta,   zeta standard normal, one an entry of a row
//   dmean = dy,   dvar = dy * zeta / (2 sqrt(var + kReparamEps))
//
// mean, var, y (R, N, ...). Draws as in noise.h, site unit, law normal:scale=1. Backward redraws
// zeta.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

#include "scalemix/torch/op/draws.h"

namespace scalemix::inline v0::op {

/// y of mean and var (R, N, ...), one type and device; seed, stream, draw, row0, width, columns as
/// in noise.
at::Tensor reparam(const at::Tensor& mean, const at::Tensor& var, const at::Tensor& seed,
                   std::int64_t stream, const Draw& draw, std::int64_t row0 = 0,
                   std::int64_t width = 0, const at::Tensor& columns = {});

/// dvar of var and dy. Differentiable.
at::Tensor reparam_backward(const at::Tensor& var, const at::Tensor& dy, const at::Tensor& seed,
                            std::int64_t stream, const Draw& draw, std::int64_t row0 = 0,
                            std::int64_t width = 0, const at::Tensor& columns = {});

namespace composition {
at::Tensor reparam(const at::Tensor& mean, const at::Tensor& var, const at::Tensor& seed,
                   std::int64_t stream, const Draw& draw, std::int64_t row0 = 0,
                   std::int64_t width = 0, const at::Tensor& columns = {});
at::Tensor reparam_backward(const at::Tensor& var, const at::Tensor& dy, const at::Tensor& seed,
                            std::int64_t stream, const Draw& draw, std::int64_t row0 = 0,
                            std::int64_t width = 0, const at::Tensor& columns = {});
}  // namespace composition

}  // namespace scalemix::inline v0::op
