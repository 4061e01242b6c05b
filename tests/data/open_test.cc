// open(), open_rows(), the named sets, and what is written back: describe() and convert().
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "scalemix/base/error.h"
#include "scalemix/data/bytes.h"
#include "scalemix/data/convert.h"
#include "scalemix/data/describe.h"
#include "scalemix/data/generate.h"
#include "scalemix/data/npy.h"
#include "scalemix/data/registry.h"
#include "scalemix/data/rows.h"
#include "tests/data/temp_folder.h"

namespace scalemix::data {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr const char* kCars = "size,city,price\n1,Rome,7\n,Oslo,8\n3,Rome,9\n";

TEST(Open, ReadsATableForRegressionAndForClassification) {
  const TempFolder folder;
  const std::string path = folder.write("cars.csv", kCars);
  const Dataset price = open(path);
  EXPECT_EQ(price.task, Task::regression);
  EXPECT_EQ(price.name, path);
  EXPECT_THAT(price.y, ElementsAre(7, 8, 9));
  EXPECT_THAT(price.features, ElementsAre("size", "city=Oslo", "city=Rome"));
  EXPECT_TRUE(std::isnan(price.x[3]));
  OpenOptions options;
  options.target = "city";
  const Dataset city = open(path, options);
  EXPECT_EQ(city.task, Task::classification);
  EXPECT_THAT(city.classes, ElementsAre("Oslo", "Rome"));
  EXPECT_THAT(city.label, ElementsAre(1, 0, 1));
}

TEST(Open, SaysHowManyRowsItDropped) {
  const TempFolder folder;
  OpenOptions options;
  options.missing = "drop";
  const Dataset data = open(folder.write("cars.csv", kCars), options);
  EXPECT_EQ(data.rows(), 2u);
  EXPECT_THAT(data.notes, ElementsAre("rows left out for a missing value: 1"));
}

TEST(Open, SuggestsTheNearestNameAndTellsFilesFromNames) {
  EXPECT_THAT(message_of<ConfigError>([] { open("horses"); }),
              HasSubstr("unknown data set 'horses' (known: friedman1, moons"));
  EXPECT_THAT(message_of<ConfigError>([] { open("mnits"); }),
              HasSubstr("unknown data set 'mnits', did you mean 'mnist'? (known: friedman1"));
  EXPECT_THAT(message_of<ConfigError>([] { open("uci:concret"); }),
              HasSubstr("unknown data set 'uci:concret', did you mean 'uci:concrete'? (known: "));
  try {
    open("no/such.csv");
    FAIL() << "a missing file was opened";
  } catch (const FileError& e) {
    EXPECT_TRUE(e.missing);
  }
  const TempFolder folder;
  EXPECT_THAT(message_of<DataError>([&] { open(folder.path); }),
              HasSubstr("is a folder without known data"));
}

TEST(Open, ReadsArrays) {
  const TempFolder folder;
  const Array table{{3, 3}, false, {1, 2, 0, 3, 4, 1, 5, 6, 1}};
  const std::string npy = folder.write("t.npy", format_npy(table));
  EXPECT_THAT(open(npy).y, ElementsAre(0, 1, 1));
  OpenOptions options;
  options.target = "1";
  EXPECT_THAT(open(npy, options).y, ElementsAre(1, 3, 5));
  options.target = "4";
  EXPECT_THROW(open(npy, options), DataError);
  const Array images{{2, 2, 2}, false, {1, 2, 3, 4, 5, 6, 7, 8}}, labels{{2}, true, {5, 3}};
  const Dataset data = open(folder.write("i.npz", format_npz({{"x", images}, {"y", labels}})));
  EXPECT_THAT(data.shape, ElementsAre(1, 2, 2));
  EXPECT_THAT(data.classes, ElementsAre("3", "5"));
  EXPECT_THAT(data.label, ElementsAre(1, 0));
  const Array same{{2}, true, {5, 5}}, few{{1}, true, {5}};
  const std::string one = folder.write("one.npz", format_npz({{"x", images}, {"y", same}}));
  EXPECT_THAT(message_of<DataError>([&] { open(one); }), HasSubstr("one class only, '5'"));
  const std::string short_y = folder.write("few.npz", format_npz({{"x", images}, {"y", few}}));
  EXPECT_THAT(message_of<DataError>([&] { open(short_y); }),
              HasSubstr("expected 2 answers, one per row"));
  const Array endless{{2, 1}, false, {1, INFINITY}}, y{{2}, false, {1, 2}};
  const std::string bad = folder.write("inf.npz", format_npz({{"x", endless}, {"y", y}}));
  EXPECT_THAT(message_of<DataError>([&] { open(bad); }),
              HasSubstr("row 2 of the inputs holds an infinite"));
}

TEST(OpenRows, CodesATableAsTheModelWasTrained) {
  const TempFolder folder;
  const Format format = format_of(open(folder.write("cars.csv", kCars)));
  const std::string path = folder.write("new.csv", "city,size,colour\nLima,,red\nOslo,4,blue\n");
  const LabelledRows rows = open_rows(path, format);
  ASSERT_EQ(rows.rows, 2u);
  EXPECT_TRUE(std::isnan(rows.x[0]));
  EXPECT_THAT(std::vector<float>(rows.x.begin() + 1, rows.x.end()), ElementsAre(0, 0, 4, 1, 0));
  EXPECT_FALSE(rows.labelled);
  ASSERT_EQ(rows.warnings.size(), 3u);
  EXPECT_THAT(rows.warnings,
              testing::Contains("column 'size': 1 row has no value, taken as the mean "
                                "of the training rows"));
  EXPECT_THAT(message_of<DataError>([&] { open_rows(path, format, Labels::required); }),
              HasSubstr("the target column 'price' is not there"));
  EXPECT_THAT(open_rows(folder.path + "/cars.csv", format, Labels::required).y,
              ElementsAre(7, 8, 9));
}

TEST(OpenRows, LosesNoRowWhereTheModelHasNoNames) {
  const TempFolder folder;
  const Format format = format_of(open(folder.write("plain.csv", "1,10\n2,20\n3,30\n")));
  EXPECT_EQ(open_rows(folder.write("new.csv", "1\n2\n"), format).rows, 2u);
  EXPECT_THROW(open_rows(folder.write("bad.csv", "x,1\n2,1\n"), format), DataError);
  OpenOptions named;
  named.header = true;
  EXPECT_EQ(open_rows(folder.path + "/bad.csv", format, Labels::optional, named).rows, 1u);
}

TEST(OpenRows, TakesATableForAGeneratedSet) {
  const TempFolder folder;
  const Dataset moon = moons(40, 1);
  convert(moon, folder.path + "/moons.csv");
  const LabelledRows rows =
      open_rows(folder.path + "/moons.csv", format_of(moon), Labels::required);
  EXPECT_EQ(rows.x, moon.x);
  EXPECT_EQ(rows.label, moon.label);
}

TEST(OpenRows, ChecksTheShapeOfArrays) {
  const TempFolder folder;
  const Format format = format_of(glyphs(10));
  const Array x{{1, 28, 28}, false, std::vector<float>(784, 1)},
      wide{{1, 2, 2}, false, {1, 2, 3, 4}};
  const LabelledRows rows = open_rows(folder.write("x.npy", format_npy(x)), format);
  EXPECT_EQ(rows.rows, 1u);
  EXPECT_FALSE(rows.labelled);
  const std::string bad = folder.write("wide.npy", format_npy(wide));
  EXPECT_THAT(message_of<DataError>([&] { open_rows(bad, format); }),
              HasSubstr("expects inputs of shape (1, 28, 28), got (1, 2, 2)"));
  const std::string text = folder.write("t.csv", "1,2\n");
  EXPECT_THAT(message_of<DataError>([&] { open_rows(text, format); }),
              HasSubstr("got a text table"));
  const Array eleven{{1}, true, {11}};
  const std::string label = folder.write("l.npz", format_npz({{"x", x}, {"y", eleven}}));
  EXPECT_THAT(message_of<DataError>([&] { open_rows(label, format, Labels::required); }),
              HasSubstr("answer 1: 11 is not a class the model knows"));
  EXPECT_EQ(open_rows(label, format).warnings.size(), 1u);
  EXPECT_THROW(rows_of(moons(10), format), DataError);
}

TEST(NamedSets, HaveOneNameEachAndComeFromSomewhere) {
  std::vector<std::string> names;
  for (const NamedSet& set : named_sets()) {
    EXPECT_THAT(names, testing::Not(Contains(set.name)));
    names.push_back(set.name);
    EXPECT_FALSE(set.source.empty() || set.licence.empty() || set.summary.empty()) << set.name;
    EXPECT_GT(set.rows, 0u);
    EXPECT_EQ(set.generated(), set.files.empty());
    EXPECT_EQ(set.generated(), set.folder.empty());
    EXPECT_NE(set.generate == nullptr, set.read == nullptr) << set.name;
    for (const NamedFile& file : set.files)
      EXPECT_TRUE(file.sha256.empty() || file.sha256.size() == 64);
  }
  EXPECT_EQ(find_set("uci:bostonHousing"), find_set("uci:boston"));
  EXPECT_TRUE(named_set("mnist").downloadable());
  EXPECT_FALSE(named_set("cifar10").downloadable());
  EXPECT_EQ(named_set("uci:protein").files.size(), 14u);
}

TEST(NamedSets, AreGeneratedWithTheRowsAskedFor) {
  OpenOptions options;
  options.rows = 30;
  options.seed = 4;
  EXPECT_EQ(open("glyphs", options).x, glyphs(30, 4).x);
  EXPECT_EQ(open("friedman1").rows(), kFriedman1Rows);
  options.target = "x0";
  EXPECT_THROW(open("friedman1", options), ConfigError);
}

TEST(NamedSets, AreWhatTheirRowSays) {
  OpenOptions options;
  options.rows = 20;
  for (const NamedSet& set : named_sets()) {
    if (!set.generated()) continue;
    const Dataset data = open(set.name, options);
    EXPECT_EQ(data.name, set.name);
    EXPECT_EQ(data.task, set.task) << set.name;
    EXPECT_EQ(data.shape, set.shape) << set.name;
    EXPECT_EQ(data.rows(), 20u) << set.name;
  }
}

/// Three images of 1 x 2 in IDX files, two of them for training.
void write_small_images(const TempFolder& folder, const std::string& set) {
  const auto head = [](char axes, char rows) { return std::string{0, 0, 8, axes, 0, 0, 0, rows}; };
  const std::string sides{0, 0, 0, 1, 0, 0, 0, 2};
  folder.write(set + "/train-images-idx3-ubyte.gz", head(3, 2) + sides + "\x01\x02\x03\x04");
  folder.write(set + "/train-labels-idx1-ubyte.gz", head(1, 2) + std::string{0, 9});
  folder.write(set + "/t10k-images-idx3-ubyte.gz", head(3, 1) + sides + "\x05\x06");
  folder.write(set + "/t10k-labels-idx1-ubyte.gz", head(1, 1) + "\x01");
}

TEST(NamedSets, AreReadByTheReaderOfTheirRow) {
  const TempFolder folder;
  write_small_images(folder, "mnist");
  write_small_images(folder, "fashion-mnist");
  const ScopedVariable data("SCALEMIX_DATA", folder.path);
  const Dataset digits = open("mnist"), clothes = open("fashion");
  EXPECT_EQ(digits.name, "mnist");
  EXPECT_THAT(digits.classes, Contains("9"));
  EXPECT_EQ(clothes.name, "fashion-mnist");
  ASSERT_EQ(clothes.classes.size(), 10u);
  EXPECT_EQ(clothes.classes[9], "Ankle boot");
  EXPECT_EQ(clothes.x, digits.x);
}

TEST(NamedSets, ARowWithNeitherGeneratorNorReaderIsRefused) {
  NamedSet set = named_set("fashion-mnist");
  const TempFolder folder;
  write_small_images(folder, "fashion-mnist");
  const ScopedVariable data("SCALEMIX_DATA", folder.path);
  set.read = nullptr;
  EXPECT_THROW(open_set(set), std::invalid_argument);
}

TEST(NamedSets, SayHowToGetWhatIsNotThere) {
  const TempFolder folder;
  const ScopedVariable data("SCALEMIX_DATA", folder.path),
      cache("SCALEMIX_CACHE", folder.path + "/cache");
  EXPECT_THAT(message_of<FileError>([] { open("mnist"); }),
              HasSubstr("'scalemix data get mnist' downloads it"));
  EXPECT_THAT(message_of<FileError>([] { open("cifar10"); }), HasSubstr("put its files into"));
  EXPECT_THAT(message_of<ConfigError>([] { get(named_set("cifar10")); }),
              HasSubstr("cannot be downloaded by name"));
  EXPECT_THROW(get(named_set("moons")), ConfigError);
  EXPECT_EQ(cache_folder(), folder.path + "/cache");
}

/// The real sets, where $SCALEMIX_DATA holds them.
class RealData : public testing::Test {
 protected:
  void require(const char* name) {
    if (!locate(named_set(name))) {
      GTEST_SKIP() << name << " is not here: set SCALEMIX_DATA to a folder that holds it";
    }
  }
};

TEST_F(RealData, ConcreteHasItsTwentySplits) {
  require("uci:concrete");
  if (IsSkipped()) return;
  const Dataset data = open("uci:concrete");
  EXPECT_EQ(data.rows(), 1030u);
  EXPECT_THAT(data.shape, ElementsAre(8));
  ASSERT_EQ(data.splits.size(), 20u);
  EXPECT_EQ(data.splits[7].train.size(), 927u);
  EXPECT_EQ(data.splits[7].test.size(), 103u);
  EXPECT_EQ(data.x[0], 540);
  EXPECT_EQ(data.y[0], 79.99f);
}

TEST_F(RealData, NavalHasTwoConstantColumns) {
  require("uci:naval");
  if (IsSkipped()) return;
  const Description d = describe(open("uci:naval"));
  EXPECT_THAT(d.notes, Contains("constant columns: 9, 12"));
  EXPECT_EQ(d.rows, 11934u);
  EXPECT_NEAR(d.target.at(0).mean, 0.9750, 1e-4);
  EXPECT_NEAR(d.target.at(0).sd, 0.01472, 1e-5);
}

TEST_F(RealData, MnistHasItsImagesAndLabels) {
  require("mnist");
  if (IsSkipped()) return;
  const Dataset data = open("mnist");
  EXPECT_EQ(data.rows(), 70000u);
  EXPECT_EQ(data.splits.at(0).test.front(), 60000u);
  std::vector<int> test(10), train(10);
  for (std::size_t i = 0; i < 70000; ++i)
    ++(i < 60000 ? train : test)[static_cast<std::size_t>(data.label[i])];
  EXPECT_THAT(train, ElementsAre(5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949));
  EXPECT_THAT(test, ElementsAre(980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009));
}

TEST(Describe, CountsWhatIsThere) {
  const TempFolder folder;
  const Dataset data = open(folder.write("t.csv", "a,b,y\n1,5,u\n2,4,v\n,5,v\n2,4,v\n"));
  const Description d = describe(data);
  EXPECT_EQ(d.columns.at(0).missing, 1u);
  EXPECT_EQ(d.columns.at(0).distinct, 2u);
  EXPECT_DOUBLE_EQ(d.columns.at(0).mean, 5.0 / 3);
  EXPECT_DOUBLE_EQ(d.columns.at(0).sd, std::sqrt(2.0 / 9));
  EXPECT_EQ(d.columns.at(0).median, 2);
  EXPECT_EQ(d.classes.at(1).rows, 3u);
  EXPECT_THAT(d.notes,
              ElementsAre("column 'a': 1 row has no value, taken as the mean of the training rows",
                          "missing numbers: 1", "repeated rows: 1"));
  EXPECT_THAT(to_text(d), HasSubstr("classification, 4 rows, inputs (2), 0 splits"));
  EXPECT_EQ(to_json(d)["classes"][1]["rows"], 3);
}

TEST(Convert, RoundTripsNumbersNamesAndGaps) {
  const TempFolder folder;
  const Dataset from =
      open(folder.write("t.csv", "\"a, b\",y\n0.1,\"say \"\"x\"\"\"\n,z\n1e-30,z\n"));
  for (const char* name : {"out.csv", "out.tsv", "out.csv.gz"}) {
    const std::string path = folder.path + "/" + name;
    convert(from, path);
    const Dataset back = open(path);
    EXPECT_EQ(back.features, from.features);
    EXPECT_EQ(back.classes, from.classes);
    EXPECT_EQ(back.label, from.label);
    EXPECT_EQ(back.x[0], from.x[0]);
    EXPECT_TRUE(std::isnan(back.x[1]));
    EXPECT_EQ(back.x[2], from.x[2]);
  }
  const Dataset digits = glyphs(10);
  convert(digits, folder.path + "/g.npz");
  const Dataset back = open(folder.path + "/g.npz");
  EXPECT_EQ(back.x, digits.x);
  EXPECT_EQ(back.label, digits.label);
  EXPECT_THROW(convert(from, folder.path + "/t.parquet"), ConfigError);
}

}  // namespace
}  // namespace scalemix::data
