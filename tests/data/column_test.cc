// What becomes of a table's columns: column_choice.h, date.h, category.h, origins.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "scalemix/base/error.h"
#include "scalemix/data/category.h"
#include "scalemix/data/column_choice.h"
#include "scalemix/data/convert.h"
#include "scalemix/data/date.h"
#include "scalemix/data/describe.h"
#include "scalemix/data/rows.h"
#include "scalemix/data/standardise.h"
#include "tests/data/temp_folder.h"

namespace scalemix::data {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

/// A table of 30 rows; each column is made from the row's number.
template <class... Cell>
std::string thirty(const std::string& header, const Cell&... cell) {
  std::string text = header + "\n";
  for (int i = 0; i < 30; ++i) {
    ((text += cell(i) + ","), ...);
    text.back() = '\n';
  }
  return text;
}

std::string number(int i) { return std::to_string(i * i % 17); }
std::string answer(int i) { return std::to_string(0.5 * i); }

Schema learned(const std::string& text, const OpenOptions& options = {}) {
  return learn_schema(parse_table(text, "t.csv"), options);
}

OpenOptions as(const std::vector<std::string>& words) {
  OpenOptions options;
  options.as = words;
  return options;
}

TEST(Columns, ThatTellRowsApartAreLeftOutAndSaid) {
  const auto id = [](int i) { return std::to_string(1000 + i * 7 % 30); };
  const auto name = [](int i) { return "n" + std::to_string(i); };
  const auto same = [](int) { return std::string("7"); };
  const auto word = [](int) { return std::string("x"); };
  const auto none = [](int) { return std::string(); };
  const Schema s = learned(
      thirty("customer_id,who,same,word,none,a,y", id, name, same, word, none, number, answer));
  EXPECT_THAT(s.features(), ElementsAre("a"));
  EXPECT_THAT(s.notes, Contains(HasSubstr("by name an id, and a different whole number in every "
                                          "row: customer_id")));
  EXPECT_THAT(s.notes, Contains(HasSubstr("a different text in every row: who")));
  EXPECT_THAT(s.notes, Contains(HasSubstr("the same number in every row: same")));
  EXPECT_THAT(s.notes, Contains(HasSubstr("the same text in every row: word")));
  EXPECT_THAT(s.notes, Contains(HasSubstr("no value in any row: none")));
  // Known to the model, so new rows may have them without a word.
  const Schema stored = schema_from_text(to_text(s));
  EXPECT_THAT(encode(parse_table("who,a\nn1,3\n", "n.csv"), stored).warnings, IsEmpty());
  // All the same, when told.
  const std::string text = thirty("customer_id,a,y", id, number, answer);
  EXPECT_EQ(learned(text, as({"number:customer_id"})).width(), 2u);
  OpenOptions categorical;
  categorical.categorical = {"customer_id"};
  EXPECT_EQ(learned(text, categorical).width(), 31u);
}

TEST(Columns, WithoutANameThatCountAreAnIndex) {
  const auto index = [](int i) { return std::to_string(i); };
  EXPECT_THAT(learned(thirty(",a,y", index, number, answer)).features(), ElementsAre("a"));
  EXPECT_THAT(learned(thirty("Unnamed: 0,a,y", index, number, answer)).features(),
              ElementsAre("a"));
  // A named one may be an input, such as a day; it is kept, and said.
  const Schema s = learned(thirty("day,a,y", index, number, answer));
  EXPECT_THAT(s.features(), ElementsAre("day", "a"));
  EXPECT_THAT(s.notes, Contains(HasSubstr("column 'day' counts the rows, 0 to 29")));
  // Whole numbers that differ are no ids by that alone, nor is an id that repeats.
  const auto square = [](int i) { return std::to_string(i * i); };
  EXPECT_EQ(learned(thirty("area,a,y", square, number, answer)).width(), 2u);
  EXPECT_EQ(learned(thirty("id,a,y", number, number, answer)).width(), 2u);
}

TEST(Columns, AreNamedWhereNoneIsLeft) {
  const auto name = [](int i) { return "n" + std::to_string(i); };
  EXPECT_THAT(message_of<DataError>([&] { learned(thirty("who,y", name, answer)); }),
              HasSubstr("no input column is left besides the target; left out, a different text in "
                        "every row: who"));
}

TEST(Columns, OfTooManyTextsAreLeftOut) {
  std::string text = "name,a,y\n";
  for (int i = 0; i < 2100; ++i) text += "n" + std::to_string(i % 1001) + "," + number(i) + ",1\n";
  const Schema s = learned(text + "n0,1,2\n");
  EXPECT_THAT(s.features(), ElementsAre("a"));
  EXPECT_THAT(s.notes, Contains(HasSubstr("more than 1000 different texts: name")));
}

TEST(Columns, AreListedWithCommas) {
  OpenOptions options;
  options.ignore = {"a, b"};
  EXPECT_THAT(learned("a,b,c,y\n1,2,3,4\n2,3,5,6\n", options).features(), ElementsAre("c"));
  EXPECT_THAT(learned("\"a, b\",b,c,y\n1,2,3,4\n2,3,5,6\n", options).features(),
              ElementsAre("b", "c"));
  OpenOptions wrong;
  wrong.ignore = {"a,d"};
  EXPECT_THROW(learned("a,b,y\n1,2,3\n2,3,5\n", wrong), DataError);
}

TEST(Dates, AreRead) {
  const auto seconds = [](const char* text) { return date_part(*read_date(text), "seconds"); };
  EXPECT_EQ(seconds("1970-01-01"), 0);
  EXPECT_EQ(seconds("2021-03-04"), 1614816000);
  EXPECT_EQ(seconds("2021/3/4 01:00"), 1614819600);
  EXPECT_EQ(seconds("4.3.2021"), 1614816000);
  EXPECT_EQ(seconds("2021-03-04T00:00:01.5Z"), 1614816001.5);
  EXPECT_EQ(seconds("2021-03-04 01:00:00+01:00"), 1614816000);
  EXPECT_EQ(seconds("2021-03-04T00:00:00-0130"), 1614821400);
  EXPECT_EQ(seconds("12:30"), 45000);
  const Date leap = *read_date("2024-02-29");
  EXPECT_EQ(date_part(leap, "year"), 2024);
  EXPECT_EQ(date_part(leap, "month"), 2);
  EXPECT_EQ(date_part(leap, "weekday"), 4);
  EXPECT_TRUE(std::isnan(date_part(*read_date("12:30"), "year")));
  for (const char* text : {"2023-02-29", "2021-13-01", "3/4/2021", "2021-03", "25:00", "12:60",
                           "2021-03-04x", "2021-03/04", "20210304", "1.2.21", "", "Rome"}) {
    EXPECT_FALSE(read_date(text)) << text;
  }
  EXPECT_TRUE(ambiguous_date("3/4/2021"));
  EXPECT_FALSE(ambiguous_date("2021-03-04"));
}

TEST(Dates, AreLeftOutUnlessAskedFor) {
  const auto day = [](int i) {
    const std::string d = std::to_string(i % 28 + 1);
    return "2021-03-" + std::string(d.size() < 2 ? "0" : "") + d;
  };
  const std::string text = thirty("day,a,y", day, number, answer);
  const Schema plain = learned(text);
  EXPECT_THAT(plain.features(), ElementsAre("a"));
  EXPECT_THAT(plain.notes, Contains(HasSubstr("left out, dates or times: day (all the same: "
                                              "--as date:COLUMN")));
  const Schema s = schema_from_text(to_text(learned(text, as({"date:day"}))));
  EXPECT_THAT(s.features(),
              ElementsAre("day.year", "day.month", "day.weekday", "day.seconds", "a"));
  const Encoded e = encode(parse_table("day,a\n2021-03-07,5\n,6\n", "n.csv"), s);
  EXPECT_EQ(e.x[0], 2021);
  EXPECT_EQ(e.x[1], 3);
  EXPECT_EQ(e.x[2], 7);
  EXPECT_EQ(e.x[3] + s.origins()[3], 1615075200);
  EXPECT_TRUE(std::isnan(e.x[5]));
  EXPECT_THAT(learned(text, as({"weekday:day", "month:day"})).features(),
              ElementsAre("day.month", "day.weekday", "a"));
  EXPECT_THAT(message_of<DataError>([&] { encode(parse_table("day,a\nsoon,5\n", "n.csv"), s); }),
              HasSubstr("n.csv:2:1: expected a date in column 'day', got 'soon'"));
  EXPECT_THROW(learned(text, as({"week:day"})), ConfigError);
  EXPECT_THROW(learned(text, as({"date"})), ConfigError);
  EXPECT_THROW(learned(text, as({"date:day", "number:day"})), ConfigError);
  EXPECT_THAT(message_of<DataError>([&] { learned(text, as({"date:a"})); }),
              HasSubstr("expected a date in column 'a'"));
  // Days apart, in seconds: distinct after rounding.
  std::set<float> distinct;
  const Encoded all = encode(parse_table(text, "t.csv"), s);
  for (std::size_t i = 3; i < all.x.size(); i += 5) distinct.insert(all.x[i]);
  EXPECT_EQ(distinct.size(), 28u);
}

TEST(Categories, OfOneValueAreOne) {
  const auto categories = [](const std::string& cells) {
    OpenOptions options;
    options.task = Task::classification;
    return learned("a,y\n" + cells, options).target.categories;
  };
  EXPECT_THAT(categories("1,0\n2,1.0\n3,0.0\n4,1\n5,1e0\n6,+1\n"), ElementsAre("0", "1"));
  EXPECT_THAT(categories("1,TRUE\n2,true\n3,False\n4,FALSE\n"), ElementsAre("False", "TRUE"));
  EXPECT_THAT(categories("1,yes\n2,NO\n3,Yes\n4,no\n"), ElementsAre("NO", "yes"));
  EXPECT_THAT(categories("1,\"a \"\n2,a\n3,b\n"), ElementsAre("a", "b"));
  EXPECT_THAT(categories("1,1.50\n2,1.5\n3,x\n"), ElementsAre("1.5", "x"));
  // Digits that a double would round stay apart.
  EXPECT_EQ(categories("1,9007199254740993\n2,9007199254740992\n").size(), 2u);
  // Letters in another case may be meant; they are said.
  const Schema s = learned("a,k,y\n1,male,2\n2,Male,3\n3,male,4\n");
  EXPECT_EQ(s.inputs[1].categories.size(), 2u);
  EXPECT_THAT(s.notes, Contains(HasSubstr("'male' and 'Male' differ by case alone")));
  EXPECT_THAT(learned("a,k,y\n1,TRUE,2\n2,true,3\n3,FALSE,4\n").notes,
              Contains(HasSubstr("are one category: 'TRUE' and 'true'")));
}

TEST(Categories, AreFoundByAnyOfTheirSpellings) {
  const CategoryIndex index({"0", "1", "TRUE"});
  EXPECT_EQ(index.find("1.0"), 1);
  EXPECT_EQ(index.find("-0"), 0);
  EXPECT_EQ(index.find("True"), 2);
  EXPECT_EQ(index.find("2"), -1);
  EXPECT_EQ(index.find("tru"), -1);
  // Models of earlier versions may have both as classes.
  const CategoryIndex old({"1", "1.0"});
  EXPECT_EQ(old.find("1"), 0);
  EXPECT_EQ(old.find("1.0"), 1);
}

TEST(Origins, KeepNumbersFarFromZeroApart) {
  const TempFolder folder;
  std::string text = "ts,y\n";
  for (int i = 0; i < 100; ++i) {
    text += std::to_string(1700000000 + i) + "," + std::to_string(200000001 + i) + ".5\n";
  }
  const std::string path = folder.write("t.csv", text);
  const Dataset data = open(path);
  std::vector<std::uint32_t> rows(100);
  for (std::uint32_t i = 0; i < 100; ++i) rows[i] = i;
  const Standardisation s = standardise(data, rows);
  EXPECT_NEAR(s.scale[0], std::sqrt((100.0 * 100 - 1) / 12), 1e-4);
  EXPECT_NEAR(s.target_scale, std::sqrt((100.0 * 100 - 1) / 12), 1e-9);
  EXPECT_NEAR(s.target_mean + data.target_origin, 200000051, 1e-6);
  EXPECT_EQ(std::set<float>(data.x.begin(), data.x.end()).size(), 100u);
  EXPECT_EQ(std::set<float>(data.y.begin(), data.y.end()).size(), 100u);
  // The same numbers in a new table are the same inputs.
  const LabelledRows fresh =
      open_rows(folder.write("n.csv", "ts\n1700000050\n"), format_of(data), Labels::ignored);
  EXPECT_EQ(fresh.x[0], data.x[50]);
  // Written and described as they are.
  OpenOptions exact;
  exact.exact = true;
  const Dataset whole = open(path, exact);
  EXPECT_EQ(to_csv(whole).substr(0, 44), "ts,y\n1700000000,200000001.5\n1700000001,20000");
  const Description d = describe(whole);
  EXPECT_EQ(d.columns[0].distinct, 100u);
  EXPECT_EQ(d.columns[0].max, 1700000099);
  EXPECT_EQ(d.target[0].distinct, 100u);
  EXPECT_EQ(to_csv(data), to_csv(whole));
  // A reader that knows no origin must refuse.
  EXPECT_EQ(data.schema.find("\"numeric\""), std::string::npos);
}

TEST(Origins, AreNotThereWhereFloatLosesNothing) {
  EXPECT_EQ(origin_of(2019, 2020, false), 0);
  EXPECT_EQ(origin_of(0, 1e9, true), 0);
  EXPECT_EQ(origin_of(5, 5, true), 0);
  EXPECT_EQ(origin_of(1700000000.25, 1700000099, true), 1700000000);
  EXPECT_EQ(origin_of(101.3251, 101.3253, true), 101.3251);
}

TEST(Origins, OfNumbersThatStillMergeAreSaid) {
  // A zero among seconds: the range is as large as the numbers.
  std::string text = "ts,y\n0,1\n";
  for (int i = 0; i < 100; ++i) text += std::to_string(1700000000 + i) + ",1.5\n";
  EXPECT_THAT(learned(text).notes,
              Contains(HasSubstr("column 'ts': 101 different numbers become 3")));
  EXPECT_THAT(learned("a,y\n0.1,1\n0.2,2\n0.30000000000000004,5\n").notes, IsEmpty());
  // Nearer than a ten-thousandth, and yet too near for float: taken from their own floor.
  std::string near = "a,y\n";
  for (int i = 0; i < 400; ++i) near += std::to_string(20000000 + 20 * (i / 2) + i % 2) + ",1.5\n";
  const Schema s = learned(near);
  EXPECT_EQ(s.inputs[0].origin, 20000000);
  EXPECT_THAT(s.notes, IsEmpty());
}

TEST(Answers, ThatAreMissingLeaveTheirRowsOutAndAreCounted) {
  const TempFolder folder;
  OpenOptions options;
  options.group = "g";
  options.time = "a";
  const Dataset data =
      open(folder.write("t.csv", "a,g,y\n1,x,1\n2,y,\n3,x,3\n4,z,NA\n5,z,5\n"), options);
  EXPECT_THAT(data.y, ElementsAre(1, 3, 5));
  EXPECT_THAT(data.x, ElementsAre(1, 3, 5));
  EXPECT_THAT(data.notes, Contains(HasSubstr("2 rows are left out for want of an answer")));
  // What goes with a row stays with it.
  EXPECT_THAT(data.group, ElementsAre(0, 0, 2));
  EXPECT_THAT(data.time, ElementsAre(1, 3, 5));
  const LabelledRows rows =
      open_rows(folder.write("n.csv", "a,y\n7,1\n8,\n"), format_of(data), Labels::required);
  EXPECT_EQ(rows.rows, 1u);
  EXPECT_THAT(rows.warnings, Contains(HasSubstr("1 row is left out")));
  options.missing = "error";
  EXPECT_THROW(open(folder.path + "/t.csv", options), DataError);
}

}  // namespace
}  // namespace scalemix::data
