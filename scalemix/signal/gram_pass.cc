#include "scalemix/signal/gram_pass.h"

#include <cmath>

#include "scalemix/signal/pair_moments.h"

namespace scalemix::inline v0::signal {
namespace {

constexpr std::size_t kSide = GramRows::kSide;
constexpr std::size_t kFactors = std::size_t{1} << 23;  // numbers in the tables of one pass

/// The factors of a pass by closed form stay in the sides' tables.
class ClosedPass : public GramPass {
 public:
  ClosedPass(const GramOptions& options, const kernel::GramPhi& phi, std::size_t first,
             std::size_t layers, GramRows& left, GramRows* right)
      : phi_(phi), left_(left), right_(right ? *right : left) {
    for (std::size_t l = 0; l < layers; ++l) layers_.push_back(gram_layer(options, first + l));
    left.advance(first, layers, phi);
    if (right) right->advance(first, layers, phi);
  }
  void block(std::size_t i, std::size_t j, double* nngp, double* ntk) const override {
    kernel::gram_map(phi_, layers_.size(), layers_.data(), left_.side(i), right_.side(j), kSide,
                     nngp, ntk);
  }

 private:
  kernel::GramPhi phi_;
  std::vector<kernel::GramLayer> layers_;
  const GramRows &left_, &right_;
};

/// One layer, whose pair moments some table knows.
class TablePass : public GramPass {
 public:
  TablePass(const GramOptions& options, std::size_t layer, GramRows& left, GramRows* right)
      : layer_(gram_layer(options, layer)),
        moments_(make_pair_moments(options.activation, left.q(), right ? &right->q() : nullptr)) {
    left.advance(layer, 1, std::nullopt);
    if (right) right->advance(layer, 1, std::nullopt);
  }
  void block(std::size_t i, std::size_t j, double* nngp, double* ntk) const override {
    moments_->block(i, j, layer_, nngp, ntk);
  }

 private:
  kernel::GramLayer layer_;
  std::unique_ptr<PairMoments> moments_;
};

}  // namespace

std::size_t pass_layers(const GramOptions& options, std::size_t first, std::size_t rows) {
  const std::size_t left = options.depth - first;
  if (!gram_phi(options.activation)) return std::min<std::size_t>(left, 1);
  return std::min(left, std::max<std::size_t>(16, kFactors / (2 * rows + 2 * kSide)));
}

std::unique_ptr<GramPass> make_pass(const GramOptions& options, std::size_t first,
                                    std::size_t layers, GramRows& left, GramRows* right) {
  const auto phi = gram_phi(options.activation);
  if (phi) return std::make_unique<ClosedPass>(options, *phi, first, layers, left, right);
  return std::make_unique<TablePass>(options, first, left, right);
}

}  // namespace scalemix::inline v0::signal
