// Initial weights, drawn: a pure function of (seed, site), so that a layer starts the same in any
// network. What is drawn, and for which words, says run/initial_weights.h.
//
// Biases and batch normalisation shifts start at 0, its scales and running variances at 1,
// log_sigma2 at the layer's init_log_sigma2, a learned log precision at 0.
#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <string>
#include <vector>

#include "scalemix/run/initial_weights.h"
#include "scalemix/torch/nn/storage.h"

namespace scalemix::inline v0::init {

/// Fills every slot of `storage`. Throws ConfigError as run::initial_weights does.
void initialise(const model::Spec& spec, const std::string& word,
                const std::vector<std::uint64_t>& seeds, nn::Storage& storage);

/// One layer's weights, (O, I) or (O, C, k, k), for a seed and the layer's site.
torch::Tensor weights(const run::InitialWeights& plan, const std::vector<std::int64_t>& shape,
                      std::uint64_t seed, std::uint32_t site);

}  // namespace scalemix::inline v0::init
