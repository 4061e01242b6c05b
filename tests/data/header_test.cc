// What stands above and around a table's rows: its names, a named separator, comments.
#include "scalemix/data/header.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "scalemix/base/error.h"
#include "tests/data/temp_folder.h"

namespace scalemix::data {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(Header, OfYearsIsSeenAndSaid) {
  const Table t = parse_table("region,2021,2022,2023\nN,0,0,0\nS,1,2,3\nN,4,5,6\n", "t.csv");
  EXPECT_THAT(t.names(), ElementsAre("region", "2021", "2022", "2023"));
  EXPECT_EQ(t.rows(), 3u);
  ASSERT_EQ(t.notes().size(), 1u);
  EXPECT_THAT(t.notes()[0], HasSubstr("region, 2021, 2022, 2023; if it is data, give --header no"));
  EXPECT_TRUE(parse_table("site,1990,2000,2010\nN,0,0,0\n", "t.csv").header());
  EXPECT_TRUE(parse_table(",0,1,2\n0,5.5,3,7\n1,2,3,4\n", "t.csv").header());
  // Texts that come again are values, not names.
  EXPECT_FALSE(parse_table("N,2021,2022\nS,1,2\nN,4,5\n", "t.csv").header());
  // Numbers that do not rise are values.
  EXPECT_FALSE(parse_table("N,2022,2021\nS,1,2\n", "t.csv").header());
  EXPECT_FALSE(parse_table("N,2,7\nS,1,2\n", "t.csv").header());
}

TEST(Header, IsSaidWhereItIsAGuess) {
  EXPECT_THAT(parse_table("a,b\n1,2\n", "t.csv").notes(), IsEmpty());
  EXPECT_THAT(parse_table("1,2\n3,4\n", "t.csv").notes(), IsEmpty());
  EXPECT_THAT(parse_table("1.5,x\n2.5,y\n3.5,x\n", "t.csv").notes(), IsEmpty());
  const Table texts = parse_table("town,kind\nOslo,a\nRome,b\n", "t.csv");
  EXPECT_TRUE(texts.header());
  EXPECT_THAT(texts.notes(), ElementsAre(HasSubstr("as names of columns")));
  const Table letters = parse_table("p,x,p\ne,x,n\np,b,n\n", "t.csv");
  EXPECT_FALSE(letters.header());
  EXPECT_THAT(letters.notes(), ElementsAre(HasSubstr("taken as data: p, x, p")));
  EXPECT_THAT(parse_table("red,2\nblue,4\n", "t.csv").notes(),
              ElementsAre(HasSubstr("--header yes")));
  EXPECT_THAT(parse_table("0,1,2\n5,6,8\n", "t.csv").notes(),
              ElementsAre(HasSubstr("--header yes")));
  // Who says what the first row is needs no note.
  EXPECT_THAT(parse_table("red,2\nblue,4\n", "t.csv", {false, 0}).notes(), IsEmpty());
  EXPECT_THAT(parse_table("town,kind\nOslo,a\n", "t.csv", {true, 0}).notes(), IsEmpty());
}

TEST(Separator, MayBeNamedOnTheFirstLine) {
  for (const char* first : {"sep=;\n", "SEP=;\r\n", "\"sep=;\"\n", "\xEF\xBB\xBFsep=;\n"}) {
    const Table t = parse_table(std::string(first) + "a;b,c;y\n1;2;3\n", "t.csv");
    EXPECT_THAT(t.names(), ElementsAre("a", "b,c", "y")) << first;
    EXPECT_EQ(t.line(0), 3u);
  }
  EXPECT_EQ(parse_table("sep=|\na|b\n1|2\n", "t.csv").columns(), 2u);
  EXPECT_EQ(parse_table("sep=\t\na\tb\n1\t2\n", "t.csv").columns(), 2u);
}

TEST(Separator, IsToldFromADecimalComma) {
  EXPECT_EQ(parse_table("a|b|c\n1|2|3\n", "t.csv").columns(), 3u);
  EXPECT_EQ(parse_table("51;1.037,01\n52;1.074,02\n", "t.csv").columns(), 2u);
  EXPECT_EQ(parse_table("1,5;2,5;3,5\n1,5;2,5;3,5\n", "t.csv").columns(), 3u);
  EXPECT_EQ(parse_table("1,5\t2,5\n3,5\t4,5\n", "t.txt").columns(), 2u);
  EXPECT_EQ(parse_table("a,b,c,d;e\nf,g,h,i;j\n", "t.csv").columns(), 4u);
  EXPECT_EQ(parse_table("1,5;2\n3,5;4\n", "t.csv", {false, 0, {',', "", {}}}).columns(), 2u);
}

TEST(Comments, AreLeftOutAndSaid) {
  const Table t =
      parse_table("# from a probe\n\n# 2021, at noon\nsize,y\n1,2\n# pause\n3,4\n", "t.csv");
  EXPECT_THAT(t.names(), ElementsAre("size", "y"));
  EXPECT_EQ(t.rows(), 2u);
  EXPECT_EQ(t.line(1), 7u);
  EXPECT_THAT(t.notes(), ElementsAre(HasSubstr("lines are left out as comments: line 1 is the "
                                               "first")));
  // A comment with as many cells as the table is a row.
  EXPECT_EQ(parse_table("tag,y\n#1,2\n#2,4\n", "t.csv").rows(), 2u);
  // The names behind the last # of np.savetxt are names.
  const Table named = parse_table("# made by hand\n# size y\n1 2\n3 4\n", "t.txt");
  EXPECT_THAT(named.names(), ElementsAre("size", "y"));
  EXPECT_EQ(named.rows(), 2u);
  EXPECT_EQ(parse_table("#a,b\n1,2\n", "t.csv").names()[0], "a");
}

TEST(Ragged, SaysWhatMayBeWrong) {
  const auto error_of = [](const char* text) {
    return message_of<DataError>([&] { parse_table(text, "t.csv"); });
  };
  EXPECT_THAT(error_of("Report of May\na,b,c\n1,2,3\n"), HasSubstr("begin it with #"));
  EXPECT_THAT(error_of("Title\nx,y\n1,2\n"), HasSubstr("begin it with #"));
  EXPECT_THAT(error_of("a,b\n1,2,3\n2,3,4\n"), HasSubstr("name the column of the row names"));
}

}  // namespace
}  // namespace scalemix::data
