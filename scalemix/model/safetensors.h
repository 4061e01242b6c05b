// The safetensors container: 8 bytes of header length, a JSON header, tensor bytes. Reader and
// writer. The reader bounds every length and offset against the file and trusts nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "scalemix/model/spec.h"

namespace scalemix::inline v0::model {

/// A tensor as stored: little-endian, row-major, contiguous.
struct Tensor {
  std::string dtype;  // "F32", "F64", "I64", "I32", "F16", "BF16", "I8", "U8"
  Shape shape;
  std::vector<std::byte> bytes;

  std::size_t count() const;  // product of shape
  static Tensor of(Shape shape, const std::vector<float>& values);
  static Tensor of(Shape shape, const std::vector<double>& values);
  static Tensor of(Shape shape, const std::vector<std::int64_t>& values);
  /// Copies out; throws std::invalid_argument if the type differs.
  std::vector<float> floats() const;
  std::vector<double> doubles() const;
  std::vector<std::int64_t> integers() const;
};

struct Container {
  std::map<std::string, Tensor> tensors;
  std::map<std::string, std::string> metadata;
};

/// Throws DataError naming the file and the offence: too short, header longer than the file, bad
/// JSON, tensor outside the file, overlapping tensors, a size that does not match shape and type.
Container read_safetensors(const std::string& path);

/// Writes atomically: a new file beside it, fsync, rename. Throws FileError.
void write_safetensors(const std::string& path, const Container& container);

}  // namespace scalemix::inline v0::model
