// Dense layers: y = x W^T + b a replica, through the product seam; with noisy weights; with a
// posterior.

#include "scalemix/torch/op/linear.h"
#include "scalemix/torch/nn/layer.h"
#include "scalemix/torch/nn/weights.h"
#include "scalemix/torch/op/reparam.h"
#include "scalemix/torch/op/svdo_linear.h"

namespace scalemix::inline v0::nn {
namespace {

class Linear : public Layer {
 public:
  Linear(const model::Layer& spec, const Storage& storage) : Layer(spec) {
    weight_ = adopt(storage, "weight");
    if (spec.bias) bias_ = adopt(storage, "bias");
    if (!spec.weight_law.empty()) law_.emplace(spec.weight_law);
  }

  torch::Tensor forward(const torch::Tensor& x, Pass& pass) override {
    return op::linear(x, noisy_weight(law_, spec_.site, weight_, pass), bias_);
  }

 protected:
  torch::Tensor weight_, bias_;
  std::optional<OpLaw> law_;
};

/// Sparse variational dropout: the fused op in training, masked weights outside.
class SvdoLinear : public Linear {
 public:
  SvdoLinear(const model::Layer& spec, const Storage& storage) : Linear(spec, storage) {
    log_sigma2_ = adopt(storage, "log_sigma2");
  }

  torch::Tensor forward(const torch::Tensor& x, Pass& pass) override {
    const auto stream = pass.stream(spec_.site);
    if (pass.train) {
      auto [y, penalty] =
          op::svdo_linear(x, weight_, log_sigma2_, bias_, pass.seed, stream, pass.draw, pass.row0);
      pass.penalties.push_back({spec_.name, penalty});
      return y;
    }
    const torch::Tensor mean = op::linear(x, masked_weight(spec_, weight_, log_sigma2_), bias_);
    if (!pass.noisy) return mean;
    const torch::Tensor var = op::linear(x * x, masked_variance(spec_, weight_, log_sigma2_));
    return op::reparam(mean, var, pass.seed, stream, pass.draw, pass.row0);
  }

 private:
  torch::Tensor log_sigma2_;
};

}  // namespace

std::shared_ptr<Layer> build_linear(const model::Layer& spec, const Storage& storage) {
  if (spec.posterior == "svdo") return std::make_shared<SvdoLinear>(spec, storage);
  return std::make_shared<Linear>(spec, storage);
}

}  // namespace scalemix::inline v0::nn
