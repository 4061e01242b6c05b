#include "scalemix/run/folder.h"
#include "tests/cli/fixture.h"

namespace scalemix::cli {
namespace {

using EvaluateTest = CliTest;

TEST_F(EvaluateTest, MeasuresARegressionInTheTargetsUnits) {
  const std::string model = save("m.safetensors", price_model());
  // Predictions are 17, 29 and 31.
  const std::string rows = write("test.csv", "city,size,price\nParis,1,17\nRome,2,32\nRome,3,27\n");
  const Result r = scalemix({"evaluate", model, "--data", rows, "--json"});
  ASSERT_EQ(r.code, kSuccess) << r.err;
  EXPECT_EQ(r.json()["rows"], 3);
  EXPECT_NEAR(r.json()["metrics"]["rmse"], std::sqrt((0 + 9 + 16) / 3.0), 1e-4);
  EXPECT_NEAR(r.json()["metrics"]["mae"], 7 / 3.0, 1e-4);
}

TEST_F(EvaluateTest, PrintsATableForPeople) {
  const std::string model = save("m.safetensors", yes_model());
  const std::string rows =
      write("test.csv", "a,b,answer\n3,1,yes\n1,3,\"no, thanks\"\n2,0,\"no, thanks\"\n2,1,yes\n");
  const Result r = scalemix({"evaluate", model, "--data", rows});
  ASSERT_EQ(r.code, kSuccess) << r.err;
  EXPECT_THAT(r.out, HasSubstr("4 rows of"));
  EXPECT_THAT(r.out, testing::ContainsRegex("accuracy +0\\.75\n"));
  EXPECT_THAT(r.out, testing::ContainsRegex("error +0\\.25\n"));
}

TEST_F(EvaluateTest, TakesTheTestRowsOfASetThatCameDivided) {
  model::Model m = yes_model();
  m.preprocessing = {};
  m.preprocessing.classes = {"lower", "upper"};
  const std::string model = save("m.safetensors", m);
  const auto rows_of = [&](std::vector<std::string> more) {
    std::vector<std::string> words = {"evaluate", model, "--data", "moons",
                                      "--rows",   "50",  "--json"};
    words.insert(words.end(), more.begin(), more.end());
    const Result r = scalemix(words);
    EXPECT_EQ(r.code, kSuccess) << r.err;
    return r.json();
  };
  EXPECT_EQ(rows_of({})["part"], "test");
  EXPECT_EQ(rows_of({})["rows"], 10);
  EXPECT_EQ(rows_of({"--part", "train"})["rows"], 40);
  EXPECT_EQ(rows_of({"--part", "all"})["rows"], 50);
}

TEST_F(EvaluateTest, WithoutDataItPrintsWhatTheRunMeasured) {
  const std::string run = save_run("run", {price_model()});
  write("run/metrics.json",
        R"({"summary": {"rmse": {"mean": 1.25, "standard_error": null}}, "replicas": [{}]})");
  const Result r = scalemix({"evaluate", run});
  ASSERT_EQ(r.code, kSuccess) << r.err;
  EXPECT_THAT(r.out, testing::ContainsRegex("rmse +1\\.25 +-"));
  EXPECT_EQ(scalemix({"evaluate", run, "--json"}).json()["summary"]["rmse"]["mean"], 1.25);
}

TEST_F(EvaluateTest, WarnsOfTheFileItWasTrainedOn) {
  const std::string run = save_run("run", {price_model()});
  const std::string rows = write("train.csv", "city,size,price\nParis,1,17\nRome,2,32\n");
  EXPECT_EQ(scalemix({"evaluate", run, "--data", rows}).err, "");  // nothing was recorded
  run::record_data(run::Folder::open(run), rows);
  const std::string copy = write("copy.csv", model::bytes_of(rows));
  for (const std::string& model : {run, run + "/replica-000/model.safetensors"}) {
    EXPECT_THAT(scalemix({"evaluate", model, "--data", copy}).err,
                HasSubstr("warning: " + copy + " is the file it was trained on"));
  }
  EXPECT_EQ(scalemix({"evaluate", run, "--data", copy, "--quiet"}).err, "");
  write("copy.csv", "city,size,price\nParis,1,17\n");
  EXPECT_EQ(scalemix({"evaluate", run, "--data", copy}).err, "");
}

}  // namespace
}  // namespace scalemix::cli
