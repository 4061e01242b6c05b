// How much a network leans on each of its inputs, read off its first layer.
#pragma once

#include <optional>
#include <vector>

#include "scalemix/model/model_file.h"

namespace scalemix::inline v0::model {

/// Share of each input (K) in the sum of the squared weights that a deterministic pass uses, where
/// the first layer is linear on the network's own inputs; nothing otherwise. Inputs are
/// standardised, so shares can be compared; under a posterior an input whose weights are all pruned
/// has share 0. All 0 if nothing is left.
std::optional<std::vector<double>> input_relevance(const Model& model);

}  // namespace scalemix::inline v0::model
