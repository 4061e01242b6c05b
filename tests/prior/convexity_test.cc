#include "scalemix/prior/convexity.h"

#include <gmock/gmock.h>

#include "tests/prior/cases.h"

namespace scalemix::prior::test {
namespace {

std::vector<Interval> of(const char* word) { return not_convex(Prior::parse(word)); }

TEST(Convexity, IsThatOfTheNames) {
  EXPECT_TRUE(of("normal:scale=3").empty());
  EXPECT_TRUE(of("laplace:scale=0.1").empty());
  EXPECT_TRUE(of("spike_slab").empty());
  for (const char* word : {"horseshoe", "horseshoe:scale=1e-3", "generalised_hyperbolic:scale=7"}) {
    ASSERT_EQ(of(word).size(), 1u) << word;
    EXPECT_EQ(of(word)[0].lo, 0) << word;
    EXPECT_TRUE(std::isinf(of(word)[0].hi)) << word;
  }
  // Student's t turns at s sqrt(nu).
  for (const double nu : {1.0, 5.0, 1e4}) {
    const auto found = of(("student_t:scale=2,nu=" + std::to_string(nu)).c_str());
    ASSERT_EQ(found.size(), 1u) << nu;
    EXPECT_NEAR(found[0].lo, 2 * std::sqrt(nu), 2e-3 * std::sqrt(nu));
    EXPECT_TRUE(std::isinf(found[0].hi));
  }
}

// Inside an interval the mixture's second derivative is negative, outside it is not.
TEST(Convexity, IsTheSignOfTheCurvature) {
  for (const char* word : {"induced:gaussian:alpha=0.25", "induced:laplace:alpha=0.25",
                           "induced:lognormal:sigma=0.7", "induced:uniform", "induced:poisson",
                           "induced:beta:a=0.5,b=0.5", "induced:logistic_normal"}) {
    const Prior prior = Prior::parse(word);
    const std::vector<Interval> found = not_convex(prior);
    for (const double v : sizes(prior, 1e-4, 60, 1.03)) {
      bool inside = false, at_edge = false;
      for (const Interval& i : found) {
        inside |= v > i.lo && v < i.hi;
        at_edge |= std::abs(v / i.lo - 1) < 0.01 || std::abs(v / i.hi - 1) < 0.01;
      }
      if (!at_edge) {
        EXPECT_EQ(prior.mixture().at(v).curvature < 0, inside) << word << " " << v;
      }
    }
  }
}

}  // namespace
}  // namespace scalemix::prior::test
