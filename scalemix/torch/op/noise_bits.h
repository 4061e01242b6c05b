// Bernoulli noise both ways: one bit per number is kept for the backward pass, where to read it is cheaper
// than to draw again. The values are those of the op `noise`, bit for bit, so either may be taken.
#pragma once

#include <optional>
#include <utility>

#include "scalemix/torch/op/laws.h"

namespace scalemix::inline v0::op {

/// Whether the memory of x is ours to read here, float32 on the host, and not a traced or wrapped
/// tensor's.
bool is_plain(const at::Tensor& x);

class NoiseBits {
 public:
  /// Nothing where there are no bits to keep (kernel::has_bits). x (R, ...) gives the sizes alone.
  static std::optional<NoiseBits> make(const Sources& sources, const at::Tensor& params,
                                       const kernel::Site& site, const at::Tensor& x);

  /// y = x * z, and the bits, uint8 (R, bytes).
  std::pair<at::Tensor, at::Tensor> forward(const at::Tensor& x) const;
  /// dx = dy * z.
  at::Tensor backward(const at::Tensor& dy, const at::Tensor& bits) const;

 private:
  NoiseBits(const Sources& sources, const at::Tensor& params, const kernel::Site& site,
            const at::Tensor& x);
  const law::Sampler& sampler(std::int64_t replica) const {
    return laws_[laws_.size() == 1 ? 0 : replica].multiplier();
  }

  std::vector<law::AnyLaw> laws_;
  HostDraws draws_;
  std::int64_t replicas_, n_, bytes_;  // n_ numbers and bytes_ bytes per replica
};

}  // namespace scalemix::inline v0::op
