// Layers without parameters: activations, pools, flatten, noise, residual blocks.

#include <map>

#include "scalemix/torch/nn/layer.h"
#include "scalemix/torch/nn/weights.h"
#include "scalemix/torch/op/noise.h"

namespace scalemix::inline v0::nn {
namespace {

using Function = torch::Tensor (*)(const torch::Tensor&, const model::Layer&);

const std::map<std::string_view, Function> kActivations = {
    {"relu", [](const torch::Tensor& x, const model::Layer&) { return torch::relu(x); }},
    {"leaky_relu",
     [](const torch::Tensor& x, const model::Layer& l) { return torch::leaky_relu(x, l.slope); }},
    {"tanh", [](const torch::Tensor& x, const model::Layer&) { return torch::tanh(x); }},
    {"sigmoid", [](const torch::Tensor& x, const model::Layer&) { return torch::sigmoid(x); }},
    {"gelu", [](const torch::Tensor& x, const model::Layer&) { return torch::gelu(x); }},
    {"silu", [](const torch::Tensor& x, const model::Layer&) { return torch::silu(x); }},
    {"elu", [](const torch::Tensor& x, const model::Layer&) { return torch::elu(x); }},
    {"hard_tanh", [](const torch::Tensor& x, const model::Layer&) { return torch::hardtanh(x); }},
    {"sine", [](const torch::Tensor& x, const model::Layer&) { return torch::sin(x); }},
    {"erf", [](const torch::Tensor& x, const model::Layer&) { return torch::erf(x); }},
};

class Activation : public Layer {
 public:
  explicit Activation(const model::Layer& spec)
      : Layer(spec), function_(kActivations.at(spec.type)) {}
  torch::Tensor forward(const torch::Tensor& x, Pass&) override { return function_(x, spec_); }

 private:
  Function function_;
};

/// Windows over H and W; the replica and row axes are folded into one for torch.
class Pool : public Layer {
 public:
  using Layer::Layer;
  torch::Tensor forward(const torch::Tensor& x, Pass&) override {
    const torch::Tensor rows = x.flatten(0, 1);
    const torch::Tensor y = pool(rows);
    return y.unflatten(0, {x.size(0), x.size(1)});
  }

 private:
  torch::Tensor pool(const torch::Tensor& x) const {
    if (spec_.type == "avg_pool" && spec_.kernel == 0) return x.mean({2, 3}, /*keepdim=*/true);
    const auto kernel = static_cast<std::int64_t>(spec_.kernel);
    const auto stride = static_cast<std::int64_t>(spec_.stride);
    const auto padding = static_cast<std::int64_t>(spec_.padding);
    if (spec_.type == "avg_pool") return torch::avg_pool2d(x, kernel, stride, padding);
    return torch::max_pool2d(x, kernel, stride, padding);
  }
};

class Flatten : public Layer {
 public:
  using Layer::Layer;
  torch::Tensor forward(const torch::Tensor& x, Pass&) override { return x.flatten(2); }
};

/// A law at a site. Outside a noisy pass a multiplier is its mean (its median where it has none)
/// and an additive shift is its mean.
class Noise : public Layer {
 public:
  explicit Noise(const model::Layer& spec) : Layer(spec), law_(spec.law), mode_(spec.mode) {
    if (!spec.columns.empty()) {
      columns_ = torch::tensor(spec.columns, torch::kInt64);
    }
  }

  torch::Tensor forward(const torch::Tensor& x, Pass& pass) override {
    const bool multiply = mode_ == model::Mode::multiply;
    if (pass.noisy) {
      return op::noise(x, pass.seed, law_.name(), law_.params, site(),
                       multiply ? "multiply" : "add", pass.stream(spec_.site), pass.draw, pass.row0,
                       static_cast<std::int64_t>(spec_.width), columns_);
    }
    const double centre = multiply ? law_.law.centre() : law_.law.mean();
    if (multiply) return centre == 1 ? x : x * centre;
    return centre == 0 ? x : x + centre;
  }

 private:
  const char* site() const {
    if (spec_.at == model::Site::unit) return "unit";
    return spec_.at == model::Site::channel ? "channel" : "layer";
  }

  OpLaw law_;
  model::Mode mode_;
  torch::Tensor columns_;
};

class Residual : public Layer {
 public:
  Residual(const model::Layer& spec, const Storage& storage) : Layer(spec) {
    branch_ = chain(spec.branch, storage);
    shortcut_ = chain(spec.shortcut, storage);
  }

  torch::Tensor forward(const torch::Tensor& x, Pass& pass) override {
    const torch::Tensor y = run(branch_, x, pass);
    return run(shortcut_, x, pass) + y;
  }

 private:
  using Chain = std::vector<std::shared_ptr<Layer>>;

  Chain chain(const std::vector<model::Layer>& layers, const Storage& storage) {
    Chain built;
    for (const model::Layer& layer : layers) {
      built.push_back(register_module(layer.name, build(layer, storage)));
    }
    return built;
  }

  static torch::Tensor run(const Chain& chain, torch::Tensor x, Pass& pass) {
    for (const auto& layer : chain) x = layer->forward(x, pass);
    return x;
  }

  Chain branch_, shortcut_;
};

}  // namespace

std::shared_ptr<Layer> build_activation(const model::Layer& spec, const Storage&) {
  return std::make_shared<Activation>(spec);
}
std::shared_ptr<Layer> build_pool(const model::Layer& spec, const Storage&) {
  return std::make_shared<Pool>(spec);
}
std::shared_ptr<Layer> build_flatten(const model::Layer& spec, const Storage&) {
  return std::make_shared<Flatten>(spec);
}
std::shared_ptr<Layer> build_noise(const model::Layer& spec, const Storage&) {
  return std::make_shared<Noise>(spec);
}
std::shared_ptr<Layer> build_residual(const model::Layer& spec, const Storage& storage) {
  return std::make_shared<Residual>(spec, storage);
}

}  // namespace scalemix::inline v0::nn
