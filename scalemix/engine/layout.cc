#include "scalemix/engine/layout.h"

#include <algorithm>

#include "scalemix/base/check.h"

namespace scalemix::inline v0::engine {

Layout::Layout(const model::Spec& spec) {
  model::for_each_layer(spec, [&](const model::Layer& layer, const model::Shape&) {
    for (const model::LayerTensor& tensor : model::tensors(layer)) add(layer.name, tensor);
  });
  if (spec.task == Task::regression) {
    add("output", {.name = "log_precision", .shape = {spec.outputs}});
  }
  place();
}

void Layout::add(const std::string& layer, const model::LayerTensor& tensor) {
  slots_.push_back({layer + "." + tensor.name, tensor, 0, model::elements(tensor.shape)});
}

void Layout::place() {
  const auto take = [&](auto&& belongs, std::size_t& end) {
    for (std::size_t i = 0; i < slots_.size(); ++i) {
      if (!belongs(slots_[i].tensor)) continue;
      slots_[i].offset = end;
      end += slots_[i].count;
      index_[slots_[i].name] = i;
    }
  };
  take([](const model::LayerTensor& t) { return t.trained && t.decays; }, values_);
  take([](const model::LayerTensor& t) { return t.trained && !t.decays; }, values_);
  take([](const model::LayerTensor& t) { return !t.trained; }, state_);
}

const Slot& Layout::at(const std::string& name) const {
  const auto it = index_.find(name);
  check(it != index_.end(), "layout", "no tensor named " + name);
  return slots_[it->second];
}

void Layout::start(float* values, float* state) const {
  for (const Slot& slot : slots_) {
    std::fill_n((slot.tensor.trained ? values : state) + slot.offset, slot.count,
                static_cast<float>(slot.tensor.initial));
  }
}

void Layout::read(const model::Model& model, float* values, float* state) const {
  for (const Slot& slot : slots_) {
    const std::vector<float> tensor = model.tensors.at(slot.name).floats();
    check(tensor.size() == slot.count, "layout", "the size of " + slot.name);
    std::copy(tensor.begin(), tensor.end(), (slot.tensor.trained ? values : state) + slot.offset);
  }
}

std::vector<std::string> Layout::take(const model::Model& model, float* values,
                                      float* state) const {
  std::vector<std::string> names;
  for (const Slot& slot : slots_) {
    const auto found = model.tensors.find(slot.name);
    if (found == model.tensors.end() || found->second.shape != slot.tensor.shape) continue;
    const std::vector<float> tensor = found->second.floats();
    std::copy(tensor.begin(), tensor.end(), (slot.tensor.trained ? values : state) + slot.offset);
    names.push_back(slot.name);
  }
  return names;
}

std::map<std::string, model::Tensor> Layout::tensors(const float* values,
                                                     const float* state) const {
  std::map<std::string, model::Tensor> out;
  for (const Slot& slot : slots_) {
    const float* first = (slot.tensor.trained ? values : state) + slot.offset;
    out[slot.name] =
        model::Tensor::of(slot.tensor.shape, std::vector<float>(first, first + slot.count));
  }
  return out;
}

}  // namespace scalemix::inline v0::engine
