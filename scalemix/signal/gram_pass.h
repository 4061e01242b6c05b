// A run of layers over all pairs of two sides, in the way that suits the activation: all layers at
// once by closed form (kernel/gram_map.h), or one layer by a series or pair by pair.
#pragma once

#include <memory>

#include "scalemix/signal/gram_rows.h"

namespace scalemix::inline v0::signal {

class GramPass {
 public:
  virtual ~GramPass() = default;
  /// Takes the pairs of two tiles through the run, in place: rows of kSide numbers, (kSide, kSide).
  /// ntk may be null. To be called from several threads.
  virtual void block(std::size_t left_tile, std::size_t right_tile, double* nngp,
                     double* ntk) const = 0;
};

/// How many layers, from `first` on, one pass over `rows` rows on both sides takes.
std::size_t pass_layers(const GramOptions& options, std::size_t first, std::size_t rows);

/// The pass of layers [first, first + layers). Takes both sides through them; `right` may be null
/// for the same rows on both.
std::unique_ptr<GramPass> make_pass(const GramOptions& options, std::size_t first,
                                    std::size_t layers, GramRows& left, GramRows* right);

}  // namespace scalemix::inline v0::signal
