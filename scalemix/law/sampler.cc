#include "scalemix/law/sampler.h"

#include <bit>

namespace scalemix::inline v0::law {
namespace {

float draw_table(const Sampler& s, std::uint32_t word) {
  const bool upper = word >> 31;
  const std::uint32_t k = upper ? (word >> 9) ^ 0x7FFFFF : word >> 9;
  const std::uint32_t bits = std::bit_cast<std::uint32_t>(static_cast<float>(2 * k + 1));
  const std::uint32_t low = 23 - s.split;
  const std::uint32_t segment =
      (bits >> low) - (127u << s.split) + (upper ? kOctaves << s.split : 0);
  const float centre = 1 + 0.5f / static_cast<float>(1u << s.split);
  const float v = std::bit_cast<float>((bits & ((1u << low) - 1)) | 0x3F800000u) - centre;
  const float* c = s.table + 4 * segment;
  const float t = ((c[3] * v + c[2]) * v + c[1]) * v + c[0];
  return s.shift + s.scale * t;
}

float draw_steps(const Sampler& s, std::uint32_t word) {
  const std::uint32_t k = word >> 9;
  std::uint32_t i = s.start[k >> 15];
  while (k >= s.thresholds[i]) ++i;
  return s.scale * static_cast<float>(i);
}

}  // namespace

float Sampler::operator()(std::uint32_t word) const {
  const std::uint32_t k = word >> 9;
  switch (kind) {
    case Kind::bernoulli:
      return k < cut ? 0 : keep;
    case Kind::affine:
      return shift + scale * ((static_cast<float>(k) + 0.5f) * 0x1p-23f);
    case Kind::table:
      return draw_table(*this, word);
    case Kind::steps:
      break;
  }
  return draw_steps(*this, word);
}

}  // namespace scalemix::inline v0::law
