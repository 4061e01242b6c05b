// The copy of a step's number that an op keeps for its backward pass: the counter it comes from
// goes up in place before then.
//
// It is an op of its own, and not a clone, because of torch.compile: what a compiler knows to be
// cheap it computes again in the backward pass, and would read the counter after it went up.
#pragma once

#include <ATen/core/Tensor.h>

namespace scalemix::inline v0::op {

at::Tensor kept_draw(const at::Tensor& draw);

}  // namespace scalemix::inline v0::op
