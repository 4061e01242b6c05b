#include <map>

#include "tests/cli/fixture.h"

namespace scalemix::cli {
namespace {

using ShowTest = CliTest;

TEST_F(ShowTest, ListsLayersWithWeightsAndNonzeros) {
  model::Model m = yes_model();
  const Result r = scalemix({"show", save("m.safetensors", m), "--json"});
  ASSERT_EQ(r.code, kSuccess) << r.err;
  const nlohmann::json json = r.json();
  EXPECT_EQ(json["total"]["weights"], 4);
  EXPECT_EQ(json["total"]["nonzero"], 2);
  EXPECT_EQ(json["total"]["flops"], 2 * 2);  // of the two weights that are left
  EXPECT_EQ(json["bytes"], std::filesystem::file_size(path("m.safetensors")));
  EXPECT_EQ(json["classes"][1], "yes");
  EXPECT_EQ(json["task"], "classification");
}

TEST_F(ShowTest, CountsTheWorkOfAConvolution) {
  const model::Spec spec = model::made("lenet5", {{1, 28, 28}, Task::classification, 10});
  const Result r = scalemix({"show", save("m.safetensors", model::filled_model(spec)), "--json"});
  ASSERT_EQ(r.code, kSuccess) << r.err;
  const nlohmann::json json = r.json();
  std::map<std::string, std::size_t> flops;
  for (const auto& layer : json["layers"]) flops[layer["name"]] = layer["flops"];
  EXPECT_EQ(flops.at("conv1"), 2u * 25 * 20 * 24 * 24);
  EXPECT_EQ(flops.at("conv2"), 2u * 20 * 25 * 50 * 8 * 8);
  EXPECT_EQ(json["total"]["weights"], 20 * 25 + 50 * 20 * 25 + 800 * 500 + 500 * 10);
}

TEST_F(ShowTest, TellsPeopleMethodColumnsAndUnits) {
  const Result price = scalemix({"show", save("p.safetensors", price_model())});
  ASSERT_EQ(price.code, kSuccess) << price.err;
  EXPECT_THAT(price.out, HasSubstr("size, city (2 categories)"));
  EXPECT_THAT(price.out, HasSubstr("mean 5, scale 1"));
  EXPECT_THAT(price.out, testing::ContainsRegex("method +none"));
  const Result noisy = scalemix({"show", save("n.safetensors", noisy_model())});
  EXPECT_THAT(noisy.out, testing::ContainsRegex("method +bernoulli:p=0.5"));
}

TEST_F(ShowTest, QuotesNamesThatHoldAComma) {
  model::Model m = yes_model();
  m.preprocessing.schema = schema_of("\"a, b\",c,answer\n1,2,\"no, thanks\"\n2,1,yes\n");
  const Result r = scalemix({"show", save("m.safetensors", m)});
  ASSERT_EQ(r.code, kSuccess) << r.err;
  EXPECT_THAT(r.out, testing::ContainsRegex("columns +'a, b', c\n"));
  EXPECT_THAT(r.out, testing::ContainsRegex("classes +'no, thanks', yes\n"));
}

TEST_F(ShowTest, ShowsTheFirstReplicaOfARunAndSaysSo) {
  const std::string run = save_run("run", {price_model(), price_model(3)});
  const Result r = scalemix({"show", run});
  EXPECT_EQ(r.code, kSuccess);
  EXPECT_THAT(r.out, HasSubstr("replica-000"));
  EXPECT_THAT(r.err, HasSubstr("2 replicas"));
  const Result one = scalemix({"show", run, "--replica", "1"});
  EXPECT_THAT(one.out, HasSubstr("replica-001"));
  EXPECT_EQ(one.err, "");
}

}  // namespace
}  // namespace scalemix::cli
