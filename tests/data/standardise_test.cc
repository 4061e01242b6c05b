#include "scalemix/data/standardise.h"

#include <gtest/gtest.h>

#include <cmath>

#include "scalemix/base/error.h"

namespace scalemix::data {
namespace {

const float kNan = std::numeric_limits<float>::quiet_NaN();

Dataset table() {
  Dataset data;
  data.name = "toy";
  data.shape = {3};
  data.features = {"a", "b", "c"};
  data.x = {1, 0.1f, kNan, 3, 0.1f, 5, 5, 0.1f, 7, 1000, 0.2f, 1000};
  data.y = {10, 20, 30, 1000};
  return data;
}

TEST(Standardise, LearnsFromTheGivenRowsOnlyAndSkipsMissingNumbers) {
  const std::vector<std::uint32_t> rows = {0, 1, 2};
  const Standardisation s = standardise(table(), rows);
  EXPECT_FLOAT_EQ(s.mean[0], 3);
  EXPECT_FLOAT_EQ(s.scale[0], static_cast<float>(std::sqrt(8.0 / 3)));
  EXPECT_FLOAT_EQ(s.mean[2], 6);
  EXPECT_FLOAT_EQ(s.scale[2], 1);
  EXPECT_DOUBLE_EQ(s.target_mean, 20);
  EXPECT_DOUBLE_EQ(s.target_scale, std::sqrt(200.0 / 3));
}

TEST(Standardise, GivesAConstantColumnItsValueAndScaleOne) {
  const std::vector<std::uint32_t> rows = {0, 1, 2};
  const Standardisation s = standardise(table(), rows);
  EXPECT_EQ(s.mean[1], 0.1f);
  EXPECT_EQ(s.scale[1], 1);
  EXPECT_EQ(constant_columns(table(), rows), std::vector<std::string>{"b"});
}

TEST(Standardise, LeavesTheTargetOfClassificationAlone) {
  Dataset data = table();
  data.task = Task::classification;
  data.label = {0, 1, 0, 1};
  const std::vector<std::uint32_t> rows = {0, 1};
  const Standardisation s = standardise(data, rows);
  EXPECT_EQ(s.target_mean, 0);
  EXPECT_EQ(s.target_scale, 1);
}

TEST(Standardise, GivesAConstantTargetScaleOne) {
  Dataset data = table();
  data.y = {0.1f, 0.1f, 0.1f, 5};
  const std::vector<std::uint32_t> rows = {0, 1, 2};
  EXPECT_EQ(standardise(data, rows).target_scale, 1);
  EXPECT_TRUE(constant_target(data, rows));
  EXPECT_FALSE(constant_target(data, std::vector<std::uint32_t>{0, 3}));
  data.task = Task::classification;
  EXPECT_FALSE(constant_target(data, rows));
}

TEST(Standardise, UsesOneScaleForImages) {
  Dataset data = table();
  data.shape = {3, 1, 1};
  data.x = {0, 10, 255, 2, 20, 255};
  data.y = {1, 2};
  const std::vector<std::uint32_t> rows = {0, 1};
  EXPECT_EQ(standardise(data, rows).scale, (std::vector<float>{255, 255, 255}));
  EXPECT_EQ(standardise(data, rows).mean, (std::vector<float>{1, 15, 255}));
  for (float& x : data.x) x /= 255;
  EXPECT_EQ(standardise(data, rows).scale, (std::vector<float>{1, 1, 1}));
}

TEST(Standardise, RefusesNoRowsAndAColumnWithoutNumbers) {
  const std::vector<std::uint32_t> none, first = {0};
  EXPECT_THROW(standardise(table(), none), DataError);
  try {
    standardise(table(), first);
    FAIL() << "a column without numbers was standardised";
  } catch (const DataError& e) {
    EXPECT_NE(std::string(e.what()).find("'c' has no number"), std::string::npos) << e.what();
  }
}

}  // namespace
}  // namespace scalemix::data
