// A model as an ONNX file: opset 13, float32, any number of rows. Deterministic, or with noise as
// inputs, which whoever runs it draws (onnx/onnx#3753, microsoft/onnxruntime#5549 ask for draws at
// inference).
//
//   input    x, rows in the user's units: (rows, K) or (rows, C, H, W); missing numbers (NaN) become means
//   noise    of each noise layer, by its name: multipliers, (rows, columns) or (rows, C, 1, 1)
//   output   "probabilities" (rows, classes), or "mean" (rows, targets) in the target's units
//
// Metadata: the classes as a JSON list, and of noise inputs the law.
#pragma once

#include <string>

#include "scalemix/model/model_file.h"

namespace scalemix::inline v0::compress {

/// The bytes of the file. Throws ConfigError as graph_of does.
std::string export_onnx(const model::Model& model, bool noise = false);

}  // namespace scalemix::inline v0::compress
