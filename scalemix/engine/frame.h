// One replica on its way through a program.
#pragma once

#include <cstddef>
#include <cstdint>

#include "scalemix/random/stream.h"

namespace scalemix::inline v0::kernel {
class LeftWeights;
}

namespace scalemix::inline v0::engine {

/// What a pass is for: a training step (batch statistics, state written), a draw of a prediction,
/// or a prediction without draws.
enum class Mode { train, sample, deterministic };

struct Frame {
  Mode mode = Mode::train;
  std::size_t rows = 0;
  std::uint64_t row0 = 0;  // position of the first row in the global batch
  // Rows in groups of so many, whose positions are `stride` apart; 0: one group.
  std::size_t group = 0;
  std::uint64_t stride = 0;
  std::uint64_t seed = 0;
  std::uint32_t draw = 0;  // training step or Monte-Carlo sample

  const float* values = nullptr;  // (P)
  float* gradients = nullptr;     // (P)
  float* state = nullptr;         // (Q)
  bool writes_state = false;      // of an active replica's training step
  const float* base = nullptr;    // a row of zeros of the data, as the batch has it
  // Of a training step: the weights of this replica that are not held at zero, one for each of
  // ProgramOptions::held; null: none are held.
  const kernel::LeftWeights* left = nullptr;
  float* prepared = nullptr;  // Program::prepared() floats of this replica
  float* marks = nullptr;     // Program::marks() floats of this replica; null in a prediction
  double penalty_weight = 0;  // of data's penalties, in backward
  double progress = 1;        // share of the training that is done
  double epoch = 0;           // finished epochs

  // The running node's own; set by the program.
  float *kept = nullptr, *scratch = nullptr;
  float* d_prepared = nullptr;   // of its noise
  const float* other = nullptr;  // of a join

  Stream stream(std::uint32_t site) const {
    return {seed, stream_id(mode == Mode::train ? Purpose::train : Purpose::predict, site), draw};
  }
};

}  // namespace scalemix::inline v0::engine
