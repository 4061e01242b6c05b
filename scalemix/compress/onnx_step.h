// What one node of an ONNX file does to the rows that come, before shapes are known: onnx_operators.cc
// makes these from nodes, onnx_layers.cc makes layers from them.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "scalemix/compress/onnx_net.h"
#include "scalemix/model/safetensors.h"
#include "scalemix/model/spec.h"

namespace scalemix::inline v0::compress {

struct OnnxStep {
  enum class Kind {
    nothing,   // passes on what comes
    layer,     // `layer` with `tensors`
    scale,     // times `values`, or by them if `inverse`
    shift,     // plus `values`, or minus them if `inverse`
    reshape,   // to `target`, rows first; 0: as it is, -1: what is left
    flatten,   // to one row of numbers
    missing,   // NaN of the input becomes 0 here
    noise,     // times `draws`
    norm,      // (x - mean) / sqrt(var + eps) from dimension `axis` on, as `layer` has it
    residual,  // `branch` + `shortcut`
  };
  const OnnxNode* node = nullptr;
  Kind kind = Kind::nothing;
  std::string source = {};  // the value it starts from
  model::Layer layer = {};  // in, where it is 0, and width come from the shape
  std::map<std::string, model::Tensor> tensors = {};  // "weight" -> as the layer has it
  bool flat = false;                                  // layer: what it gives is one row of numbers
  std::vector<float> values = {};
  std::vector<std::int64_t> dims = {};  // of values
  bool inverse = false;
  std::vector<std::int64_t> target = {};
  const OnnxValue* draws = nullptr;
  std::int64_t axis = -1;
  std::string other =
      {};  // residual: `source` is one end, this is the other, until paths are walked
  std::vector<OnnxStep> branch = {}, shortcut = {};
};

/// The step that ends in `node`, of it alone or with the nodes before it that belong to one function.
/// Throws OnnxNodeError: an operator that is not in the table, attributes that a layer does not have.
OnnxStep read_step(const OnnxNet& net, const OnnxNode& node);

/// For the table: a layer of what the node's first input gives; and a step without one.
OnnxStep layer_step(const OnnxNode& node, model::Layer layer);
OnnxStep plain_step(const OnnxNode& node, OnnxStep::Kind kind);

/// Stride and padding of `layer`, whose window has `kernel` numbers on a side.
void read_window(const OnnxNode& node, std::size_t kernel, model::Layer& layer);

/// Rows of the table with weights.
OnnxStep read_gemm(const OnnxNet& net, const OnnxNode& node);
OnnxStep read_matmul(const OnnxNet& net, const OnnxNode& node);
OnnxStep read_conv(const OnnxNet& net, const OnnxNode& node);
OnnxStep read_batch_normalization(const OnnxNet& net, const OnnxNode& node);
OnnxStep read_layer_normalization(const OnnxNet& net, const OnnxNode& node);

/// For read_step: functions that several nodes spell out. Each returns whether `node` ends one, and
/// fills `out`.
bool read_gelu(const OnnxNet& net, const OnnxNode& node,
               OnnxStep& out);  // x (1 + erf(x / sqrt 2)) / 2
bool read_silu(const OnnxNet& net, const OnnxNode& node, OnnxStep& out);  // x sigmoid(x)
bool read_norm(const OnnxNet& net, const OnnxNode& node,
               OnnxStep& out);  // (x - mean) / sd of a row
bool read_missing(const OnnxNet& net, const OnnxNode& node, OnnxStep& out);  // where(isnan, 0, x)

/// The number that a constant of one number is; NaN for any other value.
double scalar_of(const OnnxNet& net, const std::string& value);

}  // namespace scalemix::inline v0::compress
