// From words to draws in SIMD: one class per kind of law/sampler.h, bit for bit its numbers on
// every target. Included once per target, after foreach_target.h.
#if defined(SCALEMIX_KERNEL_SAMPLE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef SCALEMIX_KERNEL_SAMPLE_INL_H_
#undef SCALEMIX_KERNEL_SAMPLE_INL_H_
#else
#define SCALEMIX_KERNEL_SAMPLE_INL_H_
#endif

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "hwy/highway.h"
#include "scalemix/law/sampler.h"

HWY_BEFORE_NAMESPACE();
namespace scalemix::inline v0::kernel::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using DF = hn::ScalableTag<float>;
using DU = hn::RebindToUnsigned<DF>;
using DI = hn::RebindToSigned<DF>;
using VF = hn::Vec<DF>;
using VU = hn::Vec<DU>;

/// The draws of a vector of words; one class per kind of sampler.
class SampleBernoulli {
 public:
  explicit SampleBernoulli(const law::Sampler& s)
      : cut_(static_cast<std::int32_t>(s.cut)), keep_(s.keep) {}
  HWY_INLINE VF operator()(VU words) const {
    const DI di;
    const auto drop = hn::Lt(hn::BitCast(di, hn::ShiftRight<9>(words)), hn::Set(di, cut_));
    return hn::IfThenZeroElse(hn::RebindMask(DF(), drop), hn::Set(DF(), keep_));
  }

 private:
  std::int32_t cut_;
  float keep_;
};

class SampleAffine {
 public:
  explicit SampleAffine(const law::Sampler& s) : shift_(s.shift), scale_(s.scale) {}
  HWY_INLINE VF operator()(VU words) const {
    const DF d;
    const VF k = hn::ConvertTo(d, hn::BitCast(DI(), hn::ShiftRight<9>(words)));
    const VF u = hn::Mul(hn::Add(k, hn::Set(d, 0.5f)), hn::Set(d, 0x1p-23f));
    return hn::Add(hn::Set(d, shift_), hn::Mul(hn::Set(d, scale_), u));
  }

 private:
  float shift_, scale_;
};

class SampleTable {
 public:
  explicit SampleTable(const law::Sampler& s)
      : table_(s.table),
        shift_(s.shift),
        scale_(s.scale),
        centre_(1 + 0.5f / static_cast<float>(1u << s.split)),
        bits_(static_cast<int>(23 - s.split)),
        first_(127u << s.split),
        side_(law::kOctaves << s.split) {}

  HWY_INLINE VF operator()(VU words) const {
    const DF d;
    const DU du;
    const DI di;
    const VU upper = hn::BitCast(du, hn::BroadcastSignBit(hn::BitCast(di, words)));
    const VU k = hn::Xor(hn::ShiftRight<9>(words), hn::And(upper, hn::Set(du, 0x7FFFFFu)));
    const VU m = hn::Or(hn::Add(k, k), hn::Set(du, 1));
    const VU bits = hn::BitCast(du, hn::ConvertTo(d, hn::BitCast(di, m)));
    const VU segment = hn::Add(hn::Sub(hn::ShiftRightSame(bits, bits_), hn::Set(du, first_)),
                               hn::And(upper, hn::Set(du, side_)));
    const VU local = hn::And(bits, hn::Set(du, (1u << bits_) - 1));
    const VF v =
        hn::Sub(hn::BitCast(d, hn::Or(local, hn::Set(du, 0x3F800000u))), hn::Set(d, centre_));
    VF t0, t1, t2, t3;
    look_up(segment, t0, t1, t2, t3);
    VF t = hn::Add(hn::Mul(t3, v), t2);
    t = hn::Add(hn::Mul(t, v), t1);
    t = hn::Add(hn::Mul(t, v), t0);
    return hn::Add(hn::Set(d, shift_), hn::Mul(hn::Set(d, scale_), t));
  }

 private:
#if HWY_TARGET != HWY_SCALAR && HWY_MAX_BYTES <= 64
  // Lane i's row of coefficients, and in wider vectors those of lanes i + 4, i + 8 and i + 12 next
  // to it.
  template <class D>
  HWY_INLINE hn::Vec<D> rows(D d, const std::uint32_t* at, std::size_t i) const {
    if constexpr (hn::MaxLanes(D()) == 16) {
      // Broadcasts into the lanes of a mask are loads; to combine halves takes shuffles.
#if HWY_TARGET <= HWY_AVX3
      const auto row = [&](std::size_t lane)
                           HWY_ATTR { return _mm_loadu_ps(table_ + place(at, i + lane)); };
      __m512 all = _mm512_castps128_ps512(row(0));
      all = _mm512_mask_broadcast_f32x4(all, 0x00F0, row(4));
      all = _mm512_mask_broadcast_f32x4(all, 0x0F00, row(8));
      return hn::Vec<D>{_mm512_mask_broadcast_f32x4(all, 0xF000, row(12))};
#else
      const hn::Half<D> half;
      return hn::Combine(d, rows(half, at + 8, i), rows(half, at, i));
#endif
    } else if constexpr (hn::MaxLanes(D()) == 4) {
      return hn::LoadU(d, table_ + place(at, i));
    } else {
      const hn::Half<D> half;
      return hn::Combine(d, hn::LoadU(half, table_ + place(at, i + 4)),
                         hn::LoadU(half, table_ + place(at, i)));
    }
  }

  // at[i], of two that are read as one word: half as many loads.
  static HWY_INLINE std::size_t place(const std::uint32_t* at, std::size_t i) {
    std::uint64_t both;
    std::memcpy(&both, at + i / 2 * 2, sizeof both);
    const bool upper = (i % 2 == 0) != (std::endian::native == std::endian::little);
    return upper ? both >> 32 : static_cast<std::uint32_t>(both);
  }

  // Whole rows, transposed: cheaper than four gathers.
  HWY_INLINE void look_up(VU segment, VF& t0, VF& t1, VF& t2, VF& t3) const {
    const DF d;
    const hn::Repartition<double, DF> wide;
    HWY_ALIGN std::uint32_t at[hn::MaxLanes(DF())];
    hn::Store(hn::ShiftLeft<2>(segment), DU(), at);
    const VF r0 = rows(d, at, 0), r1 = rows(d, at, 1), r2 = rows(d, at, 2), r3 = rows(d, at, 3);
    const auto low01 = hn::BitCast(wide, hn::InterleaveLower(d, r0, r1));
    const auto low23 = hn::BitCast(wide, hn::InterleaveLower(d, r2, r3));
    const auto high01 = hn::BitCast(wide, hn::InterleaveUpper(d, r0, r1));
    const auto high23 = hn::BitCast(wide, hn::InterleaveUpper(d, r2, r3));
    t0 = hn::BitCast(d, hn::InterleaveLower(wide, low01, low23));
    t1 = hn::BitCast(d, hn::InterleaveUpper(wide, low01, low23));
    t2 = hn::BitCast(d, hn::InterleaveLower(wide, high01, high23));
    t3 = hn::BitCast(d, hn::InterleaveUpper(wide, high01, high23));
  }
#else
  HWY_INLINE void look_up(VU segment, VF& t0, VF& t1, VF& t2, VF& t3) const {
    const DF d;
    const auto at = hn::BitCast(DI(), hn::ShiftLeft<2>(segment));
    t0 = hn::GatherIndex(d, table_, at);
    t1 = hn::GatherIndex(d, table_ + 1, at);
    t2 = hn::GatherIndex(d, table_ + 2, at);
    t3 = hn::GatherIndex(d, table_ + 3, at);
  }
#endif

  const float* table_;
  float shift_, scale_, centre_;
  int bits_;
  std::uint32_t first_, side_;
};

// The draw is the number of thresholds that k has reached: counted if they are few, else walked to
// along the table, all lanes at once.
class SampleSteps {
 public:
  explicit SampleSteps(const law::Sampler& s)
      : thresholds_(s.thresholds), start_(s.start), scale_(s.scale) {
    std::fill_n(few_, kFew, std::int32_t{1} << 23);  // never reached
    while (count_ <= kFew && thresholds_[count_] < (1u << 23)) {
      if (count_ < kFew) few_[count_] = static_cast<std::int32_t>(thresholds_[count_]);
      ++count_;
    }
    if (count_ <= kFew) count_ = (count_ + kUnroll - 1) / kUnroll * kUnroll;
  }
  HWY_INLINE VF operator()(VU words) const {
    const DI di;
    const auto k = hn::BitCast(di, hn::ShiftRight<9>(words));
    const auto i = HWY_LIKELY(count_ <= kFew) ? count(k) : walk(k);
    return hn::Mul(hn::Set(DF(), scale_), hn::ConvertTo(DF(), i));
  }

 private:
  using VI = hn::Vec<DI>;
  static constexpr std::size_t kFew = 20, kUnroll = 4;  // so few are cheaper to count than a gather

  HWY_INLINE VI count(VI k) const {
    const DI di;
    VI i = hn::Set(di, static_cast<std::int32_t>(count_));
    for (std::size_t j = 0; j < count_; j += kUnroll) {
      for (std::size_t u = 0; u < kUnroll; ++u) {
        // A mask is -1.
        i = hn::Add(i, hn::VecFromMask(di, hn::Lt(k, hn::Set(di, few_[j + u]))));
      }
    }
    return i;
  }
  HWY_INLINE VI walk(VI k) const {
    const DI di;
    const DU du;
    VU i = hn::GatherIndex(du, start_, hn::ShiftRight<15>(k));
    while (true) {
      const VU threshold = hn::GatherIndex(du, thresholds_, hn::BitCast(di, i));
      const auto stay = hn::Lt(k, hn::BitCast(di, threshold));
      if (hn::AllTrue(di, stay)) return hn::BitCast(di, i);
      i = hn::Add(i, hn::BitCast(du, hn::IfThenZeroElse(stay, hn::Set(di, 1))));
    }
  }

  const std::uint32_t *thresholds_, *start_;
  std::int32_t few_[kFew];
  std::size_t count_ = 0;
  float scale_;
};

}  // namespace scalemix::inline v0::kernel::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif  // SCALEMIX_KERNEL_SAMPLE_INL_H_
