// ONNX files written by hand, for the tests of import_onnx: nodes as another program would have them.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "scalemix/compress/protobuf.h"

namespace scalemix::compress {

/// Attributes of a node, by chained calls: Attributes().integer("axis", 1).real("alpha", 0.5f).
class Attributes {
 public:
  Attributes& integer(const char* name, std::int64_t value) {
    return add(Message().text(1, name).number(3, value).number(20, 2));
  }
  Attributes& real(const char* name, float value) {
    return add(Message().text(1, name).real(2, value).number(20, 1));
  }
  Attributes& text(const char* name, const char* value) {
    return add(Message().text(1, name).text(4, value).number(20, 3));
  }
  Attributes& integers(const char* name, const std::vector<std::int64_t>& values) {
    Message m;
    m.text(1, name);
    for (const std::int64_t v : values) m.number(8, v);
    return add(m.number(20, 7));
  }
  Attributes& tensor(const char* name, const Message& value) {
    return add(Message().text(1, name).message(5, value).number(20, 4));
  }
  const std::vector<Message>& all() const { return all_; }

 private:
  Attributes& add(Message m) {
    all_.push_back(std::move(m));
    return *this;
  }
  std::vector<Message> all_;
};

using Dims = std::vector<std::int64_t>;

inline Message dims_of(const Dims& dims, std::int64_t type) {
  Message m;
  for (const std::int64_t side : dims) m.number(1, side);
  return m.number(2, type);
}

/// A float32 tensor with its numbers as bytes.
inline Message raw_tensor(const std::string& name, const Dims& dims,
                          const std::vector<float>& values) {
  return dims_of(dims, 1).text(8, name).text(
      9, {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float)});
}

/// A graph whose input is "x": open rows, then `input`.
class Onnx {
 public:
  explicit Onnx(const Dims& input, std::int64_t opset = 13) : opset_(opset) {
    Dims dims{-1};
    dims.insert(dims.end(), input.begin(), input.end());
    this->input("x", dims);
  }

  /// -1: open.
  Onnx& input(const std::string& name, const Dims& dims, std::int64_t type = 1) {
    inputs_.push_back(value(name, dims, type));
    return *this;
  }
  Onnx& no_inputs() {
    inputs_.clear();
    return *this;
  }
  Onnx& metadata(const std::string& key, const std::string& value) {
    metadata_.push_back(Message().text(1, key).text(2, value));
    return *this;
  }

  std::string constant(const Dims& dims, const std::vector<float>& values) {
    const std::string name = next("w");
    return add(name, raw_tensor(name, dims, values));
  }
  std::string scalar(float value) { return constant({}, {value}); }
  std::string integers(const std::vector<std::int64_t>& values) {
    const std::string name = next("w");
    return add(name, dims_of({static_cast<std::int64_t>(values.size())}, 7)
                         .text(8, name)
                         .text(9, {reinterpret_cast<const char*>(values.data()),
                                   values.size() * sizeof(std::int64_t)}));
  }
  std::string add(const std::string& name, const Message& tensor) {
    constants_.push_back(tensor);
    return name;
  }

  /// A node called "OP_3" or so; the value it gives.
  std::string node(const std::string& op, const std::vector<std::string>& inputs,
                   const Attributes& attributes = {}, const std::string& domain = "") {
    const std::string output = next("v");
    Message m;
    for (const std::string& name : inputs) m.text(1, name);
    m.text(2, output).text(3, op + "_" + std::to_string(nodes_.size())).text(4, op);
    for (const Message& a : attributes.all()) m.message(5, a);
    if (!domain.empty()) m.text(7, domain);
    nodes_.push_back(m);
    return output;
  }
  Onnx& node(const Message& m) {
    nodes_.push_back(m);
    return *this;
  }

  std::string bytes(const std::vector<std::string>& outputs) const {
    Message graph;
    for (const Message& m : nodes_) graph.message(1, m);
    for (const Message& m : constants_) graph.message(5, m);
    for (const Message& m : inputs_) graph.message(11, m);
    for (const std::string& name : outputs) graph.message(12, value(name, {}, 1));
    Message out;
    out.number(1, 8).message(7, graph).message(8, Message().text(1, "").number(2, opset_));
    for (const Message& m : metadata_) out.message(14, m);
    return out.bytes();
  }
  std::string bytes(const std::string& output) const { return bytes(std::vector{output}); }

 private:
  static Message value(const std::string& name, const Dims& dims, std::int64_t type) {
    Message shape;
    for (const std::int64_t side : dims) {
      shape.message(1, side < 0 ? Message().text(2, "n") : Message().number(1, side));
    }
    const Message tensor = Message().number(1, type).message(2, shape);
    return Message().text(1, name).message(2, Message().message(1, tensor));
  }
  std::string next(const char* prefix) { return prefix + std::to_string(count_++); }

  std::int64_t opset_;
  std::vector<Message> nodes_, constants_, inputs_, metadata_;
  std::size_t count_ = 0;
};

}  // namespace scalemix::compress
