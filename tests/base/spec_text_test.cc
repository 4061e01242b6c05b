#include "scalemix/base/spec_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "scalemix/base/error.h"

namespace scalemix {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::ThrowsMessage;

const std::vector<std::string> kKeys = {"mean", "scale"};

TEST(SpecText, SplitsAtColonAndCommas) {
  EXPECT_EQ(split_spec_text("relu").name, "relu");
  EXPECT_THAT(split_spec_text("relu").parts, IsEmpty());
  EXPECT_EQ(split_spec_text("x:a=1,b=2").name, "x");
  EXPECT_THAT(split_spec_text("x:a=1,b=2").parts, ElementsAre("a=1", "b=2"));
  EXPECT_THAT(split_spec_text("x:").parts, ElementsAre(""));
  EXPECT_THAT(split_spec_text("x:a=1,").parts, ElementsAre("a=1", ""));
  EXPECT_EQ(split_spec_text("").name, "");
}

TEST(SpecText, SetsTheValuesThatAreGiven) {
  std::vector<double> values = {1, 2};
  set_values("law", split_spec_text("x:scale=0.5"), kKeys, values);
  EXPECT_THAT(values, ElementsAre(1, 0.5));
}

TEST(SpecText, SaysWhatIsWrong) {
  const auto set = [](const char* text) {
    std::vector<double> values = {1, 2};
    set_values("law", split_spec_text(text), kKeys, values);
  };
  EXPECT_THAT([&] { set("x:scale"); },
              ThrowsMessage<ConfigError>("x: expected parameter=number, got 'scale'"));
  EXPECT_THAT([&] { set("x:scale=a"); },
              ThrowsMessage<ConfigError>("x: scale must be a number, got 'a'"));
  EXPECT_THAT([&] { set("x:scale=1,scale=1"); },
              ThrowsMessage<ConfigError>("x: scale is given twice"));
  EXPECT_THAT([&] { set("x:scales=1"); },
              ThrowsMessage<ConfigError>("unknown parameter of law x 'scales', did you mean "
                                         "'scale'? There are: mean scale"));
}

TEST(SpecText, WritesNumbersThatReadBack) {
  EXPECT_EQ(shortest_number(0.1), "0.1");
  EXPECT_EQ(std::stod(shortest_number(1.0 / 3)), 1.0 / 3);
  EXPECT_EQ(rounded_number(1.0 / 3), "0.333333");
  EXPECT_EQ(rounded_number(2), "2");
}

}  // namespace
}  // namespace scalemix
