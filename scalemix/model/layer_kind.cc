#include "scalemix/model/layer_kind.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "scalemix/base/nearest.h"
#include "scalemix/law/any_law.h"

namespace scalemix::inline v0::model {
namespace {

template <class... Args>
[[noreturn]] void refuse(const Layer& layer, fmt::format_string<Args...> text, Args&&... args) {
  throw std::invalid_argument(label(layer) + ": " + fmt::format(text, std::forward<Args>(args)...));
}

void check_size(const Layer& layer, std::string_view name, std::size_t value, std::size_t least) {
  if (value < least || value >= kMaxSize) {
    refuse(layer, "{} must be in [{}, 2^31), got {}", name, least, value);
  }
}

void check_law(const Layer& layer, std::string_view key, const std::string& law) {
  try {
    law::AnyLaw::parse(law);
  } catch (const std::exception& error) {
    refuse(layer, "{}: {}", key, error.what());
  }
}

void check_weights(const Layer& layer) {
  if (!layer.weight_law.empty()) check_law(layer, "weight_law", layer.weight_law);
  if (!layer.posterior.empty() && layer.posterior != "svdo") {
    refuse(layer, "posterior must be empty or \"svdo\", got \"{}\"", layer.posterior);
  }
  if (!layer.posterior.empty() && !layer.weight_law.empty()) {
    refuse(layer, "cannot have both a weight_law ({}) and a posterior ({})", layer.weight_law,
           layer.posterior);
  }
  if (!std::isfinite(layer.threshold)) refuse(layer, "threshold must be finite");
  if (!std::isfinite(layer.init_log_sigma2)) refuse(layer, "init_log_sigma2 must be finite");
}

Shape linear_output(const Layer& layer, const Shape& in) {
  check_size(layer, "in", layer.in, 1);
  check_size(layer, "out", layer.out, 1);
  check_weights(layer);
  if (in.size() != 1) {
    refuse(layer, "expected a row of {} numbers, got an image {}: put flatten before it", layer.in,
           shape_text(in));
  }
  if (in[0] != layer.in) refuse(layer, "expected {} inputs, got {}", layer.in, in[0]);
  return {layer.out};
}

void check_image(const Layer& layer, const Shape& in) {
  if (in.size() != 3) refuse(layer, "expected an image (C, H, W), got {}", shape_text(in));
}

/// Positions of a window along one side.
std::size_t windows(const Layer& layer, std::size_t side) {
  check_size(layer, "stride", layer.stride, 1);
  check_size(layer, "padding", layer.padding, 0);
  const std::size_t padded = side + 2 * layer.padding;
  if (padded < layer.kernel) {
    refuse(layer, "a window of {0}x{0} does not fit a side of {1}", layer.kernel, padded);
  }
  return (padded - layer.kernel) / layer.stride + 1;
}

Shape conv2d_output(const Layer& layer, const Shape& in) {
  check_size(layer, "in", layer.in, 1);
  check_size(layer, "out", layer.out, 1);
  check_size(layer, "kernel", layer.kernel, 1);
  check_weights(layer);
  check_image(layer, in);
  if (in[0] != layer.in) refuse(layer, "expected {} channels, got {}", layer.in, in[0]);
  return {layer.out, windows(layer, in[1]), windows(layer, in[2])};
}

Shape pool_output(const Layer& layer, const Shape& in) {
  check_size(layer, "kernel", layer.kernel, 0);
  check_image(layer, in);
  if (layer.padding > layer.kernel / 2) {
    refuse(layer, "padding must be at most half the kernel {}, got {}", layer.kernel,
           layer.padding);
  }
  if (layer.kernel == 0) return {in[0], 1, 1};
  return {in[0], windows(layer, in[1]), windows(layer, in[2])};
}

Shape batch_norm_output(const Layer& layer, const Shape& in) {
  check_size(layer, "in", layer.in, 1);
  if (!(std::isfinite(layer.eps) && layer.eps > 0)) {
    refuse(layer, "eps must be positive and finite, got {}", layer.eps);
  }
  if (in[0] != layer.in) refuse(layer, "expected {} channels, got {}", layer.in, in[0]);
  return in;
}

Shape same_output(const Layer&, const Shape& in) { return in; }

Shape leaky_relu_output(const Layer& layer, const Shape& in) {
  if (!std::isfinite(layer.slope)) refuse(layer, "slope must be finite, got {}", layer.slope);
  return in;
}

Shape flatten_output(const Layer&, const Shape& in) { return {elements(in)}; }

void check_columns(const Layer& layer, std::size_t columns) {
  if (layer.columns.empty()) {
    if (layer.width == columns) return;
    refuse(layer, "expected width {} (the columns that come), got {}", columns, layer.width);
  }
  if (layer.columns.size() != columns) {
    refuse(layer, "expected {} column numbers, got {}", columns, layer.columns.size());
  }
  std::int64_t previous = -1;
  for (const std::int64_t column : layer.columns) {
    if (column <= previous || static_cast<std::uint64_t>(column) >= layer.width) {
      refuse(layer, "column numbers must rise and stay below the width {}, got {} after {}",
             layer.width, column, previous);
    }
    previous = column;
  }
}

Shape noise_output(const Layer& layer, const Shape& in) {
  check_law(layer, "law", layer.law);
  if (layer.at == Site::channel) check_image(layer, in);
  check_size(layer, "width", layer.width, 1);
  check_columns(layer, site_columns(layer.at, in));
  return in;
}

std::vector<Parameter> weight_parameters(const Layer& layer, const Shape& weight) {
  std::vector<Parameter> out{{"weight", weight}};
  if (layer.bias) out.push_back({"bias", {layer.out}});
  if (layer.posterior == "svdo") out.push_back({"log_sigma2", weight});
  return out;
}

std::vector<Parameter> linear_parameters(const Layer& layer) {
  return weight_parameters(layer, {layer.out, layer.in});
}

std::vector<Parameter> conv2d_parameters(const Layer& layer) {
  return weight_parameters(layer, {layer.out, layer.in, layer.kernel, layer.kernel});
}

std::vector<Parameter> batch_norm_parameters(const Layer& layer) {
  return {{"weight", {layer.in}},
          {"bias", {layer.in}},
          {"running_mean", {layer.in}, false},
          {"running_var", {layer.in}, false}};
}

LayerKind activation(std::string_view name, std::string_view summary) {
  return {name, name, summary, "any -> the same", {}, {}, same_output, nullptr};
}

std::vector<LayerKind> make_kinds() {
  return {
      {"linear",
       "linear",
       "y = W x + b",
       "(in) -> (out)",
       {"in", "out"},
       {"bias", "weight_law", "posterior", "threshold", "init_log_sigma2"},
       linear_output,
       linear_parameters},
      {"conv2d",
       "conv",
       "cross-correlation with square windows",
       "(in, H, W) -> (out, H', W')",
       {"in", "out", "kernel"},
       {"stride", "padding", "bias", "weight_law", "posterior", "threshold", "init_log_sigma2"},
       conv2d_output,
       conv2d_parameters},
      {"batch_norm",
       "bn",
       "(x - mean) / sqrt(var + eps) * weight + bias, per channel",
       "(in) or (in, H, W) -> the same",
       {"in"},
       {"eps"},
       batch_norm_output,
       batch_norm_parameters},
      activation("relu", "max(x, 0)"),
      {"leaky_relu",
       "leaky_relu",
       "x, or slope x where x < 0",
       "any -> the same",
       {},
       {"slope"},
       leaky_relu_output,
       nullptr},
      activation("tanh", "tanh(x)"),
      activation("sigmoid", "1 / (1 + exp(-x))"),
      activation("gelu", "x (1 + erf(x / sqrt(2))) / 2"),
      activation("silu", "x / (1 + exp(-x))"),
      activation("elu", "x, or exp(x) - 1 where x < 0"),
      activation("hard_tanh", "x cut to [-1, 1]"),
      activation("sine", "sin(x)"),
      activation("erf", "erf(x)"),
      {"max_pool",
       "pool",
       "largest of each square window; kernel 0: of the whole channel",
       "(C, H, W) -> (C, H', W')",
       {"kernel", "stride"},
       {"padding"},
       pool_output,
       nullptr},
      {"avg_pool",
       "pool",
       "mean of each square window; kernel 0: of the whole channel",
       "(C, H, W) -> (C, H', W')",
       {"kernel", "stride"},
       {"padding"},
       pool_output,
       nullptr},
      {"flatten",
       "flatten",
       "an image as a row",
       "(C, H, W) -> (C H W)",
       {},
       {},
       flatten_output,
       nullptr},
      {"residual",
       "block",
       "shortcut(x) + branch(x); no shortcut: the identity",
       "any -> the branch's",
       {"branch"},
       {"shortcut"},
       nullptr,
       nullptr},
      {"noise",
       "noise",
       "x z or x + z, one draw of a law a unit, channel or row",
       "any -> the same; at channel (C, H, W)",
       {"law", "width"},
       {"at", "mode", "columns"},
       noise_output,
       nullptr},
  };
}

}  // namespace

const std::vector<LayerKind>& layer_kinds() {
  static const std::vector<LayerKind> kinds = make_kinds();
  return kinds;
}

const LayerKind& layer_kind(std::string_view type) {
  for (const LayerKind& kind : layer_kinds()) {
    if (kind.name == type) return kind;
  }
  std::vector<std::string> names;
  for (const LayerKind& kind : layer_kinds()) names.emplace_back(kind.name);
  throw std::invalid_argument(fmt::format("unknown layer type '{}'{} (known: {})", type,
                                          did_you_mean(type, names), fmt::join(names, ", ")));
}

bool has_weights(const Layer& layer) { return layer.type == "linear" || layer.type == "conv2d"; }

double multiplications(const Layer& layer, const Shape& in) {
  if (!has_weights(layer)) return 0;
  const std::size_t window = layer.type == "conv2d" ? layer.kernel * layer.kernel : 1;
  return static_cast<double>(layer.in * window * elements(output_shape(layer, in)));
}

std::string shape_text(const Shape& shape) { return fmt::format("({})", fmt::join(shape, ", ")); }

const std::string& label(const Layer& layer) {
  return layer.name.empty() ? layer.type : layer.name;
}

}  // namespace scalemix::inline v0::model
