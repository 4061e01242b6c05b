#include "scalemix/train/grid.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "scalemix/base/error.h"

namespace scalemix::train {
namespace {

using testing::HasSubstr;

TEST(Grid, WithoutAxesIsOnePointWithoutSettings) {
  EXPECT_EQ(grid_points({}), std::vector<GridPoint>(1));
}

TEST(Grid, TakesAllCombinationsTheLastKeyFastest) {
  const std::vector<GridPoint> expected = {{{"lr", 0.1}, {"penalty", 0}},
                                           {{"lr", 0.1}, {"penalty", 1}},
                                           {{"lr", 0.2}, {"penalty", 0}},
                                           {{"lr", 0.2}, {"penalty", 1}}};
  EXPECT_EQ(grid_points({"lr=0.1,2e-1", "penalty=0,1"}), expected);
}

std::string refusal(const std::vector<std::string>& axes) {
  try {
    grid_points(axes);
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "nothing was refused";
}

TEST(Grid, SaysWhatIsWrong) {
  EXPECT_THAT(refusal({"lr"}), HasSubstr("KEY=V,V"));
  EXPECT_THAT(refusal({"lr="}), HasSubstr("KEY=V,V"));
  EXPECT_THAT(refusal({"lr=0.1,"}), HasSubstr("lr must be positive, got ''"));
  EXPECT_THAT(refusal({"lr=0.1,0"}), HasSubstr("lr must be positive, got '0'"));
  EXPECT_THAT(refusal({"penalty=-1"}), HasSubstr("penalty must be 0 or more"));
  EXPECT_THAT(refusal({"lr=nan"}), HasSubstr("got 'nan'"));
  EXPECT_THAT(refusal({"lr=inf"}), HasSubstr("got 'inf'"));
  EXPECT_THAT(refusal({"lr=1x"}), HasSubstr("got '1x'"));
  EXPECT_THAT(refusal({"penalti=1"}), HasSubstr("did you mean"));
  EXPECT_THAT(refusal({"epochs=1,2"}), HasSubstr("cannot differ between replicas"));
  EXPECT_THAT(refusal({"lr=1", "lr=2"}), HasSubstr("given twice"));
}

}  // namespace
}  // namespace scalemix::train
