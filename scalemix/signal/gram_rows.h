// One side of a gram matrix: each row's variance and tangent kernel with itself, taken through the
// layers, and the factors that the pairs' maps need.
#pragma once

#include <algorithm>
#include <vector>

#include "scalemix/kernel/gram_map.h"
#include "scalemix/signal/gram.h"

namespace scalemix::inline v0::signal {

/// What layer l of the network does to a pair, l in [0, depth).
kernel::GramLayer gram_layer(const GramOptions& options, std::size_t l);

/// The kernel's closed form of phi, if it has one.
std::optional<kernel::GramPhi> gram_phi(const Activation& phi);

class GramRows {
 public:
  static constexpr std::size_t kSide = kernel::kGramSide;

  /// Throws std::domain_error if a variance is not finite.
  GramRows(const GramOptions& options, const RowsView& x);

  /// Takes the rows through layers [first, first + layers). With `phi`, the factors of each layer's
  /// input stay in the tables. Throws std::domain_error where a variance overflows.
  void advance(std::size_t first, std::size_t layers, const std::optional<kernel::GramPhi>& phi);

  std::size_t rows() const { return x_.rows; }
  std::size_t tiles() const { return (rows() + kSide - 1) / kSide; }
  std::size_t rows_of(std::size_t tile) const { return std::min(kSide, rows() - tile * kSide); }
  const RowsView& x() const { return x_; }
  /// Rows of tile t with their factors.
  kernel::GramSide side(std::size_t tile) const;

  /// After what advance() has done: variances, and tangent kernels of a row with itself.
  const std::vector<double>& q() const { return q_; }
  const std::vector<double>& t() const { return t_; }

 private:
  void keep_factors(const kernel::GramPhi& phi, std::size_t tile, std::size_t l);

  const GramOptions& options_;
  RowsView x_;
  std::vector<double> q_, t_;
  std::vector<double> first_, second_;  // (tile, layer, row of the tile)
  std::size_t layers_ = 0;
};

}  // namespace scalemix::inline v0::signal
