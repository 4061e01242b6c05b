// Initial weights, drawn: a pure function of (seed, site), so that a layer starts the same in any
// network. What is drawn, and for which words, says model/initial_weights.h. Every other tensor
// starts at what the layer table or its noise's row says.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "scalemix/engine/layout.h"
#include "scalemix/model/initial_weights.h"

namespace scalemix::inline v0::train {

/// Fills a row of values and one of state. Throws ConfigError as initial_weights does.
void initialise(const model::Spec& spec, const std::string& word, std::uint64_t seed,
                const engine::Layout& layout, float* values, float* state);

/// One layer's weights, `shape` (O, I) or (O, C, k, k), for a seed and the layer's site.
void draw_weights(const model::InitialWeights& plan, const model::Shape& shape, std::uint64_t seed,
                  std::uint32_t site, float* w);

}  // namespace scalemix::inline v0::train
