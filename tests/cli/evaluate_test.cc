#include "scalemix/cli/confusion.h"
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
  EXPECT_THAT(r.out, testing::ContainsRegex("accuracy +75\\.00 %\n"));
  EXPECT_THAT(r.out, testing::ContainsRegex("error +25\\.00 % +50\\.00 %\n"));
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

TEST_F(EvaluateTest, ShowsWhichClassesAreTakenForWhich) {
  const std::string model = save("m.safetensors", yes_model());
  // yes where a > b: two hits, one miss, one false alarm of "yes", and two right "no, thanks".
  const std::string rows = write("rows.csv",
                                 "a,b,answer\n3,1,yes\n2,0,yes\n0,1,yes\n4,1,\"no, thanks\"\n"
                                 "1,2,\"no, thanks\"\n0,3,\"no, thanks\"\n");
  const nlohmann::json json = scalemix({"evaluate", model, "--data", rows, "--json"}).json();
  EXPECT_EQ(json["confusion"]["classes"], nlohmann::json({"no, thanks", "yes"}));
  EXPECT_EQ(json["confusion"]["counts"], nlohmann::json({{2, 1}, {1, 2}}));
  EXPECT_NEAR(json["metrics"]["f1"].get<double>(), 2.0 / 3, 1e-12);
  EXPECT_NEAR(json["metrics"]["baseline_error"].get<double>(), 0.5, 1e-12);
  EXPECT_THAT(scalemix({"evaluate", model, "--data", rows}).out,
              testing::AllOf(HasSubstr("rows of each class by what was predicted"),
                             testing::ContainsRegex("no, thanks +2 +1"),
                             testing::ContainsRegex("yes +1 +2")));
  const std::string price = save("p.safetensors", price_model());
  const std::string houses = write("houses.csv", "city,size,price\nParis,1,17\nRome,2,32\n");
  EXPECT_FALSE(
      scalemix({"evaluate", price, "--data", houses, "--json"}).json().contains("confusion"));
}

TEST_F(EvaluateTest, OfManyClassesTheMistakesAreListed) {
  nlohmann::ordered_json confusion = {{"classes", nlohmann::json::array()},
                                      {"counts", nlohmann::json::array()}};
  for (int k = 0; k < 13; ++k) {
    confusion["classes"].push_back("c" + std::to_string(k));
    confusion["counts"].push_back(std::vector<int>(13, 0));
    confusion["counts"][k][k] = 100;
  }
  confusion["counts"][2][5] = 3;
  confusion["counts"][7][1] = 40;
  std::ostringstream out;
  print_confusion(confusion, out);
  EXPECT_THAT(out.str(), testing::ContainsRegex("c7 +c1 +40\n +c2 +c5 +3\n$"));
  EXPECT_THAT(out.str(), testing::Not(HasSubstr("100")));
}

// ------------------------------------------------------------------------------ uncertainty

/// Rows at distance `d` on both sides of a - b = 0; every `wrong`-th has the other label.
std::string answers(int rows, double d, int wrong) {
  std::string out = "a,b,answer\n";
  for (int i = 0; i < rows; ++i) {
    const double at = (i % 2 ? 1 : -1) * d * (1 + i % 5);
    const bool yes = (at > 0) != (wrong > 0 && i % wrong == 0);
    out += std::to_string(at) + ",0," + (yes ? "yes" : "\"no, thanks\"") + "\n";
  }
  return out;
}

TEST_F(EvaluateTest, TellsOtherRowsByTheirEntropy) {
  const std::string model = save("m.safetensors", yes_model());
  const std::string own = write("own.csv", answers(40, 1, 0)),
                    other = write("other.csv", "a,b\n0.01,0\n-0.02,0\n0.05,0\n");
  const Result r = scalemix({"evaluate", model, "--data", own, "--ood", other, "--json"});
  ASSERT_EQ(r.code, kSuccess) << r.err;
  const nlohmann::json ood = r.json()["ood"];
  EXPECT_EQ(ood["rows"], 3);
  for (const char* score : {"predictive_entropy", "max_probability"}) {
    EXPECT_EQ(ood[score]["auroc"], 1) << score;
    EXPECT_EQ(ood[score]["fpr95"], 0) << score;
    EXPECT_EQ(ood[score]["aupr"], 1) << score;
  }
  EXPECT_EQ(ood["mutual_information"]["auroc"], 0.5);  // nothing draws
  const Result back = scalemix({"evaluate", model, "--data", own, "--ood", own, "--json"});
  EXPECT_EQ(back.json()["ood"]["predictive_entropy"]["auroc"], 0.5);
  EXPECT_THAT(scalemix({"evaluate", model, "--data", own, "--ood", other}).out,
              HasSubstr("told from 3 rows of " + other));
  const Result missing = scalemix({"evaluate", model, "--data", own, "--ood", path("no.csv")});
  EXPECT_EQ(missing.code, kNoInput);
  EXPECT_THAT(missing.err, HasSubstr("no.csv"));
}

TEST_F(EvaluateTest, AnswersForTheSurestRows) {
  const std::string model = save("m.safetensors", yes_model());
  // Sure and right, less sure and wrong.
  const std::string rows = write(
      "rows.csv", "a,b,answer\n3,0,yes\n-2,0,\"no, thanks\"\n1,0,\"no, thanks\"\n-0.5,0,yes\n");
  const Result r =
      scalemix({"evaluate", model, "--data", rows, "--json", "--plot", path("uncertainty.svg")});
  ASSERT_EQ(r.code, kSuccess) << r.err;
  const nlohmann::json selective = r.json()["selective"];
  EXPECT_NEAR(selective["aurc"], (0 + 0 + 1 / 3.0 + 0.5) / 4, 1e-12);
  EXPECT_EQ(selective["risk_coverage"].size(), 4u);
  EXPECT_EQ(selective["risk_coverage"][1]["risk"], 0);
  EXPECT_EQ(selective["risk_coverage"][3]["risk"], 0.5);
  double seen = 0;  // shares
  const nlohmann::json bins = r.json()["reliability"];
  for (const auto& bin : bins) seen += bin["share"].get<double>();
  EXPECT_NEAR(seen, 1, 1e-12);
  EXPECT_THAT(model::bytes_of(path("uncertainty.svg")), HasSubstr("<svg"));
}

TEST_F(EvaluateTest, KeepsACalibrationInTheModel) {
  const std::string model = save("m.safetensors", yes_model()), kept = path("kept.safetensors");
  const std::string rows = write("rows.csv", answers(400, 2, 5));  // far too sure
  const Result r = scalemix(
      {"evaluate", model, "--data", rows, "--calibrate", kept, "--level", "0.75", "--json"});
  ASSERT_EQ(r.code, kSuccess) << r.err;
  const nlohmann::json said = r.json()["calibration"];
  EXPECT_GT(said["temperature"], 2);
  EXPECT_LT(said["nll_after"], said["nll_before"]);
  EXPECT_GE(said["coverage"], 0.7);
  // predict takes it from the file.
  const Result calm = scalemix({"predict", kept, "--data", rows, "--format", "csv"}),
               sure = scalemix({"predict", model, "--data", rows, "--format", "csv"});
  ASSERT_EQ(calm.code, kSuccess) << calm.err;
  EXPECT_THAT(calm.out, testing::ContainsRegex("^[^\n]*,set\n"));
  EXPECT_THAT(sure.out, testing::Not(testing::ContainsRegex("^[^\n]*,set\n")));
  EXPECT_EQ(scalemix({"evaluate", kept, "--data", rows, "--json"}).json()["metrics"]["accuracy"],
            scalemix({"evaluate", model, "--data", rows, "--json"}).json()["metrics"]["accuracy"]);
}

TEST_F(EvaluateTest, CalibratedIntervalsOfARegressionHoldTheirLevel) {
  const std::string model = save("m.safetensors", price_model()), kept = path("kept.safetensors");
  std::string text = "city,size,price\n";
  for (int i = 0; i < 200; ++i) {  // 17 is predicted, with a standard deviation of 3
    text += "Paris,1," + std::to_string(17 + (i % 2 ? 1 : -1) * (i % 21)) + "\n";
  }
  const std::string rows = write("rows.csv", text);
  const Result r = scalemix(
      {"evaluate", model, "--data", rows, "--calibrate", kept, "--level", "0.8", "--json"});
  ASSERT_EQ(r.code, kSuccess) << r.err;
  EXPECT_NEAR(r.json()["calibration"]["coverage"], 0.8, 0.06);
  EXPECT_FALSE(r.json()["calibration"].contains("temperature"));
  const Result predicted = scalemix({"predict", kept, "--data", rows, "--format", "json"});
  ASSERT_EQ(predicted.code, kSuccess) << predicted.err;
  EXPECT_THAT(predicted.out, HasSubstr("\"conformal_level\": 0.8"));
  const Result few =
      scalemix({"evaluate", model, "--data", write("few.csv", "city,size,price\nParis,1,17\n"),
                "--calibrate", kept});
  EXPECT_EQ(few.code, kBadConfig);
  EXPECT_THAT(few.err, HasSubstr("four rows"));
}

}  // namespace
}  // namespace scalemix::cli
