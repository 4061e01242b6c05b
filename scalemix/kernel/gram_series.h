// One layer of the wide-network kernels (gram_map.h) for an activation given by its Hermite series:
//
//   E phi(u1) phi(u2)   = sum_n a_n b_n c^n
//   E phi'(u1) phi'(u2) = sum_n n a_n b_n c^(n-1) / sqrt(q1 q2)
//
// a_n = E phi(sqrt(q1) z) He_n(z) / sqrt(n!), b_n likewise with q2, c = k / sqrt(q1 q2).
//
// Accuracy: 4e-16 sqrt(sum a_n^2 sum b_n^2) and the same of the derivative's sums, beside what
// terms leave out. Bits as in gram_map.h. Source: Mehler (1866), J. reine angew. Math. 66.
#pragma once

#include "scalemix/kernel/gram_map.h"

namespace scalemix::inline v0::kernel {

/// Rows on one side of a block: row i's term n stands at terms[n * kGramSide + i], and
/// inverse_root[i] = 1 / sqrt q (0 for q = 0). All kGramSide of each can be read.
struct SeriesSide {
  const double *terms, *inverse_root;
  std::size_t rows;
};

/// Takes a block (rows of kGramSide numbers) through one layer in place; ntk may be null. terms
/// >= 1.
void gram_series(std::size_t terms, const GramLayer& layer, const SeriesSide& left,
                 const SeriesSide& right, double* nngp, double* ntk);

namespace ref {
/// One pair, terms `stride` apart.
inline PairMoments series(std::size_t terms, const double* a, const double* b, std::size_t stride,
                          double inverse, double k) {
  const double c = std::clamp(k * inverse, -1.0, 1.0);
  PairMoments sum{0, 0};
  double power = 1, before = 0;  // c^n, c^(n - 1)
  for (std::size_t n = 0; n < terms; ++n) {
    const double ab = a[n * stride] * b[n * stride];
    sum.product += ab * power;
    sum.slope_product += static_cast<double>(n) * ab * before * inverse;
    before = power;
    power *= c;
  }
  return sum;
}
}  // namespace ref

}  // namespace scalemix::inline v0::kernel
