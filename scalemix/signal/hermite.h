// Hermite coefficients of an activation on inputs of many variances: the terms of gram_series.
//
//   a_n(q) = E phi(sqrt(q) z) He_n(z) / sqrt(n!)
//
// By the trapezoid rule on [-12.3, 12.3], whose error for analytic phi falls exponentially with the
// step; all rows of a tile are one product. tanh, sigmoid and silu have their poles at least pi / 2
// away from the real line, which sets step and number of terms: about 10 + 130 q for tanh, a
// quarter of that for sigmoid and silu.
//
// Accuracy: 2e-15 sqrt(E phi^2) each; the terms left out hold less than 1e-13 of q E phi'^2 at the
// largest variance.
#pragma once

#include <cstddef>
#include <vector>

#include "scalemix/kernel/gram_map.h"
#include "scalemix/signal/activation.h"

namespace scalemix::inline v0::signal {

class HermiteBasis {
 public:
  static constexpr std::size_t kMostTerms = 4096;

  /// As many terms as variances up to `q` need. phi is analytic within pi / 2 of the real line.
  HermiteBasis(const Activation& phi, double q);

  /// Whether kMostTerms were enough.
  bool resolved() const { return resolved_; }
  std::size_t terms() const { return terms_; }

  /// Terms of up to kGramSide rows, (terms, kGramSide), zero beyond them.
  void expand(const double* q, std::size_t rows, double* out) const;

 private:
  void make_nodes(double root, std::size_t terms);

  Activation phi_;
  std::size_t terms_ = 0;
  bool resolved_ = false;
  std::vector<double> nodes_;
  std::vector<double> weights_;  // (node, term): weight times He_n / sqrt(n!)
};

}  // namespace scalemix::inline v0::signal
