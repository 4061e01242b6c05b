#include "scalemix/data/notation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "scalemix/base/error.h"
#include "scalemix/data/schema.h"
#include "tests/data/temp_folder.h"

namespace scalemix::data {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

struct Reading {
  const char* text;
  double value;
};

void expect_read(const Notation& notation, const std::vector<Reading>& readings) {
  for (const auto& [text, value] : readings) {
    double got = 0;
    ASSERT_EQ(notation.read(text, got), Cell::number) << text;
    EXPECT_EQ(got, value) << text;
  }
}

void expect_text(const Notation& notation, const std::vector<const char*>& texts) {
  double value;
  for (const char* text : texts) EXPECT_EQ(notation.read(text, value), Cell::text) << text;
}

TEST(Cell, ReadsWhatCanBeNothingButANumber) {
  expect_read({}, {{"0.10D+02", 10},
                   {"1.5d-3", 0.0015},
                   {"1D+02", 100},
                   {"-2.D3", -2000},
                   {"\xE2\x88\x92"
                    "5.5",
                    -5.5},
                   {" 7 ", 7},
                   {"\xC2\xA0"
                    "8",
                    8}});
  expect_text({}, {"3D5", "D5", "1.5Dx", "\xE2\x88\x92", "\xE2\x88\x92x", "1 2"});
}

TEST(Notation, ReadsDecimalCommasAndGroups) {
  expect_read({',', ".", {}}, {{"1.037,01", 1037.01},
                               {"1.037", 1037},
                               {"37,5", 37.5},
                               {"-1.234.567,8e-1", -123456.78},
                               {"\xE2\x88\x92"
                                "3,25",
                                -3.25},
                               {",5", 0.5}});
  expect_text({',', ".", {}}, {"1.5", "10.37", "1037.01", "1,2,3", "1.2345", "1.037,01.2", ","});
  expect_read({'.', ",", {}},
              {{"1,054,321", 1054321}, {"12,34,567.5", 1234567.5}, {"1234.5", 1234.5}});
  expect_text({'.', ",", {}}, {"1,5", "1,05", "1,0543", "1234,567", ",123", "123,"});
  expect_read({'.', "'", {}}, {{"1'032", 1032},
                               {"1\xE2\x80\x99"
                                "032.5",
                                1032.5}});
  expect_read({'.', " ", {}}, {{"1 001", 1001},
                               {"1\xC2\xA0"
                                "001",
                                1001},
                               {"12\xE2\x80\xAF"
                                "345.5",
                                12345.5}});
  expect_read({'.', "_", {}}, {{"1_000_000", 1e6}});
}

TEST(Notation, TakesUnitsOffBothEnds) {
  expect_read({'.', "", {"$", "%", "kg"}},
              {{"$12.5", 12.5}, {"-$3", -3}, {"$-3", -3}, {"1.5%", 1.5}, {"7 kg", 7}, {"4", 4}});
  expect_read({',', ".", {"EUR"}}, {{"1.037,01 EUR", 1037.01},
                                    {"EUR\xC2\xA0"
                                     "2",
                                     2}});
  expect_text({'.', "", {"$"}}, {"$", "$$", "12%", "$x"});
  double value;
  const Notation dollars{'.', "", {"$"}};
  EXPECT_EQ(dollars.read("NA", value), Cell::missing);
  EXPECT_EQ(dollars.read("", value), Cell::missing);
  EXPECT_EQ(dollars.read("$inf", value), Cell::infinite);
  EXPECT_EQ(dollars.read("$1e39", value), Cell::too_large);
}

TEST(Notation, IsMadeOfWords) {
  EXPECT_EQ(make_notation("", "", {}), Notation());
  EXPECT_EQ(make_notation(",", "space", {}).thousands, " ");
  EXPECT_EQ(make_notation(",", "\xC2\xA0", {}).thousands, " ");
  EXPECT_THROW(make_notation(";", "", {}), ConfigError);
  EXPECT_THROW(make_notation(",", ",", {}), ConfigError);
  EXPECT_THROW(make_notation("", ".", {}), ConfigError);
  EXPECT_THROW(make_notation("", "x", {}), ConfigError);
  EXPECT_THROW(make_notation("", "", {"5"}), ConfigError);
}

TEST(Foreign, NamesWhatANumberLooksLikeAndWhatReadsIt) {
  const auto says = [](const char* text, const char* looks, const char* advice) {
    const auto found = looks_foreign(text);
    ASSERT_TRUE(found) << text;
    EXPECT_THAT(found->looks, HasSubstr(looks)) << text;
    EXPECT_THAT(found->advice, HasSubstr(advice)) << text;
  };
  says("12,5", "decimal comma", "--decimal ','");
  says("1,321", "decimal comma or commas between thousands", "--thousands ','");
  says("1.037,01", "decimal comma and points between thousands", "--decimal ',' --thousands '.'");
  says("1,054,321", "commas between thousands", "--thousands ','");
  says("1,054,321.5", "commas between thousands", "--thousands ','");
  says("1'032", "apostrophes between thousands", "--thousands \"'\"");
  says("1 001", "blanks between thousands", "--thousands space");
  says(
      "1\xC2\xA0"
      "001,5",
      "decimal comma and blanks", "--decimal ',' --thousands space");
  says("1.234.567", "points between thousands", "--thousands '.'");
  says("1_000", "underscores", "--thousands '_'");
  says("$12", "the unit '$'", "--units '$'");
  says("1.5%", "the unit '%'", "--units '%'");
  says("1,5 \xE2\x82\xAC", "the unit '\xE2\x82\xAC'", "--decimal ',' --units");
  says("(12.5)", "brackets", "minus");
  says("12-", "minus behind", "front");
  says(
      "\xE2\x80\x93"
      "5",
      "dash", "minus");
  says("0x1F", "hexadecimal", "decimal");
  says("=\"12\"", "spreadsheet", "alone");
  says("3D5", "Fortran", "1e2");
  says("0.1234+100", "Fortran", "e");
  says("1.5x10^3", "power of ten", "1e2");
  says("\xD9\xA1\xD9\xA2", "another script", "0 to 9");
  for (const char* text : {"12.5", "Rome", "a1", "12:30", "2021-03-04", "4.3.2021", "10-20", "<5",
                           "192.168.1.1", "555-1234", "NA", "x,y", "1,2,3", "C#", "%", "-", "()"}) {
    EXPECT_FALSE(looks_foreign(text)) << text;
  }
  // In another notation the plain one is foreign.
  EXPECT_TRUE(looks_foreign("1.5", {',', "", {}}));
  EXPECT_FALSE(looks_foreign("1,5", {',', "", {}}));
}

std::string refusal(const std::string& text, const OpenOptions& options = {}) {
  return message_of<DataError>(
      [&] { learn_schema(parse_table(text, "t.csv", table_options(options)), options); });
}

std::string column(const std::vector<std::string>& cells) {
  std::string out = "a;y\n";
  for (std::size_t i = 0; i < cells.size(); ++i) out += cells[i] + ";" + std::to_string(i) + "\n";
  return out;
}

TEST(Foreign, IsRefusedInsteadOfBecomingCategories) {
  EXPECT_EQ(
      refusal(column({"1.037,01", "1.074,02"})),
      "t.csv:2:1: '1.037,01' in column 'a' looks like a number with a decimal comma and "
      "points between thousands; read it with --decimal ',' --thousands '.', or name the column "
      "with --categorical");
  // Half plain, half grouped: those below a thousand are written alike in both.
  EXPECT_THAT(refusal(column({"1", "2,001", "3,001", "4,500"})), HasSubstr("t.csv:3:1: '2,001'"));
  EXPECT_THAT(refusal(column({"1.5%", "", "2%"})), HasSubstr("t.csv:2:1: '1.5%'"));
  // The target as well.
  EXPECT_THAT(refusal("a;y\n1;1,5\n2;2,5\n"), HasSubstr("t.csv:2:2: '1,5' in column 'y'"));
  std::vector<std::string> weights;
  for (int i = 0; i < 12; ++i) weights.push_back(std::to_string(i) + " kg");
  EXPECT_THAT(refusal(column(weights)), HasSubstr("the unit 'kg'; read it with --units 'kg'"));
}

TEST(Unit, StandsBehindANumberOrApartInFront) {
  EXPECT_EQ(unit_of("12.5 kg"), "kg");
  EXPECT_EQ(unit_of("3k"), "k");
  EXPECT_EQ(unit_of("Rs. 5"), "Rs.");
  EXPECT_EQ(unit_of("AUD 5.5"), "AUD");
  for (const char* text : {"A1", "n12", "12", "kg", "12 kilos", "Room 5", "1 2 kg", "5%", ""}) {
    EXPECT_EQ(unit_of(text), "") << text;
  }
}

TEST(Foreign, IsACategoryWhereItIsNamedOneOrAmongOthers) {
  OpenOptions options;
  options.categorical = {"a"};
  const Table t = parse_table(column({"1.5%", "2%"}), "t.csv");
  EXPECT_THAT(learn_schema(t, options).features(), ElementsAre("a=1.5%", "a=2%"));
  const Table mixed = parse_table(column({"red", "blue", "5%"}), "t.csv");
  EXPECT_EQ(learn_schema(mixed).width(), 3u);
}

TEST(Notation, IsKeptInTheSchemaAndReadsNewRows) {
  OpenOptions options;
  options.decimal = ",";
  options.thousands = ".";
  options.units = {"%"};
  const Table t =
      parse_table("a;b;y\n1.037,5;1,5%;2\n2.000;2%;3,25\n", "t.csv", table_options(options));
  const Schema schema = schema_from_text(to_text(learn_schema(t, options)));
  EXPECT_EQ(schema.notation, (Notation{',', ".", {"%"}}));
  const Encoded e = encode(t, schema, {Target::required, false});
  EXPECT_THAT(e.x, ElementsAre(1037.5f, 1.5f, 2000, 2));
  EXPECT_THAT(e.y, ElementsAre(2, 3.25f));
  const Table other = parse_table("a;b\n1.5;2\n", "n.csv", {true, 0, schema.notation});
  EXPECT_EQ(message_of<DataError>([&] { encode(other, schema); }),
            "n.csv:2:1: expected a number in column 'a', got '1.5', which looks like a number with "
            "a decimal point; the table is read with --decimal ','");
  // A reader that knows no notation must refuse: "1.037" would be another number to it.
  EXPECT_EQ(to_text(schema).find("\"numeric\""), std::string::npos);
  // A notation in a file is not trusted.
  std::string text = to_text(schema);
  text.replace(text.find("\",\""), 3, "\"x\"");
  EXPECT_THROW(schema_from_text(text), DataError);
}

}  // namespace
}  // namespace scalemix::data
