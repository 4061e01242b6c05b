// The operators of ONNX that have a layer: one row of a table each.

#include <algorithm>
#include <cmath>

#include "scalemix/base/known.h"
#include "scalemix/compress/onnx_attributes.h"
#include "scalemix/compress/onnx_step.h"
#include "scalemix/model/build.h"
#include "scalemix/model/layer_kind.h"
#include "scalemix/model/noise.h"

namespace scalemix::inline v0::compress {
namespace {

using Kind = OnnxStep::Kind;

// ------------------------------------------------------------------------------ activations

template <const char* type>
OnnxStep activation(const OnnxNet&, const OnnxNode& node) {
  return layer_step(node, model::activation(type));
}
// Arguments of templates need names of their own.
constexpr char kRelu[] = "relu", kTanh[] = "tanh", kSigmoid[] = "sigmoid", kErf[] = "erf",
               kSin[] = "sine";

OnnxStep leaky_relu(const OnnxNet&, const OnnxNode& node) {
  return layer_step(node, model::activation("leaky_relu", real_of(node, "alpha", 0.01f)));
}

OnnxStep elu(const OnnxNet&, const OnnxNode& node) {
  expect_real(node, "alpha", 1);
  return layer_step(node, model::activation("elu"));
}

OnnxStep selu(const OnnxNet&, const OnnxNode& node) {
  expect_real(node, "alpha", 1.67326319f);
  expect_real(node, "gamma", 1.05070102f);
  return layer_step(node, model::activation("selu"));
}

OnnxStep gelu(const OnnxNet&, const OnnxNode& node) {
  const std::string_view approximate = text_of(node, "approximate", "none");
  if (approximate != "none") refuse(node, "expected approximate none, got {}", approximate);
  return layer_step(node, model::activation("gelu"));
}

/// A limit of Clip: an input, before opset 11 an attribute.
double limit_of(const OnnxNet& net, const OnnxNode& node, std::size_t input, const char* name,
                double otherwise) {
  const std::string value = optional_input_of(node, input);
  if (!value.empty()) return scalar_of(net, value);
  return real_of(node, name, static_cast<float>(otherwise));
}

OnnxStep clip(const OnnxNet& net, const OnnxNode& node) {
  const double lo = limit_of(net, node, 1, "min", -HUGE_VAL),
               hi = limit_of(net, node, 2, "max", HUGE_VAL);
  if (lo == 0 && hi >= HUGE_VALF) return layer_step(node, model::relu());
  if (lo != -1 || hi != 1) refuse(node, "expected limits -1 and 1, got {} and {}", lo, hi);
  return layer_step(node, model::activation("hard_tanh"));
}

OnnxStep no_softmax(const OnnxNet&, const OnnxNode& node) {
  refuse(node, "may stand only at the end, where a model of classes applies it by itself");
}

// ------------------------------------------------------------------------------ pools and shapes

OnnxStep pool(const OnnxNode& node, const char* type) {
  model::Layer layer{.type = type};
  if (node.attributes.count("kernel_shape") == 0) refuse(node, "expected kernel_shape");
  read_window(node, same_number_of(node, "kernel_shape", 2, 0, 1), layer);
  return layer_step(node, std::move(layer));
}

OnnxStep max_pool(const OnnxNet&, const OnnxNode& node) { return pool(node, "max_pool"); }

OnnxStep average_pool(const OnnxNet&, const OnnxNode& node) {
  OnnxStep step = pool(node, "avg_pool");
  if (step.layer.padding != 0) expect_number(node, "count_include_pad", 1, 0);
  return step;
}

OnnxStep global_max_pool(const OnnxNet&, const OnnxNode& node) {
  return layer_step(node, model::max_pool(0));
}
OnnxStep global_average_pool(const OnnxNet&, const OnnxNode& node) {
  return layer_step(node, model::avg_pool(0));
}

/// Of height and width: GlobalAveragePool, perhaps as a row.
OnnxStep reduce_mean(const OnnxNet& net, const OnnxNode& node) {
  const std::vector<std::int64_t> axes = reduced_axes(net, node);
  const bool plane = axes == std::vector<std::int64_t>{2, 3} ||
                     axes == std::vector<std::int64_t>{-2, -1} ||
                     axes == std::vector<std::int64_t>{-1, -2};
  if (!plane) refuse(node, "expected the axes 2 and 3 (height and width), or layer normalisation");
  OnnxStep step = global_average_pool(net, node);
  step.flat = number_of(node, "keepdims", 1) == 0;
  return step;
}

OnnxStep flatten(const OnnxNet&, const OnnxNode& node) {
  expect_number(node, "axis", 1, 1);
  return plain_step(node, Kind::flatten);
}

/// "rows" in a shape that nodes compute: element 0 of the shape of something.
bool is_row_count(const OnnxNet& net, const std::string& value) {
  const OnnxNode* node = net.giver(value);
  if (node && (node->op == "Unsqueeze" || node->op == "Reshape") && !node->inputs.empty()) {
    node = net.giver(node->inputs[0]);
  }
  if (!node || node->op != "Gather" || node->inputs.size() != 2) return false;
  const OnnxTensor* index = net.constant(node->inputs[1]);
  if (!index || index->whole_numbers() != std::vector<std::int64_t>{0}) return false;
  return net.giver(node->inputs[0], "Shape") != nullptr;
}

OnnxStep reshape(const OnnxNet& net, const OnnxNode& node) {
  OnnxStep step = plain_step(node, Kind::reshape);
  const std::string& target = input_of(node, 1);
  if (const OnnxTensor* constant = net.constant(target)) {
    step.target = constant->whole_numbers();
    const bool zero = std::count(step.target.begin(), step.target.end(), 0) != 0;
    if (zero) expect_number(node, "allowzero", 0, 0);
    return step;
  }
  const OnnxNode* concat = net.giver(target, "Concat");
  if (!concat) refuse(node, "expected a constant shape, got '{}'", target);
  for (const std::string& part : concat->inputs) {
    if (const OnnxTensor* constant = net.constant(part)) {
      const std::vector<std::int64_t> sides = constant->whole_numbers();
      step.target.insert(step.target.end(), sides.begin(), sides.end());
    } else if (step.target.empty() && is_row_count(net, part)) {
      step.target.push_back(0);
    } else {
      refuse(node, "expected a constant shape behind the rows, got '{}'", part);
    }
  }
  return step;
}

OnnxStep identity(const OnnxNet&, const OnnxNode& node) { return plain_step(node, Kind::nothing); }

/// p of the file, 0.5 where it does not say. `width` comes with the shape.
OnnxStep dropout(const OnnxNet& net, const OnnxNode& node) {
  const std::string ratio = optional_input_of(node, 1);
  const double p = ratio.empty() ? real_of(node, "ratio", 0.5f) : scalar_of(net, ratio);
  if (p == 0) return plain_step(node, Kind::nothing);
  if (!(p > 0 && p < 1)) refuse(node, "expected a constant ratio in [0, 1), got {}", p);
  OnnxStep step = layer_step(node, {.type = "noise"});
  const std::string law = fmt::format("bernoulli:p={}", static_cast<float>(p));
  step.layer.noise.push_back(model::noise_of("multiply", law));
  return step;
}

// ------------------------------------------------------------------------------ arithmetic

/// A step with the constant among two inputs; `either`: it may be the first.
bool with_constant(const OnnxNet& net, const OnnxNode& node, Kind kind, bool inverse, bool either,
                   OnnxStep& out) {
  if (node.inputs.size() != 2) refuse(node, "expected 2 inputs, got {}", node.inputs.size());
  for (const std::size_t at : {std::size_t{1}, std::size_t{0}}) {
    const OnnxTensor* constant = net.constant(node.inputs[at]);
    if (!constant || (at == 0 && !either)) continue;
    out = {.node = &node, .kind = kind, .source = node.inputs[1 - at], .inverse = inverse};
    out.values = constant->floats();
    out.dims = constant->dims;
    return true;
  }
  return false;
}

OnnxStep add(const OnnxNet& net, const OnnxNode& node) {
  OnnxStep step;
  if (with_constant(net, node, Kind::shift, false, true, step)) return step;
  step = plain_step(node, Kind::residual);
  step.other = input_of(node, 1);
  return step;
}

OnnxStep subtract(const OnnxNet& net, const OnnxNode& node) {
  OnnxStep step;
  if (with_constant(net, node, Kind::shift, true, false, step)) return step;
  refuse(node, "expected a constant to take away, got '{}'", node.inputs[1]);
}

OnnxStep multiply(const OnnxNet& net, const OnnxNode& node) {
  OnnxStep step;
  if (with_constant(net, node, Kind::scale, false, true, step)) return step;
  if (read_silu(net, node, step)) return step;
  for (const std::size_t at : {std::size_t{1}, std::size_t{0}}) {
    const OnnxValue* draws = net.noise(node.inputs[at]);
    if (!draws) continue;
    step = {.node = &node, .kind = Kind::noise, .source = node.inputs[1 - at], .draws = draws};
    return step;
  }
  refuse(node, "expected a constant, noise, x sigmoid(x) or gelu, got '{}' times '{}'",
         node.inputs[0], node.inputs[1]);
}

OnnxStep divide(const OnnxNet& net, const OnnxNode& node) {
  OnnxStep step;
  if (with_constant(net, node, Kind::scale, true, false, step)) return step;
  refuse(node, "expected a constant to divide by, got '{}'", node.inputs[1]);
}

OnnxStep where(const OnnxNet&, const OnnxNode& node) {
  refuse(node, "expected 0 where the input is NaN and what comes else");
}

struct Operator {
  std::string_view name;
  OnnxStep (*read)(const OnnxNet&, const OnnxNode&);
  // Tried first: whether the node ends a function that several nodes spell out.
  bool (*pattern)(const OnnxNet&, const OnnxNode&, OnnxStep&) = nullptr;
};

constexpr Operator kOperators[] = {
    {"Add", add},
    {"AveragePool", average_pool},
    {"BatchNormalization", read_batch_normalization},
    {"Clip", clip},
    {"Conv", read_conv},
    {"Div", divide, read_norm},
    {"Dropout", dropout},
    {"Elu", elu},
    {"Erf", activation<kErf>},
    {"Flatten", flatten},
    {"Gelu", gelu},
    {"Gemm", read_gemm},
    {"GlobalAveragePool", global_average_pool},
    {"GlobalMaxPool", global_max_pool},
    {"Identity", identity},
    {"LayerNormalization", read_layer_normalization},
    {"LeakyRelu", leaky_relu},
    {"LogSoftmax", no_softmax},
    {"MatMul", read_matmul},
    {"MaxPool", max_pool},
    {"Mul", multiply, read_gelu},
    {"ReduceMean", reduce_mean},
    {"Relu", activation<kRelu>},
    {"Reshape", reshape},
    {"Selu", selu},
    {"Sigmoid", activation<kSigmoid>},
    {"Sin", activation<kSin>},
    {"Softmax", no_softmax},
    {"Sub", subtract},
    {"Tanh", activation<kTanh>},
    {"Where", where, read_missing},
};

}  // namespace

OnnxStep layer_step(const OnnxNode& node, model::Layer layer) {
  return {
      .node = &node, .kind = Kind::layer, .source = input_of(node, 0), .layer = std::move(layer)};
}

OnnxStep plain_step(const OnnxNode& node, OnnxStep::Kind kind) {
  return {.node = &node, .kind = kind, .source = input_of(node, 0)};
}

void read_window(const OnnxNode& node, std::size_t kernel, model::Layer& layer) {
  const std::string_view pad = text_of(node, "auto_pad", "NOTSET");
  if (pad != "NOTSET" && pad != "VALID") {
    refuse(node, "expected auto_pad NOTSET or VALID, got {}", pad);
  }
  expect_number(node, "ceil_mode", 0, 0);
  if (same_number_of(node, "dilations", 2, 1, 1) != 1) refuse(node, "expected dilations 1");
  layer.kernel = kernel;
  layer.stride = same_number_of(node, "strides", 2, 1, 1);
  layer.padding = pad == "VALID" ? 0 : same_number_of(node, "pads", 4, 0, 0);
}

OnnxStep read_step(const OnnxNet& net, const OnnxNode& node) {
  if (!node.domain.empty() && node.domain != "ai.onnx") {
    refuse(node, "expected an operator of ONNX itself, got one of '{}'", node.domain);
  }
  try {
    const Operator& row = find_row<std::invalid_argument>("operator", node.op, kOperators);
    OnnxStep step;
    if (row.pattern && row.pattern(net, node, step)) return step;
    return row.read(net, node);
  } catch (const OnnxNodeError&) {
    throw;
  } catch (const std::invalid_argument& error) {
    refuse(node, "{}", error.what());
  }
}

}  // namespace scalemix::inline v0::compress
