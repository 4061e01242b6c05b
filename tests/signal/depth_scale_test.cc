#include "scalemix/signal/depth_scale.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <stdexcept>

#include "tests/signal/networks.h"

namespace scalemix::signal {
namespace {

using End = RangeDepth::End;
using test::network;
using test::with_additive;

constexpr double kInf = std::numeric_limits<double>::infinity();

TEST(DepthScale, IsOneOverTheLogarithm) {
  EXPECT_NEAR(depth_scale(std::exp(-0.25)), 4, 1e-14);
  EXPECT_NEAR(depth_scale(std::exp(0.25)), 4, 1e-14);
  EXPECT_EQ(depth_scale(1), kInf);
  EXPECT_EQ(depth_scale(1 + 2e-16), kInf);
  EXPECT_EQ(depth_scale(0), 0);
  EXPECT_EQ(depth_scale(kInf), 0);
  EXPECT_THROW(depth_scale(-0.1), std::domain_error);
  EXPECT_THROW(depth_scale(NAN), std::domain_error);
}

struct Limit {
  double sigma_w2, layers;
};
// Pretorius et al. (2018), figure 6a: relu with dropout, keep 0.6, from q = 1 to the ends of
// float32.
constexpr Limit kLimits[] = {{0.1, 35.1468},  {0.3, 63.0000},   {0.6, 126.0000},  {0.9, 303.5870},
                             {1.0, 479.0248}, {1.1, 1003.7371}, {1.3, 1108.4438}, {1.5, 397.6043},
                             {1.8, 218.8174}, {2.0, 173.6852},  {2.1, 158.5424},  {2.5, 120.8809}};

TEST(RangeDepth, OfReluMatchesItsClosedForm) {
  for (const Limit& g : kLimits) {
    const RangeDepth depth = range_depth(network("relu", "bernoulli:p=0.4", g.sigma_w2));
    EXPECT_NEAR(depth.layers, g.layers, 6e-5) << g.sigma_w2;
    EXPECT_EQ(depth.end, g.sigma_w2 > 1.2 ? End::overflows : End::underflows);
  }
}

TEST(RangeDepth, IsInfiniteAtTheCriticalPoint) {
  const RangeDepth depth = range_depth(network("relu", "bernoulli:p=0.4", 2 / (1 / 0.6)));
  EXPECT_EQ(depth.end, End::stays);
  EXPECT_EQ(depth.layers, kInf);
}

TEST(RangeDepth, IsWhereTheTrajectoryCrosses) {
  for (const Network& net : {network("relu", "", 2.3, 0.4), network("silu", "", 3.2),
                             network("gelu", "", 1.4), network("elu", "gaussian:alpha=1", 1.7, 0.1),
                             network("tanh", "", 0.9), with_additive("relu", 1, 2.5)}) {
    const RangeDepth depth = range_depth(net, 1);
    ASSERT_LT(depth.layers, 1e4) << depth.reason;
    const auto below = static_cast<std::size_t>(depth.layers);
    const std::vector<double> q = variance_trajectory(net, 1, below + 1).q;
    ASSERT_EQ(q.size(), below + 2);
    const bool up = depth.end == End::overflows;
    const double bound = up ? Range{}.largest : Range{}.smallest;
    EXPECT_EQ(q[below] < bound, up) << net.activation.spec();
    EXPECT_EQ(q[below + 1] < bound, !up) << net.activation.spec();
  }
}

TEST(RangeDepth, OfLinearGrowthCountsByTheFloor) {
  EXPECT_NEAR(range_depth(with_additive("relu", 1, 2), 4, {1e-3, 104}).layers, 50, 1e-12);
}

TEST(RangeDepth, StaysAtAFixedPoint) {
  EXPECT_EQ(range_depth(network("tanh", "", 2, 0.05)).end, End::stays);
  EXPECT_EQ(range_depth(network("relu", "", 1, 0.05)).end, End::stays);
  EXPECT_EQ(range_depth(network("tanh", "", 1)).end, End::stays);  // like 1 / depth
}

// elu at sigma_w2 = 2 grows by 1 per layer, which is nothing beside 1e17, and settles nowhere.
TEST(RangeDepth, DoesNotTakeASlowChangeForAFixedPoint) {
  const RangeDepth elu = range_depth(network("elu", "", 2), 1e17);
  EXPECT_EQ(elu.end, RangeDepth::End::stays);
  EXPECT_EQ(elu.reason, "the variance changes by less than a double tells apart");
  EXPECT_EQ(range_depth(network("tanh", "", 2, 0.1)).reason,
            "the variance settles at its fixed point");
}

TEST(RangeDepth, OfResidualBlocksIsTheirGrowth) {
  Network net = network("relu", "", 2);
  net.branch = 0.1;
  EXPECT_NEAR(range_depth(net).layers, std::log(3.4028234663852886e38) / std::log(1.01), 1e-9);
}

TEST(RangeDepth, KnowsTheEdges) {
  EXPECT_EQ(range_depth(network("relu", "half_cauchy", 1)).layers, 1);
  EXPECT_EQ(range_depth(network("relu", "", 0)).layers, 1);
  EXPECT_EQ(range_depth(network("tanh", "", 0)).layers, 1);
  EXPECT_THROW(range_depth(network("relu", "", 1), 0), std::domain_error);
}

TEST(TrainableDepth, FollowsBothRules) {
  const DepthScales scales{.gradient = 3, .one = 4, .correlation = 5, .variance = 1};
  const auto rules = trainable_depths(scales);
  EXPECT_EQ(rules[0].layers, 30);
  EXPECT_EQ(rules[1].layers, 36);
  for (const TrainableDepth& rule : rules) EXPECT_FALSE(rule.validity.empty());
}

TEST(Propagation, IsWithoutSlopesWhereNothingStays) {
  const Propagation horseshoe = propagation(network("relu", "half_cauchy", 1));
  EXPECT_FALSE(horseshoe.q.exists() || horseshoe.c.exists() || horseshoe.slopes ||
               horseshoe.scales);
  EXPECT_FALSE(propagation(network("gelu", "", 5)).slopes);
  Network residual = network("relu", "", 1);
  residual.branch = 1;
  EXPECT_FALSE(propagation(residual).slopes);
}

TEST(Propagation, AlwaysGivesNumbers) {
  for (const ActivationRow& row : activations()) {
    for (const char* law : {"", "bernoulli:p=0", "bernoulli:p=0.999999", "normal", "gaussian"}) {
      for (const double sigma_w2 : {0.0, 1e-6, 1.0, 2.0, 50.0}) {
        const Propagation p = propagation(network(row.name, law, sigma_w2, 0.01));
        EXPECT_EQ(p.q.exists(), p.q.value.has_value());
        EXPECT_EQ(p.c.exists(), p.c.value.has_value());
        EXPECT_TRUE(p.q.exists() || !p.q.reason.empty());
        if (!p.scales) continue;
        for (const double x : {p.scales->gradient, p.scales->one, p.scales->correlation,
                               p.scales->variance, *p.c.value}) {
          EXPECT_GE(x, 0) << row.name << " " << law << " " << sigma_w2;
        }
      }
    }
  }
}

}  // namespace
}  // namespace scalemix::signal
