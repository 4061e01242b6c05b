// Where noise falls on x (R, N, ...): the words for a site and a mode, checked, as kernels and
// compositions take them.
#pragma once

#include <string>

#include "scalemix/torch/op/laws.h"

namespace scalemix::inline v0::op {

/// "multiply" or "add".
bool multiplies(const std::string& mode);

/// All that noise takes but numbers; traced shapes too. Throws c10::Error.
void check_noise(const at::Tensor& x, const at::Tensor& seed, const at::Tensor& draw,
                 const at::Tensor& params, const std::string& site, const std::string& mode,
                 const OptionalTensor& columns);

/// Rows, columns and inner of a replica.
kernel::Site site_of(const std::string& site, const at::Tensor& x);

/// Noise on weights does not depend on the row of the batch.
inline std::int64_t row0_of(const std::string& site, std::int64_t row0) {
  return site == "weight" ? 0 : row0;
}

/// Draws (R, rows, columns) in a shape that multiplies x entry by entry.
at::Tensor spread(const at::Tensor& z, const std::string& site, const at::Tensor& x);

/// y = x * z or x + z, z (R, rows, columns) float32, computed in x's compute type.
at::Tensor applied(const at::Tensor& x, const at::Tensor& z, const std::string& site,
                   bool multiply);

}  // namespace scalemix::inline v0::op
