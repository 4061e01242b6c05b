#include "scalemix/metric/rank_test.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <stdexcept>

#include "scalemix/random/stream.h"

namespace scalemix::metric {
namespace {

using testing::DoubleNear;
using testing::ElementsAre;

// Demsar (2006), table 6: AUC of four variants of C4.5 on 14 data sets. The two 0.975 of the row
// before the last rank 2 and 3 there.
const std::vector<double> kDemsar = {
    0.763, 0.768, 0.771,  0.798, 0.599, 0.591, 0.590, 0.569, 0.954, 0.971, 0.968, 0.967,
    0.628, 0.661, 0.654,  0.657, 0.882, 0.888, 0.886, 0.898, 0.936, 0.931, 0.916, 0.931,
    0.661, 0.668, 0.609,  0.685, 0.583, 0.583, 0.563, 0.625, 0.775, 0.838, 0.866, 0.875,
    1.000, 1.000, 1.000,  1.000, 0.940, 0.962, 0.965, 0.962, 0.619, 0.666, 0.614, 0.669,
    0.972, 0.981, 0.9751, 0.975, 0.957, 0.978, 0.946, 0.970};

// Conover (1999), page 375: sales of five brands in seven stores.
const std::vector<double> kConover = {5,  4,  7,  10, 12, 1,  3,  1, 0,  2, 16, 12,
                                      22, 22, 35, 5,  4,  3,  5,  4, 10, 9, 7,  13,
                                      10, 19, 18, 28, 37, 58, 10, 7, 6,  8, 7};

TEST(RankTestTest, FriedmanGivesDemsarsExample) {
  const RankTest test = friedman(kDemsar, 4);
  EXPECT_THAT(test.mean_rank, ElementsAre(DoubleNear(3.143, 5e-4), DoubleNear(2.000, 5e-4),
                                          DoubleNear(2.893, 5e-4), DoubleNear(1.964, 5e-4)));
  EXPECT_NEAR(test.statistic, 9.28, 5e-3);
  const RankTest f = iman_davenport(kDemsar, 4);
  EXPECT_NEAR(f.statistic, 3.69, 5e-3);
  EXPECT_LT(f.p, 0.05);  // the critical value of F(3, 39) at 0.05 is 2.85
  EXPECT_LT(f.p, test.p);
}

TEST(RankTestTest, QuadeGivesConoversExample) {
  const RankTest test = quade(kConover, 5);
  EXPECT_NEAR(test.statistic, 3.8293, 5e-5);
  EXPECT_NEAR(test.p, 0.01519, 5e-6);
}

TEST(RankTestTest, AlignedRanksByHand) {
  // Less the rows' means: 1 -1 / 2 -2 / 3 -3, ranks 3 4 / 2 5 / 1 6: column sums 6 and 15, row sums
  // 7, so (36 + 225 - 220.5) / (91 - 73.5).
  const std::vector<double> values = {12, 10, 24, 20, 36, 30};
  const RankTest test = aligned_ranks(values, 2);
  EXPECT_THAT(test.mean_rank, ElementsAre(2, 5));
  EXPECT_NEAR(test.statistic, 40.5 / 17.5, 1e-12);
  EXPECT_NEAR(test.p, std::erfc(std::sqrt(40.5 / 17.5 / 2)), 1e-12);
}

TEST(RankTestTest, HaveTheirLevelWhereMethodsAreAlike) {
  constexpr std::size_t kTables = 2000, kRows = 30, kMethods = 5;
  constexpr RankTest (*kTests[])(std::span<const double>, std::size_t) = {friedman, iman_davenport,
                                                                          aligned_ranks, quade};
  for (std::size_t t = 0; t < std::size(kTests); ++t) {
    std::size_t rejected = 0;
    for (std::size_t table = 0; table < kTables; ++table) {
      const Stream stream{7, 0, static_cast<std::uint32_t>(table)};
      std::vector<double> values;
      for (std::size_t i = 0; i < kRows * kMethods; ++i) values.push_back(stream.uniform(i));
      rejected += kTests[t](values, kMethods).p < 0.05;
    }
    EXPECT_NEAR(rejected, 100, 49) << t;  // 5 standard deviations of a binomial
  }
}

TEST(RankTestTest, TellOrderedMethodsApart) {
  std::vector<double> values;
  for (int i = 0; i < 10; ++i) values.insert(values.end(), {1.0 * i, 2.0 * i + 1, 3.0 * i + 2});
  for (const auto test : {friedman, iman_davenport, aligned_ranks, quade}) {
    EXPECT_LT(test(values, 3).p, 1e-3);
    EXPECT_EQ(test(values, 3).mean_rank.size(), 3u);
  }
  EXPECT_TRUE(std::isinf(iman_davenport(values, 3).statistic));
  EXPECT_EQ(iman_davenport(values, 3).p, 0);
}

TEST(RankTestTest, FindNothingInTies) {
  const std::vector<double> values(12, 0.5);
  for (const auto test : {friedman, iman_davenport, aligned_ranks, quade}) {
    EXPECT_EQ(test(values, 3).statistic, 0);
    EXPECT_EQ(test(values, 3).p, 1);
  }
}

TEST(RankTestTest, ComparesWithAControl) {
  // Demsar (2006): z of the first against the others (3.143 - 2.000) / sqrt(4 5 / (6 14)) = 2.34.
  const std::vector<double> p = against_control(kDemsar, 4, 0);
  const double scale = std::sqrt(20.0 / 84), sqrt2 = std::sqrt(2.0);
  const auto two_sided = [&](double difference) { return std::erfc(difference / scale / sqrt2); };
  const std::vector<double> rank = friedman(kDemsar, 4).mean_rank;
  const double smallest = two_sided(rank[0] - rank[3]), middle = two_sided(rank[0] - rank[1]);
  EXPECT_EQ(p[0], 1);
  EXPECT_NEAR(p[3], 1 - std::pow(1 - smallest, 3), 1e-12);
  EXPECT_NEAR(p[1], std::max(p[3], 1 - std::pow(1 - middle, 1.5)), 1e-12);
  EXPECT_NEAR(p[2], two_sided(rank[0] - rank[2]), 1e-12);
}

TEST(FinnerTest, StepsDownAndKeepsTheOrder) {
  EXPECT_THAT(finner(std::vector<double>{0.04, 0.01}),
              ElementsAre(DoubleNear(0.04, 1e-12), DoubleNear(1 - 0.99 * 0.99, 1e-12)));
  EXPECT_THAT(finner(std::vector<double>{0.02, 0.02}),
              testing::Each(DoubleNear(1 - 0.98 * 0.98, 1e-12)));
  EXPECT_THAT(finner(std::vector<double>{1, 0}), ElementsAre(1, 0));
  EXPECT_TRUE(finner({}).empty());
}

TEST(RankTestTest, RefusesTablesThatAreNone) {
  const std::vector<double> values = {1, 2, 3, 4};
  EXPECT_THROW(friedman(values, 1), std::invalid_argument);
  EXPECT_THROW(quade(values, 3), std::invalid_argument);
  EXPECT_THROW(aligned_ranks(values, 4), std::invalid_argument);
  EXPECT_THROW(against_control(values, 2, 2), std::invalid_argument);
  const std::vector<double> nan = {1, 2, 3, std::numeric_limits<double>::quiet_NaN()};
  EXPECT_THROW(iman_davenport(nan, 2), std::domain_error);
}

}  // namespace
}  // namespace scalemix::metric
