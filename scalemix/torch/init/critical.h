// Critical weights in one's own module, beside torch::nn::init:
//
//   scalemix::init::critical_(layer->weight, "relu", "bernoulli:p=0.5");
//
// W_ij ~ N(0, sigma_w^2 / fan_in), with the sigma_w^2 at which squared gradients neither grow nor
// shrink under that noise; formulas and sources in signal/critical.h.
#pragma once

#include <ATen/core/Generator.h>
#include <ATen/core/Tensor.h>

#include <optional>
#include <string>

namespace scalemix::inline v0::init {

/// Fills w (O, I), (O, C, k, k), ... in place, without a gradient, from torch's generator or the
/// given one, and returns it. `law` is the multiplicative noise on the layer's input, "none" for
/// none. Biases belong at zero. Throws c10::Error unless w is floating and has two dimensions or
/// more, and what op::critical_variance throws.
at::Tensor critical_(at::Tensor w, const std::string& activation = "relu",
                     const std::string& law = "none",
                     std::optional<at::Generator> generator = std::nullopt);

}  // namespace scalemix::inline v0::init
