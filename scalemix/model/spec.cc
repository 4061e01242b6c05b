#include "scalemix/model/spec.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <stdexcept>

#include "scalemix/base/limits.h"
#include "scalemix/model/layer_kind.h"
#include "scalemix/model/noise.h"

namespace scalemix::inline v0::model {
namespace {

using Visit = std::function<void(const Layer&, const Shape&)>;

/// Before anything of such a shape is made.
void check_row(std::string_view what, const Shape& shape) {
  check_limit(Limit::numbers, what, elements(shape));
}

constexpr std::uint32_t kMaxSite = kInputStream;

Shape walk(const std::vector<Layer>& layers, Shape shape, const std::string& place,
           const Visit& visit);

Shape residual_output(const Layer& layer, const Shape& in, const std::string& place,
                      const Visit& visit) {
  if (layer.branch.empty()) throw std::invalid_argument(label(layer) + ": the branch is empty");
  const std::string dot = place.empty() ? "" : place + ".";
  const Shape branch = walk(layer.branch, in, dot + "branch", visit);
  const Shape shortcut = walk(layer.shortcut, in, dot + "shortcut", visit);
  if (branch != shortcut) {
    throw std::invalid_argument(fmt::format("{}: the branch gives {}, the shortcut {}",
                                            label(layer), shape_text(branch),
                                            shape_text(shortcut)));
  }
  return branch;
}

/// Shape after one layer. What it visits is checked on the way, each layer once.
Shape step(const Layer& layer, const Shape& in, const std::string& place, const Visit& visit) {
  visit(layer, in);
  if (layer_kind(layer.type).family == Family::residual)
    return residual_output(layer, in, place, visit);
  const Shape out = layer_kind(layer.type).output(layer, in);
  check_row(label(layer), out);
  for (const LayerTensor& tensor : tensors(layer)) elements(tensor.shape);
  return out;
}

/// An error that has its place already: the walk does not add the places around it.
struct Placed : std::invalid_argument {
  using std::invalid_argument::invalid_argument;
};

Shape walk(const std::vector<Layer>& layers, Shape shape, const std::string& place,
           const Visit& visit) {
  for (std::size_t i = 0; i < layers.size(); ++i) {
    const std::string here = fmt::format("{}[{}]", place, i);
    try {
      shape = step(layers[i], shape, here, visit);
    } catch (const Placed&) {
      throw;
    } catch (const std::invalid_argument& error) {
      throw Placed(here + ": " + error.what());
    }
  }
  return shape;
}

void visit_all(std::vector<Layer>& layers, const std::function<void(Layer&)>& f) {
  for (Layer& layer : layers) {
    f(layer);
    visit_all(layer.branch, f);
    visit_all(layer.shortcut, f);
  }
}

void check_name(const Layer& layer, std::set<std::string>& names) {
  const bool plain = std::all_of(layer.name.begin(), layer.name.end(), [](unsigned char c) {
    return std::isalnum(c) || c == '_' || c == '-';
  });
  if (!plain || layer.name.size() > 64) {
    throw std::invalid_argument(
        fmt::format("a name has letters, digits, '_' and '-', 64 at most, got '{}'", layer.name));
  }
  if (!layer.name.empty() && !names.insert(layer.name).second) {
    throw std::invalid_argument(fmt::format("the name '{}' is taken", layer.name));
  }
}

void check_site(const Layer& layer, std::set<std::uint32_t>& sites) {
  if (layer.site >= kMaxSite) {
    throw std::invalid_argument(
        fmt::format("{}: site must be below 2^27, got {}", label(layer), layer.site));
  }
  if (layer.site != 0 && !sites.insert(layer.site).second) {
    throw std::invalid_argument(
        fmt::format("{}: site {} is another layer's", label(layer), layer.site));
  }
}

std::size_t count_layers(const std::vector<Layer>& layers) {
  std::size_t n = layers.size();
  for (const Layer& layer : layers) n += count_layers(layer.branch) + count_layers(layer.shortcut);
  return n;
}

/// What all layers together ask for.
class Demands {
 public:
  void add(const Layer& layer, const Shape& in) {
    work_ =
        plus(work_, work_of(layer, in));  // checks the layer's sizes, which its tensors divide by
    for (const LayerTensor& tensor : tensors(layer)) {
      weights_ = plus(weights_, elements(tensor.shape));
    }
    check_limit(Limit::weights, "the network", weights_);
    check_limit(Limit::work, "the network", work_);
  }

 private:
  static std::uint64_t work_of(const Layer& layer, const Shape& in) {
    const LayerKind& kind = layer_kind(layer.type);
    if (kind.family == Family::residual) return 0;  // its branches have their own
    const std::uint64_t out = elements(kind.output(layer, in));
    if (has_weights(layer)) {
      return plus(times(out, weight_count(layer) / layer.out), times(kWorkPerStep, out));
    }
    if (!kind.windows) return times(kWorkPerStep, out);
    if (layer.kernel == 0) return times(kWorkPerStep, elements(in));  // the whole channel
    const std::uint64_t window = std::min(layer.kernel, in[1]) * std::min(layer.kernel, in[2]);
    return times(kWorkPerStep, times(out, window));
  }

  std::uint64_t weights_ = 0, work_ = 0;
};

void check_input(const Spec& spec) {
  if (spec.input.size() != 1 && spec.input.size() != 3) {
    throw std::invalid_argument("input: expected (K) or (C, H, W), got " + shape_text(spec.input));
  }
  for (const std::size_t side : spec.input) {
    if (side == 0) throw std::invalid_argument("input: empty, got " + shape_text(spec.input));
  }
  check_row("input", spec.input);
  const std::size_t least = spec.task == Task::classification ? 2 : 1;
  if (spec.outputs < least || spec.outputs >= kMaxSize) {
    throw std::invalid_argument(fmt::format("outputs: expected at least {} for {}, got {}", least,
                                            least == 2 ? "classification" : "regression",
                                            spec.outputs));
  }
}

}  // namespace

std::size_t elements(const Shape& shape) {
  std::size_t n = 1;
  for (const std::size_t side : shape) {
    if (side != 0 && n >= (kMaxSize + side - 1) / side) {
      throw std::invalid_argument("2^31 numbers or more in the shape " + shape_text(shape));
    }
    n *= side;
  }
  return n;
}

std::size_t site_columns(Site at, const Shape& shape) {
  if (at == Site::layer) return 1;
  return at == Site::channel ? shape.at(0) : elements(shape);
}

void Spec::number() {
  std::uint32_t last = 0;
  std::set<std::string> names;
  visit_all(layers, [&](Layer& layer) {
    last = std::max(last, layer.site);
    names.insert(layer.name);
  });
  std::map<std::string_view, std::size_t> counts;
  visit_all(layers, [&](Layer& layer) {
    if (layer.site == 0) layer.site = ++last;
    if (!layer.name.empty()) return;
    const std::string_view prefix = layer_kind(layer.type).prefix;
    do {
      layer.name = fmt::format("{}{}", prefix, ++counts[prefix]);
    } while (!names.insert(layer.name).second);
  });
}

void Spec::validate() const {
  check_input(*this);
  check_limit(Limit::layers, "the network", count_layers(layers));
  std::set<std::string> names;
  std::set<std::uint32_t> sites;
  Demands demands;
  const Shape out = walk(layers, input, "layers", [&](const Layer& layer, const Shape& in) {
    check_name(layer, names);
    check_site(layer, sites);
    check_noise_place(layer, in);
    demands.add(layer, in);
  });
  if (out != Shape{outputs}) {
    throw std::invalid_argument(fmt::format("the network gives {}, expected ({}) for its outputs",
                                            shape_text(out), outputs));
  }
}

Shape output_shape(const Layer& layer, const Shape& in) {
  return step(layer, in, "", [](const Layer&, const Shape&) {});
}

void for_each_layer(const Spec& spec, const std::function<void(const Layer&, const Shape&)>& f) {
  walk(spec.layers, spec.input, "layers", f);
}

void for_each_layer(Spec& spec, const std::function<void(Layer&)>& f) { visit_all(spec.layers, f); }

bool stochastic(const Layer& layer) {
  const auto any = [](const std::vector<Layer>& layers) {
    return std::any_of(layers.begin(), layers.end(), stochastic);
  };
  const Noise* noise = drawn_noise(layer);
  const bool random = noise && noise_kind(noise->kind).random();
  return random || any(layer.branch) || any(layer.shortcut);
}

std::vector<LayerTensor> tensors(const Layer& layer) {
  const LayerKind& kind = layer_kind(layer.type);
  std::vector<LayerTensor> out = kind.tensors ? kind.tensors(layer) : std::vector<LayerTensor>{};
  for (const Noise& noise : layer.noise) {
    const NoiseKind& row = noise_kind(noise.kind);
    if (!row.tensors) continue;
    for (LayerTensor& tensor : row.tensors(noise, layer)) out.push_back(std::move(tensor));
  }
  return out;
}

}  // namespace scalemix::inline v0::model
