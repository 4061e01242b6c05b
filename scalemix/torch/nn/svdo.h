// Sparse variational dropout (Molchanov, Ashukha & Vetrov 2017) in one's own network: layers whose
// weights have a learned mean and variance, N(w, exp(log_sigma2)).
//
//   scalemix::nn::SvdoLinear dense(784, 300);
//   loss = mean_nll + (dense->penalty() + ...) / training_rows;
//
// train(): y = mean + sqrt(var + 1e-8) zeta, one draw an output unit and row (local
//          reparameterisation), mean of x and w, var of x^2 and sigma2; the counter goes up by one
// eval():  y of the means of the weights that are kept, log_alpha = log_sigma2 - log(w^2 + 1e-8)
//          below the threshold; no draw
// penalty  nats, float64 (), summed over the weights (kernel/variational.h); averaged over nothing
#pragma once

#include "scalemix/torch/nn/draws.h"

namespace scalemix::inline v0::nn {

/// What dense and convolutional layers share.
struct SvdoOptions {
  TORCH_ARG(bool, bias) = true;
  /// A weight whose log alpha is at or above it counts as zero.
  TORCH_ARG(double, threshold) = 3;
  TORCH_ARG(double, init_log_sigma2) = -10;
  TORCH_ARG(DrawOptions, draws) = {};
};

/// Parameters of one layer: weight and log_sigma2 of one shape, output first, bias (O) or
/// undefined.
class SvdoWeights {
 public:
  torch::Tensor weight, log_sigma2, bias;

  /// Differentiable.
  torch::Tensor penalty() const;
  /// Bool, the shape of weight: false where a weight counts as zero.
  torch::Tensor kept() const;

 protected:
  /// Registers all of them in `module`; means as torch::nn::Linear starts them.
  void reset_weights(torch::nn::Module& module, const SvdoOptions& options,
                     torch::IntArrayRef shape);
  torch::Tensor kept_weight() const { return weight.masked_fill(~kept(), 0); }

 private:
  double threshold_ = 3;
};

class SvdoLinearImpl : public Drawing<SvdoLinearImpl>, public SvdoWeights {
 public:
  SvdoLinearImpl(std::int64_t in, std::int64_t out, SvdoOptions options = {});
  void reset() override;
  /// y (..., out) of x (..., in); every leading place is a row.
  torch::Tensor forward(const torch::Tensor& x);
  void pretty_print(std::ostream& out) const override;

  std::int64_t in_features, out_features;
  SvdoOptions options;
};
TORCH_MODULE(SvdoLinear);

struct SvdoConv2dOptions {
  SvdoConv2dOptions(std::int64_t in, std::int64_t out, torch::ExpandingArray<2> kernel)
      : in_channels_(in), out_channels_(out), kernel_size_(kernel) {}
  TORCH_ARG(std::int64_t, in_channels);
  TORCH_ARG(std::int64_t, out_channels);
  TORCH_ARG(torch::ExpandingArray<2>, kernel_size);
  TORCH_ARG(torch::ExpandingArray<2>, stride) = 1;
  TORCH_ARG(torch::ExpandingArray<2>, padding) = 0;
  TORCH_ARG(torch::ExpandingArray<2>, dilation) = 1;
  TORCH_ARG(std::int64_t, groups) = 1;
  TORCH_ARG(SvdoOptions, svdo) = {};
};

class SvdoConv2dImpl : public Drawing<SvdoConv2dImpl>, public SvdoWeights {
 public:
  explicit SvdoConv2dImpl(SvdoConv2dOptions options);
  SvdoConv2dImpl(std::int64_t in, std::int64_t out, torch::ExpandingArray<2> kernel)
      : SvdoConv2dImpl(SvdoConv2dOptions(in, out, kernel)) {}
  void reset() override;
  /// y (N, out, H', W') of x (N, in, H, W).
  torch::Tensor forward(const torch::Tensor& x);
  void pretty_print(std::ostream& out) const override;

  SvdoConv2dOptions options;
};
TORCH_MODULE(SvdoConv2d);

}  // namespace scalemix::inline v0::nn
