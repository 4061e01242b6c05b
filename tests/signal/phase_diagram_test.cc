#include "scalemix/signal/phase_diagram.h"

#include <gtest/gtest.h>

#include <stdexcept>

#include "scalemix/base/parallel.h"
#include "tests/signal/networks.h"

namespace scalemix::signal {
namespace {

using test::network;

// Dropout scales the critical line of tanh: sigma_w2 = 1.76095464 (1 - p) at sigma_b2 = 0.05
// (40-digit arithmetic).
TEST(PhaseDiagram, ChangesPhaseAtTheCriticalLine) {
  const PhaseGrid grid{.sigma_w2 = {1.7, 1.8}, .sigma_b2 = {}, .p = {0, 0.05}};
  const auto points = phase_diagram(network("tanh", "", 1, 0.05), grid);
  ASSERT_EQ(points.size(), 4u);
  EXPECT_EQ(points[0].phase, Phase::vanishing);  // 1.7609 between them
  EXPECT_EQ(points[1].phase, Phase::exploding);
  EXPECT_EQ(points[2].phase, Phase::exploding);  // 1.6729 below both
  EXPECT_EQ(points[3].phase, Phase::exploding);
  EXPECT_EQ(points[3].p, 0.05);
  EXPECT_DOUBLE_EQ(points[3].net.noise.mu2, 1 / 0.95);
}

TEST(PhaseDiagram, RunsSigmaW2Fastest) {
  const PhaseGrid grid{.sigma_w2 = {1, 2, 3}, .sigma_b2 = {0, 0.1}, .p = {}};
  const auto points = phase_diagram(network("relu", "", 1), grid);
  ASSERT_EQ(points.size(), 6u);
  EXPECT_EQ(points[4].net.sigma_w2, 2);
  EXPECT_EQ(points[4].net.sigma_b2, 0.1);
  EXPECT_FALSE(points[4].p.has_value());
  EXPECT_EQ(points[1].phase, Phase::critical);
  EXPECT_EQ(points[0].at.q.kind, Fixed::zero);
}

TEST(PhaseDiagram, HasPointsWithoutAPhase) {
  const auto points =
      phase_diagram(network("tanh", "half_cauchy", 1), {.sigma_w2 = {1}, .sigma_b2 = {0}, .p = {}});
  EXPECT_EQ(points[0].phase, Phase::none);
  EXPECT_EQ(name(points[0].phase), "none");
}

TEST(PhaseDiagram, DoesNotDependOnThreads) {
  const PhaseGrid grid{.sigma_w2 = {1, 1.5, 2, 2.5}, .sigma_b2 = {0.01, 0.1}, .p = {}};
  const int before = threads();
  set_threads(1);
  const auto one = phase_diagram(network("tanh", "bernoulli:p=0.1", 1), grid);
  set_threads(3);
  const auto three = phase_diagram(network("tanh", "bernoulli:p=0.1", 1), grid);
  set_threads(before);
  for (std::size_t i = 0; i < one.size(); ++i) EXPECT_EQ(one[i].at.c.value, three[i].at.c.value);
}

TEST(PhaseDiagram, RefusesValuesOutOfRange) {
  EXPECT_THROW(phase_diagram(network("relu", "", 1), {.sigma_w2 = {-1}, .sigma_b2 = {0}, .p = {}}),
               std::domain_error);
  EXPECT_THROW(phase_diagram(network("relu", "", 1), {.sigma_w2 = {1}, .sigma_b2 = {}, .p = {1}}),
               std::domain_error);
}

}  // namespace
}  // namespace scalemix::signal
