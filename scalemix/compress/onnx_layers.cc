#include "scalemix/compress/onnx_layers.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

#include "scalemix/base/error.h"
#include "scalemix/compress/onnx_affine.h"
#include "scalemix/model/build.h"
#include "scalemix/model/layer_kind.h"
#include "scalemix/model/noise.h"

namespace scalemix::inline v0::compress {
namespace {

using model::elements;
using model::Family;
using model::Layer;
using model::Shape;
using model::shape_text;
using model::Tensor;
using Kind = OnnxStep::Kind;

// So small that sqrt(1 + eps) leaves every float as it is.
constexpr double kNoEps = 1e-12;

std::vector<float> floats_of(const std::vector<double>& values) {
  return {values.begin(), values.end()};
}

/// A list of layers while it grows: the network's own, or one side of a residual block.
struct List {
  Shape shape;  // after its layers
  Shape view;   // what the nodes see: shape, or the same numbers as one row
  bool top = false;
  std::vector<Layer> layers = {};
  OnnxAffine affine = {};  // behind the last layer, not in a layer yet
  bool bare_norm = false;  // the last layer is a norm whose weight and bias may follow
};

class Builder {
 public:
  Builder(const OnnxNet& net, OnnxLayers& out, Task task) : net_(net), out_(out), task_(task) {}

  void run(const std::vector<OnnxStep>& steps, const Shape& input) {
    out_.model.spec.input = input;
    List list{.shape = input, .view = input, .top = true};
    all(steps, list);
    finish(list);
    out_.output = list.shape;
    out_.model.spec.layers = std::move(list.layers);
  }

 private:
  void all(const std::vector<OnnxStep>& steps, List& list) {
    for (const OnnxStep& step : steps) {
      at(*step.node, [&] { one(step, list); });
    }
  }

  /// Calls f; what goes wrong in it is told of the node.
  template <class F>
  static void at(const OnnxNode& node, const F& f) {
    try {
      f();
    } catch (const OnnxNodeError&) {
      throw;
    } catch (const std::invalid_argument& error) {
      refuse(node, "{}", error.what());
    } catch (const std::domain_error& error) {
      refuse(node, "{}", error.what());
    } catch (const ConfigError& error) {
      refuse(node, "{}", error.what());
    }
  }

  void one(const OnnxStep& step, List& list) {
    switch (step.kind) {
      case Kind::nothing:
        return;
      case Kind::scale:
        list.affine.take(step, list.view);
        return;
      case Kind::shift:
        if (!becomes_bias(step, list)) list.affine.take(step, list.view);
        return;
      case Kind::missing:
        return missing(step, list);
      case Kind::reshape:
        return reshape(step, list);
      case Kind::flatten:
        see({elements(list.view)}, list);
        return;
      case Kind::noise:
        return noise(step, list);
      case Kind::norm:
        return norm(step, list);
      case Kind::residual:
        return residual(step, list);
      case Kind::layer:
        return layer(step, list);
    }
  }

  // ------------------------------------------------------------------------------ lists

  std::string name_of(std::string_view type) {
    const std::string_view prefix = model::layer_kind(type).prefix;
    return fmt::format("{}{}", prefix, ++counts_[prefix]);
  }

  void append(Layer layer, List& list) {
    list.shape = model::output_shape(layer, list.shape);
    list.layers.push_back(std::move(layer));
    list.bare_norm = false;
  }

  /// The same numbers, seen in another shape.
  void see(Shape view, List& list) {
    if (view != list.view && !list.affine.empty() && !list.affine.of_all()) flush(list);
    list.view = std::move(view);
  }

  /// The numbers as the nodes see them.
  void settle(List& list) {
    if (list.view == list.shape) return;
    Layer layer = model::flatten();
    layer.name = name_of(layer.type);
    append(std::move(layer), list);
  }

  void keep(const Layer& layer, const char* tensor, Tensor values) {
    out_.model.tensors[layer.name + "." + tensor] = std::move(values);
  }

  // ------------------------------------------------------------------------------ affine

  bool becomes_bias(const OnnxStep& step, List& list) {
    if (list.layers.empty() || !list.affine.empty() || step.inverse || step.dims.empty() ||
        list.view != list.shape) {
      return false;
    }
    Layer& last = list.layers.back();
    const bool takes = model::has_weights(last) && !last.bias;
    if (!takes || broadcast_size(step.dims, list.view) != last.out ||
        step.values.size() != last.out) {
      return false;
    }
    last.bias = true;
    keep(last, "bias", Tensor::of({last.out}, step.values));
    return true;
  }

  /// What is gathered goes into the preprocessing or a layer.
  void flush(List& list) {
    const OnnxAffine affine = std::exchange(list.affine, {});
    if (affine.empty() || affine.is_identity()) return;
    at(*affine.node(), [&] {
      if (list.top && list.layers.empty() && !input_done_ && standardises(affine, list)) return;
      if (list.bare_norm) return finish_norm(affine, list);
      append_scale(affine, list);
    });
  }

  /// x scale + shift = (x - mean) / sd of the preprocessing.
  bool standardises(const OnnxAffine& affine, const List& list) {
    const std::size_t n = elements(list.shape);
    const std::vector<double> scale = affine.scales(n), shift = affine.shifts(n);
    std::vector<float> mean(n), sd(n);
    for (std::size_t i = 0; i < n; ++i) {
      mean[i] = static_cast<float>(-shift[i] / scale[i]);
      sd[i] = static_cast<float>(1 / scale[i]);
      if (!(std::isfinite(mean[i]) && std::isfinite(sd[i]) && sd[i] > 0)) return false;
    }
    out_.model.preprocessing.mean = std::move(mean);
    out_.model.preprocessing.scale = std::move(sd);
    input_done_ = true;
    return true;
  }

  void finish_norm(const OnnxAffine& affine, List& list) {
    const Layer& last = list.layers.back();
    keep(last, "weight", Tensor::of({last.in}, floats_of(affine.scales(last.in))));
    keep(last, "bias", Tensor::of({last.in}, floats_of(affine.shifts(last.in))));
    list.bare_norm = false;
  }

  void append_scale(const OnnxAffine& affine, List& list) {
    if (affine.of_each(list.view)) {
      throw std::invalid_argument("a factor or summand for each number of an image " +
                                  shape_text(list.view) +
                                  " has no layer here, only one a channel has");
    }
    settle(list);
    const std::size_t n = list.shape[0];
    Layer layer = model::batch_norm(n, kNoEps);
    layer.name = name_of(layer.type);
    keep(layer, "weight", Tensor::of({n}, floats_of(affine.scales(n))));
    keep(layer, "bias", Tensor::of({n}, floats_of(affine.shifts(n))));
    keep(layer, "running_mean", Tensor::of({n}, std::vector<float>(n, 0)));
    keep(layer, "running_var", Tensor::of({n}, std::vector<float>(n, 1)));
    append(std::move(layer), list);
  }

  void missing(const OnnxStep& step, List& list) {
    flush(list);
    if (!list.top || !list.layers.empty()) {
      refuse(*step.node, "expected only standardisation before it");
    }
    input_done_ = true;
  }

  /// The end of the network: units of the target, temperature.
  void finish(List& list) {
    model::Preprocessing& p = out_.model.preprocessing;
    const OnnxAffine& affine = list.affine;
    const bool last = !affine.empty() && affine.of_all() && !list.layers.empty() &&
                      !list.bare_norm && affine.scale() > 0 && std::isfinite(affine.scale());
    if (last && task_ == Task::regression && std::isfinite(affine.shift())) {
      p.target_scale = affine.scale();
      p.target_mean = affine.shift();
    } else if (last && task_ == Task::classification && affine.shift() == 0) {
      p.calibration.temperature = 1 / affine.scale();
    } else {
      flush(list);
    }
    settle(list);
  }

  // ------------------------------------------------------------------------------ shapes

  void reshape(const OnnxStep& step, List& list) {
    const std::vector<std::int64_t>& target = step.target;
    const std::string asked = fmt::format("({})", fmt::join(target, ", "));
    const std::int64_t batch = net_.input().dims.front();
    const bool rows =
        target.size() > 1 && (target[0] == -1 || target[0] == 0 || target[0] == batch);
    if (!rows) refuse(*step.node, "expected rows first and a shape behind them, got {}", asked);
    const std::size_t all = elements(list.view);
    Shape to;
    std::size_t open = 0, product = 1;
    for (std::size_t i = 1; i < target.size(); ++i) {
      std::int64_t side = target[i];
      if (side == 0 && i - 1 < list.view.size()) side = static_cast<std::int64_t>(list.view[i - 1]);
      if (side < -1 || side == 0 || side > static_cast<std::int64_t>(all)) {
        refuse(*step.node, "expected {} numbers of {}, got {}", all, shape_text(list.view), asked);
      }
      open += side == -1;
      to.push_back(side == -1 ? 0 : static_cast<std::size_t>(side));
      if (side != -1) product = elements({product, static_cast<std::size_t>(side)});
    }
    if (open == 1 && target[0] != -1) {
      std::replace(to.begin(), to.end(), std::size_t{0}, all / product);
      product *= all / product;
      open = 0;
    }
    if (open != 0 || product != all) {
      refuse(*step.node, "expected {} numbers of {}, got {}", all, shape_text(list.view), asked);
    }
    if (list.top && list.layers.empty() && to.size() == 3 && list.shape.size() == 1) {
      flush(list);
      list.shape = out_.model.spec.input = to;  // rows of the file's numbers, in the same order
    }
    if (to.size() != 1 && to != list.shape) {
      refuse(*step.node, "expected a row of numbers or {} as before, got {}",
             shape_text(list.shape), asked);
    }
    see(std::move(to), list);
  }

  // ------------------------------------------------------------------------------ layers

  void layer(const OnnxStep& step, List& list) {
    flush(list);
    settle(list);
    Layer layer = step.layer;
    if (layer.type == "noise") {
      layer.width = elements(list.shape);
      ++out_.noise_layers;
    }
    add(step, std::move(layer), list);
    if (step.flat) list.view = {elements(list.shape)};
  }

  void add(const OnnxStep& step, Layer layer, List& list) {
    layer.name = name_of(layer.type);
    for (const auto& [name, tensor] : step.tensors) keep(layer, name.c_str(), tensor);
    const bool same = list.view == list.shape;
    append(std::move(layer), list);
    if (same) list.view = list.shape;
  }

  void norm(const OnnxStep& step, List& list) {
    flush(list);
    const auto rank = static_cast<std::int64_t>(list.view.size());
    if (step.axis != 1 && step.axis != -rank) {
      refuse(*step.node, "expected normalisation over a whole row {}, got axis {}",
             shape_text(list.view), step.axis);
    }
    OnnxStep filled = step;
    const std::size_t n = elements(list.shape);
    if (step.tensors.empty()) {
      filled.layer.in = filled.layer.out = n;
      filled.tensors["weight"] = Tensor::of({n}, std::vector<float>(n, 1));
      filled.tensors["bias"] = Tensor::of({n}, std::vector<float>(n, 0));
    }
    add(filled, filled.layer, list);
    list.bare_norm = step.tensors.empty();
  }

  void noise(const OnnxStep& step, List& list) {
    flush(list);
    std::vector<std::int64_t> dims = step.draws->dims;
    if (!dims.empty()) dims.erase(dims.begin());
    const std::optional<std::size_t> columns = broadcast_size(dims, list.view);
    if (!columns) {
      refuse(*step.node, "expected noise for {}, its channels or its rows, got ({})",
             shape_text(list.view), fmt::join(dims, ", "));
    }
    Layer layer{.type = "noise", .width = *columns};
    layer.noise.push_back(model::noise_of("multiply", net_.law(*step.draws)));
    settle(list);
    if (*columns != elements(list.shape)) {
      layer.at = *columns == 1 ? model::Site::layer : model::Site::channel;
    }
    ++out_.noise_layers;
    add(step, std::move(layer), list);
  }

  void residual(const OnnxStep& step, List& list) {
    flush(list);
    settle(list);
    Layer block{.type = "residual"};
    block.branch = side(step.branch, list);
    block.shortcut = side(step.shortcut, list);
    if (block.branch.empty()) refuse(*step.node, "adds a value to itself");
    add(step, std::move(block), list);
  }

  std::vector<Layer> side(const std::vector<OnnxStep>& steps, const List& from) {
    List list{.shape = from.shape, .view = from.view};
    all(steps, list);
    flush(list);
    settle(list);
    return std::move(list.layers);
  }

  const OnnxNet& net_;
  OnnxLayers& out_;
  Task task_;
  bool input_done_ = false;  // what standardises it is behind us
  std::map<std::string_view, std::size_t> counts_;
};

}  // namespace

OnnxLayers layers_of(const OnnxNet& net, const std::vector<OnnxStep>& steps, const Shape& input,
                     Task task) {
  OnnxLayers out;
  Builder(net, out, task).run(steps, input);
  return out;
}

}  // namespace scalemix::inline v0::compress
