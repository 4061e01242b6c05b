#include "scalemix/torch/nn/layer.h"

#include <algorithm>

#include "scalemix/base/check.h"

namespace scalemix::inline v0::nn {
namespace {

struct Builder {
  std::string_view type;
  std::shared_ptr<Layer> (*build)(const model::Layer&, const Storage&);
};

constexpr Builder kBuilders[] = {
    {"linear", build_linear},         {"conv2d", build_conv2d},
    {"batch_norm", build_batch_norm}, {"relu", build_activation},
    {"leaky_relu", build_activation}, {"tanh", build_activation},
    {"sigmoid", build_activation},    {"gelu", build_activation},
    {"silu", build_activation},       {"elu", build_activation},
    {"hard_tanh", build_activation},  {"sine", build_activation},
    {"erf", build_activation},        {"max_pool", build_pool},
    {"avg_pool", build_pool},         {"flatten", build_flatten},
    {"noise", build_noise},           {"residual", build_residual},
};

}  // namespace

torch::Tensor Layer::adopt(const Storage& storage, const std::string& name) {
  torch::Tensor view = storage.view(spec_.name + "." + name);
  return view.requires_grad() ? register_parameter(name, view) : register_buffer(name, view);
}

std::shared_ptr<Layer> build(const model::Layer& spec, const Storage& storage) {
  const auto* row = std::find_if(std::begin(kBuilders), std::end(kBuilders),
                                 [&](const Builder& b) { return b.type == spec.type; });
  check(row != std::end(kBuilders), spec.name, "no module for a layer of type '" + spec.type + "'");
  return row->build(spec, storage);
}

std::vector<std::string_view> buildable() {
  std::vector<std::string_view> types;
  for (const Builder& row : kBuilders) types.push_back(row.type);
  return types;
}

}  // namespace scalemix::inline v0::nn
