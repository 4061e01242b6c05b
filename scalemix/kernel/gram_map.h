// The kernels of wide networks, many layers at a time on one block of pairs that stays in cache.
//
// A pair of inputs has k, the covariance of its pre-activations (NNGP), and t, its tangent kernel
// (NTK). With q1, q2 the variances of the two, a layer makes of them
//
//   k' = skip k + gain E phi(u1) phi(u2) + bias
//   t' = skip t + gain E phi(u1) phi(u2) + bias + gain t E phi'(u1) phi'(u2)
//
// A plain layer has skip 0, gain sigma_w^2, bias sigma_b^2; a residual one of branch scale a has
// skip 1, gain a^2 sigma_w^2, bias a^2 sigma_b^2. The variances come from outside, as two factors a
// row and layer, because noise enters there and nowhere else: two inputs draw theirs apart.
//
//   kind        phi                  E phi phi                             E phi' phi'
//   piecewise   x, or slope x < 0    sqrt(q1 q2) (f (sin h - h c) + d c)   d - f h
//   erf         erf(b x)             2/pi asin r                           2/pi F / sqrt(1 - r^2)
//   gelu        x Phi(x)             see ref::pair_moments
//   sine        sin x                e^(-(q1 + q2)/2) sinh k               e^(-(q1 + q2)/2) cosh k
//
// with c = k / sqrt(q1 q2), h = arccos c, d = (1 + slope^2)/2, f = (1 - slope)^2 / (2 pi);
// F = f1 f2 with f = b sqrt(2 / (1 + 2 b^2 q)), r = k F.
//
// Accuracy: one layer's E phi phi within 2e-15 sqrt(E phi(u1)^2 E phi(u2)^2), its E phi' phi'
// within 4e-15 of the larger of its value and 1 (erf and gelu where 1 - |r| >= 1e-9; below that
// their condition number takes over). Fused multiply-adds are used where the target has them: bits
// differ between targets and are the same for any number of threads.
//
// Source: Cho & Saul (2009), Kernel methods for deep learning; Williams (1997), Computing with
// infinite networks; Jacot, Gabriel & Hongler (2018), Neural tangent kernel; Tsuchida et al.
// (2021), Avoiding kernel fixed points (gelu).
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numbers>

namespace scalemix::inline v0::kernel {

enum class GramKind { piecewise, erf, gelu, sine };

/// phi: `parameter` is the slope of piecewise and the b of erf.
struct GramPhi {
  GramKind kind;
  double parameter = 0;
};

struct GramLayer {
  double skip, gain, bias;
};

/// Rows on one side of a block: row i's factors for layer l stand at [l * kGramSide + i].
struct GramSide {
  const double *first, *second;
  std::size_t rows;  // at most kGramSide
};
inline constexpr std::size_t kGramSide = 128;

/// The factors of a row of variance q: piecewise 1 / sqrt q and sqrt q, where a q below 1e-290
/// counts as 0 and has 0 and 0; erf f; gelu
/// 1 / sqrt(1 + q) and q; sine q / 2. What is not named is 0.
struct GramFactors {
  double first = 0, second = 0;
};
inline GramFactors gram_factors(const GramPhi& phi, double q) {
  const double b = phi.parameter;
  switch (phi.kind) {
    case GramKind::piecewise:
      if (q < 1e-290) return {};
      return {1 / std::sqrt(q), std::sqrt(q)};
    case GramKind::erf:
      return {b * std::sqrt(2 / (1 + 2 * b * b * q))};
    case GramKind::gelu:
      return {1 / std::sqrt(1 + q), q};
    case GramKind::sine:
      return {q / 2};
  }
  return {};
}

/// Runs `layers` layers on a block of left.rows x right.rows pairs in place. Row i of the block
/// starts at nngp + i * stride, and so in ntk, which may be null.
void gram_map(const GramPhi& phi, std::size_t layers, const GramLayer* layer, const GramSide& left,
              const GramSide& right, std::size_t stride, double* nngp, double* ntk);

namespace ref {
struct PairMoments {
  double product, slope_product;
};

/// E phi(u1) phi(u2) and E phi'(u1) phi'(u2) by the textbook formulas.
inline PairMoments pair_moments(const GramPhi& phi, double q1, double q2, double k) {
  using std::numbers::pi;
  const double b = phi.parameter;
  if (phi.kind == GramKind::piecewise) {
    const double s = std::sqrt(std::max(0.0, (std::sqrt(q1 * q2) - k) * (std::sqrt(q1 * q2) + k)));
    const double angle = std::atan2(s, k), f = (1 - b) * (1 - b) / (2 * pi);
    const double slopes = (1 + b * b) / 2 - angle * f;
    return {f * s + slopes * k, slopes};
  }
  if (phi.kind == GramKind::erf) {
    const double p = (1 + 2 * b * b * q1) * (1 + 2 * b * b * q2), x = 2 * b * b * k;
    const double root = std::sqrt(p - x * x);
    return {2 / pi * std::atan2(x, root), 4 * b * b / pi / root};
  }
  if (phi.kind == GramKind::sine) {
    const double e1 = std::exp(k - (q1 + q2) / 2), e2 = std::exp(-k - (q1 + q2) / 2);
    return {(e1 - e2) / 2, (e1 + e2) / 2};
  }
  const double p = q1 * q2, p1 = (1 + q1) * (1 + q2), d2 = p1 - k * k, d = std::sqrt(d2);
  const double arc = std::atan2(k, d);
  return {((k * k + p * d2) / (p1 * d) + k * arc) / (2 * pi) + k / 4,
          k / (2 * pi * d) * (1 / d2 + (1 - p) / p1 + 1) + 0.25 + arc / (2 * pi)};
}

/// One layer on one pair.
inline void gram_layer(const GramPhi& phi, const GramLayer& layer, double q1, double q2, double& k,
                       double& t) {
  const PairMoments m = pair_moments(phi, q1, q2, k);
  const double added = layer.gain * m.product + layer.bias;
  t = layer.skip * t + added + layer.gain * t * m.slope_product;
  k = layer.skip * k + added;
}
}  // namespace ref

}  // namespace scalemix::inline v0::kernel
