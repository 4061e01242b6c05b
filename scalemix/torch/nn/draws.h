// What the modules that draw share: a seed and a counter of steps, as buffers, so that they are
// saved, loaded and moved with the module, and a training that is resumed goes on with the noise it
// would have drawn.
#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <optional>

namespace scalemix::inline v0::nn {

/// Where a module's noise comes from.
struct DrawOptions {
  /// The 64-bit seed; empty: one from torch's generator, so that torch::manual_seed repeats a run.
  /// Modules with one seed draw the same noise unless their streams differ.
  std::optional<std::int64_t> seed = std::nullopt;
  /// Number of the stream, from stream_id.
  std::int64_t stream = 0;
};

/// The buffers of a module: `seed` int64 (1), `draw` int64 ().
struct Draws {
  torch::Tensor seed, draw;
  std::int64_t stream = 0;
  /// Position of the batch's first row in the global batch: of a rank that has a part of it.
  std::int64_t row0 = 0;

  void reset(torch::nn::Module& module, const DrawOptions& options);
  /// After a step's noise was drawn.
  void advance() { draw.add_(1); }

  /// Gives seed and draw the numbers of `before` back, on the device they are on now.
  void restore(const Draws& before);
  /// With the numbers in memory of their own.
  Draws copy() const;
};

/// A module that draws. Module::to(type) would turn the seed and the counter into floating numbers
/// too, which cannot hold a seed; here they stay what they are.
template <class Derived>
class Drawing : public torch::nn::Cloneable<Derived> {
 public:
  Draws draws;

  using torch::nn::Module::to;
  void to(torch::Device device, torch::Dtype dtype, bool non_blocking = false) override {
    const Draws before = draws.copy();
    torch::nn::Module::to(device, dtype, non_blocking);
    draws.restore(before);
  }
  void to(torch::Dtype dtype, bool non_blocking = false) override {
    const Draws before = draws.copy();
    torch::nn::Module::to(dtype, non_blocking);
    draws.restore(before);
  }
};

}  // namespace scalemix::inline v0::nn
