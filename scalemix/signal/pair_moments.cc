#include "scalemix/signal/pair_moments.h"

#include <algorithm>
#include <cmath>

#include "scalemix/signal/moments.h"

namespace scalemix::inline v0::signal {
namespace {

constexpr std::size_t kSide = kernel::kGramSide;

/// Any activation, one pair after the other.
class EachPair : public PairMoments {
 public:
  EachPair(const Activation& phi, const std::vector<double>& left, const std::vector<double>* right)
      : phi_(phi), left_(left), right_(right ? *right : left), symmetric_(!right) {}

  void block(std::size_t left_tile, std::size_t right_tile, const kernel::GramLayer& layer,
             double* nngp, double* ntk) const override {
    const std::size_t i0 = left_tile * kSide, j0 = right_tile * kSide;
    const std::size_t rows = std::min(kSide, left_.size() - i0);
    const std::size_t columns = std::min(kSide, right_.size() - j0);
    for (std::size_t i = 0; i < rows; ++i) {
      const bool triangle = symmetric_ && left_tile == right_tile;
      for (std::size_t j = triangle ? i + 1 : 0; j < columns; ++j) {
        const std::size_t at = i * kSide + j;
        pair(left_[i0 + i], right_[j0 + j], layer, nngp[at], ntk ? ntk + at : nullptr);
      }
    }
  }

 private:
  void pair(double q1, double q2, const kernel::GramLayer& layer, double& k, double* t) const {
    const double root = std::sqrt(q1) * std::sqrt(q2);
    const Pair p = Pair::at(q1, q2, root > 0 ? std::clamp(k / root, -1.0, 1.0) : 0);
    const double added = layer.gain * product(phi_, p) + layer.bias;
    if (t) *t = layer.skip * *t + added + layer.gain * *t * slope_product(phi_, p);
    k = layer.skip * k + added;
  }

  Activation phi_;
  const std::vector<double> left_, right_;
  bool symmetric_;
};

}  // namespace

std::unique_ptr<PairMoments> make_pair_moments(const Activation& phi,
                                               const std::vector<double>& left,
                                               const std::vector<double>* right) {
  return std::make_unique<EachPair>(phi, left, right);
}

}  // namespace scalemix::inline v0::signal
