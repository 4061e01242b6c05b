// An ONNX file as plain lists: nodes, constants, what goes in and out, metadata. Nothing is computed
// and no name is looked up; onnx_net.h does that. Schema: github.com/onnx/onnx, onnx/onnx.proto.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace scalemix::inline v0::compress {

/// A constant as stored. Numbers are copied out when they are asked for.
struct OnnxTensor {
  std::string name;
  std::int64_t type = 0;  // TensorProto.DataType: 1 float32, 7 int64
  std::vector<std::int64_t> dims;
  std::string_view raw;                // little-endian bytes, or
  std::vector<float> reals;            // the numbers one by one
  std::vector<std::int64_t> integers;  //
  bool outside = false;                // its bytes lie in another file

  /// Row-major. Throw std::invalid_argument naming the tensor: of another type, stored outside, as many
  /// numbers as its dimensions do not ask for.
  std::vector<float> floats() const;
  std::vector<std::int64_t> whole_numbers() const;
};

struct OnnxAttribute {
  std::optional<float> real;
  std::optional<std::int64_t> number;
  std::string_view text;
  std::vector<float> reals;
  std::vector<std::int64_t> numbers;
  std::optional<OnnxTensor> tensor;
};

struct OnnxNode {
  std::string name, op, domain;
  std::vector<std::string> inputs, outputs;  // names of values; "" where one is left out
  std::map<std::string, OnnxAttribute, std::less<>> attributes;
};

inline constexpr std::int64_t kOpenDimension = -1;

/// What goes in or out.
struct OnnxValue {
  std::string name;
  std::int64_t type = 0;           // as OnnxTensor::type; 0: none is said
  std::vector<std::int64_t> dims;  // rows first; kOpenDimension where it is a name or nothing
};

struct OnnxFile {
  std::int64_t opset = 0;
  std::vector<OnnxNode> nodes;
  std::vector<OnnxTensor> constants;
  std::vector<OnnxValue> inputs, outputs;
  std::map<std::string, std::string> metadata;
};

inline constexpr std::int64_t kOnnxFloat = 1, kOnnxInt64 = 7;
inline constexpr std::int64_t kLeastOpset = 7;  // broadcasting as it is since then

/// Views into `bytes`, which must outlive it. Throws std::invalid_argument: damaged, no ONNX, an opset
/// before kLeastOpset, more than 65536 nodes or constants.
OnnxFile read_onnx(std::string_view bytes);

}  // namespace scalemix::inline v0::compress
