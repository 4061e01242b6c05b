// A PyTorch state dict, as a safetensors file, as a model of a given spec.
//
// Tensors are called GROUP.weight, GROUP.bias, GROUP.running_mean, ...: a group is one module. Groups named
// like the spec's layers belong to them. Otherwise groups of a kind (matrix, filters, statistics, one list
// of weights) follow each other in natural order, 2 before 10, and so do the spec's layers of that
// kind: linear, conv2d, batch_norm, layer_norm, a block's branch before its shortcut.
#pragma once

#include <map>
#include <string>

#include "scalemix/compress/imported.h"
#include "scalemix/model/safetensors.h"

namespace scalemix::inline v0::compress {

/// `spec` is numbered and valid; `names` are groups whose layers are given. Tensors are rounded to float32 from
/// float64, float16 and bfloat16; num_batches_tracked is left out. Throws DataError naming `file`, group,
/// layer and their shapes for what is left over, missing or of another shape; ConfigError for names that
/// are not there.
Imported import_weights(const model::Container& weights, const std::string& file, model::Spec spec,
                        const std::map<std::string, std::string>& names = {},
                        const ImportOptions& options = {});

}  // namespace scalemix::inline v0::compress
