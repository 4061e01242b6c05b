// The gradient of noise by the parameters of its law, for laws whose draw is an explicit function
// of them:
//
//   dparams_i = sum dy * x * d m / d parameter i     multiply, m the multiplier
//   dparams_i = sum dy * d z / d parameter i         add
//
// over all that the parameters serve: the call (P), a replica (R, P), or a replica's column
// (R, K, P). Slopes are drawn again, in the words of the stream that z came from; sums are in
// double. Differentiating dparams again is refused.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>

#include "scalemix/torch/op/draws.h"

namespace scalemix::inline v0::op {

/// dparams, like params, of dy (R, N, ...) and x, which mode add does not need; the rest as in
/// noise.
at::Tensor noise_params_backward(const at::Tensor& dy, const at::Tensor& x, const at::Tensor& seed,
                                 const std::string& law, const at::Tensor& params,
                                 const std::string& site, const std::string& mode,
                                 const c10::SymInt& stream, const at::Tensor& draw,
                                 const c10::SymInt& row0, const c10::SymInt& width,
                                 const OptionalTensor& columns);

namespace composition {
at::Tensor noise_params_backward(const at::Tensor& dy, const at::Tensor& x, const at::Tensor& seed,
                                 const std::string& law, const at::Tensor& params,
                                 const std::string& site, const std::string& mode,
                                 std::int64_t stream, const at::Tensor& draw, std::int64_t row0,
                                 std::int64_t width, const OptionalTensor& columns);
}  // namespace composition

}  // namespace scalemix::inline v0::op
