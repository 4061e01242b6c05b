#include "scalemix/signal/pair_closed.h"

#include <gtest/gtest.h>

#include <cmath>

#include "scalemix/signal/hermite.h"

namespace scalemix::signal {
namespace {

using kernel::ref::PairMoments;

/// Within `relative` of the two roots of second moments, against quadrature.
void expect_moments(const Activation& phi, const Pair& p, const PairMoments& got, double relative) {
  const double scale = std::sqrt(second(phi, p.q1) * second(phi, p.q2));
  const double slopes = std::sqrt(slope_second(phi, p.q1) * slope_second(phi, p.q2));
  EXPECT_NEAR(got.product, by_quadrature::product(phi, p), relative * scale)
      << phi.spec() << " " << p.q1 << " " << p.q2 << " " << p.c;
  EXPECT_NEAR(got.slope_product, by_quadrature::slope_product(phi, p), relative * slopes)
      << phi.spec() << " " << p.q1 << " " << p.q2 << " " << p.c;
}

template <class Body>
void for_pairs(const Body& body) {
  for (const double q1 : {1e-8, 1e-4, 0.3, 1.0, 7.0, 120.0}) {
    for (const double ratio : {1.0, 1.02, 20.0}) {
      for (const double c : {-1.0, -0.999, -0.4, 0.0, 0.3, 0.97, 0.999999}) {
        body(Pair::at(q1, q1 * ratio, c));
      }
      body(Pair::near_one(q1, q1 * ratio, 1e-9));
    }
  }
}

TEST(PairClosed, HardTanhAgreesWithQuadrature) {
  const Activation phi = Activation::parse("hard_tanh");
  for_pairs(
      [&](const Pair& p) { expect_moments(phi, p, hard_tanh_moments(p), 1e-12 + 3e-16 * p.q2); });
}

TEST(PairClosed, EluAgreesWithQuadrature) {
  const Activation phi = Activation::parse("elu");
  for_pairs([&](const Pair& p) { expect_moments(phi, p, elu_moments(p), 1e-12); });
}

TEST(PairClosed, EqualInputsHaveTheMomentsOfOne) {
  for (const double q : {0.01, 1.0, 30.0}) {
    const Activation hard = Activation::parse("hard_tanh"), elu = Activation::parse("elu");
    const Pair same = Pair::at(q, q, 1), opposite = Pair::at(q, q, -1);
    EXPECT_NEAR(hard_tanh_moments(same).product, second(hard, q), 1e-13 * (1 + q));
    EXPECT_NEAR(hard_tanh_moments(opposite).product, -second(hard, q), 1e-13 * (1 + q));
    EXPECT_NEAR(hard_tanh_moments(same).slope_product, slope_second(hard, q), 1e-13);
    EXPECT_NEAR(elu_moments(same).product, second(elu, q), 1e-13 * (1 + q));
    EXPECT_NEAR(elu_moments(same).slope_product, slope_second(elu, q), 1e-13);
  }
}

TEST(Hermite, SeriesAgreesWithQuadratureAndHasAsManyTermsAsItNeeds) {
  std::size_t before = 0;
  for (const double largest : {0.01, 1.0, 8.0}) {
    for (const char* name : {"tanh", "sigmoid", "silu"}) {
      const Activation phi = Activation::parse(name);
      const HermiteBasis basis(phi, largest);
      ASSERT_TRUE(basis.resolved());
      const std::vector<double> q = {largest, 0.7 * largest, 0.01 * largest};
      constexpr std::size_t kSide = kernel::kGramSide;
      std::vector<double> a(basis.terms() * kSide);
      basis.expand(q.data(), q.size(), a.data());
      for (const double c : {-1.0, -0.6, 0.2, 0.99, 1.0}) {
        for (const std::size_t j : {0, 1, 2}) {
          const Pair p = Pair::at(q[0], q[j], c);
          PairMoments m{0, 0};
          for (std::size_t n = basis.terms(); n-- > 0;) {
            const double ab = a[n * kSide] * a[n * kSide + j];
            m.product += ab * std::pow(c, n);
            if (n > 0) {
              m.slope_product +=
                  static_cast<double>(n) * ab * std::pow(c, n - 1) / std::sqrt(q[0] * q[j]);
            }
          }
          expect_moments(phi, p, m, 1e-12);
        }
      }
      if (phi.name() == "tanh") {
        EXPECT_GT(basis.terms(), before);
        before = basis.terms();
      }
    }
  }
  EXPECT_FALSE(HermiteBasis(Activation::parse("tanh"), 1e4).resolved());
}

}  // namespace
}  // namespace scalemix::signal
