#include "scalemix/data/schema.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "scalemix/base/error.h"
#include "tests/data/temp_folder.h"

namespace scalemix::data {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Table cars() {
  return parse_table("size,city,year,price\n1.5,Rome,10,7\n,Oslo,2,8\n2.5,?,10,9\n", "cars.csv");
}

OpenOptions with_target(const char* target) {
  OpenOptions options;
  options.target = target;
  return options;
}

TEST(Schema, CodesNumbersAsTheyAreAndTextsOneHot) {
  OpenOptions options;
  options.categorical = {"year"};
  const Schema schema = learn_schema(cars(), options);
  EXPECT_THAT(schema.features(),
              ElementsAre("size", "city=Oslo", "city=Rome", "year=2", "year=10"));
  EXPECT_EQ(schema.target.name, "price");
  const Encoded e = encode(cars(), schema, {Target::required, false});
  ASSERT_EQ(e.rows, 3u);
  EXPECT_THAT(std::vector<float>(e.x.begin(), e.x.begin() + 5), ElementsAre(1.5f, 0, 1, 0, 1));
  EXPECT_TRUE(std::isnan(e.x[5]));
  EXPECT_THAT(std::vector<float>(e.x.begin() + 6, e.x.end()),
              ElementsAre(1, 0, 1, 0, 2.5f, 0, 0, 0, 1));
  EXPECT_THAT(e.y, ElementsAre(7, 8, 9));
  EXPECT_THAT(
      e.warnings,
      ElementsAre("column 'size': 1 row has no value, taken as the mean of the training rows",
                  "column 'city': 1 row has no value, taken as none of its categories"));
}

TEST(Schema, FindsTheTargetByNameAndByNumber) {
  EXPECT_EQ(learn_schema(cars(), with_target("size")).target.position, 0u);
  EXPECT_EQ(learn_schema(cars(), with_target("3")).target.name, "year");
  EXPECT_THAT(message_of<DataError>([] { learn_schema(cars(), with_target("prise")); }),
              HasSubstr("unknown target column 'prise', did you mean 'price'?"));
  EXPECT_THROW(learn_schema(cars(), with_target("5")), DataError);
  EXPECT_THROW(learn_schema(cars(), with_target("0")), DataError);
}

TEST(Schema, MakesClassesOfTextAndOfNumbersWhenTold) {
  const Schema text = learn_schema(cars(), with_target("city"));
  EXPECT_THAT(text.target.categories, ElementsAre("Oslo", "Rome"));
  OpenOptions options = with_target("year");
  EXPECT_FALSE(learn_schema(cars(), options).target.categorical);
  options.task = Task::classification;
  const Schema schema = learn_schema(cars(), options);
  EXPECT_THAT(schema.target.categories, ElementsAre("2", "10"));
  EXPECT_THAT(encode(cars(), schema, {Target::required, false}).label, ElementsAre(1, 0, 1));
}

TEST(Schema, SurvivesJson) {
  OpenOptions options;
  options.ignore = {"year"};
  const Schema schema = learn_schema(cars(), options);
  const Schema back = schema_from_text(to_text(schema));
  EXPECT_EQ(to_text(back), to_text(schema));
  EXPECT_EQ(back.features(), schema.features());
}

TEST(Schema, TrustsNoJson) {
  nlohmann::json json = nlohmann::json::parse(to_text(learn_schema(cars())));
  EXPECT_THROW(schema_from_text("{}"), DataError);
  EXPECT_THROW(schema_from_text("text"), DataError);
  nlohmann::json far = json;
  far["inputs"][0]["position"] = 1000;
  EXPECT_THROW(schema_from_text(far.dump()), DataError);
  nlohmann::json kind = json;
  kind["target"]["kind"] = "colour";
  EXPECT_THROW(schema_from_text(kind.dump()), DataError);
}

std::string learning(const std::string& text, const OpenOptions& options = {}) {
  return message_of<DataError>([&] {
    const Table table = parse_table(text, "t.csv");
    encode(table, learn_schema(table, options), {Target::required, false});
  });
}

TEST(Schema, RefusesTablesThatCannotBeLearned) {
  EXPECT_EQ(
      learning("a,y\n1,2\n3,4\nx,5\n"),
      "t.csv:4:1: expected a number in column 'a', got 'x'; if its values are categories, name the "
      "column with --categorical");
  EXPECT_EQ(learning("a,y\n12,1\n\"1,5\",2\n"),
            "t.csv:3:1: '1,5' in column 'a' looks like a number with a decimal comma; read it with "
            "--decimal ',', or name the column with --categorical");
  EXPECT_EQ(learning("a,y\n1,2\ninf,4\n"),
            "t.csv:3:1: expected a finite number in column 'a', got 'inf'");
  EXPECT_THAT(learning("a,y\n1,2\n1e99,4\n"),
              HasSubstr("t.csv:3:1: the number in column 'a' is beyond"));
  EXPECT_THAT(learning("a,y\n1,yes\n2,yes\n"), HasSubstr("one class only, 'yes'"));
  EXPECT_THAT(learning("a,y\n"), HasSubstr("has a header and no rows"));
  EXPECT_THAT(learning("y\n1\n2\n"), HasSubstr("no input column"));
  OpenOptions number;
  number.task = Task::regression;
  EXPECT_THAT(learning("a,y\n1,low\n2,high\n", number),
              HasSubstr("expected a number in the target column"));
  OpenOptions strict;
  strict.missing = "error";
  EXPECT_EQ(learning("a,y\n1,2\n3,1\n,4\n", strict), "t.csv:4:1: a value is missing in column 'a'");
  EXPECT_EQ(learning("a,y\n1,2\n2,\n", strict),
            "t.csv:3:2: a value is missing in the target column 'y'");
  OpenOptions wrong;
  wrong.missing = "median";
  EXPECT_THROW(learn_schema(cars(), wrong), ConfigError);
}

TEST(Schema, NamesTheFirstTextOfALongTable) {
  std::string text = "a,y\n";
  for (int i = 2; i < 12000; ++i) text += i == 9000 || i == 11000 ? "x,1\n" : "1,1\n";
  EXPECT_THAT(learning(text), HasSubstr("t.csv:9000:1: expected a number in column 'a', got 'x'"));
}

TEST(Schema, RefusesATargetOfTooManyTexts) {
  std::string text = "a,y\n";
  for (int i = 0; i < 1001; ++i) text += std::to_string(i % 7) + ",n" + std::to_string(i) + "\n";
  EXPECT_THAT(learning(text), HasSubstr("column 'y' has more than 1000 different texts"));
}

TEST(Schema, DropsRowsWithAMissingCellWhenTold) {
  const Encoded e = encode(cars(), learn_schema(cars()), {Target::required, true});
  EXPECT_EQ(e.rows, 1u);
  EXPECT_EQ(e.dropped, 2u);
  EXPECT_THAT(e.y, ElementsAre(7));
}

TEST(Encode, MatchesColumnsByNameInAnyOrderAndSaysWhatItLeavesOut) {
  const Schema schema = learn_schema(cars());
  const Encoded e = encode(parse_table("extra,year,city,size\n0,4,Oslo,3\n", "new.csv"), schema);
  EXPECT_FALSE(e.labelled);
  EXPECT_THAT(e.x, ElementsAre(3, 1, 0, 4));
  EXPECT_THAT(e.warnings, ElementsAre("columns the model does not know are left out: extra"));
  EXPECT_EQ(message_of<DataError>(
                [&] { encode(parse_table("size,town,year\n1,a,2\n", "new.csv"), schema); }),
            "new.csv: the column 'city' is not there");
}

TEST(Encode, CodesUnseenCategoriesAsNoneAndCountsThem) {
  const Schema schema = learn_schema(cars());
  const Encoded e =
      encode(parse_table("size,city,year\n1,Lima,2\n1,Bonn,2\n1,Rome,2\n", "new.csv"), schema);
  EXPECT_THAT(e.x, ElementsAre(1, 0, 0, 2, 1, 0, 0, 2, 1, 0, 1, 2));
  ASSERT_EQ(e.warnings.size(), 1u);
  EXPECT_EQ(e.warnings[0],
            "column 'city': 2 rows have a category not seen in training, coded as none of them; "
            "first 'Lima' "
            "in line 2");
}

TEST(Encode, RefusesTextWhereTheModelHasNumbers) {
  const Schema schema = learn_schema(cars());
  EXPECT_EQ(message_of<DataError>(
                [&] { encode(parse_table("size,city,year\nbig,Rome,2\n", "new.csv"), schema); }),
            "new.csv:2:1: expected a number in column 'size', got 'big'");
}

TEST(Encode, MatchesByPositionWithoutAHeader) {
  const Schema schema = learn_schema(parse_table("1,10,5\n2,20,6\n", "t.csv"), with_target("2"));
  EXPECT_THAT(encode(parse_table("3,30,7\n", "n.csv"), schema).y, ElementsAre(30));
  const Encoded without = encode(parse_table("3,7\n", "n.csv"), schema);
  EXPECT_FALSE(without.labelled);
  EXPECT_THAT(without.x, ElementsAre(3, 7));
  EXPECT_EQ(message_of<DataError>([&] { encode(parse_table("3\n", "n.csv"), schema); }),
            "n.csv:1: expected 3 columns, or 2 without the target '2', got 1");
}

TEST(Encode, RequiresKnownAnswersWhereTheyAreAskedFor) {
  const Schema schema = learn_schema(cars(), with_target("city"));
  const Table unknown = parse_table("size,city,year,price\n1,Rome,2,3\n1,Lima,2,3\n", "new.csv");
  EXPECT_EQ(
      message_of<DataError>([&] {
        encode(unknown, schema, {Target::required, false});
      }),
      "new.csv:3:2: 'Lima' in the target column 'city' is not a class the model knows: Oslo, Rome");
  const Encoded e = encode(unknown, schema);
  EXPECT_FALSE(e.labelled);
  EXPECT_TRUE(e.label.empty());
  EXPECT_EQ(e.rows, 2u);
  ASSERT_EQ(e.warnings.size(), 1u);
  EXPECT_THAT(e.warnings[0], HasSubstr("the target column is not used"));
  const Table absent = parse_table("size,year,price\n1,2,3\n", "new.csv");
  EXPECT_EQ(message_of<DataError>([&] {
              encode(absent, schema, {Target::required, false});
            }),
            "new.csv: the target column 'city' is not there");
}

TEST(Encode, KnowsAClassByItsValue) {
  OpenOptions options;
  options.task = Task::classification;
  const Schema schema = learn_schema(parse_table("a,y\n1,1\n2,2\n", "t.csv"), options);
  EXPECT_THAT(encode(parse_table("a,y\n1,2.0\n1,1e0\n", "n.csv"), schema).label, ElementsAre(1, 0));
}

}  // namespace
}  // namespace scalemix::data
