// A network without what its prediction does not need: posteriors over weights become weights, priors
// go. Noise that a network draws on what its layers take stays.
#pragma once

#include <vector>

#include "scalemix/model/model_file.h"

namespace scalemix::inline v0::compress {

/// Weights are those of a deterministic pass, with what noise on units multiplies in it (gnj, l0, sbp);
/// its numbers are the same.
model::Model plain(model::Model model);

/// Those weights of a layer, in its weight's shape.
std::vector<float> plain_weights(const model::Model& model, const model::Layer& layer);

}  // namespace scalemix::inline v0::compress
