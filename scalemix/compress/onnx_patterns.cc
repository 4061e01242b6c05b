// Functions that exporters spell out in several nodes.

#include <cmath>
#include <limits>
#include <numbers>

#include "scalemix/compress/onnx_attributes.h"
#include "scalemix/compress/onnx_step.h"

namespace scalemix::inline v0::compress {
namespace {

/// Whether `value` is a constant near `number`.
bool is_scalar(const OnnxNet& net, const std::string& value, double number) {
  return std::abs(scalar_of(net, value) - number) <= 1e-5 * std::abs(number);
}

/// Calls f(one input, the other) both ways round, until one is true. False if `node` is null or has not
/// two inputs.
template <class F>
bool either_way(const OnnxNode* node, const F& f) {
  if (!node || node->inputs.size() != 2) return false;
  return f(node->inputs[0], node->inputs[1]) || f(node->inputs[1], node->inputs[0]);
}

/// The x of x / sqrt 2; "" where `value` is something else.
std::string over_root_two(const OnnxNet& net, const std::string& value) {
  const OnnxNode* div = net.giver(value, "Div");
  if (div && div->inputs.size() == 2 && is_scalar(net, div->inputs[1], std::numbers::sqrt2)) {
    return div->inputs[0];
  }
  std::string out;
  either_way(net.giver(value, "Mul"), [&](const std::string& x, const std::string& by) {
    const bool is = is_scalar(net, by, 1 / std::numbers::sqrt2);
    if (is) out = x;
    return is;
  });
  return out;
}

/// The x of 1 + erf(x / sqrt 2).
std::string gate_of(const OnnxNet& net, const std::string& value) {
  std::string out;
  either_way(net.giver(value, "Add"), [&](const std::string& of, const std::string& one) {
    const OnnxNode* erf = net.giver(of, "Erf");
    if (!erf || erf->inputs.size() != 1 || !is_scalar(net, one, 1)) return false;
    out = over_root_two(net, erf->inputs[0]);
    return !out.empty();
  });
  return out;
}

void become(const OnnxNode& node, const char* type, const std::string& source, OnnxStep& out) {
  out = {.node = &node, .kind = OnnxStep::Kind::layer, .source = source, .layer = {.type = type}};
}

}  // namespace

double scalar_of(const OnnxNet& net, const std::string& value) {
  const OnnxTensor* tensor = net.constant(value);
  const double none = std::numeric_limits<double>::quiet_NaN();
  if (!tensor || tensor->type != kOnnxFloat) return none;
  for (const std::int64_t side : tensor->dims) {
    if (side != 1) return none;
  }
  return tensor->floats().front();
}

/// Three factors, in any order: x, 1 + erf(x / sqrt 2), 1/2.
bool read_gelu(const OnnxNet& net, const OnnxNode& node, OnnxStep& out) {
  std::string source;
  const auto is_gelu = [&](const std::string& x, const std::string& gate) {
    source = gate_of(net, gate);
    return !source.empty() && source == x;
  };
  const bool found = either_way(&node, [&](const std::string& a, const std::string& b) {
    // (x gate) / 2
    if (is_scalar(net, b, 0.5) && either_way(net.giver(a, "Mul"), is_gelu)) return true;
    return either_way(net.giver(a, "Mul"), [&](const std::string& inner, const std::string& half) {
      // (x / 2) gate, or (gate / 2) x
      return is_scalar(net, half, 0.5) && (is_gelu(inner, b) || is_gelu(b, inner));
    });
  });
  if (found) become(node, "gelu", source, out);
  return found;
}

bool read_silu(const OnnxNet& net, const OnnxNode& node, OnnxStep& out) {
  return either_way(&node, [&](const std::string& x, const std::string& gate) {
    const OnnxNode* sigmoid = net.giver(gate, "Sigmoid");
    if (!sigmoid || sigmoid->inputs.size() != 1 || sigmoid->inputs[0] != x) return false;
    become(node, "silu", x, out);
    return true;
  });
}

namespace {

/// The x of x - mean(x), with the axis of the mean; "" where `value` is something else.
std::string centred(const OnnxNet& net, const std::string& value, std::int64_t& axis) {
  const OnnxNode* sub = net.giver(value, "Sub");
  if (!sub || sub->inputs.size() != 2) return {};
  const OnnxNode* mean = net.giver(sub->inputs[1], "ReduceMean");
  if (!mean || mean->inputs.empty() || mean->inputs[0] != sub->inputs[0]) return {};
  const std::vector<std::int64_t> axes = reduced_axes(net, *mean);
  if (axes.size() != 1 || number_of(*mean, "keepdims", 1) != 1) return {};
  axis = axes[0];
  return sub->inputs[0];
}

/// Whether `value` is off off, or off to the power 2.
bool is_square(const OnnxNet& net, const std::string& value, const std::string& off) {
  const OnnxNode* node = net.giver(value);
  if (!node || node->inputs.size() != 2 || node->inputs[0] != off) return false;
  if (node->op == "Mul") return node->inputs[1] == off;
  return node->op == "Pow" && is_scalar(net, node->inputs[1], 2);
}

}  // namespace

bool read_norm(const OnnxNet& net, const OnnxNode& node, OnnxStep& out) {
  if (node.inputs.size() != 2) return false;
  const OnnxNode* root = net.giver(node.inputs[1], "Sqrt");
  std::int64_t axis = 0, same = 0;
  const std::string source = centred(net, node.inputs[0], axis);
  if (!root || root->inputs.size() != 1 || source.empty()) return false;
  return either_way(
      net.giver(root->inputs[0], "Add"), [&](const std::string& var, const std::string& eps) {
        const OnnxNode* mean = net.giver(var, "ReduceMean");
        if (!mean || mean->inputs.empty() || !(scalar_of(net, eps) > 0)) return false;
        const std::vector<std::int64_t> axes = reduced_axes(net, *mean);
        same = axes.size() == 1 && number_of(*mean, "keepdims", 1) == 1 ? axes[0] : axis + 1;
        if (same != axis || !is_square(net, mean->inputs[0], node.inputs[0])) return false;
        out = {.node = &node,
               .kind = OnnxStep::Kind::norm,
               .source = source,
               .layer = {.type = "layer_norm", .eps = scalar_of(net, eps)},
               .axis = axis};
        return true;
      });
}

bool read_missing(const OnnxNet& net, const OnnxNode& node, OnnxStep& out) {
  if (node.inputs.size() != 3) return false;
  const OnnxNode* missing = net.giver(node.inputs[0], "IsNaN");
  if (!missing || missing->inputs.size() != 1 || missing->inputs[0] != net.input().name ||
      scalar_of(net, node.inputs[1]) != 0) {
    return false;
  }
  out = {.node = &node, .kind = OnnxStep::Kind::missing, .source = node.inputs[2]};
  return true;
}

}  // namespace scalemix::inline v0::compress
