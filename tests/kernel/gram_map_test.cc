#include "scalemix/kernel/gram_map.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "fixture.h"
#include "scalemix/kernel/gram_series.h"

namespace scalemix::kernel {
namespace {

constexpr std::size_t kSide = kGramSide;

const std::vector<GramPhi> kPhis = {{GramKind::piecewise, 0},  {GramKind::piecewise, 0.2},
                                    {GramKind::piecewise, -1}, {GramKind::piecewise, 1},
                                    {GramKind::erf, 1},        {GramKind::erf, 0.4},
                                    {GramKind::gelu, 0},       {GramKind::sine, 0}};

/// Variances of the rows of one side, their factors as a block reads them.
struct Side {
  std::vector<double> q, first, second;
  std::size_t rows;

  Side(const GramPhi& phi, std::size_t layers, std::size_t rows, double least, double most,
       std::uint64_t seed)
      : q(values<double>(layers * kSide, least, most, seed)),
        first(layers * kSide),
        second(layers * kSide),
        rows(rows) {
    for (std::size_t i = 0; i < q.size(); ++i) {
      const GramFactors f = gram_factors(phi, q[i]);
      first[i] = f.first;
      second[i] = f.second;
    }
  }
  operator GramSide() const { return {first.data(), second.data(), rows}; }
};

/// A block with correlations between -reach and reach at its first layer.
std::vector<double> block_of(const Side& left, const Side& right, double reach) {
  std::vector<double> k = values<double>(kSide * kSide, -reach, reach, 5);
  for (std::size_t i = 0; i < kSide; ++i) {
    for (std::size_t j = 0; j < kSide; ++j) {
      k[i * kSide + j] *= std::sqrt(left.q[i]) * std::sqrt(right.q[j]);
    }
  }
  return k;
}

double norm_of(const GramPhi& phi, double q) {
  return std::sqrt(ref::pair_moments(phi, q, q, q * (1 - 1e-12)).product);
}

TEST(GramMap, OneLayerIsWithinItsBoundOnEveryTarget) {
  const GramLayer layer{0, 1, 0};
  for (const GramPhi& phi : kPhis) {
    for (const double most : {0.5, 4.0, 60.0}) {
      const Side left(phi, 1, kSide, 0.1, most, 1), right(phi, 1, kSide, 0.1, most, 2);
      const std::vector<double> before = block_of(left, right, 0.9999);
      for_every_target([&] {
        std::vector<double> k = before, t(kSide * kSide, 1);
        gram_map(phi, 1, &layer, left, right, kSide, k.data(), t.data());
        for (std::size_t at = 0; at < k.size(); ++at) {
          const double q1 = left.q[at / kSide], q2 = right.q[at % kSide];
          const ref::PairMoments m = ref::pair_moments(phi, q1, q2, before[at]);
          ASSERT_NEAR(k[at], m.product, 2e-15 * norm_of(phi, q1) * norm_of(phi, q2));
          const double slopes = t[at] - k[at];
          // The reference itself squares k; near |c| = 1 that, not the kernel, sets the bound.
          const double lost = 1 - std::abs(before[at]) / std::sqrt(q1 * q2);
          ASSERT_NEAR(slopes, m.slope_product,
                      4e-15 * std::max(1.0, m.slope_product) + 2e-16 / std::sqrt(lost))
              << q1 << " " << q2 << " " << before[at];
        }
      });
    }
  }
}

TEST(GramMap, RunsLayersAsTheReferenceDoesOneByOne) {
  const std::size_t layers = 6;
  const std::vector<GramLayer> plain(layers, {0, 1.5, 0.1});
  std::vector<GramLayer> residual(layers, {1, 0.3, 0.02});
  residual.back() = {0, 1.5, 0.1};
  for (const GramPhi& phi : kPhis) {
    for (const auto& layer : {plain, residual}) {
      // Variances above what the covariances grow to.
      const Side left(phi, layers, 37, 30, 60, 1), right(phi, layers, 53, 30, 60, 2);
      const std::vector<double> before = block_of(left, right, 0.2);
      for_every_target([&] {
        std::vector<double> k = before, t = before, alone = before;
        gram_map(phi, layers, layer.data(), left, right, kSide, k.data(), t.data());
        gram_map(phi, layers, layer.data(), left, right, kSide, alone.data(), nullptr);
        for (std::size_t i = 0; i < left.rows; ++i) {
          for (std::size_t j = 0; j < right.rows; ++j) {
            const std::size_t at = i * kSide + j;
            double want_k = before[at], want_t = before[at];
            for (std::size_t l = 0; l < layers; ++l) {
              ref::gram_layer(phi, layer[l], left.q[l * kSide + i], right.q[l * kSide + j], want_k,
                              want_t);
            }
            ASSERT_NEAR(k[at], want_k, 1e-13 * (1 + std::abs(want_k)));
            ASSERT_NEAR(t[at], want_t, 1e-13 * (1 + std::abs(want_t)));
            ASSERT_NEAR(alone[at], want_k, 1e-13 * (1 + std::abs(want_k)));
          }
        }
      });
    }
  }
}

TEST(GramMap, LeavesRowsBeyondTheBlockAlone) {
  const GramPhi phi{GramKind::piecewise};
  const GramLayer layer{0, 1, 0};
  const Side left(phi, 1, 3, 1, 2, 1), right(phi, 1, 5, 1, 2, 2);
  std::vector<double> k(kSide * kSide, 0.5);
  gram_map(phi, 1, &layer, left, right, kSide, k.data(), nullptr);
  EXPECT_NE(k[2 * kSide + 4], 0.5);
  EXPECT_EQ(k[3 * kSide], 0.5);
}

TEST(GramMap, TakesCorrelationsAtAndBeyondOneAsOne) {
  const GramLayer layer{0, 1, 0};
  for (const GramPhi& phi : {GramPhi{GramKind::piecewise}, GramPhi{GramKind::piecewise, -1}}) {
    const Side side(phi, 1, 4, 2, 2 + 1e-15, 1);
    for_every_target([&] {
      std::vector<double> k(kSide * kSide), t(kSide * kSide, 1);
      k[0] = side.q[0];
      k[1] = -side.q[0];
      k[2] = side.q[0] * (1 + 1e-15);
      gram_map(phi, 1, &layer, side, side, kSide, k.data(), t.data());
      const double b = phi.parameter, whole = (1 + b * b) / 2;
      EXPECT_NEAR(k[0], whole * side.q[0], 1e-14);
      EXPECT_NEAR(k[1], -b * side.q[0], 1e-14);
      EXPECT_NEAR(k[2], whole * side.q[0], 1e-14);
      EXPECT_NEAR(t[0] - k[0], whole, 1e-7);  // arccos has a root at 1
      EXPECT_NEAR(t[1] - k[1], b, 1e-7);
    });
  }
}

TEST(GramMap, ZeroVarianceMeetsNoDivision) {
  for (const GramPhi& phi : kPhis) {
    const Side zero(phi, 2, 4, 0, 0, 1), some(phi, 2, 4, 1, 2, 2);
    const std::vector<GramLayer> layers(2, {0, 1, 0});
    for_every_target([&] {
      std::vector<double> k(kSide * kSide), t(kSide * kSide);
      gram_map(phi, 2, layers.data(), zero, some, kSide, k.data(), t.data());
      for (std::size_t j = 0; j < 4; ++j) {
        EXPECT_NEAR(k[j], 0, 1e-16);
        EXPECT_TRUE(std::isfinite(k[j]) && std::isfinite(t[j]));
      }
    });
  }
}

TEST(GramSeries, AgreesWithTheSumTermByTermOnEveryTarget) {
  const GramLayer layer{0.5, 1.3, 0.2};
  for (const std::size_t terms : {1, 2, 7, 60}) {
    std::vector<double> a = values<double>(terms * kSide, -1, 1, 1),
                        b = values<double>(terms * kSide, -1, 1, 2);
    for (std::size_t n = 0; n < terms; ++n) {
      for (std::size_t i = 0; i < kSide; ++i) {
        a[n * kSide + i] *= std::pow(0.8, n);
        b[n * kSide + i] *= std::pow(0.8, n);
      }
    }
    const std::vector<double> roots(kSide, 1 / std::sqrt(1.7));
    const std::vector<double> before = values<double>(kSide * kSide, -1.8, 1.8, 3);
    for_every_target([&] {
      std::vector<double> k = before, t = before, alone = before;
      const SeriesSide left{a.data(), roots.data(), 19}, right{b.data(), roots.data(), 77};
      gram_series(terms, layer, left, right, k.data(), t.data());
      gram_series(terms, layer, left, right, alone.data(), nullptr);
      for (std::size_t i = 0; i < left.rows; ++i) {
        for (std::size_t j = 0; j < right.rows; ++j) {
          const std::size_t at = i * kSide + j;
          const ref::PairMoments m =
              ref::series(terms, &a[i], &b[j], kSide, roots[i] * roots[j], before[at]);
          const double added = layer.gain * m.product + layer.bias;
          ASSERT_NEAR(k[at], layer.skip * before[at] + added, 1e-14);
          ASSERT_NEAR(t[at],
                      layer.skip * before[at] + added + layer.gain * before[at] * m.slope_product,
                      2e-14);
          ASSERT_EQ(alone[at], k[at]);
        }
      }
    });
  }
}

}  // namespace
}  // namespace scalemix::kernel
