#include "tests/cli/fixture.h"

namespace scalemix::cli {
namespace {

using DataTest = CliTest;

TEST_F(DataTest, ListsTheNamedSets) {
  const Result r = scalemix({"data", "list", "--json"});
  ASSERT_EQ(r.code, kSuccess) << r.err;
  bool generated = false;
  for (const auto& set : r.json()) {
    if (set["name"] == "moons") generated = set["state"] == "generated";
  }
  EXPECT_TRUE(generated);
  EXPECT_THAT(scalemix({"data", "list"}).out, HasSubstr("friedman1"));
}

TEST_F(DataTest, GeneratesTheSameRowsFromTheSameSeed) {
  for (const char* name : {"a.csv", "b.csv"}) {
    const Result r = scalemix(
        {"data", "generate", "friedman1", "--rows", "20", "--seed", "3", "--out", path(name)});
    ASSERT_EQ(r.code, kSuccess) << r.err;
    EXPECT_THAT(r.err, HasSubstr("20 rows in"));
  }
  EXPECT_EQ(model::bytes_of(path("a.csv")), model::bytes_of(path("b.csv")));
  scalemix({"data", "generate", "friedman1", "--rows", "20", "--seed", "4", "--out", path("c.csv"),
            "--quiet"});
  EXPECT_NE(model::bytes_of(path("a.csv")), model::bytes_of(path("c.csv")));
}

TEST_F(DataTest, DescribesATable) {
  const std::string file = write("t.csv", "size,city,price\n1,Paris,3\n2,Rome,4\n,Rome,9\n");
  const Result r = scalemix({"data", "describe", file, "--json"});
  ASSERT_EQ(r.code, kSuccess) << r.err;
  EXPECT_EQ(r.json()["rows"], 3);
  EXPECT_THAT(scalemix({"data", "describe", file}).out, HasSubstr("size"));
  EXPECT_EQ(scalemix({"data", "describe", file, "--target", "cost"}).code, kBadData);
}

TEST_F(DataTest, ConvertsThereAndBack) {
  const std::string csv = write("t.csv", "a,b,y\n1,2,3\n4,5,6.5\n7,8,9\n");
  ASSERT_EQ(scalemix({"data", "convert", csv, path("t.npz"), "--quiet"}).code, kSuccess);
  const Result back = scalemix({"data", "describe", path("t.npz"), "--json"});
  ASSERT_EQ(back.code, kSuccess) << back.err;
  EXPECT_EQ(back.json()["rows"], 3);
  EXPECT_EQ(scalemix({"data", "convert", csv, path("t.xls")}).code, kBadConfig);
}

TEST_F(DataTest, DoesNotConvertAFileOntoItself) {
  const std::string csv = write("t.csv", "town,y\nOslo,3\nRome,6.5\n");
  const Result r = scalemix({"data", "convert", csv, csv});
  EXPECT_EQ(r.code, kBadConfig);
  EXPECT_THAT(r.err, HasSubstr("write to another file"));
  EXPECT_EQ(model::bytes_of(csv), "town,y\nOslo,3\nRome,6.5\n");
}

TEST_F(DataTest, NotesATargetThatIsTheSameInEveryRow) {
  const std::string file = write("t.csv", "a,y\n1,7\n2,7\n");
  EXPECT_THAT(scalemix({"data", "describe", file}).out, HasSubstr("the target is constant"));
}

}  // namespace
}  // namespace scalemix::cli
