// A layer as a torch module, and the table that builds one from its spec.
//
// Every tensor carries the replica axis first: x (R, N, K) or (R, N, C, H, W).
#pragma once

#include <torch/torch.h>

#include <memory>
#include <string_view>
#include <vector>

#include "scalemix/model/spec.h"
#include "scalemix/torch/nn/pass.h"
#include "scalemix/torch/nn/storage.h"

namespace scalemix::inline v0::nn {

class Layer : public torch::nn::Module {
 public:
  explicit Layer(const model::Layer& spec) : torch::nn::Module(spec.name), spec_(spec) {}
  virtual torch::Tensor forward(const torch::Tensor& x, Pass& pass) = 0;
  const model::Layer& spec() const { return spec_; }

 protected:
  /// Registers the storage's view of a parameter or running statistic of this layer under its short
  /// name.
  torch::Tensor adopt(const Storage& storage, const std::string& name);

  model::Layer spec_;
};

/// The module of a layer; its tensors are views of `storage`. Throws std::invalid_argument for a
/// type that has no builder.
std::shared_ptr<Layer> build(const model::Layer& spec, const Storage& storage);

/// Layer types that can be built, for the test that compares this table with model's.
std::vector<std::string_view> buildable();

// One builder a family, each in the file of its name.
std::shared_ptr<Layer> build_linear(const model::Layer& spec, const Storage& storage);
std::shared_ptr<Layer> build_conv2d(const model::Layer& spec, const Storage& storage);
std::shared_ptr<Layer> build_batch_norm(const model::Layer& spec, const Storage& storage);
std::shared_ptr<Layer> build_activation(const model::Layer& spec, const Storage& storage);
std::shared_ptr<Layer> build_pool(const model::Layer& spec, const Storage& storage);
std::shared_ptr<Layer> build_flatten(const model::Layer& spec, const Storage& storage);
std::shared_ptr<Layer> build_noise(const model::Layer& spec, const Storage& storage);
std::shared_ptr<Layer> build_residual(const model::Layer& spec, const Storage& storage);

}  // namespace scalemix::inline v0::nn
