// Attributes of an ONNX node with their defaults, and what a layer can take of them.
#pragma once

#include <string_view>
#include <vector>

#include "scalemix/compress/onnx_net.h"

namespace scalemix::inline v0::compress {

inline std::int64_t number_of(const OnnxNode& node, std::string_view name, std::int64_t otherwise) {
  const auto found = node.attributes.find(name);
  return found == node.attributes.end() ? otherwise : found->second.number.value_or(otherwise);
}

inline float real_of(const OnnxNode& node, std::string_view name, float otherwise) {
  const auto found = node.attributes.find(name);
  return found == node.attributes.end() ? otherwise : found->second.real.value_or(otherwise);
}

inline std::string_view text_of(const OnnxNode& node, std::string_view name,
                                std::string_view otherwise) {
  const auto found = node.attributes.find(name);
  return found == node.attributes.end() ? otherwise : found->second.text;
}

inline std::vector<std::int64_t> numbers_of(const OnnxNode& node, std::string_view name,
                                            const std::vector<std::int64_t>& otherwise) {
  const auto found = node.attributes.find(name);
  return found == node.attributes.end() ? otherwise : found->second.numbers;
}

/// Throws OnnxNodeError unless the attribute is `expected`, its default being `otherwise`.
inline void expect_number(const OnnxNode& node, std::string_view name, std::int64_t expected,
                          std::int64_t otherwise) {
  const std::int64_t got = number_of(node, name, otherwise);
  if (got != expected) refuse(node, "expected {} {}, got {}", name, expected, got);
}

inline void expect_real(const OnnxNode& node, std::string_view name, float expected) {
  const float got = real_of(node, name, expected);
  if (!(got - expected < 1e-5f && expected - got < 1e-5f)) {
    refuse(node, "expected {} {}, got {}", name, expected, got);
  }
}

/// The one number that all of an attribute's numbers are, at least `least`.
inline std::size_t same_number_of(const OnnxNode& node, std::string_view name, std::size_t count,
                                  std::int64_t otherwise, std::int64_t least) {
  const std::vector<std::int64_t> all =
      numbers_of(node, name, std::vector<std::int64_t>(count, otherwise));
  std::string text;
  bool same = all.size() == count;
  for (const std::int64_t n : all) {
    same = same && n == all[0] && n >= least && n < std::int64_t{1} << 31;
    text += fmt::format("{}{}", text.empty() ? "" : ", ", n);
  }
  if (!same) {
    refuse(node, "expected {} equal {} of at least {}, got ({})", count, name, least, text);
  }
  return static_cast<std::size_t>(all[0]);
}

/// Of ReduceMean: an attribute, or since opset 18 an input. Empty: all, or not a constant.
inline std::vector<std::int64_t> reduced_axes(const OnnxNet& net, const OnnxNode& node) {
  if (node.inputs.size() < 2) return numbers_of(node, "axes", {});
  const OnnxTensor* axes = net.constant(node.inputs[1]);
  return axes ? axes->whole_numbers() : std::vector<std::int64_t>{};
}

/// An input that must be there.
inline const std::string& input_of(const OnnxNode& node, std::size_t number) {
  if (number >= node.inputs.size() || node.inputs[number].empty()) {
    refuse(node, "expected {} inputs or more, got {}", number + 1, node.inputs.size());
  }
  return node.inputs[number];
}

/// An optional one; "" where it is left out.
inline std::string optional_input_of(const OnnxNode& node, std::size_t number) {
  return number < node.inputs.size() ? node.inputs[number] : std::string();
}

/// An input that must be a constant.
inline const OnnxTensor& constant_of(const OnnxNet& net, const OnnxNode& node, std::size_t number,
                                     std::string_view what) {
  const std::string& name = input_of(node, number);
  const OnnxTensor* tensor = net.constant(name);
  if (!tensor) refuse(node, "expected a constant for its {}, got '{}'", what, name);
  return *tensor;
}

}  // namespace scalemix::inline v0::compress
