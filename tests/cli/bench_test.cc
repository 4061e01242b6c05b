#include "scalemix/cli/bench.h"

#include "scalemix/law/any_law.h"
#include "tests/cli/fixture.h"

namespace scalemix::cli {
namespace {

TEST(BenchTest, MeasuresEveryLawAndTheFloor) {
  const Result r = scalemix({"bench", "--quick", "--json", "--quiet"});
  ASSERT_EQ(r.code, kSuccess) << r.err;
  const nlohmann::json json = r.json();
  std::size_t noises = 0, copies = 0, products = 0;
  for (const auto& row : json["rows"]) {
    EXPECT_GT(row["seconds"], 0) << row["name"];
    noises += row["name"].get<std::string>().rfind("noise ", 0) == 0;
    products += row.contains("gflops");
    if (row["group"] != "memory") continue;
    ++copies;
    EXPECT_DOUBLE_EQ(row["share_of_memory_floor"].get<double>(), 1);
  }
  EXPECT_EQ(noises, law::laws().size());
  EXPECT_EQ(copies, 1u);
  EXPECT_GE(products, 3u);
}

TEST(BenchTest, MeasuresWhatIsAskedForBesideTheCopy) {
  const Result r = scalemix(
      {"bench", "--quick", "--json", "--quiet", "--only", "noise gamma", "--only", "reparam"});
  ASSERT_EQ(r.code, kSuccess) << r.err;
  const nlohmann::json json = r.json();
  std::vector<std::string> names;
  for (const auto& row : json["rows"]) names.push_back(row["name"]);
  EXPECT_EQ(names, (std::vector<std::string>{"copy 64 MiB", "1024^3", "noise gamma", "reparam"}));
  const Result none = scalemix({"bench", "--quick", "--quiet", "--only", "noise gammma"});
  EXPECT_EQ(none.code, kBadConfig);
  EXPECT_NE(none.err.find("noise gammma"), std::string::npos) << none.err;
}

TEST(BenchTest, MeasuresEverySizeWithEachNumberOfThreadsBesideFloorsOfItsOwn) {
  const Result r = scalemix({"bench", "--quick", "--json", "--quiet", "--only", "noise bernoulli",
                             "--size", "1000,200000", "--threads", "1,2"});
  ASSERT_EQ(r.code, kSuccess) << r.err;
  const nlohmann::json json = r.json();
  std::vector<std::string> rows;
  for (const auto& row : json["rows"]) {
    rows.push_back(row["threads"].dump() + " " + row["name"].get<std::string>());
    EXPECT_EQ(row.contains("share_of_memory_floor"), row["group"] != "product");
    EXPECT_EQ(row.contains("share_of_product_rate"), row["group"] == "product");
  }
  EXPECT_EQ(rows,
            (std::vector<std::string>{"1 copy 64 MiB", "1 1024^3", "1 noise bernoulli, 1000",
                                      "1 noise bernoulli, 200000", "2 copy 64 MiB", "2 1024^3",
                                      "2 noise bernoulli, 1000", "2 noise bernoulli, 200000"}));
  for (const char* bad : {"0", "-5", "x", "1e5", "999999999999"}) {
    EXPECT_EQ(scalemix({"bench", "--quick", "--size", bad}).code, kBadConfig) << bad;
  }
}

TEST(BenchTest, TimesWhatItIsGivenAndTakesTheMiddle) {
  std::size_t calls = 0;
  const Timing t = time_calls({1e-4, 5}, [&] { ++calls; });
  EXPECT_GT(t.median, 0);
  EXPECT_GE(t.spread, 0);
  EXPECT_GE(calls, 7u);  // one to warm up, one to size the repeats, five repeats
}

}  // namespace
}  // namespace scalemix::cli
