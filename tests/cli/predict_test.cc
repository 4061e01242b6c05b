#include "scalemix/data/bytes.h"
#include "tests/cli/fixture.h"

namespace scalemix::cli {
namespace {

using PredictTest = CliTest;

TEST_F(PredictTest, PredictsInTheTargetsUnitsWithAnInterval) {
  const std::string model = save("m.safetensors", price_model());
  const std::string rows = write("new.csv", "size,city\n1,Paris\n3.5,Rome\n");
  const Result r = scalemix({"predict", model, "--data", rows, "--interval", "0.5", "--json"});
  ASSERT_EQ(r.code, kSuccess) << r.err;
  const nlohmann::json json = r.json();
  EXPECT_EQ(json["task"], "regression");
  EXPECT_EQ(json["target"], "price");
  EXPECT_EQ(json["samples"], 0);
  ASSERT_EQ(json["predictions"].size(), 2u);
  const nlohmann::json& p = json["predictions"][1];
  EXPECT_EQ(p["row"], 2);
  EXPECT_NEAR(p["prediction"], 2 * 3.5 + 20 + 5, 1e-4);
  EXPECT_NEAR(p["sd"], 3, 1e-5);
  EXPECT_NEAR(p["epistemic_sd"], 0, 1e-6);
  // The quartiles of a normal lie 0.67449 standard deviations from its mean.
  EXPECT_NEAR(p["lower"], 32 - 0.6744898 * 3, 1e-4);
  EXPECT_NEAR(p["upper"], 32 + 0.6744898 * 3, 1e-4);
}

TEST_F(PredictTest, WritesOneLineARowAsCsv) {
  const std::string model = save("m.safetensors", price_model());
  const std::string rows = write("new.csv", "size,city\n4,Paris\n");
  const Result r = scalemix({"predict", model, "--data", rows});
  ASSERT_EQ(r.code, kSuccess) << r.err;
  EXPECT_THAT(
      r.out, testing::StartsWith("row,prediction,sd,epistemic_sd,aleatoric_sd,lower,upper\n1,23,"));
  EXPECT_EQ(std::count(r.out.begin(), r.out.end(), '\n'), 2);
  EXPECT_EQ(r.err, "");
}

TEST_F(PredictTest, FindsColumnsInAnyOrderAndSaysWhichItLeavesOut) {
  const std::string model = save("m.safetensors", price_model());
  const std::string plain = write("a.csv", "size,city\n1,Paris\n2,Rome\n");
  const std::string turned = write("b.csv", "city,owner,size\nParis,me,1\nRome,you,2\n");
  const Result a = scalemix({"predict", model, "--data", plain});
  const Result b = scalemix({"predict", model, "--data", turned});
  ASSERT_EQ(b.code, kSuccess) << b.err;
  EXPECT_EQ(a.out, b.out);
  EXPECT_THAT(b.err, HasSubstr("owner"));
  EXPECT_EQ(scalemix({"predict", model, "--data", turned, "--quiet"}).err, "");
}

TEST_F(PredictTest, SaysHowManyRowsHaveAnUnseenCategory) {
  const std::string model = save("m.safetensors", price_model());
  const std::string rows = write("new.csv", "size,city\n1,Paris\n1,Oslo\n1,Oslo\n");
  const Result r = scalemix({"predict", model, "--data", rows, "--json"});
  ASSERT_EQ(r.code, kSuccess) << r.err;
  EXPECT_THAT(r.err, HasSubstr("column 'city': 2 rows have a category not seen in training"));
  EXPECT_THAT(r.err, HasSubstr("'Oslo' in line 3"));
  EXPECT_NEAR(r.json()["predictions"][1]["prediction"], 2 * 1 + 5, 1e-4);
}

TEST_F(PredictTest, TakesTheTrainingMeanForAMissingNumber) {
  const std::string model = save("m.safetensors", price_model());
  const std::string rows = write("new.csv", "size,city\n,Paris\n4,Paris\n");
  const Result r = scalemix({"predict", model, "--data", rows, "--json"});
  ASSERT_EQ(r.code, kSuccess) << r.err;
  const nlohmann::json p = r.json()["predictions"];
  EXPECT_EQ(p[0]["prediction"], p[1]["prediction"]);
}

TEST_F(PredictTest, ReadsATableFromStandardInput) {
  const std::string model = save("m.safetensors", price_model());
  const std::string rows = write("new.csv", "size,city\n1,Paris\n2,Rome\n");
  const Result file = scalemix({"predict", model, "--data", rows});
  const StandardInput input(rows);
  const Result r = scalemix({"predict", model, "--data", "-"});
  ASSERT_EQ(r.code, kSuccess) << r.err;
  EXPECT_EQ(r.out, file.out);
}

TEST_F(PredictTest, NamesClassesAsInTheInput) {
  const std::string model = save("m.safetensors", yes_model());
  const std::string rows = write("new.csv", "a,b\n3,1\n1,3\n");
  const Result r = scalemix({"predict", model, "--data", rows});
  ASSERT_EQ(r.code, kSuccess) << r.err;
  std::istringstream lines(r.out);
  std::string head, yes, no;
  std::getline(lines, head);
  std::getline(lines, yes);
  std::getline(lines, no);
  EXPECT_EQ(head, "row,prediction,\"p_no, thanks\",p_yes,total,aleatoric,epistemic");
  EXPECT_THAT(yes, testing::StartsWith("1,yes,0.119202"));
  EXPECT_THAT(no, testing::StartsWith("2,\"no, thanks\",0.880797"));
  const nlohmann::json json =
      scalemix({"predict", model, "--data", rows, "--format", "json"}).json();
  EXPECT_NEAR(json["predictions"][0]["probabilities"]["yes"], 1 / (1 + std::exp(-2)), 1e-6);
  const double p = 1 / (1 + std::exp(-2)), entropy = -p * std::log(p) - (1 - p) * std::log(1 - p);
  EXPECT_NEAR(json["predictions"][0]["total"], entropy, 1e-5);
}

TEST_F(PredictTest, WritesToAFileAndLeavesStandardOutputAlone) {
  const std::string model = save("m.safetensors", price_model());
  const std::string rows = write("new.csv", "size,city\n1,Paris\n");
  const std::string expected = scalemix({"predict", model, "--data", rows}).out;
  const Result r = scalemix({"predict", model, "--data", rows, "--out", path("out.csv")});
  ASSERT_EQ(r.code, kSuccess) << r.err;
  EXPECT_EQ(r.out, "");
  EXPECT_EQ(model::bytes_of(path("out.csv")), expected);
  EXPECT_THAT(r.err, HasSubstr("1 predictions in"));
}

TEST_F(PredictTest, DrawsAHundredTimesFromANoisyNetworkAndRepeatsWithTheSeed) {
  const std::string model = save("m.safetensors", noisy_model());
  const std::string rows = write("new.csv", "x1,x2,x3,x4\n1,2,3,4\n-1,2,0,1\n");
  const Result a = scalemix({"predict", model, "--data", rows, "--json"});
  ASSERT_EQ(a.code, kSuccess) << a.err;
  EXPECT_EQ(a.json()["samples"], 100);
  EXPECT_GT(a.json()["predictions"][0]["epistemic_sd"], 0);
  EXPECT_EQ(a.out, scalemix({"predict", model, "--data", rows, "--json", "--seed", "0"}).out);
  EXPECT_NE(a.out, scalemix({"predict", model, "--data", rows, "--json", "--seed", "1"}).out);
  const Result plain = scalemix({"predict", model, "--data", rows, "--json", "--samples", "0"});
  EXPECT_EQ(plain.json()["predictions"][0]["epistemic_sd"], 0);
}

TEST_F(PredictTest, AnswersAsAnEnsembleUnlessAReplicaIsNamed) {
  const std::string run = save_run("run", {price_model(2), price_model(3)});
  const std::string rows = write("new.csv", "size,city\n6,Paris\n");
  const Result both = scalemix({"predict", run, "--data", rows, "--json"});
  ASSERT_EQ(both.code, kSuccess) << both.err;
  const nlohmann::json p = both.json()["predictions"][0];
  EXPECT_EQ(both.json()["networks"], 2);
  EXPECT_NEAR(p["prediction"], (27 + 33) / 2.0, 1e-4);
  EXPECT_NEAR(p["epistemic_sd"], 3, 1e-4);
  EXPECT_NEAR(p["sd"], std::sqrt(9 + 9), 1e-4);
  const Result one = scalemix({"predict", run, "--data", rows, "--json", "--replica", "1"});
  EXPECT_NEAR(one.json()["predictions"][0]["prediction"], 33, 1e-4);
}

}  // namespace
}  // namespace scalemix::cli
