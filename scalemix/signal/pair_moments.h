// Pair moments of the activations without closed form, for all pairs of two sets of rows at one
// layer. See moments.h for one pair at a time, by quadrature.
//
//   tanh, sigmoid, silu   Hermite series: E phi(u1) phi(u2) = sum_n a_n(q1) a_n(q2) c^n, with
//                         a_n(q) = E phi(sqrt(q) z) He_n(z) / sqrt(n!), and E phi' phi' its
//                         derivative by the covariance; as many terms as the largest variance
//                         needs: about 40 q of tanh
//   hard_tanh             rectangle probabilities by Owen's T function
//   elu                   one integral, over the angle of (u1, u2)
//
// Accuracy: 2e-12 of sqrt(E phi(u1)^2 E phi(u2)^2) and of sqrt(E phi'(u1)^2 E phi'(u2)^2). Where a
// series would need more than kMostTerms terms, quadrature takes its place: a millisecond a pair.
//
// Source: Mehler (1866), J. reine angew. Math. 66 (the series); Owen (1956), Ann. Math.
// Statist. 27.
#pragma once

#include <memory>
#include <vector>

#include "scalemix/kernel/gram_map.h"
#include "scalemix/signal/activation.h"

namespace scalemix::inline v0::signal {

class PairMoments {
 public:
  virtual ~PairMoments() = default;
  /// One layer on the pairs of two tiles, in place, as kernel::gram_map.
  virtual void block(std::size_t left_tile, std::size_t right_tile, const kernel::GramLayer& layer,
                     double* nngp, double* ntk) const = 0;
};

/// `right` null: the same rows, and of a tile with itself only the pairs right of the diagonal
/// count.
std::unique_ptr<PairMoments> make_pair_moments(const Activation& phi,
                                               const std::vector<double>& left,
                                               const std::vector<double>* right);

}  // namespace scalemix::inline v0::signal
