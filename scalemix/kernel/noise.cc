// The SIMD half of scalemix/kernel/noise.h. This file is compiled once per instruction set. Work is
// cut into tiles of kTile values of x, or of draws, whatever the number of threads.

#include "scalemix/kernel/noise.h"

#include <algorithm>
#include <array>

#include "scalemix/base/parallel.h"
#include "scalemix/kernel/target.h"
#include "scalemix/kernel/tiles.h"

#ifndef HWY_COMPILE_ALL_ATTAINABLE
#define HWY_COMPILE_ALL_ATTAINABLE  // the scalar target too, which tests compare the others with
#endif
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "scalemix/kernel/noise.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "scalemix/kernel/lanes-inl.h"
#include "scalemix/kernel/stream-inl.h"

HWY_BEFORE_NAMESPACE();
namespace scalemix::inline v0::kernel::HWY_NAMESPACE {

HWY_INLINE VF apply(Combine combine, VF x, VF z) {
  return combine == Combine::multiply ? hn::Mul(x, z) : hn::Add(x, z);
}

/// y = x * z or x + z, z fresh from the stream.
template <Combine kCombine>
struct NoiseBody {
  const float* x;
  float* y;

  HWY_INLINE void at(std::size_t i, VF z) const {
    const DF d;
    hn::StoreU(apply(kCombine, hn::LoadU(d, x + i), z), d, y + i);
  }
  HWY_INLINE void full(std::size_t i, VF z0, VF z1, VF z2, VF z3) const {
    const std::size_t lanes = hn::Lanes(DF());
    at(i, z0);
    at(i + lanes, z1);
    at(i + 2 * lanes, z2);
    at(i + 3 * lanes, z3);
  }
  HWY_INLINE void part(std::size_t i, std::size_t n, const float* z) const {
    // Through a padded copy, so that the ends take the same path as the body.
    HWY_ALIGN float padded[kMaxBatch] = {};
    std::copy_n(x + i, n, padded);
    const DF d;
    for (std::size_t j = 0; j < n; j += hn::Lanes(d)) {
      hn::Store(apply(kCombine, hn::Load(d, padded + j), hn::Load(d, z + j)), d, padded + j);
    }
    std::copy_n(padded, n, y + i);
  }
};

template <Combine kCombine>
struct NoiseVisit {
  const law::Sampler& sampler;
  const Stream& stream;
  std::uint64_t first;
  std::size_t n;
  NoiseBody<kCombine> body;
  template <class Sample>
  HWY_INLINE void run() const {
    for_each_draw<Sample>(sampler, stream, first, n, body);
  }
};

void noise_run(const law::Sampler& sampler, const Stream& stream, std::uint64_t first,
               std::size_t n, Combine combine, const float* x, float* y) {
  if (combine == Combine::multiply) {
    with_kind(sampler.kind, NoiseVisit<Combine::multiply>{sampler, stream, first, n, {x, y}});
  } else {
    with_kind(sampler.kind, NoiseVisit<Combine::add>{sampler, stream, first, n, {x, y}});
  }
}

/// The bits of a vector's lanes, from lane 0 up.
HWY_INLINE std::uint64_t kept(VF z) {
  const DF d;
  std::uint8_t bytes[8] = {};  // Highway writes up to eight
  hn::StoreMaskBits(d, hn::Ne(z, hn::Zero(d)), bytes);
  return bytes[0] | std::uint64_t{bytes[1]} << 8;
}

/// Writes `count` bits, at most 64, from bit i on; a byte is begun by its first bit.
HWY_INLINE void put_bits(std::uint8_t* bits, std::size_t i, std::size_t count, std::uint64_t word) {
  for (; count >= 8 && i % 8 == 0; i += 8, count -= 8, word >>= 8) {
    bits[i / 8] = static_cast<std::uint8_t>(word);
  }
  for (; count > 0; ++i, --count, word >>= 1) {
    const auto before = static_cast<std::uint8_t>(i % 8 == 0 ? 0 : bits[i / 8]);
    bits[i / 8] = static_cast<std::uint8_t>(before | (word & 1) << (i % 8));
  }
}

/// y = x * z and the bits of z.
struct BitsBody {
  NoiseBody<Combine::multiply> noise;
  std::uint8_t* bits;

  HWY_INLINE void full(std::size_t i, VF z0, VF z1, VF z2, VF z3) const {
    noise.full(i, z0, z1, z2, z3);
    const std::size_t lanes = hn::Lanes(DF());
    put_bits(bits, i, 4 * lanes,
             kept(z0) | kept(z1) << lanes | kept(z2) << 2 * lanes | kept(z3) << 3 * lanes);
  }
  HWY_INLINE void part(std::size_t i, std::size_t n, const float* z) const {
    noise.part(i, n, z);
    for (std::size_t j = 0; j < n; ++j) put_bits(bits, i + j, 1, z[j] != 0);
  }
};

void bits_run(const law::Sampler& sampler, const Stream& stream, std::uint64_t first, std::size_t n,
              const float* x, float* y, std::uint8_t* bits) {
  for_each_draw<SampleBernoulli>(sampler, stream, first, n, BitsBody{{x, y}, bits});
}

/// bits from a multiple of eight on.
void from_bits(float keep, std::size_t n, const std::uint8_t* bits, const float* x, float* y) {
  const DF d;
  const VF z = set(keep);
  for_lanes(d, n, [&](std::size_t i, std::size_t count) HWY_ATTR {
    std::uint8_t bytes[8] = {static_cast<std::uint8_t>(bits[i / 8] >> (i % 8)), bits[i / 8 + 1]};
    const VF mine = hn::IfThenElseZero(hn::LoadMaskBits(d, bytes), z);
    store(hn::Mul(load(d, x + i, count), mine), d, y + i, count);
  });
}

void draw_run(const law::Sampler& sampler, const Stream& stream, std::uint64_t first, std::size_t n,
              float* z) {
  fill(sampler, stream, first, n, z);
}

/// x, y (places, stride), of which the first n of each place: y = x * z or x + z, z (places).
void spread(const float* z, std::size_t places, std::size_t stride, std::size_t n, Combine combine,
            const float* x, float* y) {
  const DF d;
  const std::size_t lanes = hn::Lanes(d);
  for (std::size_t place = 0; place < places; ++place, x += stride, y += stride) {
    const VF all = hn::Set(d, z[place]);
    std::size_t i = 0;
    for (; i + lanes <= n; i += lanes) {
      hn::StoreU(apply(combine, hn::LoadU(d, x + i), all), d, y + i);
    }
    for (; i < n; ++i) y[i] = combine == Combine::multiply ? x[i] * z[place] : x[i] + z[place];
  }
}

}  // namespace scalemix::inline v0::kernel::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace scalemix::inline v0::kernel {
namespace {

HWY_EXPORT(noise_run);
HWY_EXPORT(bits_run);
HWY_EXPORT(from_bits);
HWY_EXPORT(draw_run);
HWY_EXPORT(spread);

constexpr std::size_t kTile = 16384;  // values of x in a tile
constexpr std::size_t kChunk = 512;   // draws kept on the stack at a time

std::size_t ceil_div(std::size_t a, std::size_t b) { return (a + b - 1) / b; }

std::uint64_t width(const Site& site) { return site.width ? site.width : site.columns; }

/// Calls run(element, i, n) for the stretches of places begin ... end - 1 (place = row * columns +
/// column) whose elements follow one another; i is the stretch's first place.
template <class Run>
void for_each_stretch(const Site& site, std::size_t begin, std::size_t end, const Run& run) {
  const std::uint64_t w = width(site);
  if (w == site.columns && !site.group) return run(site.row0 * w + begin, begin, end - begin);
  while (begin < end) {
    const std::size_t row = begin / site.columns, column = begin % site.columns;
    const std::size_t n = std::min(end - begin, site.columns - column);
    run(site.row(row) * w + column, begin, n);
    begin += n;
  }
}

/// Draws at places begin ... end - 1 of a shrunk layer, whose columns lie anywhere in the stream; a
/// block is made once for neighbours that share it.
void draw_mapped(const law::Sampler& sampler, const Stream& stream, const Site& site,
                 std::size_t begin, std::size_t end, float* z) {
  std::array<std::uint32_t, 4> four{};
  std::uint64_t block = ~std::uint64_t{0};  // no element has it
  for (std::size_t place = begin; place < end; ++place) {
    const std::size_t row = place / site.columns, column = place % site.columns;
    const std::uint64_t element =
        site.row(row) * width(site) + static_cast<std::uint64_t>(site.logical[column]);
    if (element / 4 != block) four = stream.block(block = element / 4);
    z[place - begin] = sampler(four[element % 4]);
  }
}

void draw_places(const law::Sampler& sampler, const Stream& stream, const Site& site,
                 std::size_t begin, std::size_t end, float* z) {
  if (site.logical) return draw_mapped(sampler, stream, site, begin, end, z);
  for_each_stretch(site, begin, end, [&](std::uint64_t element, std::size_t i, std::size_t n) {
    HWY_DYNAMIC_DISPATCH(draw_run)(sampler, stream, element, n, z + (i - begin));
  });
}

/// One value a place, columns in order: draws never leave the registers.
void noise_fused(const law::Sampler& sampler, const Stream& stream, const Site& site,
                 Combine combine, const float* x, float* y) {
  const std::size_t places = site.rows * site.columns;
  parallel_tiles(ceil_div(places, kTile), [&](std::size_t tile) {
    const std::size_t begin = tile * kTile, end = std::min(places, begin + kTile);
    for_each_stretch(site, begin, end, [&](std::uint64_t element, std::size_t i, std::size_t n) {
      HWY_DYNAMIC_DISPATCH(noise_run)(sampler, stream, element, n, combine, x + i, y + i);
    });
  });
}

/// Places begin ... end - 1, values from ... from + n - 1 of each.
void noise_places(const law::Sampler& sampler, const Stream& stream, const Site& site,
                  Combine combine, std::size_t begin, std::size_t end, std::size_t from,
                  std::size_t n, const float* x, float* y) {
  float z[kChunk];
  while (begin < end) {
    const std::size_t stop = std::min(end, begin + kChunk);
    draw_places(sampler, stream, site, begin, stop, z);
    const std::size_t i = begin * site.inner + from;
    HWY_DYNAMIC_DISPATCH(spread)(z, stop - begin, site.inner, n, combine, x + i, y + i);
    begin = stop;
  }
}

/// A draw shared by `inner` values: whole places to a tile, or parts of one place if it is large.
void noise_shared(const law::Sampler& sampler, const Stream& stream, const Site& site,
                  Combine combine, const float* x, float* y) {
  const std::size_t places = site.rows * site.columns;
  const std::size_t group = std::max<std::size_t>(1, kTile / site.inner);
  const std::size_t size = group == 1 ? kTile : site.inner;
  const std::size_t parts = ceil_div(site.inner, size);
  parallel_tiles(ceil_div(places, group) * parts, [&](std::size_t tile) {
    const std::size_t begin = tile / parts * group, end = std::min(places, begin + group);
    const std::size_t from = tile % parts * size, n = std::min(size, site.inner - from);
    noise_places(sampler, stream, site, combine, begin, end, from, n, x, y);
  });
}

/// Sum of the products of n values of dy and x, or of dy alone.
double product_sum(std::size_t n, const float* dy, const float* x) {
  double sum = 0;
  for (std::size_t k = 0; k < n; ++k) sum += x ? static_cast<double>(dy[k]) * x[k] : dy[k];
  return sum;
}

/// noise_slope at places begin ... end - 1.
double slope_places(const law::Sampler& slope, const Stream& stream, const Site& site,
                    std::size_t begin, std::size_t end, const float* dy, const float* x) {
  float z[kChunk];
  double sum = 0;
  for (; begin < end; begin += kChunk) {
    const std::size_t stop = std::min(end, begin + kChunk);
    draw_places(slope, stream, site, begin, stop, z);
    for (std::size_t place = begin; place < stop; ++place) {
      const std::size_t i = place * site.inner;
      sum += z[place - begin] * product_sum(site.inner, dy + i, x ? x + i : nullptr);
    }
  }
  return sum;
}

}  // namespace

void noise(const law::Sampler& sampler, const Stream& stream, const Site& site, Combine combine,
           const float* x, float* y) {
  init_target();
  if (site.rows * site.columns * site.inner == 0) return;
  if (site.inner == 1 && !site.logical) return noise_fused(sampler, stream, site, combine, x, y);
  noise_shared(sampler, stream, site, combine, x, y);
}

double noise_slope(const law::Sampler& slope, const Stream& stream, const Site& site,
                   const float* dy, const float* x) {
  init_target();
  return sum_tiles(site.rows * site.columns, [&](std::size_t first, std::size_t n) {
    return slope_places(slope, stream, site, first, first + n, dy, x);
  });
}

bool has_bits(const law::Sampler& sampler, const Site& site) {
  const bool in_order = !site.logical && !site.group && width(site) == site.columns;
  return sampler.kind == law::Sampler::Kind::bernoulli && sampler.keep != 0 && site.inner == 1 &&
         in_order && site.row0 * width(site) % 4 == 0;
}

void noise_with_bits(const law::Sampler& sampler, const Stream& stream, const Site& site,
                     const float* x, float* y, std::uint8_t* bits) {
  init_target();
  const std::size_t n = site.rows * site.columns;
  const std::uint64_t first = site.row0 * width(site);
  parallel_tiles(ceil_div(n, kTile), [&](std::size_t tile) {
    const std::size_t i = tile * kTile;
    HWY_DYNAMIC_DISPATCH(bits_run)
    (sampler, stream, first + i, std::min(n - i, kTile), x + i, y + i, bits + i / 8);
  });
}

void noise_from_bits(const law::Sampler& sampler, std::size_t n, const std::uint8_t* bits,
                     const float* x, float* y) {
  init_target();
  parallel_tiles(ceil_div(n, kTile), [&](std::size_t tile) {
    const std::size_t i = tile * kTile;
    HWY_DYNAMIC_DISPATCH(from_bits)
    (sampler.keep, std::min(n - i, kTile), bits + i / 8, x + i, y + i);
  });
}

void multiply_draws(std::size_t places, std::size_t inner, const float* z, const float* x,
                    float* y) {
  if (inner == 1) {
    return for_tiles(places, [=](std::size_t first, std::size_t n) {
      for (std::size_t i = first; i < first + n; ++i) y[i] = x[i] * z[i];
    });
  }
  init_target();
  const std::size_t group = std::max<std::size_t>(1, kTile / std::max<std::size_t>(inner, 1));
  parallel_tiles(ceil_div(places, group), [=](std::size_t tile) {
    const std::size_t first = tile * group, i = first * inner;
    HWY_DYNAMIC_DISPATCH(spread)
    (z + first, std::min(places - first, group), inner, inner, Combine::multiply, x + i, y + i);
  });
}

void draws(const law::Sampler& sampler, const Stream& stream, const Site& site, float* z) {
  init_target();
  const std::size_t places = site.rows * site.columns;
  parallel_tiles(ceil_div(places, kTile), [&](std::size_t tile) {
    const std::size_t begin = tile * kTile, end = std::min(places, begin + kTile);
    draw_places(sampler, stream, site, begin, end, z + begin);
  });
}

}  // namespace scalemix::inline v0::kernel
#endif  // HWY_ONCE
