#include "scalemix/signal/gram_rows.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include "scalemix/base/check.h"
#include "scalemix/base/parallel.h"
#include "scalemix/signal/moments.h"

namespace scalemix::inline v0::signal {
namespace {

void check_variance(double q, std::size_t row, std::size_t layer) {
  if (std::isfinite(q)) return;
  const std::string where = "row " + std::to_string(row + 1) + " at layer " + std::to_string(layer);
  fail<std::domain_error>("gram",
                          "the kernel of " + where +
                              " is beyond double's range: sigma_w2, mu2, the depth or the "
                              "inputs are too large",
                          q);
}

/// Moments of one row at a time; rows of one variance in a run cost no more than the first.
class RowMoments {
 public:
  explicit RowMoments(const Activation& phi) : phi_(phi), slope_(phi.negative_slope()) {}
  void at(double q) {
    if (q == q_) return;
    q_ = q;
    if (slope_) {
      slope_second = (1 + *slope_ * *slope_) / 2;
      second = slope_second * q;
    } else {
      second = signal::second(phi_, q);
      slope_second = signal::slope_second(phi_, q);
    }
  }
  double second = 0, slope_second = 0;

 private:
  const Activation& phi_;
  std::optional<double> slope_;
  double q_ = std::numeric_limits<double>::quiet_NaN();
};

double square_norm(const RowsView& x, std::size_t row) {
  double sum = 0;
  for (std::size_t i = 0; i < x.columns; ++i) {
    const double value = x.values[row * x.columns + i];
    sum += value * value;
  }
  return sum;
}

}  // namespace

kernel::GramLayer gram_layer(const GramOptions& o, std::size_t l) {
  if (!o.residual || l + 1 == o.depth) return {0, o.sigma_w2, o.sigma_b2};
  const double a2 = *o.residual * *o.residual;
  return {1, a2 * o.sigma_w2, a2 * o.sigma_b2};
}

std::optional<kernel::GramPhi> gram_phi(const Activation& phi) {
  using kernel::GramKind;
  if (const auto slope = phi.negative_slope()) return kernel::GramPhi{GramKind::piecewise, *slope};
  if (phi.name() == "erf") return kernel::GramPhi{GramKind::erf, phi.parameter()};
  if (phi.name() == "gelu") return kernel::GramPhi{GramKind::gelu};
  if (phi.name() == "sine") return kernel::GramPhi{GramKind::sine};
  return std::nullopt;
}

GramRows::GramRows(const GramOptions& options, const RowsView& x)
    : options_(options), x_(x), q_(x.rows) {
  const double mu2 = options.noise_input ? options.mu2 : 1;
  for (std::size_t i = 0; i < x.rows; ++i) {
    q_[i] = mu2 * options.sigma_w2 * square_norm(x, i) / static_cast<double>(x.columns) +
            options.sigma_b2;
    check_variance(q_[i], i, 0);
  }
  t_ = q_;
}

void GramRows::advance(std::size_t first, std::size_t layers,
                       const std::optional<kernel::GramPhi>& phi) {
  layers_ = layers;
  const std::size_t size = phi ? tiles() * layers * kSide : 0;
  first_.assign(size, 0);
  second_.assign(size, 0);
  parallel_tiles(tiles(), [&](std::size_t tile) {
    RowMoments moments(options_.activation);
    for (std::size_t l = 0; l < layers; ++l) {
      if (phi) keep_factors(*phi, tile, l);
      const kernel::GramLayer layer = gram_layer(options_, first + l);
      for (std::size_t i = tile * kSide; i < std::min(rows(), (tile + 1) * kSide); ++i) {
        moments.at(q_[i]);
        const double gain = options_.mu2 * layer.gain;
        const double added = gain * moments.second + layer.bias;
        t_[i] = layer.skip * t_[i] + added + gain * t_[i] * moments.slope_second;
        q_[i] = layer.skip * q_[i] + added;
        check_variance(t_[i] + q_[i], i, first + l + 1);
      }
    }
  });
}

void GramRows::keep_factors(const kernel::GramPhi& phi, std::size_t tile, std::size_t l) {
  for (std::size_t i = tile * kSide; i < std::min(rows(), (tile + 1) * kSide); ++i) {
    const auto factors = kernel::gram_factors(phi, q_[i]);
    const std::size_t at = (tile * layers_ + l) * kSide + i % kSide;
    first_[at] = factors.first;
    second_[at] = factors.second;
  }
}

kernel::GramSide GramRows::side(std::size_t tile) const {
  const std::size_t at = tile * layers_ * kSide;
  return {first_.data() + at, second_.data() + at, rows_of(tile)};
}

}  // namespace scalemix::inline v0::signal
