#include "scalemix/torch/train/loss.h"

#include <cmath>
#include <numbers>

namespace scalemix::inline v0::train {

torch::Tensor categorical_nll(const torch::Tensor& logits, const torch::Tensor& classes) {
  return -torch::log_softmax(logits, -1).gather(-1, classes.unsqueeze(-1)).squeeze(-1).mean(-1);
}

torch::Tensor gaussian_nll(const torch::Tensor& mean, const torch::Tensor& target,
                           const torch::Tensor& log_precision) {
  const torch::Tensor lp = log_precision.unsqueeze(1);
  const torch::Tensor error = target - mean;
  const double log_2pi = std::log(2 * std::numbers::pi);
  return ((torch::exp(lp) * error * error - lp + log_2pi) / 2).sum(-1).mean(-1);
}

}  // namespace scalemix::inline v0::train
