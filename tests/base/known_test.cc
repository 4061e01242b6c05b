#include "scalemix/base/known.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>

namespace scalemix {
namespace {

using testing::ThrowsMessage;

struct Row {
  std::string_view name;
  int value;
};

const std::vector<Row> kRows = {{"moons", 1}, {"glyphs", 2}};

TEST(Known, FindsTheRow) { EXPECT_EQ(find_row("set", "glyphs", kRows).value, 2); }

TEST(Known, AnUnknownNameSaysTheNearestAndTheList) {
  EXPECT_THAT([] { find_row("set", "monos", kRows); },
              ThrowsMessage<ConfigError>(
                  "unknown set 'monos', did you mean 'moons'? (known: moons, glyphs)"));
  EXPECT_THAT([] { find_row("set", "horses", kRows); },
              ThrowsMessage<ConfigError>("unknown set 'horses' (known: moons, glyphs)"));
  EXPECT_THAT([] { find_row<std::invalid_argument>("set", "", kRows); },
              ThrowsMessage<std::invalid_argument>("unknown set '' (known: moons, glyphs)"));
}

TEST(Known, AnotherNameIsMeantButNotListed) {
  const std::vector<std::string> known = {"fashion-mnist"}, also = {"fashion"};
  EXPECT_EQ(unknown("set", "fashon", known, also),
            "unknown set 'fashon', did you mean 'fashion'? (known: fashion-mnist)");
}

TEST(Known, AWordOfSeveralSaysWhichThereAre) {
  const std::vector<std::string> words = {"yes", "no"};
  EXPECT_EQ(not_one_of(words, "yse"), "must be one of yes, no, got 'yse', did you mean 'yes'?");
}

}  // namespace
}  // namespace scalemix
