#include "scalemix/model/layer_kind.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "scalemix/base/known.h"
#include "scalemix/base/limits.h"
#include "scalemix/kernel/activation.h"
#include "scalemix/model/noise.h"

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

void check_no_pair(const Layer& layer, const Shape& in) {
  if (is_pair(in)) refuse(layer, "cannot take means and variances {}", shape_text(in));
}

bool carries_pairs(const Layer& layer) {
  const Noise* noise = drawn_noise(layer);
  return noise && noise_place(*noise, layer) == Where::pairs;
}

Shape linear_output(const Layer& layer, const Shape& in) {
  check_size(layer, "in", layer.in, 1);
  check_size(layer, "out", layer.out, 1);
  check_noise(layer);
  if (carries_pairs(layer)) {
    if (in.back() == layer.in && (in.size() == 1 || is_pair(in))) return {2, layer.out};
    refuse(layer, "expected {} inputs, or their means and variances, got {}", layer.in,
           shape_text(in));
  }
  check_no_pair(layer, in);
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

void check_side(const Layer& layer, std::string_view name, std::size_t value, std::size_t least) {
  if (value >= least && value <= kMostSide) return;
  refuse(layer, "{} must be in [{}, {}], got {}", name, least, kMostSide, value);
}

/// An image with the margin around it may be made as a whole.
void check_margin(const Layer& layer, const Shape& in) {
  check_side(layer, "padding", layer.padding, 0);
  const std::uint64_t margin = 2 * layer.padding;
  check_limit(Limit::numbers, fmt::format("{}, its margin counted,", label(layer)),
              times(in[0], times(in[1] + margin, in[2] + margin)));
}

/// Positions of a window along one side.
std::size_t windows(const Layer& layer, std::size_t side) {
  check_side(layer, "stride", layer.stride, 1);
  const std::size_t padded = side + 2 * layer.padding;
  if (padded < layer.kernel) {
    refuse(layer, "a window of {0}x{0} does not fit a side of {1}", layer.kernel, padded);
  }
  return (padded - layer.kernel) / layer.stride + 1;
}

Shape conv2d_output(const Layer& layer, const Shape& in) {
  check_size(layer, "in", layer.in, 1);
  check_size(layer, "out", layer.out, 1);
  check_side(layer, "kernel", layer.kernel, 1);
  check_noise(layer);
  check_image(layer, in);
  check_margin(layer, in);
  if (in[0] != layer.in) refuse(layer, "expected {} channels, got {}", layer.in, in[0]);
  return {layer.out, windows(layer, in[1]), windows(layer, in[2])};
}

Shape pool_output(const Layer& layer, const Shape& in) {
  check_side(layer, "kernel", layer.kernel, 0);
  check_image(layer, in);
  check_margin(layer, in);
  if (layer.padding > layer.kernel / 2) {
    refuse(layer, "padding must be at most half the kernel {}, got {}", layer.kernel,
           layer.padding);
  }
  if (layer.kernel == 0) return {in[0], 1, 1};
  return {in[0], windows(layer, in[1]), windows(layer, in[2])};
}

void check_eps(const Layer& layer) {
  check_size(layer, "in", layer.in, 1);
  if (!(std::isfinite(layer.eps) && layer.eps > 0)) {
    refuse(layer, "eps must be positive and finite, got {}", layer.eps);
  }
}

Shape batch_norm_output(const Layer& layer, const Shape& in) {
  check_eps(layer);
  check_no_pair(layer, in);
  if (in[0] != layer.in) refuse(layer, "expected {} channels, got {}", layer.in, in[0]);
  return in;
}

Shape layer_norm_output(const Layer& layer, const Shape& in) {
  check_eps(layer);
  check_no_pair(layer, in);
  if (elements(in) != layer.in)
    refuse(layer, "expected {} numbers, got {}", layer.in, elements(in));
  return in;
}

Shape activation_output(const Layer& layer, const Shape& in) {
  if (kernel::find_activation(layer.type) != kernel::Activation::relu) check_no_pair(layer, in);
  return in;
}

Shape sloped_output(const Layer& layer, const Shape& in) {
  check_no_pair(layer, in);
  if (!std::isfinite(layer.slope)) refuse(layer, "slope must be finite, got {}", layer.slope);
  return in;
}

Shape flatten_output(const Layer& layer, const Shape& in) {
  check_no_pair(layer, in);
  return {elements(in)};
}

Shape moments_output(const Layer& layer, const Shape& in) {
  if (!is_pair(in)) refuse(layer, "expected means and variances (2, K), got {}", shape_text(in));
  return {in[1]};
}

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
  check_no_pair(layer, in);
  if (layer.noise.size() != 1) refuse(layer, "expected one noise, got {}", layer.noise.size());
  check_noise(layer);
  if (layer.at == Site::channel) check_image(layer, in);
  check_size(layer, "width", layer.width, 1);
  check_columns(layer, site_columns(layer.at, in));
  return in;
}

std::vector<LayerTensor> weight_tensors(const Layer& layer) {
  std::vector<LayerTensor> out{{.name = "weight", .shape = weight_shape(layer), .decays = true}};
  if (layer.bias) out.push_back({.name = "bias", .shape = {layer.out}});
  return out;
}

std::vector<LayerTensor> layer_norm_tensors(const Layer& layer) {
  return {{.name = "weight", .shape = {layer.in}, .initial = 1},
          {.name = "bias", .shape = {layer.in}}};
}

std::vector<LayerTensor> batch_norm_tensors(const Layer& layer) {
  std::vector<LayerTensor> out = layer_norm_tensors(layer);
  out.push_back({.name = "running_mean", .shape = {layer.in}, .trained = false});
  out.push_back({.name = "running_var", .shape = {layer.in}, .trained = false, .initial = 1});
  return out;
}

/// A layer for every activation but the identity.
std::vector<LayerKind> activation_kinds() {
  std::vector<LayerKind> out;
  for (const kernel::ActivationRow& row : kernel::activations()) {
    if (row.activation == kernel::Activation::identity) continue;
    LayerKind kind{.name = row.name,
                   .prefix = row.name,
                   .summary = row.summary,
                   .shapes = "any -> the same",
                   .family = Family::activation,
                   .required = {},
                   .optional = {},
                   .output = activation_output};
    if (row.of_layer) {
      kind.optional = {"slope"};
      kind.output = sloped_output;
    }
    out.push_back(kind);
  }
  return out;
}

// clang-format off
std::vector<LayerKind> make_kinds() {
  std::vector<LayerKind> kinds{
      {.name = "linear", .prefix = "linear", .summary = "y = W x + b", .shapes = "(in) -> (out)",
       .family = Family::weighted, .required = {"in", "out"}, .optional = {"bias", "noise"},
       .output = linear_output, .tensors = weight_tensors},
      {.name = "conv2d", .prefix = "conv", .summary = "cross-correlation with square windows",
       .shapes = "(in, H, W) -> (out, H', W')",
       .family = Family::weighted, .required = {"in", "out", "kernel"},
       .optional = {"stride", "padding", "bias", "noise"},
       .output = conv2d_output, .tensors = weight_tensors, .windows = true},
      {.name = "batch_norm", .prefix = "bn",
       .summary = "(x - mean) / sqrt(var + eps) * weight + bias, per channel over the batch",
       .shapes = "(in) or (in, H, W) -> the same",
       .family = Family::norm, .required = {"in"}, .optional = {"eps"},
       .output = batch_norm_output, .tensors = batch_norm_tensors, .of_batch = true},
      {.name = "layer_norm", .prefix = "ln",
       .summary = "(x - mean) / sqrt(var + eps) * weight + bias, over the numbers of a row",
       .shapes = "any of in numbers -> the same",
       .family = Family::norm, .required = {"in"}, .optional = {"eps"},
       .output = layer_norm_output, .tensors = layer_norm_tensors},
      {.name = "max_pool", .prefix = "pool",
       .summary = "largest of each square window; kernel 0: of the whole channel",
       .shapes = "(C, H, W) -> (C, H', W')",
       .family = Family::pool, .required = {"kernel", "stride"}, .optional = {"padding"},
       .output = pool_output, .windows = true, .largest = true},
      {.name = "avg_pool", .prefix = "pool",
       .summary = "mean of each square window; kernel 0: of the whole channel",
       .shapes = "(C, H, W) -> (C, H', W')",
       .family = Family::pool, .required = {"kernel", "stride"}, .optional = {"padding"},
       .output = pool_output, .windows = true},
      {.name = "flatten", .prefix = "flatten", .summary = "an image as a row",
       .shapes = "(C, H, W) -> (C H W)",
       .family = Family::shape, .required = {}, .optional = {}, .output = flatten_output},
      {.name = "residual", .prefix = "block",
       .summary = "shortcut(x) + branch(x); no shortcut: the identity",
       .shapes = "any -> the branch's",
       .family = Family::residual, .required = {"branch"}, .optional = {"shortcut"},
       .output = nullptr},
      {.name = "noise", .prefix = "noise",
       .summary = "x z or x + z, one draw per unit, channel or row; or another kind of noise",
       .shapes = "any -> the same; at channel (C, H, W)",
       .family = Family::noise, .required = {"width"},
       .optional = {"law", "mode", "noise", "at", "columns"}, .output = noise_output},
      {.name = "fast_logits", .prefix = "logits",
       .summary = "m / sqrt(1 + pi v / 8): logits of expected probabilities (fast dropout)",
       .shapes = "(2, K) -> (K)",
       .family = Family::moments, .required = {}, .optional = {}, .output = moments_output,
       .logits = true},
      {.name = "fast_mean", .prefix = "mean",
       .summary = "means of a regression, whose variances count in its error (fast dropout)",
       .shapes = "(2, K) -> (K)",
       .family = Family::moments, .required = {}, .optional = {}, .output = moments_output},
  };
  const std::vector<LayerKind> activations = activation_kinds();
  kinds.insert(kinds.begin() + 4, activations.begin(), activations.end());
  return kinds;
}
// clang-format on

}  // namespace

const std::vector<LayerKind>& layer_kinds() {
  static const std::vector<LayerKind> kinds = make_kinds();
  return kinds;
}

const LayerKind& layer_kind(std::string_view type) {
  return find_row<std::invalid_argument>("layer type", type, layer_kinds());
}

bool is_pair(const Shape& shape) { return shape.size() == 2 && shape[0] == 2; }

bool has_weights(const Layer& layer) { return layer_kind(layer.type).family == Family::weighted; }

Shape weight_shape(const Layer& layer) {
  if (!layer_kind(layer.type).windows) return {layer.out, layer.in};
  return {layer.out, layer.in, layer.kernel, layer.kernel};
}

std::size_t weight_count(const Layer& layer) { return elements(weight_shape(layer)); }

double multiplications(const Layer& layer, const Shape& in) {
  if (!has_weights(layer)) return 0;
  const std::size_t places = elements(output_shape(layer, in)) / layer.out;
  return static_cast<double>(weight_count(layer) * places);
}

std::string shape_text(const Shape& shape) {
  if (shape.size() <= kMostListed) return fmt::format("({})", fmt::join(shape, ", "));
  const auto end = shape.begin() + static_cast<std::ptrdiff_t>(kMostListed);
  return fmt::format("({}, ... {} in all)", fmt::join(shape.begin(), end, ", "), shape.size());
}

const std::string& label(const Layer& layer) {
  return layer.name.empty() ? layer.type : layer.name;
}

}  // namespace scalemix::inline v0::model
