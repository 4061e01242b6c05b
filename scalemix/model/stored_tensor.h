// How a model file holds a tensor: as it is, rounded, or as what is left of it.
//
//   name            F32, F16 or I8: all numbers
//   name#values     F32, F16 or I8: the numbers that are not zero, in order, where name#gaps is there
//   name#gaps       U8: the zeros before each of them; 255: 255 zeros and no number. They cover the
//                   tensor from its first number to its last
//   name#scale      F32 (O): of I8, what 127 stands for in each of the O slices of the first axis
//
// Shapes are those of the spec. F16 is IEEE's half precision, rounded to nearest even.
#pragma once

#include <map>
#include <set>
#include <string>

#include "scalemix/model/safetensors.h"

namespace scalemix::inline v0::model {

enum class Store { float32, float16, int8 };

struct SaveOptions {
  Store store = Store::float32;  // of weights; biases and the rest are float32
  bool sparse = true;            // leave zeros out where the file gets smaller
};

struct Stored {
  std::map<std::string, Tensor> tensors;
  std::set<std::string> features;  // what a reader must know
};

/// Float32 tensors as a file holds them. Throws std::domain_error where a number does not fit the type.
Stored store_tensors(const std::map<std::string, Tensor>& tensors, const SaveOptions& options);

/// The features that store_tensors names.
bool knows_feature(const std::string& feature);

/// All of a container in float32, by the shapes of the spec: what is stored of no tensor of the spec is
/// left as it is. Throws std::invalid_argument for parts that do not fit each other or the shape, and
/// where all would be more than 64 MiB and 512 bytes for each byte stored.
std::map<std::string, Tensor> dense_tensors(std::map<std::string, Tensor> stored,
                                            const std::map<std::string, Shape>& shapes);

/// IEEE half precision, for tests. Infinite beyond 65504.
std::uint16_t half_of(float value);
float float_of(std::uint16_t half);

}  // namespace scalemix::inline v0::model
