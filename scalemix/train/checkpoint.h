// Checkpoints: all of a stack in training in one safetensors file, written atomically, read by the
// same version only. A resumed run goes on with the same bits.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "scalemix/train/stack.h"

namespace scalemix::inline v0::train {

/// What a run's bits depend on besides its config: version, SIMD target, threads, product libraries.
/// A checkpoint also records how its stack steps.
nlohmann::json bits_record();

/// Where the whole run stands, besides the stack's own state.
struct Position {
  std::size_t stack = 0;         // index of the running stack; those before it are trained
  std::uint64_t log_offset = 0;  // bytes of the log that the caller keeps
  std::string about = {};        // what else the caller keeps
};

/// Writes the file, with a checksum over all of it. Throws FileError.
void save_checkpoint(const std::string& path, Stack& stack, const Position& position);

/// Position of a checkpoint, without loading the stack's tensors into anything; throws DataError if
/// it is damaged (its checksum says so of a single bit) or of another version.
Position read_position(const std::string& path);

/// Puts `stack` where the checkpoint stands. Returns what differs from the bits it was written
/// with, one sentence each. Throws DataError if the shapes are not this stack's.
std::vector<std::string> load_checkpoint(const std::string& path, Stack& stack);

}  // namespace scalemix::inline v0::train
