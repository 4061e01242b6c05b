#include "scalemix/compress/import_onnx.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "scalemix/base/error.h"
#include "scalemix/base/json_text.h"
#include "scalemix/compress/onnx_attributes.h"
#include "scalemix/compress/onnx_layers.h"
#include "scalemix/model/layer_kind.h"
#include "scalemix/model/spec_json.h"

namespace scalemix::inline v0::compress {
namespace {

using model::Shape;

// Memory that a file of a few bytes may ask for, for means and scales.
constexpr std::size_t kMostInputs = std::size_t{1} << 24;
constexpr std::size_t kMostNested = 48;  // residual blocks in each other; a spec allows 64

/// The steps between two values, residual blocks nested. Each node belongs to one step.
class Paths {
 public:
  explicit Paths(const OnnxNet& net) : net_(net) {}

  /// From the value `from` to the value `to`, which `reader` reads (or null).
  std::vector<OnnxStep> walk(const std::string& from, std::string to, const OnnxNode* reader,
                             std::size_t depth = 0) {
    std::vector<OnnxStep> out;
    while (to != from) {
      const OnnxNode* node = net_.giver(to);
      if (!node && reader) refuse(*reader, "reads '{}', which does not come from the input", to);
      if (!node) throw std::invalid_argument(fmt::format("no node gives '{}'", to));
      if (!used_.insert(node).second) refuse(*node, "lies on two paths, which a spec cannot share");
      OnnxStep step = read_step(net_, *node);
      if (step.kind == OnnxStep::Kind::residual) part(step, depth);
      if (of_rows(step.source) && net_.place(step.source) < net_.place(from)) {
        refuse(*node, "paths cross before it, where a spec has blocks in each other");
      }
      reader = node;
      to = step.source;
      out.push_back(std::move(step));
    }
    std::reverse(out.begin(), out.end());
    return out;
  }

 private:
  bool of_rows(const std::string& value) const {
    return net_.giver(value) || value == net_.input().name;
  }

  /// Fills the two sides of a sum, and where it starts.
  void part(OnnxStep& step, std::size_t depth) {
    if (depth >= kMostNested) {
      refuse(*step.node, "expected at most {} sums in each other", kMostNested);
    }
    for (const std::string& end : {step.source, step.other}) {
      if (!of_rows(end)) refuse(*step.node, "reads '{}', which does not come from the input", end);
    }
    const std::string fork = net_.fork(step.source, step.other);
    step.branch = walk(fork, step.source, step.node, depth + 1);
    step.shortcut = walk(fork, step.other, step.node, depth + 1);
    if (weights(step.shortcut) > weights(step.branch)) std::swap(step.branch, step.shortcut);
    if (step.branch.empty()) std::swap(step.branch, step.shortcut);
    step.source = fork;
  }

  /// Layers with weights: the branch of a block has more of them than its shortcut.
  static std::size_t weights(const std::vector<OnnxStep>& steps) {
    std::size_t n = 0;
    for (const OnnxStep& step : steps) {
      n += !step.tensors.empty() + weights(step.branch) + weights(step.shortcut);
    }
    return n;
  }

  const OnnxNet& net_;
  std::set<const OnnxNode*> used_;
};

Shape input_shape(const OnnxValue& input, const Shape& asked) {
  const std::string got = fmt::format("({})", fmt::join(input.dims, ", "));
  if (input.type != kOnnxFloat) {
    throw std::invalid_argument(fmt::format("input '{}': expected float32 (data type {}), got {}",
                                            input.name, kOnnxFloat, input.type));
  }
  if (input.dims.size() != 2 && input.dims.size() != 4) {
    throw std::invalid_argument(
        fmt::format("input '{}': expected (rows, K) or (rows, C, H, W), got {}", input.name, got));
  }
  Shape shape;
  for (std::size_t i = 1; i < input.dims.size(); ++i) {
    const std::int64_t side = input.dims[i];
    const bool fits = asked.size() + 1 == input.dims.size();
    const bool open = side == kOpenDimension && fits;
    if (!open && side < 1) {
      throw std::invalid_argument(fmt::format(
          "input '{}': expected its shape behind the rows, got {}; give it with --input",
          input.name, got));
    }
    shape.push_back(open ? asked[i - 1] : static_cast<std::size_t>(side));
  }
  if (!asked.empty() && shape != asked) {
    throw std::invalid_argument(fmt::format("input '{}': expected {} as asked for, got {}",
                                            input.name, model::shape_text(asked), got));
  }
  if (model::elements(shape) > kMostInputs) {
    throw std::invalid_argument(fmt::format("input '{}': expected at most {} numbers a row, got {}",
                                            input.name, kMostInputs, got));
  }
  return shape;
}

/// The Softmax or LogSoftmax over classes that gives the output, if one does.
const OnnxNode* last_softmax(const OnnxNet& net) {
  const OnnxNode* node = net.giver(net.output());
  while (node && node->op == "Identity" && node->inputs.size() == 1) {
    node = net.giver(node->inputs[0]);
  }
  if (!node || (node->op != "Softmax" && node->op != "LogSoftmax")) return nullptr;
  const std::int64_t axis = number_of(*node, "axis", net.file().opset >= 13 ? -1 : 1);
  if (axis != 1 && axis != -1) refuse(*node, "expected axis 1, of the classes, got {}", axis);
  return node;
}

std::vector<std::string> stored_classes(const std::string& text) {
  try {
    return parse_json(text).get<std::vector<std::string>>();
  } catch (const std::exception&) {
    throw std::invalid_argument("metadata 'classes': expected a JSON list of texts, got " +
                                shortened(text, 80));
  }
}

struct Ending {
  Task task = Task::regression;
  const OnnxNode* softmax = nullptr;
  std::vector<std::string> classes = {};
  std::string because = {};
};

Ending ending_of(const OnnxNet& net, const ImportOptions& options) {
  Ending out{.softmax = last_softmax(net)};
  const auto found = net.file().metadata.find("classes");
  const bool named = found != net.file().metadata.end();
  if (named) out.classes = stored_classes(found->second);
  if (!options.classes.empty()) out.classes = options.classes;
  if (options.task == Task::regression && out.softmax) {
    refuse(*out.softmax, "ends the network with probabilities, expected a regression's means");
  }
  if (out.softmax) {
    out = {Task::classification, out.softmax, out.classes, "it ends in " + out.softmax->op};
  } else if (named || !options.classes.empty()) {
    out = {Task::classification, nullptr, out.classes, "its classes have names"};
  } else {
    out.because = "it does not end in Softmax";
  }
  if (options.task) {
    out.task = *options.task;
    out.because = "as asked for";
  }
  if (out.task == Task::regression) out.classes.clear();
  return out;
}

Imported read(std::string_view bytes, const ImportOptions& options) {
  const OnnxFile file = read_onnx(bytes);
  const OnnxNet net(file);
  const Ending end = ending_of(net, options);
  const Shape input = input_shape(net.input(), options.input);
  const std::string& last = end.softmax ? input_of(*end.softmax, 0) : net.output();
  const std::vector<OnnxStep> steps = Paths(net).walk(net.input().name, last, end.softmax);
  OnnxLayers layers = layers_of(net, steps, input, end.task);
  if (layers.model.spec.layers.empty()) throw std::invalid_argument("it has no layer");
  if (layers.output.size() != 1) {
    throw std::invalid_argument(fmt::format("output '{}': expected (rows, outputs), got {}",
                                            net.output(), model::shape_text(layers.output)));
  }
  Imported out{std::move(layers.model), {}};
  out.model.spec.task = end.task;
  out.model.spec.outputs = layers.output[0];
  out.model.preprocessing.classes = end.classes;
  out.notes.push_back(fmt::format("taken as {}: {}", model::task_name(end.task), end.because));
  if (layers.noise_layers != 0) {
    out.notes.push_back(fmt::format(
        "noise layers: {}; predictions draw from them unless --samples 0", layers.noise_layers));
  }
  complete(out.model);
  return out;
}

}  // namespace

void complete(model::Model& model) {
  model.spec.number();
  const std::size_t outputs = model.spec.outputs;
  if (model.spec.task == Task::regression && model.tensors.count("output.log_precision") == 0) {
    model.spec.validate();
    model.tensors["output.log_precision"] =
        model::Tensor::of({outputs}, std::vector<float>(outputs, 0));
  }
  model::check_model(model);
}

Imported import_onnx(std::string_view bytes, const std::string& file,
                     const ImportOptions& options) {
  try {
    return read(bytes, options);
  } catch (const std::invalid_argument& error) {
    throw DataError(file, 0, 0, error.what());
  }
}

}  // namespace scalemix::inline v0::compress
