#include "scalemix/base/number_text.h"

#include <gtest/gtest.h>

#include <cmath>

namespace scalemix {
namespace {

TEST(NumberText, ShortestReadsBack) {
  EXPECT_EQ(shortest_number(0.1), "0.1");
  EXPECT_EQ(shortest_number(3), "3");
  EXPECT_EQ(read_number(shortest_number(1.0 / 3)), 1.0 / 3);
}

TEST(NumberText, RoundedHasSixDigits) {
  EXPECT_EQ(rounded_number(1.0 / 3), "0.333333");
  EXPECT_EQ(rounded_number(2), "2");
}

TEST(NumberText, OnlyAWholeTextIsANumber) {
  EXPECT_EQ(read_number("-2.5e1"), -25);
  EXPECT_TRUE(std::isnan(*read_number("nan")));
  for (const char* bad : {"", "x", "0.5x", "0.5 ", " 0.5", "1e999"}) {
    EXPECT_EQ(read_number(bad), std::nullopt) << bad;
  }
}

}  // namespace
}  // namespace scalemix
