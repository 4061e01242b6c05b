// Noise at a site as a differentiable op, for a stack of replicas.
//
//   x, y (R, N, ...)   y = x * z   or   y = x + z
//
//   site      one draw for every ...                       logical columns
//   unit      row and entry of the row                     the entry's offset in the row
//   channel   row and channel, x (R, N, C, ...)            the channel's number
//   layer     row                                          one
//   weight    entry of the replica, x (R, O, I, ...)       the entry's offset; row 0, row0 is not
//   used
//
// Mode "multiply" draws the multiplier (z / E z where the law is normalised, else z), "add" draws z
// itself. Draws are those of kernel::noise: replica r reads Stream{seed[r], stream, draw}. Backward
// redraws them (dx = dy * z, or dy), so no mask is kept, and it is the same op, so it can be
// differentiated again.
//
// Parameters of laws whose draw is an explicit function of them (law.h: Pathwise) have a gradient,
// d y / d parameter = x * dz / d parameter with u held, or dz / d parameter (noise_params.h).
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>

#include "scalemix/torch/op/draws.h"

namespace scalemix::inline v0::op {

/// y of x (R, N, ...), any floating type; half and bfloat16 compute in float32 and round once.
///
/// seed     int64 (R), on x's device
/// law      name of a law; params: its native parameters in order, float64 or float32 on any
///          device, (P) for all, (R, P) a replica or (R, K, P) a replica and column
/// site     unit, channel, layer or weight; mode: multiply or add
/// stream   number of the site's stream, from stream_id
/// draw     training step or Monte-Carlo sample: a number, or an int64 tensor () on x's device
/// row0     position of the first row in the global batch
/// width    logical columns, 0: as many as there are columns
/// columns  int64 (K), logical number of each column; undefined: 0, 1, 2, ...
///
/// A law per column costs more: one law object per column and step, and no fused kernel. Throws
/// c10::Error for a wrong type, shape, device, site or mode, and for params that require a gradient
/// and have none; ConfigError for an unknown law, std::domain_error for parameters out of range.
at::Tensor noise(const at::Tensor& x, const at::Tensor& seed, const std::string& law,
                 const at::Tensor& params, const std::string& site, const std::string& mode,
                 std::int64_t stream, const Draw& draw, std::int64_t row0 = 0,
                 std::int64_t width = 0, const at::Tensor& columns = {});

namespace composition {
/// The same from ordinary torch operators, on any device; its own gradient, but none of params.
at::Tensor noise(const at::Tensor& x, const at::Tensor& seed, const std::string& law,
                 const at::Tensor& params, const std::string& site, const std::string& mode,
                 std::int64_t stream, const Draw& draw, std::int64_t row0 = 0,
                 std::int64_t width = 0, const at::Tensor& columns = {});
}  // namespace composition

}  // namespace scalemix::inline v0::op
