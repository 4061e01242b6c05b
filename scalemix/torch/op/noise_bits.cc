#include "scalemix/torch/op/noise_bits.h"

#include <ATen/TensorSubclassLikeUtils.h>
#include <torch/torch.h>

#include <algorithm>

namespace scalemix::inline v0::op {

bool is_plain(const at::Tensor& x) {
  return x.device().is_cpu() && x.scalar_type() == at::kFloat && !at::isTensorSubclassLike(x) &&
         x.numel() > 0;
}

NoiseBits::NoiseBits(const Sources& sources, const at::Tensor& params, const kernel::Site& site,
                     const at::Tensor& x)
    : laws_(laws_of("bernoulli", params)),
      draws_("noise", sources, site),
      replicas_(x.size(0)),
      n_(x.numel() / replicas_),
      bytes_(static_cast<std::int64_t>(kernel::bit_bytes(n_))) {}

std::optional<NoiseBits> NoiseBits::make(const Sources& sources, const at::Tensor& params,
                                         const kernel::Site& site, const at::Tensor& x) {
  NoiseBits bits(sources, params, site, x);
  const bool all = std::all_of(bits.laws_.begin(), bits.laws_.end(), [&](const law::AnyLaw& law) {
    return kernel::has_bits(law.multiplier(), bits.draws_.site());
  });
  return all ? std::optional(std::move(bits)) : std::nullopt;
}

std::pair<at::Tensor, at::Tensor> NoiseBits::forward(const at::Tensor& x) const {
  const at::Tensor in = operand(x), y = at::empty_like(in);
  const at::Tensor bits = at::empty({replicas_, bytes_}, at::kByte);
  for (std::int64_t r = 0; r < replicas_; ++r) {
    kernel::noise_with_bits(sampler(r), draws_.stream(r), draws_.site(),
                            in.data_ptr<float>() + r * n_, y.data_ptr<float>() + r * n_,
                            bits.data_ptr<std::uint8_t>() + r * bytes_);
  }
  return {y, bits};
}

at::Tensor NoiseBits::backward(const at::Tensor& dy, const at::Tensor& bits) const {
  const at::Tensor in = operand(dy), dx = at::empty_like(in);
  for (std::int64_t r = 0; r < replicas_; ++r) {
    kernel::noise_from_bits(sampler(r), n_, bits.data_ptr<std::uint8_t>() + r * bytes_,
                            in.data_ptr<float>() + r * n_, dx.data_ptr<float>() + r * n_);
  }
  return dx;
}

}  // namespace scalemix::inline v0::op
