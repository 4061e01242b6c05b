// Initial weights: a pure function of (seed, site), so that a layer starts the same in any network.
//
//   he         N(0, 2 / fan_in)                 (He et al. 2015)
//   xavier     N(0, 2 / (fan_in + fan_out))     (Glorot & Bengio 2010)
//   normal:SD  N(0, SD^2)
//   auto       he, and N(0, 1 / fan_in) for the last layer, which no ReLU follows
//
// Biases and batch normalisation shifts start at 0, its scales and running variances at 1,
// log_sigma2 at the layer's init_log_sigma2, a learned log precision at 0.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "scalemix/torch/nn/storage.h"

namespace scalemix::inline v0::init {

/// Fills every slot of `storage`. Throws ConfigError for an unknown word.
void initialise(const model::Spec& spec, const std::string& word,
                const std::vector<std::uint64_t>& seeds, nn::Storage& storage);

}  // namespace scalemix::inline v0::init
