#include "scalemix/metric/classification.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <stdexcept>
#include <vector>

namespace scalemix::metric {
namespace {

const std::vector<double> kP = {0.7, 0.2, 0.1,   // right
                                0.1, 0.3, 0.6,   // wrong: says 2, is 1
                                0.2, 0.2, 0.6,   // right
                                0.5, 0.5, 0.0};  // a tie goes to the first: wrong
const std::vector<std::int32_t> kLabel = {0, 1, 2, 1};

TEST(Classification, AccuracyCountsTheFirstOfTiedClasses) {
  EXPECT_DOUBLE_EQ(accuracy(kP, kLabel), 0.5);
  EXPECT_DOUBLE_EQ(error_rate(kP, kLabel), 0.5);
}

TEST(Classification, NllIsTheMeanLogOfTheLabelsProbability) {
  EXPECT_NEAR(nll(kP, kLabel), -std::log(0.7 * 0.3 * 0.6 * 0.5) / 4, 1e-15);
}

TEST(Classification, ALabelOfProbabilityZeroCostsInfinity) {
  EXPECT_EQ(nll(std::vector<double>{1, 0}, std::vector<std::int32_t>{1}),
            std::numeric_limits<double>::infinity());
}

TEST(Classification, BrierIsWorkedOutByHand) {
  // 0.09 + 0.04 + 0.01;  0.01 + 0.49 + 0.36;  0.04 + 0.04 + 0.16;  0.25 + 0.25 + 0
  EXPECT_NEAR(brier(kP, kLabel), (0.14 + 0.86 + 0.24 + 0.5) / 4, 1e-15);
}

TEST(Classification, BrierRunsFromZeroToTwo) {
  const std::vector<double> p = {1, 0};
  EXPECT_EQ(brier(p, std::vector<std::int32_t>{0}), 0);
  EXPECT_EQ(brier(p, std::vector<std::int32_t>{1}), 2);
}

TEST(Classification, CalibrationErrorIsWorkedOutByHand) {
  // Five bins. (0.6, 0.8]: 0.7 right. (0.4, 0.6]: 0.6 wrong, 0.6 right, 0.5 wrong.
  EXPECT_NEAR(calibration_error(kP, kLabel, 5), (0.3 + (1.7 - 1.0)) / 4, 1e-15);
  // One bin: |2 right - 2.4|.
  EXPECT_NEAR(calibration_error(kP, kLabel, 1), 0.4 / 4, 1e-15);
}

TEST(Classification, CertainAndRightIsCalibrated) {
  const std::vector<double> p = {1, 0, 0, 1};
  EXPECT_EQ(calibration_error(p, std::vector<std::int32_t>{0, 1}), 0);
  EXPECT_EQ(calibration_error(p, std::vector<std::int32_t>{1, 0}), 1);
}

TEST(Classification, AConfidenceAboveOneByRoundingFallsInTheLastBin) {
  const std::vector<double> p = {1 + 1e-12, 0};
  EXPECT_NEAR(calibration_error(p, std::vector<std::int32_t>{0}), 0, 1e-11);
}

TEST(Classification, NanProbabilitiesAreNeverRightAndNeverCalibrated) {
  const std::vector<double> p(2, std::nan(""));
  const std::vector<std::int32_t> label = {0};
  EXPECT_EQ(accuracy(p, label), 0);
  EXPECT_TRUE(std::isnan(calibration_error(p, label)));
  EXPECT_TRUE(std::isnan(nll(p, label)));
}

TEST(Classification, ConfusionHasTheLabelAsItsRow) {
  EXPECT_EQ(confusion(kP, kLabel), (std::vector<std::size_t>{1, 0, 0, 1, 0, 1, 0, 0, 1}));
}

TEST(Classification, WrongSizesAndLabelsAreRefused) {
  const std::vector<double> p = {0.5, 0.5}, none;
  const std::vector<std::int32_t> empty, high = {2}, low = {-1}, three = {0, 0, 0};
  EXPECT_THROW(accuracy(none, empty), std::invalid_argument);
  EXPECT_THROW(accuracy(none, three), std::invalid_argument);
  EXPECT_THROW(nll(p, empty), std::invalid_argument);
  EXPECT_THROW(brier(p, three), std::invalid_argument);
  EXPECT_THROW(nll(p, high), std::domain_error);
  EXPECT_THROW(confusion(p, low), std::domain_error);
  EXPECT_THROW(calibration_error(p, std::vector<std::int32_t>{0}, 0), std::domain_error);
}

TEST(Auroc, CountsWonPairsAndHalfOfTies) {
  // Positives 0.8, 0.4; negatives 0.4, 0.1: pairs won 1, 1, tied 1/2, won 1.
  const std::vector<double> score = {0.8, 0.4, 0.4, 0.1};
  EXPECT_DOUBLE_EQ(auroc(score, std::vector<std::uint8_t>{1, 1, 0, 0}), 3.5 / 4);
}

TEST(Auroc, IsOneForPerfectZeroForReversedHalfForConstantScores) {
  const std::vector<double> score = {1, 2, 3, 4}, constant(4, 0.3);
  EXPECT_EQ(auroc(score, std::vector<std::uint8_t>{0, 0, 1, 1}), 1);
  EXPECT_EQ(auroc(score, std::vector<std::uint8_t>{1, 1, 0, 0}), 0);
  EXPECT_EQ(auroc(constant, std::vector<std::uint8_t>{1, 0, 0, 0}), 0.5);
}

TEST(Auroc, EqualsTheCountOverAllPairs) {
  std::vector<double> score;
  std::vector<std::uint8_t> positive;
  for (int i = 0; i < 60; ++i) {
    score.push_back(i * 37 % 11);
    positive.push_back(i * i % 7 < 3);
  }
  double won = 0, pairs = 0;
  for (int i = 0; i < 60; ++i) {
    for (int j = 0; j < 60; ++j) {
      if (!positive[i] || positive[j]) continue;
      won += score[i] > score[j] ? 1 : score[i] == score[j] ? 0.5 : 0;
      ++pairs;
    }
  }
  EXPECT_DOUBLE_EQ(auroc(score, positive), won / pairs);
}

TEST(Auroc, NeedsBothKindsAndNumbers) {
  const std::vector<double> score = {1, 2};
  EXPECT_THROW(auroc(score, std::vector<std::uint8_t>{1, 1}), std::invalid_argument);
  EXPECT_THROW(auroc(score, std::vector<std::uint8_t>{0, 0}), std::invalid_argument);
  EXPECT_THROW(auroc(score, std::vector<std::uint8_t>{0}), std::invalid_argument);
  EXPECT_THROW(auroc({}, {}), std::invalid_argument);
  EXPECT_THROW(auroc(std::vector<double>{1, std::nan("")}, std::vector<std::uint8_t>{0, 1}),
               std::domain_error);
}

}  // namespace
}  // namespace scalemix::metric
