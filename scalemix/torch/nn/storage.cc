#include "scalemix/torch/nn/storage.h"

#include <algorithm>

#include "scalemix/base/check.h"

namespace scalemix::inline v0::nn {
namespace {

std::int64_t product(const model::Shape& shape) {
  std::int64_t n = 1;
  for (const std::size_t s : shape) n *= static_cast<std::int64_t>(s);
  return n;
}

bool decays(const model::Layer& layer, const std::string& parameter) {
  return parameter == "weight" && layer.type != "batch_norm";
}

}  // namespace

Storage::Storage(const model::Spec& spec, std::int64_t replicas) {
  model::for_each_layer(spec, [&](const model::Layer& layer, const model::Shape&) {
    for (const model::Parameter& p : model::parameters(layer)) {
      add({.name = layer.name + "." + p.name,
           .shape = p.shape,
           .trained = p.trained,
           .decays = p.trained && decays(layer, p.name)});
    }
  });
  if (spec.task == Task::regression) add({.name = "output.log_precision", .shape = {spec.outputs}});
  place();
  std::int64_t trained = 0, untrained = 0;
  for (const Slot& slot : slots_) (slot.trained ? trained : untrained) += slot.count;
  values = torch::zeros({replicas, trained});
  gradients = torch::zeros({replicas, trained});
  buffers = torch::zeros({replicas, untrained});
  make_views();
}

void Storage::add(Slot slot) {
  slot.count = product(slot.shape);
  slots_.push_back(std::move(slot));
}

void Storage::place() {
  std::stable_sort(slots_.begin(), slots_.end(),
                   [](const Slot& a, const Slot& b) { return a.decays > b.decays; });
  std::int64_t trained = 0, untrained = 0;
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    Slot& slot = slots_[i];
    std::int64_t& next = slot.trained ? trained : untrained;
    slot.offset = next;
    next += slot.count;
    if (slot.decays) decaying_ = next;
    index_[slot.name] = i;
  }
}

void Storage::make_views() {
  for (const Slot& slot : slots_) {
    std::vector<std::int64_t> sizes{replicas()};
    sizes.insert(sizes.end(), slot.shape.begin(), slot.shape.end());
    const auto part = [&](const torch::Tensor& flat) {
      return flat.narrow(1, slot.offset, slot.count).view(sizes);
    };
    torch::Tensor view = part(slot.trained ? values : buffers).detach();
    if (slot.trained) {
      view.set_requires_grad(true);
      trained_.push_back(view);
      gradient_views_.push_back(part(gradients));
    }
    views_[slot.name] = view;
  }
}

void Storage::differentiate(const torch::Tensor& objective) {
  // Not backward(): accumulation would zero and add, and wants gradients of another layout.
  const std::vector<torch::Tensor> found =
      torch::autograd::grad({objective}, trained_, {}, /*retain_graph=*/false,
                            /*create_graph=*/false, /*allow_unused=*/true);
  const torch::NoGradGuard no_grad;
  for (std::size_t i = 0; i < found.size(); ++i) {
    if (found[i].defined()) {
      gradient_views_[i].copy_(found[i]);
    } else {
      gradient_views_[i].zero_();
    }
  }
}

torch::Tensor Storage::view(const std::string& name) const {
  const auto it = views_.find(name);
  check(it != views_.end(), "storage", "no tensor named " + name);
  return it->second;
}

}  // namespace scalemix::inline v0::nn
