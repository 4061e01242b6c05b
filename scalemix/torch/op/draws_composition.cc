// The stream and the samplers of random/stream.h and law/sampler.h in torch operators. Words live
// in int64: a product of two 32-bit numbers wraps into the sign, and shift and mask bring both
// halves back.

#include <torch/torch.h>

#include <array>

#include "scalemix/torch/op/draws.h"

namespace scalemix::inline v0::op {
namespace {

constexpr std::int64_t kLow = 0xFFFFFFFF;

at::Tensor shifted(const at::Tensor& a, std::int64_t bits) {
  return at::bitwise_right_shift(a, bits);
}
at::Tensor high(const at::Tensor& a) { return shifted(a, 32) & kLow; }
at::Tensor low(const at::Tensor& a) { return a & kLow; }

/// Philox4x32-10 of counters and keys that broadcast against each other.
std::array<at::Tensor, 4> philox(std::array<at::Tensor, 4> c, std::array<at::Tensor, 2> k) {
  for (int round = 0; round < 10; ++round) {
    const at::Tensor a = c[0] * std::int64_t{0xD2511F53}, b = c[2] * std::int64_t{0xCD9E8D57};
    c = {high(b) ^ c[1] ^ k[0], low(b), high(a) ^ c[3] ^ k[1], low(a)};
    k = {low(k[0] + std::int64_t{0x9E3779B9}), low(k[1] + std::int64_t{0xBB67AE85})};
  }
  return c;
}

/// Words of `elements` (E) for one seed () and draw (), int64.
at::Tensor words(const at::Tensor& elements, const at::Tensor& seed, const Sources& sources) {
  const at::Tensor stream = at::full({}, sources.stream, elements.options());
  const std::array<at::Tensor, 4> block =
      philox({low(shifted(elements, 2)), high(shifted(elements, 2)), stream, low(sources.draw)},
             {low(seed), high(seed)});
  const at::Tensor blocks = at::stack(at::broadcast_tensors(at::TensorList(block)), -1);
  return blocks.gather(-1, (elements & 3).unsqueeze(-1)).squeeze(-1);
}

at::Tensor draw_table(const law::Sampler& s, const at::Tensor& k) {
  constexpr std::int64_t kLast = 0x7FFFFF;
  const std::int64_t segments = std::int64_t{law::kOctaves} << s.split, shift = 23 - s.split;
  const at::Tensor upper = k > (kLast >> 1);
  const at::Tensor m = 2 * at::where(upper, kLast - k, k) + 1;
  const at::Tensor bits = m.to(at::kFloat).view(at::kInt).to(at::kLong);
  const at::Tensor segment =
      shifted(bits, shift) - (std::int64_t{127} << s.split) + upper * segments;
  const at::Tensor local = (bits & ((std::int64_t{1} << shift) - 1)) | 0x3F800000;
  const at::Tensor v =
      local.to(at::kInt).view(at::kFloat) - (1 + 0.5 / static_cast<double>(1u << s.split));
  const at::Tensor table =
      at::from_blob(const_cast<float*>(s.table), {2 * segments, 4}, at::kFloat).to(k.device());
  const std::vector<at::Tensor> c = table.index_select(0, segment).unbind(1);
  return (((c[3] * v + c[2]) * v + c[1]) * v + c[0]) * s.scale + s.shift;
}

at::Tensor draw_steps(const law::Sampler& s, const at::Tensor& k) {
  std::vector<std::int64_t> thresholds;
  do {
    thresholds.push_back(s.thresholds[thresholds.size()]);
  } while (thresholds.back() < (1 << 23));
  const at::Tensor edges = at::tensor(thresholds, at::kLong).to(k.device());
  return at::searchsorted(edges, k, /*out_int32=*/false, /*right=*/true).to(at::kFloat) * s.scale;
}

/// Draws of words (E), float32; the tensor form of Sampler::operator().
at::Tensor sample(const law::Sampler& s, const at::Tensor& words) {
  const at::Tensor k = shifted(words, 9);
  switch (s.kind) {
    case law::Sampler::Kind::bernoulli:
      return (k >= std::int64_t{s.cut}).to(at::kFloat) * s.keep;
    case law::Sampler::Kind::affine:
      return (k.to(at::kFloat) + 0.5) * 0x1p-23 * s.scale + s.shift;
    case law::Sampler::Kind::table:
      return draw_table(s, k);
    case law::Sampler::Kind::steps:
      break;
  }
  return draw_steps(s, k);
}

}  // namespace

at::Tensor composition::draws(const Samplers& samplers, const Sources& sources, std::int64_t rows,
                              std::int64_t column_count) {
  const at::Tensor& seed = sources.seed;
  const std::int64_t replicas = seed.size(0);
  const at::Tensor column =
      sources.columns ? *sources.columns : at::arange(column_count, seed.options());
  const std::int64_t width = sources.width ? sources.width : column_count;
  const at::Tensor row = at::arange(sources.row0, sources.row0 + rows, seed.options());
  const at::Tensor elements = row.unsqueeze(1) * width + column;
  const bool by_column = static_cast<std::int64_t>(samplers.size()) > replicas;
  std::vector<at::Tensor> z;
  for (std::int64_t r = 0; r < replicas; ++r) {
    const at::Tensor mine = words(elements, seed[r], sources);
    if (!by_column) {
      z.push_back(sample(*samplers[samplers.size() == 1 ? 0 : r], mine.flatten()));
      continue;
    }
    std::vector<at::Tensor> parts;
    for (std::int64_t c = 0; c < column_count; ++c) {
      parts.push_back(sample(*samplers[r * column_count + c], mine.select(1, c)));
    }
    z.push_back(at::stack(parts, 1));
  }
  if (z.empty()) return at::empty({0, rows, column_count}, seed.options().dtype(at::kFloat));
  return at::stack(z).reshape({replicas, rows, column_count});
}

}  // namespace scalemix::inline v0::op
