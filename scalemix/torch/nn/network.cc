#include "scalemix/torch/nn/network.h"

#include "scalemix/torch/init/init.h"

namespace scalemix::inline v0::nn {

Network::Network(const model::Spec& spec, const std::vector<std::uint64_t>& seeds,
                 const std::string& init)
    : torch::nn::Module("network"),
      spec_((spec.validate(), spec)),
      storage_(spec_, static_cast<std::int64_t>(seeds.size())) {
  seeds_ = torch::empty({storage_.replicas()}, torch::kInt64);
  for (std::size_t r = 0; r < seeds.size(); ++r) {
    seeds_[static_cast<std::int64_t>(r)] = static_cast<std::int64_t>(seeds[r]);
  }
  for (const model::Layer& layer : spec_.layers) {
    layers_.push_back(register_module(layer.name, build(layer, storage_)));
  }
  if (spec_.task == Task::regression) {
    log_precision_ = register_parameter("log_precision", storage_.view("output.log_precision"));
  }
  init::initialise(spec_, init, seeds, storage_);
}

torch::Tensor Network::forward(torch::Tensor x, Pass& pass) {
  for (const auto& layer : layers_) x = layer->forward(x, pass);
  return x;
}

std::map<std::string, model::Tensor> Network::tensors(std::int64_t replica) const {
  std::map<std::string, model::Tensor> out;
  for (const Slot& slot : storage_.slots()) {
    const torch::Tensor& flat = slot.trained ? storage_.values : storage_.buffers;
    const float* first = flat.data_ptr<float>() + replica * flat.size(1) + slot.offset;
    out[slot.name] = model::Tensor::of(slot.shape, std::vector<float>(first, first + slot.count));
  }
  return out;
}

}  // namespace scalemix::inline v0::nn
