// Noise whose parameters are learned and whose table would depend on them (lognormal,
// logistic_normal): made by ordinary operators from standard normal draws (law/link.h), so that no
// step makes a table anew and gradients of any order exist.
#pragma once

#include <ATen/core/Tensor.h>

#include <string>

#include "scalemix/torch/op/draws.h"

namespace scalemix::inline v0::op {

/// Whether a law's table depends on its parameters, while its draw is linked to one that does not.
bool has_link(const std::string& law);

/// y = x * m, m the multiplier, or x + z; `s` standard normal draws of x's shape, of its compute
/// type. Throws std::domain_error for parameters out of range, where their values can be read.
at::Tensor linked_noise(const at::Tensor& x, const at::Tensor& s, const std::string& law,
                        const at::Tensor& params, const std::string& site, bool multiply);

}  // namespace scalemix::inline v0::op
