// Batch normalisation over (N) or (N, H, W), a replica at a time; running statistics by momentum
// 0.1.

#include "scalemix/torch/nn/layer.h"
#include "scalemix/torch/nn/replicas.h"

namespace scalemix::inline v0::nn {
namespace {

constexpr double kMomentum = 0.1;

class BatchNorm : public Layer {
 public:
  BatchNorm(const model::Layer& spec, const Storage& storage) : Layer(spec) {
    weight_ = adopt(storage, "weight");
    bias_ = adopt(storage, "bias");
    mean_ = adopt(storage, "running_mean");
    var_ = adopt(storage, "running_var");
  }

  torch::Tensor forward(const torch::Tensor& x, Pass& pass) override {
    return each_replica(x.size(0), [&](std::int64_t r) {
      return torch::batch_norm(x[r], weight_[r], bias_[r], mean_[r], var_[r], pass.train, kMomentum,
                               spec_.eps, /*cudnn_enabled=*/false);
    });
  }

 private:
  torch::Tensor weight_, bias_, mean_, var_;
};

}  // namespace

std::shared_ptr<Layer> build_batch_norm(const model::Layer& spec, const Storage& storage) {
  return std::make_shared<BatchNorm>(spec, storage);
}

}  // namespace scalemix::inline v0::nn
