// The SIMD half of gram_map.h, compiled once per instruction set. Four vectors of pairs go through
// all layers side by side: a polynomial of one alone would leave the core waiting for itself.
#include "scalemix/kernel/gram_map.h"

#ifndef HWY_COMPILE_ALL_ATTAINABLE
#define HWY_COMPILE_ALL_ATTAINABLE  // the scalar target too, which tests compare the others with
#endif
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "scalemix/kernel/gram_map.cc"
#include "hwy/foreach_target.h"  // must precede highway.h
#include "hwy/highway.h"
#include "scalemix/kernel/arc-inl.h"
#include "scalemix/kernel/target.h"

HWY_BEFORE_NAMESPACE();
namespace scalemix::inline v0::kernel::HWY_NAMESPACE {
namespace {

using std::numbers::pi;

/// A layer's factors of one row on the left and of four vectors of rows on the right.
struct Factors {
  const double *left_first, *left_second, *right_first, *right_second;

  HWY_INLINE VQ first() const { return mul(load_quad(right_first), wide(*left_first)); }
  HWY_INLINE VQ second() const { return mul(load_quad(right_second), wide(*left_second)); }
  HWY_INLINE VQ first_sum() const { return sum(right_first, *left_first); }

 private:
  static HWY_INLINE VQ sum(const double* right, double left) {
    return each([l = wide(left)](VD x) HWY_ATTR { return hn::Add(x, l); }, load_quad(right));
  }
};

struct Moments {
  VQ product, slopes;  // slopes is left out where nobody asks for it
};

/// kOneSign: k >= 0, as it is after a ReLU.
template <bool kOneSign>
struct Piecewise {
  double d, f;
  explicit Piecewise(double slope)
      : d((1 + slope * slope) / 2), f((1 - slope) * (1 - slope) / (2 * pi)) {}

  template <bool kSlopes>
  HWY_INLINE Moments apply(const Factors& factors, const VQ& k) const {
    const VQ c = mul(k, factors.first());
    const Arc<kSlopes> arc(kOneSign ? c : each([](VD x) HWY_ATTR { return hn::Abs(x); }, c));
    VQ segment = arc.segment, slopes{};
    if (!kOneSign) {
      const VD zero = hn::Zero(DD4()), turn = wide(-pi);
      segment = each([=](VD x, VD s) HWY_ATTR { return hn::MulAdd(hn::Min(x, zero), turn, s); }, c,
                     segment);
    }
    if (kSlopes) {
      slopes = arc.half_angle;
      if (!kOneSign) {
        const VD right_angle = wide(pi / 2);
        slopes = each(
            [=](VD x, VD half) HWY_ATTR {
              return hn::IfThenElse(hn::Lt(x, hn::Zero(DD4())), hn::Sub(right_angle, half), half);
            },
            c, slopes);
      }
      slopes = mul_add(slopes, wide(-2 * f), wide(d));
    }
    const VQ shape = mul_add(c, wide(d), mul(segment, wide(f)));
    return {mul(factors.second(), shape), slopes};
  }
};

struct Erf {
  explicit Erf(double) {}

  template <bool kSlopes>
  HWY_INLINE Moments apply(const Factors& factors, const VQ& k) const {
    const VQ scale = factors.first(), r = mul(k, scale);
    VQ slopes{};
    if (kSlopes) {
      slopes = each(
          [](VD x, VD s)
              HWY_ATTR { return hn::Div(hn::Mul(wide(2 / pi), s), hn::Sqrt(one_minus_square(x))); },
          r, scale);
    }
    return {mul(arcsine(r), wide(2 / pi)), slopes};
  }

  /// 1 - r^2, kept positive.
  static HWY_INLINE VD one_minus_square(VD r) {
    const VD one = wide(1);
    return hn::Max(hn::Mul(hn::Sub(one, r), hn::Add(one, r)), wide(1e-16));
  }
};

struct Gelu {
  explicit Gelu(double) {}

  template <bool kSlopes>
  HWY_INLINE Moments apply(const Factors& factors, const VQ& k) const {
    const VQ scale = factors.first(), p = factors.second(), r = mul(k, scale);
    const VQ squares =
        each([](VD x) HWY_ATTR { return Erf::one_minus_square(x); }, r);  // delta^2 / P1
    const VQ arc = mul_add(arcsine(r), wide(1 / (2 * pi)), wide(0.25));
    const VQ inverse =
        each([](VD x) HWY_ATTR { return hn::Div(wide(1 / (2 * pi)), hn::Sqrt(x)); }, squares);
    // (k^2 + P delta^2) / (P1 delta) = F (r^2 + P s^2) / s, with s^2 = 1 - r^2
    const VQ whole = mul(mul(scale, mul_add(p, squares, mul(r, r))), inverse);
    VQ slopes{};
    if (kSlopes) slopes = slope_product(scale, p, r, squares, inverse, arc);
    return {mul_add(k, arc, whole), slopes};
  }

 private:
  /// r/s [F^2/s^2 + F^2 - P F^2 + 1] / (2 pi) + 1/4 + arc
  static HWY_INLINE VQ slope_product(const VQ& scale, const VQ& p, const VQ& r, const VQ& squares,
                                     const VQ& inverse, const VQ& arc) {
    const VQ f2 = mul(scale, scale);
    const VQ bracket = each(
        [](VD f, VD product, VD s) HWY_ATTR {
          const VD one = wide(1);
          return hn::Add(hn::MulAdd(f, hn::Sub(one, product), hn::Div(f, s)), one);
        },
        f2, p, squares);
    return mul_add(mul(r, inverse), bracket, arc);
  }
};

struct Sine {
  explicit Sine(double) {}

  template <bool kSlopes>
  HWY_INLINE Moments apply(const Factors& factors, const VQ& k) const {
    const VQ sum = factors.first_sum();
    const VQ grown = each(
        [](VD x, VD s) HWY_ATTR {
          return hn::Mul(wide(0.5), hn::Exp(DD4(), hn::Max(hn::Sub(hn::Abs(x), s), wide(-700))));
        },
        k, sum);
    const VQ fall = each(  // e^-2|k| - 1
        [](VD x) HWY_ATTR {
          return hn::Expm1(DD4(), hn::Max(hn::Mul(hn::Abs(x), wide(-2)), wide(-700)));
        },
        k);
    const VQ product =
        each([](VD x, VD g, VD e) HWY_ATTR { return hn::CopySignToAbs(hn::Abs(hn::Mul(g, e)), x); },
             k, grown, fall);
    VQ slopes{};
    if (kSlopes) slopes = mul_add(grown, fall, mul(grown, wide(2)));
    return {product, slopes};
  }
};

/// What one column quad of a block goes through.
struct Walk {
  const GramLayer* layer;
  GramSide left, right;
  std::size_t i, j;  // row, first column

  HWY_INLINE Factors factors(std::size_t l) const {
    const std::size_t at = l * kGramSide;
    return {left.first + at + i, left.second + at + i, right.first + at + j, right.second + at + j};
  }
};

template <bool kNtk, class Phi>
HWY_INLINE void through(const Phi& phi, const Walk& walk, std::size_t begin, std::size_t end, VQ& k,
                        VQ& t) {
  for (std::size_t l = begin; l < end; ++l) {
    const GramLayer& layer = walk.layer[l];
    const Moments m = phi.template apply<kNtk>(walk.factors(l), k);
    const VD gain = wide(layer.gain), skip = wide(layer.skip);
    const VQ added = mul_add(m.product, gain, wide(layer.bias));
    // Most layers are plain, and then k and t leave the chain of dependences here.
    if (layer.skip == 0) {
      k = added;
      if (kNtk) t = mul_add(mul(t, gain), m.slopes, added);
    } else {
      k = mul_add(k, skip, added);
      if (kNtk) t = mul_add(mul_add(m.slopes, gain, skip), t, added);
    }
  }
}

/// `First` for the first `firsts` layers, `Phi` for the others.
template <bool kNtk, class First, class Phi>
HWY_INLINE void block(double parameter, std::size_t firsts, std::size_t layers,
                      const GramLayer* layer, const GramSide& left, const GramSide& right,
                      std::size_t stride, double* nngp, double* ntk) {
  const First first(parameter);
  const Phi phi(parameter);
  const std::size_t quad = 4 * hn::Lanes(DD4());
  for (std::size_t j = 0; j < right.rows; j += quad) {
    for (std::size_t i = 0; i < left.rows; ++i) {
      const Walk walk{layer, left, right, i, j};
      double* const at = nngp + i * stride + j;
      VQ k = load_quad(at), t{};
      if (kNtk) t = load_quad(ntk + i * stride + j);
      through<kNtk>(first, walk, 0, firsts, k, t);
      through<kNtk>(phi, walk, firsts, layers, k, t);
      store_quad(k, at);
      if (kNtk) store_quad(t, ntk + i * stride + j);
    }
  }
}

template <class First, class Phi, class... Arguments>
HWY_INLINE void with_ntk(double* ntk, const Arguments&... arguments) {
  if (ntk) {
    block<true, First, Phi>(arguments..., ntk);
  } else {
    block<false, First, Phi>(arguments..., ntk);
  }
}

void map_block(const GramPhi& phi, std::size_t signed_layers, std::size_t layers,
               const GramLayer* layer, const GramSide& left, const GramSide& right,
               std::size_t stride, double* nngp, double* ntk) {
  const double p = phi.parameter;
  switch (phi.kind) {
    case GramKind::piecewise:
      return with_ntk<Piecewise<false>, Piecewise<true>>(ntk, p, signed_layers, layers, layer, left,
                                                         right, stride, nngp);
    case GramKind::erf:
      return with_ntk<Erf, Erf>(ntk, p, layers, layers, layer, left, right, stride, nngp);
    case GramKind::gelu:
      return with_ntk<Gelu, Gelu>(ntk, p, layers, layers, layer, left, right, stride, nngp);
    case GramKind::sine:
      return with_ntk<Sine, Sine>(ntk, p, layers, layers, layer, left, right, stride, nngp);
  }
}

}  // namespace
}  // namespace scalemix::inline v0::kernel::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace scalemix::inline v0::kernel {
namespace {

HWY_EXPORT(map_block);

/// How many layers may meet a negative k: after a plain ReLU layer there is none.
std::size_t signed_layers(const GramPhi& phi, std::size_t layers, const GramLayer* layer) {
  if (phi.parameter != 0) return layers;
  for (std::size_t l = layers; l > 1; --l) {
    if (layer[l - 2].skip != 0) return l;
  }
  return std::min<std::size_t>(layers, 1);
}

}  // namespace

void gram_map(const GramPhi& phi, std::size_t layers, const GramLayer* layer, const GramSide& left,
              const GramSide& right, std::size_t stride, double* nngp, double* ntk) {
  init_target();
  HWY_DYNAMIC_DISPATCH(map_block)
  (phi, signed_layers(phi, layers, layer), layers, layer, left, right, stride, nngp, ntk);
}

}  // namespace scalemix::inline v0::kernel
#endif  // HWY_ONCE
