#include "scalemix/base/nearest.h"

#include <gtest/gtest.h>

namespace scalemix {
namespace {

TEST(EditDistance, CountsEditsAndSwapsOfNeighbours) {
  EXPECT_EQ(edit_distance("", ""), 0u);
  EXPECT_EQ(edit_distance("", "abc"), 3u);
  EXPECT_EQ(edit_distance("abc", ""), 3u);
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3u);
  EXPECT_EQ(edit_distance("mnist", "mnits"), 1u);
  EXPECT_EQ(edit_distance("ca", "abc"), 3u);  // the form that edits no piece twice
  EXPECT_EQ(edit_distance("abcd", "badc"), 2u);
}

TEST(Nearest, FindsTheFirstOfTheNearestWords) {
  const std::vector<std::string> names = {"mnist", "fashion-mnist", "moons", "uci:concrete"};
  EXPECT_EQ(nearest("mnsit", names), "mnist");
  EXPECT_EQ(nearest("MNIST", names), "mnist");
  EXPECT_EQ(nearest("fashion_mnist", names), "fashion-mnist");
  EXPECT_EQ(nearest("uci:concret", names), "uci:concrete");
  EXPECT_EQ(nearest("moon", names), "moons");
}

TEST(Nearest, StaysSilentWhenNothingIsNear) {
  const std::vector<std::string> names = {"mnist", "moons"};
  EXPECT_EQ(nearest("table.csv", names), "");
  EXPECT_EQ(nearest("x", {}), "");
  EXPECT_EQ(did_you_mean("table.csv", names), "");
  EXPECT_EQ(did_you_mean("monos", names), ", did you mean 'moons'?");
}

}  // namespace
}  // namespace scalemix
