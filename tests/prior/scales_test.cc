#include "scalemix/prior/scales.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "scalemix/base/error.h"

namespace scalemix::prior {
namespace {

const Weights kDense{.out = 4, .in = 3};
const Weights kConv{.out = 2, .in = 3, .window = 4};

std::vector<std::size_t> groups(Group group, const Weights& w) {
  const Scales scales(HyperPrior::parse("inv_gamma"), group, w);
  std::vector<std::size_t> out;
  for (std::size_t e = 0; e < w.count(); ++e) out.push_back(scales.group_of(e));
  return out;
}

TEST(Scales, GroupsAreWhatTheirNamesSay) {
  using V = std::vector<std::size_t>;
  EXPECT_EQ(groups(Group::row, kDense), (V{0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2}));
  EXPECT_EQ(groups(Group::both, kDense), groups(Group::row, kDense));
  EXPECT_EQ(groups(Group::filter, kDense), (V{0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3}));
  EXPECT_EQ(groups(Group::matrix, kDense), V(12, 0));
  EXPECT_EQ(groups(Group::row, kConv),
            (V{0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2}));
  EXPECT_EQ(groups(Group::filter, kConv).at(11), 0u);
  EXPECT_EQ(groups(Group::filter, kConv).at(12), 1u);
  for (const Group group : {Group::weight, Group::row, Group::filter, Group::matrix, Group::both}) {
    const Scales scales(HyperPrior::parse("inv_gamma"), group, kConv);
    EXPECT_EQ(scales.groups() * scales.size(), kConv.count());
  }
}

TEST(Scales, OneScaleAGroupIsTheHyperPriorsMode) {
  const HyperPrior hyper = HyperPrior::parse("half_cauchy:scale=0.5");
  const std::vector<double> m{0.1, 2, 5};
  const Scales::Modes modes = Scales(hyper, Group::row, kDense).update(m);
  double cost = 0;
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(modes.scale2[i], hyper.mode(4, m[i]).scale2);
    cost += hyper.mode(4, m[i]).cost;
  }
  EXPECT_DOUBLE_EQ(modes.cost, cost);
  EXPECT_EQ(modes.layer2, 1);
}

/// The joint cost of rows a and the layer's T, from their definitions.
double joint(const HyperPrior& hyper, const std::vector<double>& m, double d,
             const std::vector<double>& a, double t) {
  double sum = hyper.row().minus_log(hyper.values(), t);
  for (std::size_t i = 0; i < m.size(); ++i) {
    sum += d / 2 * std::log(a[i] * t) + m[i] / (2 * a[i] * t) +
           hyper.row().minus_log(hyper.values(), a[i]);
  }
  return sum;
}

// scale-mixture notes 3.4 and check 6 of part 4: alternating updates reach the joint mode.
TEST(Scales, RowTimesMatrixIsTheJointMode) {
  const Weights w{.out = 50, .in = 20};
  for (const char* word : {"inv_gamma:a=3,b=3", "half_cauchy:scale=1", "rayleigh:scale=0.5"}) {
    const HyperPrior hyper = HyperPrior::parse(word);
    std::vector<double> m;
    for (std::size_t i = 0; i < w.in; ++i) m.push_back(50 * std::exp(0.3 * double(i) - 4));
    const Scales::Modes modes = Scales(hyper, Group::both, w).update(m);
    std::vector<double> a;
    for (const double v : modes.scale2) a.push_back(v / modes.layer2);
    const double least = joint(hyper, m, 50, a, modes.layer2);
    EXPECT_NEAR(modes.cost, least, 1e-8 * std::abs(least)) << word;
    // The slope by the log of every scale is 0, and no step away is better.
    for (std::size_t i = 0; i <= a.size(); ++i) {
      const auto at = [&](double step) {
        std::vector<double> moved = a;
        double t = modes.layer2;
        (i < a.size() ? moved[i] : t) *= std::exp(step);
        return joint(hyper, m, 50, moved, t);
      };
      EXPECT_NEAR((at(1e-4) - at(-1e-4)) / 2e-4, 0, 2e-5) << word << ' ' << i;
      EXPECT_GT(at(0.1), least) << word << ' ' << i;
      EXPECT_GT(at(-0.1), least) << word << ' ' << i;
    }
  }
}

TEST(Scales, AnImproperHyperPriorSettlesInItsProducts) {
  const std::vector<double> m{0.1, 2, 5};
  for (const char* word : {"flat", "log_uniform", "log_uniform_scale"}) {
    const Scales::Modes modes = Scales(HyperPrior::parse(word), Group::both, kDense).update(m);
    EXPECT_NEAR(modes.scale2[1] / modes.scale2[0], 20, 1e-9) << word;
    EXPECT_NEAR(modes.scale2[2] / modes.scale2[1], 2.5, 1e-9) << word;
  }
}

// "Sparse or invariant to rescaling", notes 1.4: a row times c has c^2 the scale, and costs no more
// than the change of volume d log c.
TEST(Scales, FlatScalesDoNotMindRescaling) {
  const Scales scales(HyperPrior::parse("flat"), Group::row, kDense);
  const auto one = scales.update({0.1, 2, 5}), two = scales.update({0.1, 2, 5 * 9});
  EXPECT_NEAR(two.scale2[2] / one.scale2[2], 9, 1e-12);
  EXPECT_NEAR(two.cost - one.cost, 4 * std::log(3), 1e-12);
}

TEST(Scales, RefuseWhatCannotBe) {
  EXPECT_THROW(Scales(HyperPrior::parse("flat"), Group::row, {.out = 0, .in = 3}),
               std::domain_error);
  EXPECT_THROW(Scales(HyperPrior::parse("bernoulli"), Group::both, kDense), std::domain_error);
  EXPECT_THROW(Scales(HyperPrior::parse("flat"), Group::row, kDense).update({1, 2}),
               std::invalid_argument);
}

}  // namespace
}  // namespace scalemix::prior
