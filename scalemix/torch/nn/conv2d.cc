// Convolutions, a replica at a time through torch's own op; with noisy weights; with a posterior.

#include "scalemix/torch/nn/layer.h"
#include "scalemix/torch/nn/replicas.h"
#include "scalemix/torch/nn/weights.h"
#include "scalemix/torch/op/reparam.h"
#include "scalemix/torch/op/svdo_terms.h"

namespace scalemix::inline v0::nn {
namespace {

class Conv2d : public Layer {
 public:
  Conv2d(const model::Layer& spec, const Storage& storage) : Layer(spec) {
    weight_ = adopt(storage, "weight");
    if (spec.bias) bias_ = adopt(storage, "bias");
    if (!spec.weight_law.empty()) law_.emplace(spec.weight_law);
  }

  torch::Tensor forward(const torch::Tensor& x, Pass& pass) override {
    return convolve(x, noisy_weight(law_, spec_.site, weight_, pass), bias_);
  }

 protected:
  torch::Tensor convolve(const torch::Tensor& x, const torch::Tensor& w,
                         const torch::Tensor& b) const {
    const auto stride = static_cast<std::int64_t>(spec_.stride);
    const auto padding = static_cast<std::int64_t>(spec_.padding);
    return each_replica(x.size(0), [&](std::int64_t r) {
      return torch::conv2d(x[r], w[r], b.defined() ? b[r] : b, stride, padding);
    });
  }

  torch::Tensor weight_, bias_;
  std::optional<OpLaw> law_;
};

/// Sparse variational dropout with local reparameterisation: one draw an output pixel and channel.
class SvdoConv2d : public Conv2d {
 public:
  SvdoConv2d(const model::Layer& spec, const Storage& storage) : Conv2d(spec, storage) {
    log_sigma2_ = adopt(storage, "log_sigma2");
  }

  torch::Tensor forward(const torch::Tensor& x, Pass& pass) override {
    if (pass.train) {
      auto [sigma2, penalty] = op::svdo_terms(weight_, log_sigma2_);
      pass.penalties.push_back({spec_.name, penalty});
      return draw(x, weight_, sigma2, pass);
    }
    const torch::Tensor w = masked_weight(spec_, weight_, log_sigma2_);
    if (!pass.noisy) return convolve(x, w, bias_);
    return draw(x, w, masked_variance(spec_, weight_, log_sigma2_), pass);
  }

 private:
  torch::Tensor draw(const torch::Tensor& x, const torch::Tensor& w, const torch::Tensor& sigma2,
                     const Pass& pass) const {
    return op::reparam(convolve(x, w, bias_), convolve(x * x, sigma2, {}), pass.seed,
                       pass.stream(spec_.site), pass.draw, pass.row0);
  }

  torch::Tensor log_sigma2_;
};

}  // namespace

std::shared_ptr<Layer> build_conv2d(const model::Layer& spec, const Storage& storage) {
  if (spec.posterior == "svdo") return std::make_shared<SvdoConv2d>(spec, storage);
  return std::make_shared<Conv2d>(spec, storage);
}

}  // namespace scalemix::inline v0::nn
