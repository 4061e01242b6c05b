#include "scalemix/compress/import_weights.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <set>

#include "scalemix/base/error.h"
#include "scalemix/base/name_list.h"
#include "scalemix/compress/module_names.h"
#include "scalemix/model/layer_kind.h"
#include "scalemix/model/stored_tensor.h"

namespace scalemix::inline v0::compress {
namespace {

using model::Layer;
using model::Shape;
using model::shape_text;
using model::Tensor;

struct Natural {
  bool operator()(const std::string& a, const std::string& b) const { return natural_less(a, b); }
};

/// The tensors of one module, by the last part of their names.
using Group = std::map<std::string, const Tensor*>;
using Groups = std::map<std::string, Group, Natural>;

/// What a module is, by what it holds; in the words of layers.
std::string_view kind_of(const Group& group) {
  if (group.count("running_mean") != 0 || group.count("running_var") != 0) return "batch_norm";
  const auto weight = group.find("weight");
  const std::size_t rank = weight == group.end() ? 0 : weight->second->shape.size();
  if (rank == 4) return "conv2d";
  if (rank == 2) return "linear";
  return rank == 1 ? "layer_norm" : "";
}

/// "weight (300, 784), bias (300)"
std::string listed(const Group& group) {
  std::string out;
  for (const auto& [name, tensor] : group) {
    out += fmt::format("{}{} {}", out.empty() ? "" : ", ", name, shape_text(tensor->shape));
  }
  return out;
}
std::string listed(const Layer& layer) {
  std::string out;
  for (const model::LayerTensor& t : model::tensors(layer)) {
    out += fmt::format("{}{} {}", out.empty() ? "" : ", ", t.name, shape_text(t.shape));
  }
  return out;
}

template <class T, class F>
Tensor converted(const Tensor& from, F as_float) {
  std::vector<T> values(from.bytes.size() / sizeof(T));
  if (!values.empty()) std::memcpy(values.data(), from.bytes.data(), from.bytes.size());
  std::vector<float> out;
  for (const T value : values) out.push_back(as_float(value));
  return Tensor::of(from.shape, out);
}

class Importer {
 public:
  Importer(const model::Container& weights, const std::string& file, model::Model& model)
      : file_(file), model_(model) {
    for (const auto& [name, tensor] : weights.tensors) add(name, tensor);
    model::for_each_layer(model.spec, [&](const Layer& layer, const Shape&) {
      if (!model::tensors(layer).empty()) layers_.push_back(&layer);
    });
  }

  void run(const std::map<std::string, std::string>& names) {
    give_named(names);
    if (!direct()) give_in_order();
    refuse_left();
    for (const Layer* layer : layers_) take(*layer);
  }

 private:
  template <class... Args>
  [[noreturn]] void refuse(fmt::format_string<Args...> text, Args&&... args) const {
    throw DataError(file_, 0, 0, fmt::format(text, std::forward<Args>(args)...));
  }

  void add(const std::string& name, const Tensor& tensor) {
    const std::size_t dot = name.rfind('.');
    const std::string group = dot == name.npos ? "" : name.substr(0, dot),
                      last = dot == name.npos ? name : name.substr(dot + 1);
    if (last == "num_batches_tracked") return;
    if (name == "output.log_precision" && model_.spec.task == Task::regression) {
      model_.tensors[name] = as_float32(name, tensor);
      return;
    }
    groups_[group][last] = &tensor;
  }

  Tensor as_float32(const std::string& name, const Tensor& t) const {
    if (t.dtype == "F32") return t;
    if (t.dtype == "F64") {
      return converted<double>(t, [](double v) { return static_cast<float>(v); });
    }
    if (t.dtype == "F16") return converted<std::uint16_t>(t, model::float_of);
    if (t.dtype == "BF16") {
      return converted<std::uint16_t>(
          t, [](std::uint16_t v) { return std::bit_cast<float>(std::uint32_t{v} << 16); });
    }
    refuse("tensor '{}': expected F32, F64, F16 or BF16, got {}", name, t.dtype);
  }

  /// The layers that names give to groups.
  void give_named(const std::map<std::string, std::string>& names) {
    std::vector<std::string> known;
    for (const Layer* layer : layers_) known.push_back(layer->name);
    for (const auto& [group, name] : names) {
      if (groups_.count(group) == 0) {
        std::vector<std::string> there;
        for (const auto& [other, tensors] : groups_) there.push_back(other);
        throw ConfigError(fmt::format("--names {}={}: {} has no tensors {}.*, only of {}", group,
                                      name, file_, group, name_list(there)));
      }
      const auto layer =
          std::find_if(layers_.begin(), layers_.end(),
                       [&, &name = name](const Layer* l) { return l->name == name; });
      if (layer == layers_.end()) {
        throw ConfigError(fmt::format("--names {}={}: no layer with weights is called {}, only {}",
                                      group, name, name, name_list(known)));
      }
      give(group, **layer);
    }
  }

  void give(const std::string& group, const Layer& layer) {
    if (!of_.emplace(layer.name, group).second) {
      throw ConfigError(fmt::format("--names: layer {} is given twice", layer.name));
    }
    taken_.insert(group);
  }

  /// Whether groups are called what the layers are.
  bool direct() {
    const bool all = std::all_of(layers_.begin(), layers_.end(), [&](const Layer* l) {
      return of_.count(l->name) != 0 || (groups_.count(l->name) != 0 && taken_.count(l->name) == 0);
    });
    for (std::size_t i = 0; all && i < layers_.size(); ++i) {
      if (of_.count(layers_[i]->name) == 0) give(layers_[i]->name, *layers_[i]);
    }
    return all;
  }

  void give_in_order() {
    for (const std::string_view kind : {"linear", "conv2d", "batch_norm", "layer_norm"}) {
      auto group = groups_.begin();
      for (const Layer* layer : layers_) {
        if (layer->type != kind || of_.count(layer->name) != 0) continue;
        while (group != groups_.end() &&
               (kind_of(group->second) != kind || taken_.count(group->first) != 0)) {
          ++group;
        }
        if (group == groups_.end()) {
          refuse("nothing is left for layer {}, a {} with {}; tensors: {}", layer->name, kind,
                 listed(*layer), all_groups());
        }
        give(group->first, *layer);
      }
    }
  }

  std::string all_groups() const {
    std::string out;
    for (const auto& [name, group] : groups_) {
      out += fmt::format("{}{}: {}", out.empty() ? "" : "; ", name, listed(group));
    }
    return out.empty() ? "none" : out;
  }

  void refuse_left() const {
    std::string layers;
    for (const Layer* layer : layers_) {
      layers += fmt::format("{}{}: {}", layers.empty() ? "" : "; ", layer->name, listed(*layer));
    }
    for (const auto& [name, group] : groups_) {
      if (taken_.count(name) != 0) continue;
      refuse("'{}' ({}) is left over: the network has {}", name, listed(group),
             layers.empty() ? "no layer with weights" : layers);
    }
  }

  /// The tensors of a layer, from its group.
  void take(const Layer& layer) {
    const std::string& name = of_.at(layer.name);
    const Group& group = groups_.at(name);
    std::size_t taken = 0;
    for (const model::LayerTensor& t : model::tensors(layer)) {
      const auto found = group.find(t.name);
      const bool fits = found != group.end() && found->second->shape == t.shape;
      if (!fits) {
        refuse("'{}' has {}, layer {} ({}) expects {}{}", name, listed(group), layer.name,
               layer.type, listed(layer),
               found == group.end() && t.name == "bias" && model::has_weights(layer)
                   ? "; a spec as JSON may say \"bias\": false"
                   : "");
      }
      ++taken;
      model_.tensors[layer.name + "." + t.name] = as_float32(name + "." + t.name, *found->second);
    }
    if (taken != group.size()) {
      refuse("'{}' has {}, layer {} ({}) takes only {}", name, listed(group), layer.name,
             layer.type, listed(layer));
    }
  }

  const std::string& file_;
  model::Model& model_;
  Groups groups_;
  std::vector<const Layer*> layers_;       // with tensors, in the order in which they run
  std::map<std::string, std::string> of_;  // layer -> group
  std::set<std::string> taken_;            // groups
};

}  // namespace

Imported import_weights(const model::Container& weights, const std::string& file, model::Spec spec,
                        const std::map<std::string, std::string>& names,
                        const ImportOptions& options) {
  Imported out;
  out.model.spec = std::move(spec);
  if (out.model.spec.task == Task::classification) {
    out.model.preprocessing.classes = options.classes;
  }
  Importer(weights, file, out.model).run(names);
  try {
    complete(out.model);
  } catch (const std::invalid_argument& error) {
    throw DataError(file, 0, 0, error.what());
  }
  return out;
}

}  // namespace scalemix::inline v0::compress
