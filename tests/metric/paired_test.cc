#include "scalemix/metric/paired.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace scalemix::metric {
namespace {

TEST(Paired, StudentsTestOfDifferences) {
  // Differences 1, 2, 3, 4: mean 2.5, error sqrt(5/3)/2; t = 3.873 of 3 degrees, p = 0.030466.
  const std::vector<double> a{2, 4, 6, 8}, b{1, 2, 3, 4};
  const PairedTest test = paired_t(a, b);
  EXPECT_DOUBLE_EQ(test.mean, 2.5);
  EXPECT_NEAR(test.error, std::sqrt(5.0 / 3) / 2, 1e-15);
  EXPECT_NEAR(test.p, 0.030466, 1e-6);
  EXPECT_DOUBLE_EQ(paired_t(a, a).p, 1);
  const std::vector<double> shifted{1.5, 2.5, 3.5, 4.5};
  EXPECT_DOUBLE_EQ(paired_t(shifted, b).p, 0);
  EXPECT_THROW(paired_t(a, std::vector<double>{1}), std::invalid_argument);
  EXPECT_THROW(paired_t(a, std::vector<double>{1, 2, 3, NAN}), std::domain_error);
}

TEST(Paired, HolmsCorrection) {
  const std::vector<double> corrected = holm(std::vector<double>{0.01, 0.04, 0.03, 0.005});
  const double expected[] = {0.03, 0.06, 0.06, 0.02};
  for (int i = 0; i < 4; ++i) EXPECT_NEAR(corrected[i], expected[i], 1e-15) << i;
  EXPECT_DOUBLE_EQ(holm(std::vector<double>{0.9, 0.8})[0], 1);
  EXPECT_TRUE(holm({}).empty());
}

/// q_0.05 / sqrt(2) of Demsar (2006), table 5, to its three digits.
TEST(Paired, CriticalDifferencesOfTheTable) {
  const std::pair<std::size_t, double> table[] = {{2, 1.960}, {3, 2.343}, {4, 2.569},
                                                  {5, 2.728}, {6, 2.850}, {7, 2.949},
                                                  {8, 3.031}, {9, 3.102}, {10, 3.164}};
  for (const auto& [k, q] : table) {
    const double n = 17, scale = std::sqrt(double(k) * double(k + 1) / (6 * n));
    EXPECT_NEAR(critical_difference(k, 17) / scale, q, 8e-4) << k;
  }
  EXPECT_NEAR(critical_difference(5, 17, 0.1) / std::sqrt(30 / (6.0 * 17)), 2.459, 6e-4);
  EXPECT_THROW(critical_difference(1, 17), std::domain_error);
}

TEST(Paired, WhatCouldHaveBeenSeen) {
  // Of 10 pairs: t of 9 degrees, 2.262157 + 0.883404.
  EXPECT_NEAR(detectable(1, 10), 3.145561, 1e-5);
}

}  // namespace
}  // namespace scalemix::metric
