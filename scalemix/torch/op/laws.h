// The laws of a call, from their name and params: one for all, one per replica, or one per replica and
// column.
#pragma once

#include <string>

#include "scalemix/torch/op/draws.h"

namespace scalemix::inline v0::op {

/// Type and shape of params: float32 or float64, (P), (R, P) or (R, columns, P).
void check_params(const char* op, const at::Tensor& params, const c10::SymInt& replicas,
                  const c10::SymInt& columns);

/// Throws c10::Error, naming the laws that can, unless parameters of `law` can be learned.
void check_learned(const char* op, const std::string& law);

/// Throws ConfigError for an unknown law, std::domain_error for parameters out of range. Values are
/// read on the host, whatever the device of params.
std::vector<law::AnyLaw> laws_of(const std::string& name, const at::Tensor& params);

/// Of each law the sampler of its multiplier, or of its raw draw.
Samplers samplers_of(const std::vector<law::AnyLaw>& laws, bool multiply);

/// Of each law the sampler of the slope by parameter i of its multiplier, or of its raw draw.
Samplers slopes_of(const std::vector<law::AnyLaw>& laws, std::size_t i, bool multiply);

}  // namespace scalemix::inline v0::op
