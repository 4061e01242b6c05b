// Correlation and mutual information of pairs for which both are known.

#include "scalemix/metric/dependence.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <vector>

namespace scalemix::metric {
namespace {

struct Pairs {
  std::vector<double> x, y;
};

/// Normal with correlation rho.
Pairs normal_pairs(double rho, std::size_t n, unsigned seed = 1) {
  std::mt19937_64 engine(seed);
  std::normal_distribution<double> normal;
  Pairs out;
  for (std::size_t i = 0; i < n; ++i) {
    const double a = normal(engine), b = normal(engine);
    out.x.push_back(a);
    out.y.push_back(rho * a + std::sqrt(1 - rho * rho) * b);
  }
  return out;
}

double of_normal(double rho) { return -std::log1p(-rho * rho) / 2; }

TEST(Dependence, CorrelationByHand) {
  const std::vector<double> x{1, 2, 3}, y{2, 1, 3}, one{1, 1, 1};
  EXPECT_DOUBLE_EQ(correlation(x, y), 0.5);
  EXPECT_DOUBLE_EQ(correlation(x, x), 1);
  EXPECT_EQ(correlation(x, one), 0);
}

/// To 2 %: -log(1 - rho^2) / 2.
TEST(Dependence, InformationOfNormalPairs) {
  for (const double rho : {0.6, -0.8, 0.95}) {
    const Pairs p = normal_pairs(rho, 200000);
    EXPECT_NEAR(correlation(p.x, p.y), rho, 0.005);
    EXPECT_NEAR(histogram_information(p.x, p.y), of_normal(rho), 0.02 * of_normal(rho)) << rho;
    EXPECT_NEAR(neighbour_information(p.x, p.y), of_normal(rho), 0.02 * of_normal(rho)) << rho;
  }
}

TEST(Dependence, IndependentPairsHaveNone) {
  const Pairs p = normal_pairs(0, 20000);
  EXPECT_NEAR(histogram_information(p.x, p.y), 0, 0.005);
  EXPECT_NEAR(neighbour_information(p.x, p.y), 0, 0.02);
}

/// Without a bias from counting a pair among its own neighbours.
TEST(Dependence, FewIndependentPairsHaveNoneOnAverage) {
  double sum = 0;
  for (unsigned seed = 0; seed < 200; ++seed) {
    const Pairs p = normal_pairs(0, 100, seed + 10);
    sum += neighbour_information(p.x, p.y) / 200;
  }
  EXPECT_NEAR(sum, 0, 0.02);
}

/// It does not change with an increasing function of either.
TEST(Dependence, InformationIsThatOfRanks) {
  Pairs p = normal_pairs(0.7, 5000);
  const double before = histogram_information(p.x, p.y);
  for (double& v : p.x) v = std::exp(3 * v);
  EXPECT_DOUBLE_EQ(histogram_information(p.x, p.y), before);
}

/// Equal numbers of two kinds: log 2; a third of zeros: the entropy.
TEST(Dependence, OfDiscreteNumbers) {
  std::vector<double> x, third;
  for (int i = 0; i < 3000; ++i) x.push_back(i % 2), third.push_back(i % 3 == 0 ? 0 : 1);
  EXPECT_NEAR(histogram_information(x, x, 8), std::log(2.0), 1e-3);
  EXPECT_NEAR(histogram_information(third, third, 8), std::log(3.0) - std::log(2.0) * 2 / 3, 1e-3);
  EXPECT_NEAR(histogram_information(x, third, 8), 0, 1e-3);
}

/// Dropout of independent masks, keep rate k, on numbers that are never 0 (Chen et al. 2019, section 3):
/// correlation times k, information times k^2 where zeros tell that a number is gone.
TEST(Dependence, DropoutLowersBoth) {
  const double keep = 0.7;
  Pairs p = normal_pairs(0.8, 300000, 3);
  std::mt19937_64 engine(7);
  std::bernoulli_distribution kept(keep);
  Pairs dropped = p;
  for (double& v : dropped.x) v = kept(engine) ? v / keep : 0;
  for (double& v : dropped.y) v = kept(engine) ? v / keep : 0;
  EXPECT_NEAR(correlation(dropped.x, dropped.y), keep * correlation(p.x, p.y), 0.005);
  EXPECT_NEAR(histogram_information(dropped.x, dropped.y) / histogram_information(p.x, p.y),
              keep * keep, 0.03 * keep * keep);
}

TEST(Dependence, BadPairs) {
  const std::vector<double> x{1, 2, 3}, y{1, 2},
      nan{1, 2, std::numeric_limits<double>::quiet_NaN()};
  EXPECT_THROW(correlation(x, y), std::invalid_argument);
  EXPECT_THROW(histogram_information({}, {}), std::invalid_argument);
  EXPECT_THROW(neighbour_information(x, nan), std::domain_error);
  EXPECT_THROW(neighbour_information(x, x, 3), std::invalid_argument);
}

}  // namespace
}  // namespace scalemix::metric
