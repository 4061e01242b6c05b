// Layers with their numbers from the steps of an ONNX file, shape by shape.
//
// A reshape becomes a flatten layer only before what asks for a row: a normalisation over all numbers does
// not, so that its reshapes there and back leave no trace. Mul, Div, Add and Sub by constants become
//
//   at the start       the preprocessing's mean and scale, where all scales are positive
//   after a product    its bias
//   after a norm       its weight and bias
//   at the end         a regression's target scale and mean; a classification's temperature
//   elsewhere          a batch_norm of mean 0 and variance 1
#pragma once

#include <vector>

#include "scalemix/compress/onnx_step.h"
#include "scalemix/model/model_file.h"

namespace scalemix::inline v0::compress {

struct OnnxLayers {
  model::Model model;   // input, layers, their tensors, preprocessing's numbers
  model::Shape output;  // of a row
  std::size_t noise_layers = 0;
};

/// `input` is the shape of a row. Throws OnnxNodeError where a step has no layer for the shape that comes.
OnnxLayers layers_of(const OnnxNet& net, const std::vector<OnnxStep>& steps,
                     const model::Shape& input, Task task);

}  // namespace scalemix::inline v0::compress
