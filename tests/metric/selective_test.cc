// Selective prediction, detection, calibration: by hand on a few rows, and what must hold of many.

#include "scalemix/metric/selective.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "scalemix/metric/calibration.h"
#include "scalemix/metric/classification.h"
#include "scalemix/metric/detection.h"
#include "scalemix/random/stream.h"

namespace scalemix::metric {
namespace {

TEST(Selective, RiskOfTheSurestRows) {
  const std::vector<double> sure{0.9, 0.6, 0.8, 0.6}, loss{0, 1, 1, 0};
  const std::vector<RiskPoint> curve = risk_coverage(sure, loss);
  const double risk[] = {0, 0.5, 0.5, 0.5};  // the two of 0.6 share their half
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_DOUBLE_EQ(curve[i].coverage, double(i + 1) / 4);
    EXPECT_DOUBLE_EQ(curve[i].risk, risk[i]) << i;
  }
  EXPECT_DOUBLE_EQ(area_under_risk(curve), 1.5 / 4);
  EXPECT_THROW(risk_coverage({}, {}), std::invalid_argument);
  EXPECT_THROW(risk_coverage(sure, std::vector<double>{0, 1, NAN, 1}), std::domain_error);
}

TEST(Detection, FalsePositivesAndAveragePrecision) {
  const std::vector<double> score{5, 4, 3, 2, 1};
  const std::vector<std::uint8_t> positive{1, 0, 1, 0, 1};
  EXPECT_DOUBLE_EQ(false_positive_rate(score, positive, 0.6), 0.5);   // 2 of 3 at 3
  EXPECT_DOUBLE_EQ(false_positive_rate(score, positive, 0.95), 1.0);  // all three
  EXPECT_DOUBLE_EQ(average_precision(score, positive), (1 + 2.0 / 3 + 3.0 / 5) / 3);
  // A rate that is reached exactly is reached: 3 of 4.
  EXPECT_EQ(false_positive_rate(std::vector<double>{4, 3, 2, 1, 0},
                                std::vector<std::uint8_t>{1, 1, 1, 0, 1}, 0.75),
            0);
  const std::vector<double> tied{1, 1, 1, 1, 1};
  EXPECT_DOUBLE_EQ(average_precision(tied, positive), 0.6);  // the share of positives
  EXPECT_DOUBLE_EQ(false_positive_rate(tied, positive), 1);
  EXPECT_THROW(average_precision(score, std::vector<std::uint8_t>{1, 1, 1, 1, 1}),
               std::invalid_argument);
}

TEST(Calibration, TheTemperatureThatWasHiddenIsFound) {
  // Labels drawn from softmax(f), logits given as 2.5 f.
  constexpr std::size_t kRows = 20000, kClasses = 4;
  const Stream stream{3, 1, 0};
  std::vector<float> logits;
  std::vector<std::int32_t> label;
  for (std::size_t n = 0; n < kRows; ++n) {
    double f[kClasses], p[kClasses], sum = 0;
    for (std::size_t c = 0; c < kClasses; ++c) {
      f[c] = 3 * (stream.uniform(n * 8 + c) - 0.5);
      sum += p[c] = std::exp(f[c]);
      logits.push_back(float(2.5 * f[c]));
    }
    double u = stream.uniform(n * 8 + 7) * sum;
    std::int32_t y = 0;
    while (y + 1 < std::int32_t(kClasses) && u > p[y]) u -= p[y++];
    label.push_back(y);
  }
  EXPECT_NEAR(best_temperature(logits, 1, label), 2.5, 0.1);
  std::vector<float> twice(logits);
  twice.insert(twice.end(), logits.begin(), logits.end());  // two draws that are the same
  EXPECT_NEAR(best_temperature(twice, 2, label), best_temperature(logits, 1, label), 1e-4);
  EXPECT_THROW(best_temperature(logits, 3, label), std::invalid_argument);
}

TEST(Calibration, ConformalQuantilesAreOrderStatistics) {
  std::vector<double> scores;
  for (int i = 1; i <= 19; ++i) scores.push_back((i * 7) % 20);  // 1 ... 19 in some order
  EXPECT_EQ(conformal_quantile(scores, 0.9), 18);                // ceil(20 * 0.9)
  EXPECT_EQ(conformal_quantile(scores, 0.95), 19);               // ceil(20 * 0.95)
  EXPECT_EQ(conformal_quantile(scores, 0.5), 10);
  EXPECT_TRUE(std::isinf(conformal_quantile(scores, 0.96)));
  EXPECT_THROW(conformal_quantile(scores, 1), std::domain_error);
  EXPECT_THROW(conformal_quantile({}, 0.9), std::invalid_argument);
}

/// Over many sets the chance of a new score below the quantile is at least the level, and no more than
/// 1 / (n + 1) above it.
TEST(Calibration, NewScoresAreCoveredAsOftenAsPromised) {
  constexpr std::size_t kSets = 4000, kN = 30;
  double covered = 0;
  for (std::size_t s = 0; s < kSets; ++s) {
    const Stream stream{11, 2, std::uint32_t(s)};
    std::vector<double> scores;
    for (std::size_t i = 0; i < kN; ++i) scores.push_back(stream.uniform(i));
    covered += stream.uniform(kN) <= conformal_quantile(scores, 0.8);
  }
  const double error = std::sqrt(0.16 / kSets);
  EXPECT_GT(covered / kSets, 0.8 - 4 * error);
  EXPECT_LT(covered / kSets, 0.8 + 1.0 / 31 + 4 * error);
}

TEST(Reliability, BinsAddUpToTheCalibrationError) {
  const std::vector<double> p{0.7, 0.3, 0.2, 0.8, 0.55, 0.45, 0.9, 0.1};
  const std::vector<std::int32_t> label{0, 0, 0, 1};
  double sum = 0, share = 0;
  for (const ReliabilityBin& bin : reliability(p, label, 5)) {
    share += bin.share;
    if (bin.share > 0) sum += bin.share * std::abs(bin.accuracy - bin.confidence);
  }
  EXPECT_DOUBLE_EQ(share, 1);
  EXPECT_NEAR(sum, calibration_error(p, label, 5), 1e-15);
}

}  // namespace
}  // namespace scalemix::metric
