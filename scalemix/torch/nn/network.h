// A stack of R networks of one spec: modules built from the layers, parameters in flat storage.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "scalemix/model/model_file.h"
#include "scalemix/torch/nn/layer.h"

namespace scalemix::inline v0::nn {

class Network : public torch::nn::Module {
 public:
  /// One replica a seed. `init`: "auto", "he", "xavier" or "normal:SD" (init.h). Throws ConfigError
  /// for another word, std::invalid_argument for a spec that does not validate.
  Network(const model::Spec& spec, const std::vector<std::uint64_t>& seeds,
          const std::string& init);

  /// x (R, N, shape...) standardised -> logits or standardised means (R, N, outputs).
  torch::Tensor forward(torch::Tensor x, Pass& pass);

  const model::Spec& spec() const { return spec_; }
  Storage& storage() { return storage_; }
  const Storage& storage() const { return storage_; }
  /// (R) int64
  const torch::Tensor& seeds() const { return seeds_; }
  /// log of the noise precision (R, outputs), standardised units; undefined for a classification.
  const torch::Tensor& log_precision() const { return log_precision_; }

  /// The tensors of one replica under the names of the model file.
  std::map<std::string, model::Tensor> tensors(std::int64_t replica) const;

 private:
  model::Spec spec_;
  Storage storage_;
  torch::Tensor seeds_, log_precision_;
  std::vector<std::shared_ptr<Layer>> layers_;
};

}  // namespace scalemix::inline v0::nn
