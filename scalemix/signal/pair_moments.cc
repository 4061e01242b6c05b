#include "scalemix/signal/pair_moments.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <utility>

#include "scalemix/base/parallel.h"
#include "scalemix/kernel/gram_series.h"
#include "scalemix/signal/hermite.h"
#include "scalemix/signal/moments.h"
#include "scalemix/signal/pair_closed.h"

namespace scalemix::inline v0::signal {
namespace {

using kernel::GramLayer;
constexpr std::size_t kSide = kernel::kGramSide;

/// A function of one pair, on one pair after the other.
class EachPair : public PairMoments {
 public:
  using Moments = std::function<kernel::ref::PairMoments(const Pair& pair, bool slopes)>;

  EachPair(Moments moments, const std::vector<double>& left, const std::vector<double>* right)
      : moments_(std::move(moments)),
        left_(left),
        right_(right ? *right : left),
        symmetric_(!right) {}

  void block(std::size_t left_tile, std::size_t right_tile, const GramLayer& layer, double* nngp,
             double* ntk) const override {
    const std::size_t i0 = left_tile * kSide, j0 = right_tile * kSide;
    const std::size_t rows = std::min(kSide, left_.size() - i0);
    const std::size_t columns = std::min(kSide, right_.size() - j0);
    const bool triangle = symmetric_ && left_tile == right_tile;
    for (std::size_t i = 0; i < rows; ++i) {
      for (std::size_t j = triangle ? i + 1 : 0; j < columns; ++j) {
        const std::size_t at = i * kSide + j;
        pair(left_[i0 + i], right_[j0 + j], layer, nngp[at], ntk ? ntk + at : nullptr);
      }
    }
  }

 private:
  void pair(double q1, double q2, const GramLayer& layer, double& k, double* t) const {
    const double root = std::sqrt(q1) * std::sqrt(q2);
    const Pair p = Pair::at(q1, q2, root > 0 ? std::clamp(k / root, -1.0, 1.0) : 0);
    const kernel::ref::PairMoments m = moments_(p, t != nullptr);
    const double added = layer.gain * m.product + layer.bias;
    if (t) *t = layer.skip * *t + added + layer.gain * *t * m.slope_product;
    k = layer.skip * k + added;
  }

  Moments moments_;
  std::vector<double> left_, right_;
  bool symmetric_;
};

/// The terms of every row of one side.
struct Terms {
  std::vector<double> terms, inverse_root;  // (tile, term, row), (tile, row)
  std::size_t count, rows;

  Terms(const HermiteBasis& basis, const std::vector<double>& q)
      : count(basis.terms()), rows(q.size()) {
    const std::size_t tiles = (rows + kSide - 1) / kSide;
    terms.assign(tiles * count * kSide, 0);
    inverse_root.assign(tiles * kSide, 0);
    const auto fill = [&](std::size_t tile) {
      const std::size_t first = tile * kSide, n = std::min(kSide, rows - first);
      basis.expand(&q[first], n, &terms[tile * count * kSide]);
      for (std::size_t i = first; i < first + n; ++i) {
        inverse_root[i] = kernel::gram_factors({kernel::GramKind::piecewise}, q[i]).first;
      }
    };
    if (tiles == 1) {  // as in gram.cc: one order of sums, whoever runs it
      const SerialScope alone;
      fill(0);
    } else {
      parallel_tiles(tiles, fill);
    }
  }
  kernel::SeriesSide side(std::size_t tile) const {
    return {&terms[tile * count * kSide], &inverse_root[tile * kSide],
            std::min(kSide, rows - tile * kSide)};
  }
};

class Series : public PairMoments {
 public:
  Series(const HermiteBasis& basis, const std::vector<double>& left,
         const std::vector<double>* right)
      : left_(basis, left) {
    if (right) right_ = std::make_unique<Terms>(basis, *right);
  }
  void block(std::size_t i, std::size_t j, const GramLayer& layer, double* nngp,
             double* ntk) const override {
    const Terms& right = right_ ? *right_ : left_;
    kernel::gram_series(left_.count, layer, left_.side(i), right.side(j), nngp, ntk);
  }

 private:
  Terms left_;
  std::unique_ptr<Terms> right_;
};

double largest(const std::vector<double>& left, const std::vector<double>* right) {
  double q = *std::max_element(left.begin(), left.end());
  if (right) q = std::max(q, *std::max_element(right->begin(), right->end()));
  return q;
}

}  // namespace

std::unique_ptr<PairMoments> make_pair_moments(const Activation& phi,
                                               const std::vector<double>& left,
                                               const std::vector<double>* right) {
  const auto each = [&](const EachPair::Moments& moments) {
    return std::make_unique<EachPair>(moments, left, right);
  };
  if (phi.name() == "hard_tanh")
    return each([](const Pair& p, bool) { return hard_tanh_moments(p); });
  if (phi.name() == "elu") return each([](const Pair& p, bool) { return elu_moments(p); });
  const HermiteBasis basis(phi, largest(left, right));
  if (basis.resolved()) return std::make_unique<Series>(basis, left, right);
  return each([phi](const Pair& p, bool slopes) {
    return kernel::ref::PairMoments{product(phi, p), slopes ? slope_product(phi, p) : 0};
  });
}

}  // namespace scalemix::inline v0::signal
