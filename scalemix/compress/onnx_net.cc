#include "scalemix/compress/onnx_net.h"

namespace scalemix::inline v0::compress {
namespace {

constexpr std::string_view kNoise = "noise ";  // begins the key of a noise input's law

std::string listed(const std::vector<const OnnxValue*>& values) {
  std::string out;
  for (const OnnxValue* value : values) out += (out.empty() ? "'" : ", '") + value->name + "'";
  return out.empty() ? "none" : out;
}

}  // namespace

std::string onnx_label(const OnnxNode& node) {
  const bool named = !node.name.empty() || node.outputs.empty();
  return named ? fmt::format("node '{}' ({})", node.name, node.op)
               : fmt::format("the node that gives '{}' ({})", node.outputs[0], node.op);
}

OnnxNet::OnnxNet(const OnnxFile& file) : file_(file) {
  for (const OnnxTensor& tensor : file.constants) {
    add(tensor.name, {.is = Is::constant, .tensor = &tensor}, "a constant");
  }
  add_inputs();
  for (const OnnxNode& node : file.nodes) add_node(node);
  if (file.outputs.size() != 1) {
    std::vector<const OnnxValue*> outputs;
    for (const OnnxValue& output : file.outputs) outputs.push_back(&output);
    throw std::invalid_argument("expected one output, got " + listed(outputs));
  }
  const auto found = values_.find(output());
  if (found == values_.end() || found->second.is != Is::given) {
    throw std::invalid_argument(fmt::format("no node gives the output '{}'", output()));
  }
}

void OnnxNet::add(const std::string& name, Value value, std::string_view what) {
  if (values_.emplace(name, value).second) return;
  throw std::invalid_argument(
      fmt::format("two things are called '{}', one of them {}", name, what));
}

/// Old files list constants among the inputs.
void OnnxNet::add_inputs() {
  std::vector<const OnnxValue*> rows;
  for (const OnnxValue& value : file_.inputs) {
    if (constant(value.name)) continue;
    const bool noise = file_.metadata.count(std::string(kNoise) + value.name) != 0;
    add(value.name, {.is = noise ? Is::noise : Is::input, .noise = noise ? &value : nullptr},
        "an input");
    if (!noise) rows.push_back(&value);
  }
  if (rows.size() != 1) throw std::invalid_argument("expected one input, got " + listed(rows));
  input_ = rows.front();
  places_.push_back({&input_->name, 0, 0, 0});
  givers_.push_back(nullptr);
}

/// Constant, and what passes a constant on.
bool OnnxNet::add_constant(const OnnxNode& node) {
  if (node.op == "Identity" && node.inputs.size() == 1) {
    const OnnxTensor* same = constant(node.inputs[0]);
    if (same) add(node.outputs[0], {.is = Is::constant, .tensor = same}, "a constant");
    return same != nullptr;
  }
  if (node.op != "Constant") return false;
  if (node.attributes.size() != 1) refuse(node, "expected one attribute");
  const auto& [name, attribute] = *node.attributes.begin();
  OnnxTensor tensor;
  if (attribute.tensor) {
    tensor = *attribute.tensor;
  } else if (name == "value_float" || name == "value_floats") {
    tensor.type = kOnnxFloat;
    tensor.reals = attribute.reals;
    if (name == "value_float") tensor.reals = {attribute.real.value_or(0)};
    if (name == "value_floats") tensor.dims = {static_cast<std::int64_t>(tensor.reals.size())};
  } else if (name == "value_int" || name == "value_ints") {
    tensor.type = kOnnxInt64;
    tensor.integers = attribute.numbers;
    if (name == "value_int") tensor.integers = {attribute.number.value_or(0)};
    if (name == "value_ints") tensor.dims = {static_cast<std::int64_t>(tensor.integers.size())};
  } else {
    refuse(node, "expected a tensor or numbers, got '{}'", name);
  }
  tensor.name = node.outputs[0];
  made_.push_back(std::move(tensor));
  add(node.outputs[0], {.is = Is::constant, .tensor = &made_.back()}, "a constant");
  return true;
}

void OnnxNet::add_node(const OnnxNode& node) {
  if (node.outputs.empty()) refuse(node, "gives nothing");
  if (add_constant(node)) return;
  std::size_t parent = 0;
  bool first = true;
  for (const std::string& name : node.inputs) {
    if (name.empty()) continue;
    const auto found = values_.find(name);
    if (found == values_.end()) {
      refuse(node, "reads '{}', which no earlier node gives as its first output", name);
    }
    if (found->second.is == Is::constant || found->second.is == Is::noise) continue;
    parent = first ? found->second.place : common(parent, found->second.place);
    first = false;
  }
  const Place& up = places_[parent];
  const Place& far = places_[up.jump];
  const bool merge = up.depth - far.depth == far.depth - places_[far.jump].depth;
  const std::size_t place = places_.size(), jump = merge ? far.jump : parent;
  add(node.outputs[0], {.place = place}, "what " + onnx_label(node) + " gives");
  places_.push_back({&node.outputs[0], parent, jump, up.depth + 1});
  givers_.push_back(&node);
}

std::size_t OnnxNet::common(std::size_t a, std::size_t b) const {
  if (places_[a].depth < places_[b].depth) std::swap(a, b);
  while (places_[a].depth > places_[b].depth) {
    const bool far = places_[places_[a].jump].depth >= places_[b].depth;
    a = far ? places_[a].jump : places_[a].parent;
  }
  while (a != b) {
    const bool far = places_[a].jump != places_[b].jump;
    a = far ? places_[a].jump : places_[a].parent;
    b = far ? places_[b].jump : places_[b].parent;
  }
  return a;
}

const OnnxTensor* OnnxNet::constant(std::string_view value) const {
  const auto found = values_.find(value);
  return found == values_.end() ? nullptr : found->second.tensor;
}

const OnnxValue* OnnxNet::noise(std::string_view value) const {
  const auto found = values_.find(value);
  return found == values_.end() ? nullptr : found->second.noise;
}

const std::string& OnnxNet::law(const OnnxValue& noise) const {
  return file_.metadata.at(std::string(kNoise) + noise.name);
}

const OnnxNode* OnnxNet::giver(std::string_view value) const {
  const auto found = values_.find(value);
  const bool given = found != values_.end() && found->second.is == Is::given;
  return given ? givers_[found->second.place] : nullptr;
}

const OnnxNode* OnnxNet::giver(std::string_view value, std::string_view op) const {
  const OnnxNode* node = giver(value);
  return node && node->op == op ? node : nullptr;
}

std::size_t OnnxNet::place(std::string_view value) const {
  const auto found = values_.find(value);
  const bool of_rows =
      found != values_.end() && (found->second.is == Is::given || found->second.is == Is::input);
  if (!of_rows) {
    throw std::invalid_argument(fmt::format("'{}' does not depend on the input", value));
  }
  return found->second.place;
}

const std::string& OnnxNet::fork(std::string_view a, std::string_view b) const {
  return *places_[common(place(a), place(b))].name;
}

}  // namespace scalemix::inline v0::compress
