#include "scalemix/base/printable.h"

#include <gtest/gtest.h>

#include "scalemix/base/json_text.h"
#include "scalemix/base/limits.h"
#include "scalemix/base/name_list.h"

namespace scalemix {
namespace {

TEST(Printable, WritesOutWhatATerminalObeys) {
  EXPECT_EQ(printable("a\x1b[2Jb"), "a\\x1b[2Jb");
  EXPECT_EQ(printable("a\nb\tc\rd"), "a\\nb\\tc\\rd");
  EXPECT_EQ(printable(std::string("a\0b", 3)), "a\\x00b");
  EXPECT_EQ(printable("\x7f"), "\\x7f");
  EXPECT_EQ(printable("\xc2\x9b"), "\\xc2\\x9b");           // ESC [ in one character
  EXPECT_EQ(printable("\xe2\x80\xae"), "\\xe2\\x80\\xae");  // right to left from here
  EXPECT_EQ(printable("\xe2\x80\x8b"), "\\xe2\\x80\\x8b");  // no width
}

TEST(Printable, KeepsLettersOfAllScripts) {
  const std::string text = "Größe, размер, 大きさ, 🙂 ~ é";
  EXPECT_EQ(printable(text), text);
  EXPECT_EQ(printable("a\nb\tc", true), "a\nb\tc");
  EXPECT_EQ(printable("a\x1b\nb", true), "a\\x1b\nb");
}

TEST(Printable, WritesOutWhatIsNoUtf8) {
  EXPECT_EQ(printable("\xff"), "\\xff");
  EXPECT_EQ(printable("\xc3"), "\\xc3");
  EXPECT_EQ(printable("\xc0\xaf"), "\\xc0\\xaf");           // longer than needed
  EXPECT_EQ(printable("\xed\xa0\x80"), "\\xed\\xa0\\x80");  // half of a pair
  EXPECT_EQ(printable("\xf4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80");
}

TEST(Printable, CutsBetweenCharacters) {
  EXPECT_EQ(shortened("abcdef", 6), "abcdef");
  EXPECT_EQ(shortened("abcdef", 5), "abcde...");
  EXPECT_EQ(shortened("aé", 2), "a...");
  EXPECT_EQ(shortened("aéb", 3), "aé...");
}

TEST(Printable, ListsOfManyNamesEnd) {
  std::vector<std::string> names(kMostListed, "a");
  EXPECT_EQ(name_list(names).find("more"), std::string::npos);
  names.resize(kMostListed + 7, "a");
  EXPECT_TRUE(name_list(names).ends_with("a and 7 more"));
  EXPECT_LT(name_list(std::vector<std::string>{std::string(100000, 'x')}).size(), 100u);
  EXPECT_EQ(quoted_name("a\x1b"), "a\\x1b");
}

TEST(JsonText, DepthIsThatOfBracketsOutsideTexts) {
  EXPECT_EQ(json_depth(""), 0u);
  EXPECT_EQ(json_depth(R"({"a":[1,[2]],"b":{}})"), 3u);
  EXPECT_EQ(json_depth(R"(["[[[[", "\"[[", "\\"])"), 1u);
  EXPECT_EQ(json_depth("]]]["), 1u);
}

TEST(JsonText, TheDeepestThatIsAllowedIsRead) {
  const auto nested = [](std::size_t n) { return std::string(n, '[') + std::string(n, ']'); };
  EXPECT_NO_THROW(parse_json(nested(kMostJsonDepth)));
  EXPECT_THROW(parse_json(nested(kMostJsonDepth + 1)), std::invalid_argument);
  EXPECT_THROW(parse_json<nlohmann::ordered_json>(std::string(1'000'000, '[')),
               std::invalid_argument);
}

TEST(JsonText, AWholeNumberIsNoFractionAndInRange) {
  const auto read = [](const char* text) { return whole_number<std::int32_t>(parse_json(text)); };
  EXPECT_EQ(read("0"), 0);
  EXPECT_EQ(read("2147483647"), 2147483647);
  for (const char* bad : {"2147483648", "-1", "1.0", "1e3", "1e300", "\"1\"", "null", "[1]",
                          "18446744073709551615"}) {
    EXPECT_THROW(read(bad), std::invalid_argument) << bad;
  }
  EXPECT_EQ(whole_number<std::uint64_t>(parse_json("18446744073709551615")), UINT64_MAX);
}

}  // namespace
}  // namespace scalemix
