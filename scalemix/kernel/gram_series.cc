// The SIMD half of gram_series.h, compiled once per instruction set.
#include "scalemix/kernel/gram_series.h"

#ifndef HWY_COMPILE_ALL_ATTAINABLE
#define HWY_COMPILE_ALL_ATTAINABLE  // the scalar target too, which tests compare the others with
#endif
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "scalemix/kernel/gram_series.cc"
#include "hwy/foreach_target.h"  // must precede highway.h
#include "hwy/highway.h"
#include "scalemix/kernel/arc-inl.h"
#include "scalemix/kernel/target.h"

HWY_BEFORE_NAMESPACE();
namespace scalemix::inline v0::kernel::HWY_NAMESPACE {
namespace {

/// Row i on the left with four vectors of rows from j on: Horner's scheme of the sum and of its
/// derivative by c.
template <bool kNtk>
HWY_INLINE void pairs(std::size_t terms, const GramLayer& layer, const SeriesSide& left,
                      const SeriesSide& right, std::size_t i, std::size_t j, double* nngp,
                      double* ntk) {
  const VD one = wide(1), minus = wide(-1), gain = wide(layer.gain), skip = wide(layer.skip);
  const VQ inverse = mul(load_quad(right.inverse_root + j), wide(left.inverse_root[i]));
  const VQ k = load_quad(nngp);
  const VQ c =
      each([=](VD x) HWY_ATTR { return hn::Min(hn::Max(x, minus), one); }, mul(k, inverse));
  const auto term = [&](std::size_t n) HWY_ATTR {
    return mul(load_quad(right.terms + n * kGramSide + j), wide(left.terms[n * kGramSide + i]));
  };
  VQ sum = term(terms - 1), slope = all(0);
  for (std::size_t n = terms - 1; n-- > 0;) {
    if (kNtk) slope = mul_add(slope, c, sum);
    sum = mul_add(sum, c, term(n));
  }
  const VQ added = mul_add(sum, gain, all(layer.bias));
  if (kNtk) {
    const VQ t = load_quad(ntk);
    store_quad(mul_add(mul_add(mul(slope, inverse), gain, all(layer.skip)), t, added), ntk);
  }
  store_quad(mul_add(k, skip, added), nngp);
}

void series_block(std::size_t terms, const GramLayer& layer, const SeriesSide& left,
                  const SeriesSide& right, double* nngp, double* ntk) {
  const std::size_t quad = 4 * hn::Lanes(DD4());
  for (std::size_t j = 0; j < right.rows; j += quad) {
    for (std::size_t i = 0; i < left.rows; ++i) {
      const std::size_t at = i * kGramSide + j;
      if (ntk) {
        pairs<true>(terms, layer, left, right, i, j, nngp + at, ntk + at);
      } else {
        pairs<false>(terms, layer, left, right, i, j, nngp + at, ntk);
      }
    }
  }
}

}  // namespace
}  // namespace scalemix::inline v0::kernel::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace scalemix::inline v0::kernel {

HWY_EXPORT(series_block);

void gram_series(std::size_t terms, const GramLayer& layer, const SeriesSide& left,
                 const SeriesSide& right, double* nngp, double* ntk) {
  init_target();
  HWY_DYNAMIC_DISPATCH(series_block)(terms, layer, left, right, nngp, ntk);
}

}  // namespace scalemix::inline v0::kernel
#endif  // HWY_ONCE
