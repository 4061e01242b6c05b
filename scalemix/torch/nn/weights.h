// The weights of a linear or convolution layer for one pass: plain, multiplied by noise, or a
// posterior.
#pragma once

#include <optional>

#include "scalemix/law/any_law.h"
#include "scalemix/torch/nn/layer.h"

namespace scalemix::inline v0::nn {

/// A law as the ops take it.
struct OpLaw {
  explicit OpLaw(const std::string& spec);
  law::AnyLaw law;
  torch::Tensor params;  // (P) float64

  std::string name() const { return std::string(law.row().name); }
};

/// Multiplies the weights (R, O, ...) by a law's draws, one a weight and pass (dropconnect), or by
/// its centre outside a noisy pass; without a law they are as they are.
torch::Tensor noisy_weight(const std::optional<OpLaw>& law, std::uint32_t site,
                           const torch::Tensor& weight, const Pass& pass);

/// Log of the posterior's noise-to-signal ratio, log sigma^2 - log(w^2 + 1e-8), clipped to [-8, 8].
torch::Tensor log_alpha(const torch::Tensor& weight, const torch::Tensor& log_sigma2);

/// Weights of a sparse variational layer outside training: those with log alpha at or above the
/// threshold are zero, in mean and in variance.
torch::Tensor masked_weight(const model::Layer& spec, const torch::Tensor& weight,
                            const torch::Tensor& log_sigma2);
torch::Tensor masked_variance(const model::Layer& spec, const torch::Tensor& weight,
                              const torch::Tensor& log_sigma2);

}  // namespace scalemix::inline v0::nn
