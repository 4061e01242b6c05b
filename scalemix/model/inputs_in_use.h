// Which inputs a sparse network still reads.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "scalemix/model/model_file.h"

namespace scalemix::inline v0::model {

/// Numbers of the inputs with a nonzero weight in the first layer, where that is a linear layer
/// under a posterior on the network's own inputs; nothing otherwise.
std::optional<std::vector<std::size_t>> inputs_in_use(const Model& model);

}  // namespace scalemix::inline v0::model
