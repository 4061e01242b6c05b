#include "scalemix/random/stream.h"

#include "scalemix/base/check.h"

namespace scalemix::inline v0 {

std::uint32_t stream_id(Purpose purpose, std::uint32_t site) {
  if (site >= (1u << 28)) fail<std::domain_error>("stream", "site must be below 2^28", site);
  return static_cast<std::uint32_t>(purpose) << 28 | site;
}

std::array<std::uint32_t, 4> philox(std::array<std::uint32_t, 4> c,
                                    std::array<std::uint32_t, 2> k) {
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t a = std::uint64_t{0xD2511F53} * c[0];
    const std::uint64_t b = std::uint64_t{0xCD9E8D57} * c[2];
    c = {static_cast<std::uint32_t>(b >> 32) ^ c[1] ^ k[0], static_cast<std::uint32_t>(b),
         static_cast<std::uint32_t>(a >> 32) ^ c[3] ^ k[1], static_cast<std::uint32_t>(a)};
    k[0] += 0x9E3779B9;
    k[1] += 0xBB67AE85;
  }
  return c;
}

std::array<std::uint32_t, 4> Stream::block(std::uint64_t index) const {
  return philox(
      {static_cast<std::uint32_t>(index), static_cast<std::uint32_t>(index >> 32), stream, draw},
      {static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32)});
}

std::uint32_t Stream::word(std::uint64_t element) const { return block(element / 4)[element % 4]; }

}  // namespace scalemix::inline v0
