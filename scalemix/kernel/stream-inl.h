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
    const auto seed0 = static_cast<std::uint32_t>(stream.seed),
               seed1 = static_cast<std::uint32_t>(stream.seed >> 32);
    for (std::uint32_t round = 0; round < 10; ++round) {
      k0_[round] = seed0 + round * 0x9E3779B9u;
      k1_[round] = seed1 + round * 0xBB67AE85u;
    }
#if HWY_TARGET != HWY_SCALAR
    spread(kM0, times_[0]);
    spread(kM1, times_[1]);
    for (std::size_t round = 2; round < 10; ++round) {
      spread(k0_[round], flip0_[round]);
      spread(k1_[round], flip1_[round]);
    }
    set_high(0);
#endif
  }

  /// The words of elements 4 * block ... 4 * block + batch() - 1: four vectors.
  HWY_INLINE void make(std::uint64_t block, VU* w) {
#if HWY_TARGET != HWY_SCALAR
    const std::uint32_t low = static_cast<std::uint32_t>(block);
    if (HWY_LIKELY(low + static_cast<std::uint64_t>(batch()) / 4 <= 0x100000000u)) {
      if (HWY_UNLIKELY(block >> 32 != high_)) set_high(block >> 32);
      return vector_blocks(block, w);
    }
#endif
    scalar_blocks(block, w);
  }

 private:
  // One block at a time: the one-lane target, and a batch in which the counter's lower half wraps
  // around.
  HWY_NOINLINE void scalar_blocks(std::uint64_t block, VU* w) const {
    const DU d;
    const std::size_t lanes = hn::Lanes(d);
    HWY_ALIGN std::uint32_t words[kMaxBatch];
    for (std::size_t i = 0; i < lanes; ++i) {
      const auto four = stream_.block(block + i);
      std::copy_n(four.data(), 4, words + 4 * i);
    }
    for (std::size_t i = 0; i < 4; ++i) w[i] = hn::Load(d, words + i * lanes);
  }

#if HWY_TARGET != HWY_SCALAR
  using D64 = hn::Repartition<std::uint64_t, DU>;
  using V64 = hn::Vec<D64>;
  static constexpr std::uint32_t kM0 = 0xD2511F53, kM1 = 0xCD9E8D57;

  // Constants stand in memory, one vector each, from which an operation reads at no cost: registers
  // are scarce, and to fill one takes two operations.
  using Lanes = std::uint32_t[hn::MaxLanes(DU())];
  static void spread(std::uint32_t value, Lanes& to) { hn::Store(hn::Set(DU(), value), DU(), to); }

  static HWY_INLINE V64 times(V64 x, VU m) { return hn::MulEven(hn::BitCast(DU(), x), m); }
  static HWY_INLINE V64 high(V64 x) { return hn::ShiftRight<32>(x); }
  // Into both halves of a lane: the upper one holds nothing of use.
  static HWY_INLINE V64 flip(V64 x, const Lanes& y) {
    return hn::Xor(x, hn::BitCast(D64(), hn::Load(DU(), y)));
  }

  // In the first two rounds stream, draw and the counter's upper half are the same in all lanes, so
  // half of the products is made once, here.
  HWY_NOINLINE void set_high(std::uint64_t high) {
    high_ = high;
    const std::uint64_t b1 = std::uint64_t{kM1} * stream_.stream;
    const std::uint64_t a2 = std::uint64_t{kM0} * (static_cast<std::uint32_t>(b1 >> 32) ^
                                                   static_cast<std::uint32_t>(high) ^ k0_[0]);
    spread(stream_.draw ^ k1_[0], flip1_[0]);
    spread(static_cast<std::uint32_t>(b1) ^ k0_[1], flip0_[1]);
    spread(static_cast<std::uint32_t>(a2 >> 32) ^ k1_[1], flip1_[1]);
    spread(static_cast<std::uint32_t>(a2) ^ k1_[2], flip1_[2]);
  }

  HWY_INLINE void open(V64 block, VU m0, VU m1, V64* c) const {
    const V64 a1 = times(block, m0);
    const V64 b2 = times(flip(high(a1), flip1_[0]), m1);
    const V64 a3 = times(flip(high(b2), flip0_[1]), m0);
    const V64 b3 = times(flip(a1, flip1_[1]), m1);
    c[0] = flip(hn::Xor(high(b3), b2), flip0_[2]);
    c[1] = b3;
    c[2] = flip(high(a3), flip1_[2]);
    c[3] = a3;
  }

  HWY_INLINE void step(std::size_t round, VU m0, VU m1, V64* c) const {
    const V64 a = times(c[0], m0), b = times(c[2], m1);
    c[0] = flip(hn::Xor(high(b), c[1]), flip0_[round]);
    c[1] = b;
    c[2] = flip(hn::Xor(high(a), c[3]), flip1_[round]);
    c[3] = a;
  }

  // The last round, with words (0, 1) and (2, 3) of a block side by side, blocks back in order.
  HWY_INLINE void close(VU m0, VU m1, const V64* c, VU* w) const {
    const D64 d;
    const DU du;
    const V64 low = hn::Set(d, 0xFFFFFFFFu);
    const V64 a = times(c[0], m0), b = times(c[2], m1);
    const V64 swapped_a = hn::BitCast(d, hn::Shuffle2301(hn::BitCast(du, a)));
    const V64 swapped_b = hn::BitCast(d, hn::Shuffle2301(hn::BitCast(du, b)));
    const V64 w01 = hn::Xor(swapped_b, hn::And(flip(c[1], flip0_[9]), low));
    const V64 w23 = hn::Xor(swapped_a, hn::And(flip(c[3], flip1_[9]), low));
    w[0] = hn::BitCast(du, hn::InterleaveLower(d, w01, w23));
    w[1] = hn::BitCast(du, hn::InterleaveUpper(d, w01, w23));
  }

  // Two groups of blocks side by side hide the latency of the products. Even lanes hold the first
  // half of a group's blocks and odd lanes the second, so that interleaving within 128 bits
  // restores the order.
  HWY_INLINE void vector_blocks(std::uint64_t block, VU* w) const {
    const D64 d;
    const std::size_t lanes = hn::Lanes(d);
    const V64 lane = hn::Iota(d, 0);
    const V64 odd = hn::And(lane, hn::Set(d, 1));
    const V64 half = hn::Set(d, lanes / 2);
    const V64 offset = hn::Add(hn::ShiftRight<1>(lane), hn::And(hn::Sub(hn::Zero(d), odd), half));
    const VU m0 = hn::Load(DU(), times_[0]), m1 = hn::Load(DU(), times_[1]);
    V64 c[2][4];
    for (std::size_t i = 0; i < 2; ++i) {
      open(hn::Add(hn::Set(d, block + i * lanes), offset), m0, m1, c[i]);
    }
    for (std::size_t round = 3; round < 9; ++round) {
      for (auto& group : c) step(round, m0, m1, group);
    }
    for (std::size_t i = 0; i < 2; ++i) close(m0, m1, c[i], w + 2 * i);
  }

  HWY_ALIGN Lanes times_[2], flip0_[10], flip1_[10];
  std::uint64_t high_ = 0;
#endif  // HWY_TARGET != HWY_SCALAR

  Stream stream_;
  std::uint32_t k0_[10], k1_[10];
};

/// The draws of consecutive elements.
template <class Sample>
class Draw {
 public:
  Draw(const law::Sampler& sampler, const Stream& stream) : sample_(sampler), words_(stream) {}

  /// The draws of elements 4 * block ... 4 * block + batch() - 1: four vectors.
  HWY_INLINE void make(std::uint64_t block, VF* z) {
    VU words[4];
    words_.make(block, words);
    for (std::size_t i = 0; i < 4; ++i) z[i] = sample_(words[i]);
  }

  /// The same, written to z (batch()), aligned to a vector.
  HWY_NOINLINE void store(std::uint64_t block, float* z) {
    const DF d;
    VF draws[4];
    make(block, draws);
    for (std::size_t i = 0; i < 4; ++i) hn::Store(draws[i], d, z + i * hn::Lanes(d));
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
  Draw<Sample> draw(sampler, stream);
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
    VF draws[4];
    draw.make(block, draws);
    body.full(i, draws[0], draws[1], draws[2], draws[3]);
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
