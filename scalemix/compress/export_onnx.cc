#include "scalemix/compress/export_onnx.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <optional>
#include <vector>

#include "scalemix/base/error.h"
#include "scalemix/compress/graph.h"
#include "scalemix/compress/protobuf.h"

namespace scalemix::inline v0::compress {
namespace {

using kernel::Activation;
using model::elements;
using model::Shape;
using Kind = Step::Kind;

constexpr int kOpset = 13, kIrVersion = 8;
constexpr int kFloat = 1, kInt64 = 7;                                      // TensorProto.DataType
constexpr int kAttributeFloat = 1, kAttributeInt = 2, kAttributeInts = 7;  // AttributeProto.Type

Message attribute(const char* name, std::int64_t value) {
  return Message().text(1, name).number(3, value).number(20, kAttributeInt);
}
Message attribute(const char* name, float value) {
  return Message().text(1, name).real(2, value).number(20, kAttributeFloat);
}
Message attribute(const char* name, const std::vector<std::int64_t>& values) {
  Message out;
  out.text(1, name);
  for (const std::int64_t v : values) out.number(8, v);
  return out.number(20, kAttributeInts);
}

/// (rows, shape): rows is a name.
Message value_info(const std::string& name, const Shape& shape) {
  Message dims;
  dims.message(1, Message().text(2, "rows"));
  for (const std::size_t side : shape) {
    dims.message(1, Message().number(1, static_cast<std::int64_t>(side)));
  }
  const Message tensor = Message().number(1, kFloat).message(2, dims);
  return Message().text(1, name).message(2, Message().message(1, tensor));
}

std::vector<std::int64_t> sides(const Shape& shape) { return {shape.begin(), shape.end()}; }

class Writer {
 public:
  explicit Writer(const Graph& graph) : g_(graph) {}

  std::string write() {
    graph_inputs_.push_back(value_info("x", g_.values[0]));
    names_.resize(g_.values.size());
    names_[0] = standardise();
    for (const Step& step : g_.steps) names_[step.y] = emit(step);
    const Shape flat{elements(g_.values.back())};
    const std::string& last = names_.back();
    const std::string output = finish(g_.values.back() == flat ? last : reshaped(last, flat));
    Message graph;
    for (const Message& node : nodes_) graph.message(1, node);
    graph.text(2, "scalemix");
    for (const Message& tensor : initializers_) graph.message(5, tensor);
    for (const Message& input : graph_inputs_) graph.message(11, input);
    graph.message(12, value_info(output, {elements(g_.values.back())}));
    Message out;
    out.number(1, kIrVersion).text(2, "scalemix").message(7, graph);
    out.message(8, Message().text(1, "").number(2, kOpset));
    for (const auto& [key, value] : metadata_) {
      out.message(14, Message().text(1, key).text(2, value));
    }
    return out.bytes();
  }

 private:
  using Names = std::vector<std::string>;

  std::string fresh() { return fmt::format("v{}", count_++); }

  std::string node(const char* op, const Names& inputs, const std::vector<Message>& attributes = {},
                   std::string output = "") {
    Message out;
    for (const std::string& input : inputs) out.text(1, input);
    if (output.empty()) output = fresh();
    out.text(2, output).text(3, fmt::format("{}_{}", op, nodes_.size())).text(4, op);
    for (const Message& a : attributes) out.message(5, a);
    nodes_.push_back(std::move(out));
    return output;
  }

  std::string tensor(const std::vector<float>& values, const std::vector<std::int64_t>& shape) {
    const std::string name = fmt::format("w{}", initializers_.size());
    Message out;
    for (const std::int64_t side : shape) out.number(1, side);
    out.number(2, kFloat).text(8, name);
    out.text(9, {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float)});
    initializers_.push_back(std::move(out));
    return name;
  }
  std::string scalar(float value) { return tensor({value}, {}); }
  std::string integers(const std::vector<std::int64_t>& values) {
    const std::string name = fmt::format("w{}", initializers_.size());
    Message out;
    out.number(1, static_cast<std::int64_t>(values.size())).number(2, kInt64).text(8, name);
    out.text(9,
             {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(std::int64_t)});
    initializers_.push_back(std::move(out));
    return name;
  }

  std::string reshaped(const std::string& x, const Shape& shape) {
    std::vector<std::int64_t> to{-1};
    for (const std::size_t side : shape) to.push_back(static_cast<std::int64_t>(side));
    return node("Reshape", {x, integers(to)});
  }

  /// (x - mean) / scale, 0 where x is NaN.
  std::string standardise() {
    const model::Preprocessing& p = g_.model.preprocessing;
    const std::string missing = node("IsNaN", {"x"});
    std::string x = "x";
    if (!p.mean.empty()) {
      x = node("Sub", {x, tensor(p.mean, sides(g_.values[0]))});
      x = node("Div", {x, tensor(p.scale, sides(g_.values[0]))});
    }
    return node("Where", {missing, scalar(0), x});
  }

  std::string finish(const std::string& y) {
    const model::Preprocessing& p = g_.model.preprocessing;
    if (g_.model.spec.task == Task::regression) {
      const std::string scaled = node("Mul", {y, scalar(static_cast<float>(p.target_scale))});
      return node("Add", {scaled, scalar(static_cast<float>(p.target_mean))}, {}, "mean");
    }
    metadata_.emplace_back(
        "classes",
        nlohmann::json(p.classes).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
    std::string cooled = y;
    if (p.calibration.temperature != 1) {
      cooled = node("Div", {y, scalar(static_cast<float>(p.calibration.temperature))});
    }
    return node("Softmax", {cooled}, {attribute("axis", std::int64_t{1})}, "probabilities");
  }

  std::string activation(const Step& step, const std::string& x) {
    const auto a = static_cast<float>(step.slope);
    switch (step.activation) {
      case Activation::identity:
        return x;
      case Activation::relu:
        return node("Relu", {x});
      case Activation::leaky_relu:
        return node("LeakyRelu", {x}, {attribute("alpha", a)});
      case Activation::tanh:
        return node("Tanh", {x});
      case Activation::sigmoid:
        return node("Sigmoid", {x});
      case Activation::gelu: {
        const std::string erf = node("Erf", {node("Mul", {x, scalar(0.70710678f)})});
        return node("Mul", {node("Mul", {x, scalar(0.5f)}), node("Add", {erf, scalar(1)})});
      }
      case Activation::silu:
        return node("Mul", {x, node("Sigmoid", {x})});
      case Activation::elu:
        return node("Elu", {x});
      case Activation::selu:
        return node("Selu", {x});
      case Activation::hard_tanh:
        return node("Clip", {x, scalar(-1), scalar(1)});
      case Activation::sine:
        return node("Sin", {x});
      case Activation::erf:
        return node("Erf", {node("Mul", {x, scalar(a)})});
    }
    throw ConfigError("export: an activation without a form in ONNX");
  }

  std::vector<Message> window(const Step& step) const {
    const auto k = static_cast<std::int64_t>(step.kernel),
               s = static_cast<std::int64_t>(step.stride),
               p = static_cast<std::int64_t>(step.padding);
    return {attribute("kernel_shape", std::vector{k, k}), attribute("strides", std::vector{s, s}),
            attribute("pads", std::vector{p, p, p, p})};
  }

  std::string emit(const Step& step) {
    const std::string& from = names_[step.x];
    // Values that lie the same may have another shape behind flatten.
    const Shape& had = g_.values[step.x];
    const std::string x = had == step.in ? from : reshaped(from, step.in);
    const std::vector<std::int64_t> whole = sides(step.in);
    const auto channels = static_cast<std::int64_t>(step.in[0]);
    switch (step.kind) {
      case Kind::product: {
        const std::string row = step.in.size() == 1 ? x : reshaped(x, {elements(step.in)});
        const auto out = static_cast<std::int64_t>(step.out[0]),
                   in = static_cast<std::int64_t>(elements(step.in));
        return node("Gemm", {row, tensor(step.w, {out, in}), tensor(step.b, {out})},
                    {attribute("transB", std::int64_t{1})});
      }
      case Kind::conv: {
        const auto k = static_cast<std::int64_t>(step.kernel),
                   out = static_cast<std::int64_t>(step.out[0]);
        return node("Conv", {x, tensor(step.w, {out, channels, k, k}), tensor(step.b, {out})},
                    window(step));
      }
      case Kind::scale: {
        const bool of_channel = step.w.size() == step.in[0];
        std::vector<std::int64_t> shape = whole;
        for (std::size_t i = 1; of_channel && i < shape.size(); ++i) shape[i] = 1;
        return node("Add", {node("Mul", {x, tensor(step.w, shape)}), tensor(step.b, shape)});
      }
      case Kind::activation:
        return activation(step, x);
      case Kind::max_pool:
        return node("MaxPool", {x}, window(step));
      case Kind::avg_pool: {
        std::vector<Message> attributes = window(step);
        attributes.push_back(attribute("count_include_pad", std::int64_t{1}));
        return node("AveragePool", {x}, attributes);
      }
      case Kind::max_plane:
      case Kind::mean_plane: {
        const char* op = step.kind == Kind::max_plane ? "GlobalMaxPool" : "GlobalAveragePool";
        return reshaped(node(op, {x}), step.out);
      }
      case Kind::row_norm:
        return row_norm(step, x);
      case Kind::add:
        return node("Add", {x, names_[step.other]});
      case Kind::noise:
        return noise(step, x);
    }
    throw ConfigError("export: a step without a form in ONNX");
  }

  std::string row_norm(const Step& step, const std::string& x) {
    const auto n = static_cast<std::int64_t>(elements(step.in));
    const std::string row = reshaped(x, {elements(step.in)});
    const std::vector<Message> axes{attribute("axes", std::vector<std::int64_t>{1})};
    const std::string off = node("Sub", {row, node("ReduceMean", {row}, axes)});
    const std::string var = node("ReduceMean", {node("Mul", {off, off})}, axes);
    const std::string sd = node("Sqrt", {node("Add", {var, scalar(static_cast<float>(step.eps))})});
    const std::string scaled = node("Mul", {node("Div", {off, sd}), tensor(step.w, {n})});
    return reshaped(node("Add", {scaled, tensor(step.b, {n})}), step.in);
  }

  std::string noise(const Step& step, const std::string& x) {
    Shape shape{step.columns};
    if (step.columns == elements(step.in)) {
      shape = step.in;
    } else if (step.in.size() == 3) {
      shape = {step.columns, 1, 1};
    }
    graph_inputs_.push_back(value_info(step.name, shape));
    metadata_.emplace_back("noise " + step.name, step.law);
    return node("Mul", {x, step.name});
  }

  const Graph& g_;
  Names names_;  // of each value
  std::vector<Message> nodes_, initializers_, graph_inputs_;
  std::vector<std::pair<std::string, std::string>> metadata_;
  std::size_t count_ = 0;
};

}  // namespace

std::string export_onnx(const model::Model& model, bool noise) {
  const Graph graph = graph_of(model, noise);
  return Writer(graph).write();
}

}  // namespace scalemix::inline v0::compress
