// The stream in SIMD, and draws from it, compiled once per target; included after
// hwy/foreach_target.h and hwy/highway.h. Bit for bit the numbers of random/stream.h and
// law/sampler.h on every target.
//
//   Words  the 32-bit words of consecutive elements
//   Draw   the draws of consecutive elements, for one kind of sampler
//   fill   n draws from any element on, written to memory
//
// A batch is 4 vectors: 4 * Lanes elements in order, from an element that is a multiple of 4. For
// Philox a 64-bit lane holds one block: the 32x32-bit products come out in place and their lower
// halves need no mask, since a product reads the lower half of a lane alone.

#if defined(SCALEMIX_KERNEL_STREAM_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef SCALEMIX_KERNEL_STREAM_INL_H_
#undef SCALEMIX_KERNEL_STREAM_INL_H_
#else
#define SCALEMIX_KERNEL_STREAM_INL_H_
#endif

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "hwy/highway.h"
#include "scalemix/kernel/sample-inl.h"
#include "scalemix/law/sampler.h"
#include "scalemix/random/stream.h"

HWY_BEFORE_NAMESPACE();
namespace scalemix::inline v0::kernel::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

/// Elements in a batch.
HWY_INLINE std::size_t batch() { return 4 * hn::Lanes(DF()); }
inline constexpr std::size_t kMaxBatch = 4 * hn::MaxLanes(DF());

class Words {
 public:
  explicit Words(const Stream& stream) : stream_(stream) {
    for (std::uint32_t round = 0; round < 10; ++round) {
      k0_[round] = static_cast<std::uint32_t>(stream.seed) + round * 0x9E3779B9u;
      k1_[round] = static_cast<std::uint32_t>(stream.seed >> 32) + round * 0xBB67AE85u;
    }
  }

  /// The words of elements 4 * block ... 4 * block + batch() - 1.
  HWY_INLINE void operator()(std::uint64_t block, VU& w0, VU& w1, VU& w2, VU& w3) const {
#if HWY_TARGET != HWY_SCALAR
    const std::uint32_t low = static_cast<std::uint32_t>(block);
    if (HWY_LIKELY(low + static_cast<std::uint64_t>(batch()) / 4 <= 0x100000000u)) {
      return vector_blocks(block, w0, w1, w2, w3);
    }
#endif
    scalar_blocks(block, w0, w1, w2, w3);
  }

 private:
  // One block at a time: the one-lane target, and a batch in which the counter's lower half wraps
  // around.
  HWY_NOINLINE void scalar_blocks(std::uint64_t block, VU& w0, VU& w1, VU& w2, VU& w3) const {
    const DU d;
    const std::size_t lanes = hn::Lanes(d);
    HWY_ALIGN std::uint32_t words[kMaxBatch];
    for (std::size_t i = 0; i < lanes; ++i) {
      const auto four = stream_.block(block + i);
      std::copy_n(four.data(), 4, words + 4 * i);
    }
    w0 = hn::Load(d, words);
    w1 = hn::Load(d, words + lanes);
    w2 = hn::Load(d, words + 2 * lanes);
    w3 = hn::Load(d, words + 3 * lanes);
  }

#if HWY_TARGET != HWY_SCALAR
  using D64 = hn::Repartition<std::uint64_t, DU>;
  using V64 = hn::Vec<D64>;
  static constexpr std::uint32_t kM0 = 0xD2511F53, kM1 = 0xCD9E8D57;

  static HWY_INLINE V64 times(V64 x, std::uint32_t m) {
    const DU d;
    return hn::MulEven(hn::BitCast(d, x), hn::Set(d, m));
  }
  static HWY_INLINE V64 high(V64 x) { return hn::ShiftRight<32>(x); }
  // Into both halves of a lane: the upper one holds nothing of use.
  static HWY_INLINE V64 flip(V64 x, std::uint32_t y) {
    const DU d;
    return hn::BitCast(D64(), hn::Xor(hn::BitCast(d, x), hn::Set(d, y)));
  }

  // The first three rounds: stream and draw are the same in all lanes, so half of their products is
  // scalar.
  HWY_INLINE void open(std::uint64_t block, V64 offset, V64& c0, V64& c1, V64& c2, V64& c3) const {
    const std::uint64_t b1 = std::uint64_t{kM1} * stream_.stream;
    const std::uint32_t x0 =
        static_cast<std::uint32_t>(b1 >> 32) ^ static_cast<std::uint32_t>(block >> 32) ^ k0_[0];
    const std::uint64_t a2 = std::uint64_t{kM0} * x0;
    const V64 a1 = times(hn::Add(hn::Set(D64(), block), offset), kM0);
    const V64 b2 = times(flip(high(a1), stream_.draw ^ k1_[0]), kM1);
    const V64 a3 = times(flip(high(b2), static_cast<std::uint32_t>(b1) ^ k0_[1]), kM0);
    const V64 b3 = times(flip(a1, static_cast<std::uint32_t>(a2 >> 32) ^ k1_[1]), kM1);
    c0 = flip(hn::Xor(high(b3), b2), k0_[2]);
    c1 = b3;
    c2 = flip(high(a3), static_cast<std::uint32_t>(a2) ^ k1_[2]);
    c3 = a3;
  }

  HWY_INLINE void step(std::size_t round, V64& c0, V64& c1, V64& c2, V64& c3) const {
    const V64 a = times(c0, kM0), b = times(c2, kM1);
    c0 = flip(hn::Xor(high(b), c1), k0_[round]);
    c1 = b;
    c2 = flip(hn::Xor(high(a), c3), k1_[round]);
    c3 = a;
  }

  // The last round, with words (0, 1) and (2, 3) of a block side by side, blocks back in order.
  HWY_INLINE void close(V64 c0, V64 c1, V64 c2, V64 c3, VU& w0, VU& w1) const {
    const D64 d;
    const DU du;
    const V64 low = hn::Set(d, 0xFFFFFFFFu);
    const V64 a = times(c0, kM0), b = times(c2, kM1);
    const V64 swapped_a = hn::BitCast(d, hn::Shuffle2301(hn::BitCast(du, a)));
    const V64 swapped_b = hn::BitCast(d, hn::Shuffle2301(hn::BitCast(du, b)));
    const V64 w01 = hn::Xor(swapped_b, hn::And(flip(c1, k0_[9]), low));
    const V64 w23 = hn::Xor(swapped_a, hn::And(flip(c3, k1_[9]), low));
    w0 = hn::BitCast(du, hn::InterleaveLower(d, w01, w23));
    w1 = hn::BitCast(du, hn::InterleaveUpper(d, w01, w23));
  }

  // Two groups of blocks side by side hide the latency of the products. Even lanes hold the first
  // half of a group's blocks and odd lanes the second, so that interleaving within 128 bits
  // restores the order.
  HWY_INLINE void vector_blocks(std::uint64_t block, VU& w0, VU& w1, VU& w2, VU& w3) const {
    const D64 d;
    const std::size_t lanes = hn::Lanes(d);
    const V64 lane = hn::Iota(d, 0);
    const V64 odd = hn::And(lane, hn::Set(d, 1));
    const V64 half = hn::Set(d, lanes / 2);
    const V64 offset = hn::Add(hn::ShiftRight<1>(lane), hn::And(hn::Sub(hn::Zero(d), odd), half));
    V64 c0, c1, c2, c3, e0, e1, e2, e3;
    open(block, offset, c0, c1, c2, c3);
    open(block, hn::Add(offset, hn::Set(d, lanes)), e0, e1, e2, e3);
    for (std::size_t round = 3; round < 9; ++round) {
      step(round, c0, c1, c2, c3);
      step(round, e0, e1, e2, e3);
    }
    close(c0, c1, c2, c3, w0, w1);
    close(e0, e1, e2, e3, w2, w3);
  }
#endif  // HWY_TARGET != HWY_SCALAR

  Stream stream_;
  std::uint32_t k0_[10], k1_[10];
};

/// The draws of consecutive elements.
template <class Sample>
class Draw {
 public:
  Draw(const law::Sampler& sampler, const Stream& stream) : sample_(sampler), words_(stream) {}

  /// The draws of elements 4 * block ... 4 * block + batch() - 1.
  HWY_INLINE void operator()(std::uint64_t block, VF& z0, VF& z1, VF& z2, VF& z3) const {
    VU w0, w1, w2, w3;
    words_(block, w0, w1, w2, w3);
    z0 = sample_(w0);
    z1 = sample_(w1);
    z2 = sample_(w2);
    z3 = sample_(w3);
  }

  /// The same, written to z (batch()), aligned to a vector.
  HWY_NOINLINE void store(std::uint64_t block, float* z) const {
    const DF d;
    const std::size_t lanes = hn::Lanes(d);
    VF z0, z1, z2, z3;
    (*this)(block, z0, z1, z2, z3);
    hn::Store(z0, d, z);
    hn::Store(z1, d, z + lanes);
    hn::Store(z2, d, z + 2 * lanes);
    hn::Store(z3, d, z + 3 * lanes);
  }

 private:
  Sample sample_;
  Words words_;
};

/// Calls visit.template run<Sample>() for the sampler's kind.
template <class Visit>
HWY_INLINE void with_kind(law::Sampler::Kind kind, const Visit& visit) {
  switch (kind) {
    case law::Sampler::Kind::bernoulli:
      return visit.template run<SampleBernoulli>();
    case law::Sampler::Kind::affine:
      return visit.template run<SampleAffine>();
    case law::Sampler::Kind::table:
      return visit.template run<SampleTable>();
    case law::Sampler::Kind::steps:
      return visit.template run<SampleSteps>();
  }
}

/// Calls body.full(i, z0, z1, z2, z3) for each batch that lies wholly in elements first ... first +
/// n - 1, i counting from `first`, and body.part(i, count, z) for what sticks out at either end, z
/// in memory, padded to batch() and aligned to a vector.
template <class Sample, class Body>
HWY_INLINE void for_each_draw(const law::Sampler& sampler, const Stream& stream,
                              std::uint64_t first, std::size_t n, const Body& body) {
  const Draw<Sample> draw(sampler, stream);
  const std::size_t size = batch();
  HWY_ALIGN float z[kMaxBatch];
  std::uint64_t block = first / 4;
  std::size_t i = 0;
  if (const std::size_t lead = first % 4; lead != 0 && n != 0) {
    // The batch's draws before `first` belong to someone else: move ours to the front.
    draw.store(block, z);
    i = std::min(n, size - lead);
    std::copy(z + lead, z + lead + i, z);
    body.part(0, i, z);
    block += size / 4;
  }
  for (; i + size <= n; i += size, block += size / 4) {
    VF z0, z1, z2, z3;
    draw(block, z0, z1, z2, z3);
    body.full(i, z0, z1, z2, z3);
  }
  if (i < n) {
    draw.store(block, z);
    body.part(i, n - i, z);
  }
}

struct FillBody {
  float* z;
  HWY_INLINE void full(std::size_t i, VF z0, VF z1, VF z2, VF z3) const {
    const DF d;
    const std::size_t lanes = hn::Lanes(d);
    hn::StoreU(z0, d, z + i);
    hn::StoreU(z1, d, z + i + lanes);
    hn::StoreU(z2, d, z + i + 2 * lanes);
    hn::StoreU(z3, d, z + i + 3 * lanes);
  }
  HWY_INLINE void part(std::size_t i, std::size_t n, const float* from) const {
    std::copy_n(from, n, z + i);
  }
};

struct FillVisit {
  const law::Sampler& sampler;
  const Stream& stream;
  std::uint64_t first;
  std::size_t n;
  float* z;
  template <class Sample>
  HWY_INLINE void run() const {
    for_each_draw<Sample>(sampler, stream, first, n, FillBody{z});
  }
};

/// z[i] = the draw of element first + i, for n elements.
inline void fill(const law::Sampler& sampler, const Stream& stream, std::uint64_t first,
                 std::size_t n, float* z) {
  with_kind(sampler.kind, FillVisit{sampler, stream, first, n, z});
}

}  // namespace scalemix::inline v0::kernel::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif  // SCALEMIX_KERNEL_STREAM_INL_H_
