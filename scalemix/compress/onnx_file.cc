#include "scalemix/compress/onnx_file.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cstring>
#include <stdexcept>

#include "scalemix/compress/protobuf_reader.h"

namespace scalemix::inline v0::compress {
namespace {

// A field of two bytes may ask for a struct of a hundred: bounds keep a small file small in memory.
constexpr std::size_t kMostNodes = 65536, kMostConstants = 65536, kMostValues = 4096,
                      kMostMetadata = 4096, kMostDimensions = 8, kMostNames = 64,
                      kMostAttributes = 16;

constexpr std::int64_t kOutside = 1;  // TensorProto.DataLocation EXTERNAL

template <class List>
void check_room(const List& list, std::size_t most, std::string_view what) {
  if (list.size() >= most) {
    throw std::invalid_argument(fmt::format("expected at most {} {}, got more", most, what));
  }
}

OnnxTensor read_tensor(std::string_view bytes) {
  OnnxTensor out;
  for (Fields f(bytes, "a tensor"); f.next();) {
    switch (f.field()) {
      case 1:
        f.append_to(out.dims);
        break;
      case 2:
        out.type = f.number();
        break;
      case 4:
        f.append_to(out.reals);
        break;
      case 7:
        f.append_to(out.integers);
        break;
      case 8:
        out.name = f.text();
        break;
      case 9:
        out.raw = f.text();
        break;
      case 14:
        out.outside = f.number() == kOutside;
        break;
    }
  }
  if (out.dims.size() > kMostDimensions) {
    throw std::invalid_argument(fmt::format("tensor '{}': expected at most {} dimensions, got {}",
                                            out.name, kMostDimensions, out.dims.size()));
  }
  return out;
}

void read_attribute(std::string_view bytes, OnnxNode& node) {
  std::string name;
  OnnxAttribute out;
  for (Fields f(bytes, "an attribute"); f.next();) {
    switch (f.field()) {
      case 1:
        name = f.text();
        break;
      case 2:
        out.real = f.real();
        break;
      case 3:
        out.number = f.number();
        break;
      case 4:
        out.text = f.text();
        break;
      case 5:
        out.tensor = read_tensor(f.text());
        break;
      case 7:
        f.append_to(out.reals);
        break;
      case 8:
        f.append_to(out.numbers);
        break;
    }
  }
  check_room(node.attributes, kMostAttributes, "attributes of a node");
  node.attributes.insert_or_assign(name, std::move(out));
}

OnnxNode read_node(std::string_view bytes) {
  OnnxNode out;
  for (Fields f(bytes, "a node"); f.next();) {
    switch (f.field()) {
      case 1:
        check_room(out.inputs, kMostNames, "inputs of a node");
        out.inputs.emplace_back(f.text());
        break;
      case 2:
        check_room(out.outputs, kMostNames, "outputs of a node");
        out.outputs.emplace_back(f.text());
        break;
      case 3:
        out.name = f.text();
        break;
      case 4:
        out.op = f.text();
        break;
      case 5:
        read_attribute(f.text(), out);
        break;
      case 7:
        out.domain = f.text();
        break;
    }
  }
  return out;
}

std::int64_t read_dimension(std::string_view bytes) {
  std::int64_t out = kOpenDimension;
  for (Fields f(bytes, "a dimension"); f.next();) {
    if (f.field() == 1) out = f.number();
  }
  return out;
}

/// TypeProto, of a tensor.
void read_type(std::string_view bytes, OnnxValue& value) {
  for (Fields type(bytes, "a type"); type.next();) {
    if (type.field() != 1) continue;
    for (Fields tensor(type.text(), "a tensor's type"); tensor.next();) {
      if (tensor.field() == 1) value.type = tensor.number();
      if (tensor.field() != 2) continue;
      for (Fields shape(tensor.text(), "a shape"); shape.next();) {
        if (shape.field() != 1) continue;
        check_room(value.dims, kMostDimensions, "dimensions");
        value.dims.push_back(read_dimension(shape.text()));
      }
    }
  }
}

OnnxValue read_value(std::string_view bytes) {
  OnnxValue out;
  for (Fields f(bytes, "a value"); f.next();) {
    if (f.field() == 1) out.name = f.text();
    if (f.field() == 2) read_type(f.text(), out);
  }
  return out;
}

void read_graph(std::string_view bytes, OnnxFile& out) {
  for (Fields f(bytes, "the graph"); f.next();) {
    switch (f.field()) {
      case 1:
        check_room(out.nodes, kMostNodes, "nodes");
        out.nodes.push_back(read_node(f.text()));
        break;
      case 5:
        check_room(out.constants, kMostConstants, "constants");
        out.constants.push_back(read_tensor(f.text()));
        break;
      case 11:
        check_room(out.inputs, kMostValues, "inputs");
        out.inputs.push_back(read_value(f.text()));
        break;
      case 12:
        check_room(out.outputs, kMostValues, "outputs");
        out.outputs.push_back(read_value(f.text()));
        break;
    }
  }
}

void read_opset(std::string_view bytes, OnnxFile& out) {
  std::string_view domain;
  std::int64_t version = 0;
  for (Fields f(bytes, "an opset"); f.next();) {
    if (f.field() == 1) domain = f.text();
    if (f.field() == 2) version = f.number();
  }
  if (domain.empty() || domain == "ai.onnx") out.opset = version;
}

void read_metadata(std::string_view bytes, OnnxFile& out) {
  std::string key, value;
  for (Fields f(bytes, "metadata"); f.next();) {
    if (f.field() == 1) key = f.text();
    if (f.field() == 2) value = f.text();
  }
  check_room(out.metadata, kMostMetadata, "entries of metadata");
  out.metadata.insert_or_assign(key, value);
}

template <class T>
std::vector<T> numbers_of(const OnnxTensor& t, std::int64_t type, const char* type_name,
                          const std::vector<T>& one_by_one) {
  const auto refuse = [&](const std::string& what) {
    throw std::invalid_argument(fmt::format("tensor '{}': {}", t.name, what));
  };
  if (t.type != type) {
    refuse(fmt::format("expected {} (data type {}), got data type {}", type_name, type, t.type));
  }
  if (t.outside) refuse("its numbers lie in another file; save the network as one file");
  std::uint64_t count = 1;
  for (const std::int64_t side : t.dims) {
    if (side < 0 || __builtin_mul_overflow(count, static_cast<std::uint64_t>(side), &count)) {
      refuse(fmt::format("its shape is ({})", fmt::join(t.dims, ", ")));
    }
  }
  const bool raw = !t.raw.empty();
  const bool whole = t.raw.size() % sizeof(T) == 0;
  const std::uint64_t there = raw ? t.raw.size() / sizeof(T) : one_by_one.size();
  if (!whole || there != count) {
    refuse(fmt::format("its shape ({}) asks for {} numbers, {} bytes hold {}",
                       fmt::join(t.dims, ", "), count, raw ? t.raw.size() : there * sizeof(T),
                       there));
  }
  if (!raw) return one_by_one;
  std::vector<T> out(count);
  if (!out.empty()) std::memcpy(out.data(), t.raw.data(), t.raw.size());
  return out;
}

}  // namespace

std::vector<float> OnnxTensor::floats() const {
  return numbers_of(*this, kOnnxFloat, "float32", reals);
}

std::vector<std::int64_t> OnnxTensor::whole_numbers() const {
  return numbers_of(*this, kOnnxInt64, "int64", integers);
}

OnnxFile read_onnx(std::string_view bytes) {
  OnnxFile out;
  bool graph = false;
  try {
    for (Fields f(bytes, "the file"); f.next();) {
      if (f.field() == 7) {
        if (graph) throw std::invalid_argument("it has two graphs");
        graph = true;
        read_graph(f.text(), out);
      }
      if (f.field() == 8) read_opset(f.text(), out);
      if (f.field() == 14) read_metadata(f.text(), out);
    }
  } catch (const std::invalid_argument& error) {
    throw std::invalid_argument(std::string("damaged or not ONNX: ") + error.what());
  }
  if (!graph) {
    throw std::invalid_argument(fmt::format("not ONNX: no graph in its {} bytes", bytes.size()));
  }
  if (out.opset < kLeastOpset) {
    throw std::invalid_argument(
        fmt::format("expected ONNX's opset {} or later, got {}", kLeastOpset,
                    out.opset == 0 ? "none" : fmt::format("{}", out.opset)));
  }
  return out;
}

}  // namespace scalemix::inline v0::compress
