// Likelihoods: mean negative log-likelihood over the rows of a batch, in nats, one number a
// replica.
#pragma once

#include <torch/torch.h>

namespace scalemix::inline v0::train {

/// Categorical: logits (R, N, C), classes (R, N) int64 -> (R).
torch::Tensor categorical_nll(const torch::Tensor& logits, const torch::Tensor& classes);

/// Gaussian with noise precision exp(log_precision): mean and target (R, N, O), log_precision (R,
/// O) -> (R).
///   sum_o [ exp(lp) (y - f)^2 - lp + log 2 pi ] / 2, mean over rows
torch::Tensor gaussian_nll(const torch::Tensor& mean, const torch::Tensor& target,
                           const torch::Tensor& log_precision);

}  // namespace scalemix::inline v0::train
