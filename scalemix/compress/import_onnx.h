// An ONNX file as a model: multilayer perceptrons and convolutional networks of the layers that a spec
// has, residual blocks too. export_onnx.h writes such files; reading them back gives the same answers.
//
//   input      (rows, K) or (rows, C, H, W), float32
//   nodes      the table in onnx_operators.cc
//   output     one; Softmax or LogSoftmax at the end is dropped, because a model of classes applies it
//   task       classification if it ends so or metadata names classes, else regression
//   Dropout    a noise layer of its ratio, so that the model predicts with draws
//
// What a file does not say has defaults: class names are numbers, a regression's noise has precision 1 in
// the units of its output before the final scale.
#pragma once

#include <string>
#include <string_view>

#include "scalemix/compress/imported.h"

namespace scalemix::inline v0::compress {

/// `bytes` of the file called `file`. Throws DataError naming file, and node, tensor or value: damaged,
/// an operator or attribute without a layer, shapes that do not fit, an input without a shape.
Imported import_onnx(std::string_view bytes, const std::string& file,
                     const ImportOptions& options = {});

}  // namespace scalemix::inline v0::compress
