#include "scalemix/signal/phase_diagram.h"

#include <gtest/gtest.h>

#include <stdexcept>

#include "scalemix/base/parallel.h"
#include "scalemix/signal/critical.h"
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

TEST(CriticalSigmaW2, IsWhereGradientsKeepTheirSize) {
  EXPECT_NEAR(*critical_sigma_w2(network("tanh", "", 1, 0.05), 0.1, 4), 1.76095464, 5e-9);
  EXPECT_NEAR(*critical_sigma_w2(network("tanh", "bernoulli:p=0.2", 1, 0.05), 0.1, 4),
              1.76095464 * 0.8, 5e-9);
  EXPECT_NEAR(*critical_sigma_w2(network("tanh", "", 1), 0.1, 4), 1, 1e-9);  // q* is 0 below it
  for (const double sigma_b2 : {0.0, 0.3}) {
    EXPECT_NEAR(*critical_sigma_w2(network("relu", "gaussian:alpha=0.6", 1, sigma_b2), 0.1, 4),
                1.25, 1e-9);
  }
  for (const char* phi : {"tanh", "erf", "sine", "hard_tanh", "elu", "sigmoid"}) {
    const Network net = network(phi, "bernoulli:p=0.1", 1, 0.3);
    EXPECT_NEAR(*critical_sigma_w2(net, 0.1, 200), *critical_initialisation(net).sigma_w2, 1e-7)
        << phi;
  }
}

TEST(CriticalSigmaW2, IsEmptyWhereThereIsNone) {
  EXPECT_FALSE(critical_sigma_w2(network("tanh", "", 1, 0.05), 2, 4));
  EXPECT_FALSE(critical_sigma_w2(network("tanh", "", 1, 0.05), 0.1, 1.5));
  EXPECT_FALSE(critical_sigma_w2(network("tanh", "half_cauchy", 1, 0.05), 0.1, 4));
  // gelu's q* ends before its slope is 1: from there on the variance grows.
  EXPECT_FALSE(critical_sigma_w2(network("gelu", "", 1, 0.05), 0.1, 4));
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
