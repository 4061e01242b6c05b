#include "scalemix/base/word.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <limits>

#include "scalemix/base/error.h"

namespace scalemix {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::ThrowsMessage;

constexpr std::array kTable = {
    Parameter{"mean", 1, -10, 10, false, false, "mean"},
    Parameter{"scale", 2, 0, 5, true, false, "scale"},
};

Values read(const char* text) { return read_values("x", kTable, text); }

TEST(Word, IsCutAtTheFirstSeparator) {
  EXPECT_EQ(split_word("relu").name, "relu");
  EXPECT_EQ(split_word("relu").rest, "");
  EXPECT_EQ(split_word("additive:normal:scale=1").name, "additive");
  EXPECT_EQ(split_word("additive:normal:scale=1").rest, "normal:scale=1");
  EXPECT_EQ(split_word("laplace,input=1", ":,").rest, "input=1");
  EXPECT_EQ(split_word("laplace,input=1").name, "laplace,input=1");
  EXPECT_EQ(split_word("").name, "");
  EXPECT_THAT([] { split_word("x:"); },
              ThrowsMessage<ConfigError>("x: expected something after ':', got ''"));
}

TEST(Word, PiecesStandBetweenSeparators) {
  EXPECT_THAT(split("300-100", '-'), ElementsAre("300", "100"));
  EXPECT_THAT(split("300-", '-'), ElementsAre("300", ""));
  EXPECT_THAT(split("-", '-'), ElementsAre("", ""));
  EXPECT_THAT(split("", '-'), IsEmpty());
}

TEST(Word, ValuesComeInTheOrderOfTheTable) {
  EXPECT_THAT(read("").values, ElementsAre(1, 2));
  EXPECT_THAT(read("").given, ElementsAre(false, false));
  EXPECT_THAT(read("scale=0.5").values, ElementsAre(1, 0.5));
  EXPECT_THAT(read("scale=0.5").given, ElementsAre(false, true));
  EXPECT_THAT(read("scale=0.5,mean=-3e0").values, ElementsAre(-3, 0.5));
}

TEST(Word, AValueMayBeAWordWithKeysOfItsOwn) {
  const std::vector<Parameter> table{choice("group", "row|matrix|both", "who shares"), kTable[1],
                                     kTable[0]};
  const auto values = [&](const char* text) { return read_values("x", table, text).values; };
  EXPECT_THAT(values(""), ElementsAre(0, 2, 1));
  EXPECT_THAT(values("group=both"), ElementsAre(2, 2, 1));
  EXPECT_THAT(values("group=matrix:scale=3,mean=4"), ElementsAre(1, 3, 4));
  EXPECT_THAT(values("mean=4,group=matrix:scale=3"), ElementsAre(1, 3, 4));
  EXPECT_EQ(write_word("x", table, values("group=both,scale=3")), "x:group=both,scale=3,mean=1");
  EXPECT_THAT(words_of(table[0]), ElementsAre("row", "matrix", "both"));
  EXPECT_THAT(words_of(table[1]), IsEmpty());
  EXPECT_THAT([&] { values("group=rows"); },
              ThrowsMessage<ConfigError>(
                  "x: group must be one of row, matrix, both, got 'rows', did you mean 'row'?"));
  EXPECT_THAT([&] { values("group=row:scale=3,scale=4"); },
              ThrowsMessage<ConfigError>("x: scale is given twice"));
  EXPECT_THAT([&] { values("group=row:"); },
              ThrowsMessage<ConfigError>("row: expected something after ':', got ''"));
}

TEST(Word, SaysWhatIsWrongWithAValue) {
  const auto message = [](const char* text) {
    try {
      read(text);
    } catch (const ConfigError& error) {
      return std::string(error.what());
    }
    return std::string("nothing was refused");
  };
  EXPECT_EQ(message("scale"), "x: expected key=value, got 'scale'");
  EXPECT_EQ(message("scale=1,"), "x: expected key=value, got ''");
  EXPECT_EQ(message("scale=a"), "x: scale must be a number, got 'a'");
  EXPECT_EQ(message("scale=1 "), "x: scale must be a number, got '1 '");
  EXPECT_EQ(message("scale=1,scale=1"), "x: scale is given twice");
  EXPECT_EQ(message("scales=1"),
            "x: unknown parameter 'scales', did you mean 'scale'? (known: mean, scale)");
  EXPECT_THAT([] { read_values("relu", {}, "slope=1"); },
              ThrowsMessage<ConfigError>("relu: takes no parameter, got 'slope'"));
}

TEST(Word, AValueOutOfRangeIsADomainError) {
  EXPECT_THAT([] { read("scale=0"); },
              ThrowsMessage<std::domain_error>("x: scale must be in (0, 5], got 0"));
  EXPECT_THAT([] { read("mean=11"); },
              ThrowsMessage<std::domain_error>("x: mean must be in [-10, 10], got 11"));
  EXPECT_EQ(in_range("x", kTable[0], -10), -10);
  EXPECT_EQ(in_range("x", kTable[1], 5), 5);
  for (const double bad :
       {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()}) {
    EXPECT_THROW(in_range("x", kTable[0], bad), std::domain_error);
  }
  static constexpr Parameter kOpen{"p", 0.5, 0, 1, false, true, "p"};
  EXPECT_THAT([] { in_range("x", kOpen, 1); },
              ThrowsMessage<std::domain_error>("x: p must be in [0, 1), got 1"));
}

TEST(Word, CountsAreWholeAndPositive) {
  EXPECT_EQ(read_count("mlp", "300"), 300u);
  EXPECT_EQ(read_count("mlp", "1000000"), 1000000u);
  for (const char* bad : {"", "0", "-1", "1.5", "3x", "1000001", "99999999999999999999"}) {
    EXPECT_THAT([&] { read_count("mlp", bad); },
                ThrowsMessage<ConfigError>("mlp: expected a whole number in [1, 1000000], got '" +
                                           std::string(bad) + "'"));
  }
}

TEST(Word, TheCanonicalFormReadsBackToTheSameValues) {
  const std::vector<double> values = {1.0 / 3, 0.1};
  const std::string text = write_word("x", kTable, values);
  EXPECT_EQ(text, "x:mean=0.3333333333333333,scale=0.1");
  EXPECT_EQ(read_values("x", kTable, split_word(text).rest).values, values);
  EXPECT_EQ(write_word("relu", {}, {}), "relu");
}

}  // namespace
}  // namespace scalemix
