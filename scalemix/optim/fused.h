// Pairs of an update rule and a kind of noise that are updated in one pass: the gradient of the
// penalty and of what is prepared, the update of the weights and of the noise's tensor, and what
// the next step needs prepared. A pair that is not in the list takes the generic way, with the same
// meaning.
#pragma once

#include <string_view>

#include "scalemix/model/noise.h"
#include "scalemix/optim/rule.h"

namespace scalemix::inline v0::optim {

/// Weights of a layer, or a piece of them, with their noise's one tensor of the same size. Gradients
/// in `w.g` are those of the products; `own.g` is not read.
struct NoisyPiece {
  Piece w, own;
  const float* d_prepared = nullptr;
  float* prepared = nullptr;
  double penalty_weight = 0;

  NoisyPiece part(std::size_t from, std::size_t n) const;
};

/// Returns the sum of the squares of both gradients: not finite where a gradient is not.
using FusedUpdate = double (*)(const Rate&, std::uint64_t step, const NoisyPiece&);

/// Null where the pair is not in the list, or the noise has settings that it does not know.
FusedUpdate fused_update(std::string_view rule, const model::NoiseUse& noise);

}  // namespace scalemix::inline v0::optim
