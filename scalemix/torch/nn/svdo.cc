#include "scalemix/torch/nn/svdo.h"

#include <cmath>
#include <ostream>

#include "scalemix/kernel/variational.h"
#include "scalemix/torch/op/reparam.h"
#include "scalemix/torch/op/svdo_linear.h"
#include "scalemix/torch/op/svdo_terms.h"

namespace scalemix::inline v0::nn {

torch::Tensor SvdoWeights::penalty() const {
  return std::get<1>(op::svdo_terms(weight.unsqueeze(0), log_sigma2.unsqueeze(0))).squeeze(0);
}

torch::Tensor SvdoWeights::kept() const {
  const torch::NoGradGuard no_grad;
  return log_sigma2 - (weight.square() + kernel::kSquareEps).log() < threshold_;
}

void SvdoWeights::reset_weights(torch::nn::Module& module, const SvdoOptions& options,
                                torch::IntArrayRef shape) {
  threshold_ = options.threshold();
  weight = module.register_parameter("weight", torch::empty(shape));
  torch::nn::init::kaiming_uniform_(weight, std::sqrt(5.0));
  log_sigma2 =
      module.register_parameter("log_sigma2", torch::full(shape, options.init_log_sigma2()));
  bias = torch::Tensor();
  if (options.bias()) {
    const double bound = 1 / std::sqrt(static_cast<double>(weight[0].numel()));
    bias = module.register_parameter("bias", torch::empty({shape[0]}).uniform_(-bound, bound));
  }
}

// ------------------------------------------------------------------------------------- linear

SvdoLinearImpl::SvdoLinearImpl(std::int64_t in, std::int64_t out, SvdoOptions options_)
    : in_features(in), out_features(out), options(std::move(options_)) {
  reset();
}

void SvdoLinearImpl::reset() {
  reset_weights(*this, options, {out_features, in_features});
  draws.reset(*this, options.draws());
}

torch::Tensor SvdoLinearImpl::forward(const torch::Tensor& x) {
  if (!is_training()) return torch::nn::functional::linear(x, kept_weight(), bias);
  std::vector<std::int64_t> shape = x.sizes().vec();
  shape.back() = out_features;
  const torch::Tensor y = std::get<0>(op::svdo_linear(
      x.reshape({1, -1, in_features}), weight.unsqueeze(0), log_sigma2.unsqueeze(0),
      bias.defined() ? bias.unsqueeze(0) : bias, draws.seed, draws.stream, draws.draw, draws.row0));
  draws.advance();
  return y.reshape(shape);
}

void SvdoLinearImpl::pretty_print(std::ostream& out) const {
  out << "scalemix::nn::SvdoLinear(" << in_features << ", " << out_features << ")";
}

// ------------------------------------------------------------------------------------- conv2d

SvdoConv2dImpl::SvdoConv2dImpl(SvdoConv2dOptions options_) : options(std::move(options_)) {
  reset();
}

void SvdoConv2dImpl::reset() {
  TORCH_CHECK(options.groups() > 0 && options.in_channels() % options.groups() == 0,
              "SvdoConv2d: in_channels must be divisible by groups");
  reset_weights(*this, options.svdo(),
                {options.out_channels(), options.in_channels() / options.groups(),
                 (*options.kernel_size())[0], (*options.kernel_size())[1]});
  draws.reset(*this, options.svdo().draws());
}

torch::Tensor SvdoConv2dImpl::forward(const torch::Tensor& x) {
  TORCH_CHECK(x.dim() == 4, "SvdoConv2d: expected x of shape (N, C, H, W), got ", x.sizes());
  const auto conv = [&](const torch::Tensor& in, const torch::Tensor& w, const torch::Tensor& b) {
    return torch::conv2d(in, w, b, *options.stride(), *options.padding(), *options.dilation(),
                         options.groups());
  };
  if (!is_training()) return conv(x, kept_weight(), bias);
  const torch::Tensor mean = conv(x, weight, bias);
  // Never below zero, whatever algorithm the device's library picks.
  const torch::Tensor var = conv(x.square(), log_sigma2.exp(), {}).clamp_min(0);
  const torch::Tensor y = op::reparam(mean.unsqueeze(0), var.unsqueeze(0), draws.seed, draws.stream,
                                      draws.draw, draws.row0);
  draws.advance();
  return y.squeeze(0);
}

void SvdoConv2dImpl::pretty_print(std::ostream& out) const {
  out << "scalemix::nn::SvdoConv2d(" << options.in_channels() << ", " << options.out_channels()
      << ", kernel_size=" << options.kernel_size() << ", stride=" << options.stride()
      << ", padding=" << options.padding() << ")";
}

}  // namespace scalemix::inline v0::nn
