#include "tests/cli/fixture.h"

namespace scalemix::cli {
namespace {

using DiagnoseTest = CliTest;

model::Model svdo_model() {
  return model::filled_model(model::made("mlp:20", {{30}, Task::classification, 3}, {"svdo"}));
}

TEST_F(DiagnoseTest, ShowsPenaltyAndHistogramOfAModelAlone) {
  const std::string file = save("m.safetensors", svdo_model());
  const Result r = scalemix({"diagnose", file});
  ASSERT_EQ(r.code, kSuccess) << r.err;
  EXPECT_THAT(r.out, HasSubstr("log alpha of linear1 (threshold 3"));
  EXPECT_THAT(r.out, HasSubstr("not known"));
  EXPECT_THAT(r.out, testing::ContainsRegex("3 .. +4 >"));
  const nlohmann::json json = scalemix({"diagnose", file, "--json"}).json();
  EXPECT_GT(json["loss"]["penalty"], 0);
  std::size_t counted = 0;
  for (const auto& n : json["layers"][0]["log_alpha"]["counts"]) counted += n.get<std::size_t>();
  EXPECT_EQ(counted, 30u * 20u);
}

TEST_F(DiagnoseTest, ShowsWhatTheNoiseLearned) {
  const model::Spec spec =
      model::made("mlp:5", {{4}, Task::classification, 3}, {"learned:gaussian:alpha=0.25"});
  model::Model m = model::filled_model(spec);
  m.tensors["noise1.alpha"] = model::Tensor::of({1}, std::vector<float>{0.5f});
  const Result r = scalemix({"diagnose", save("m.safetensors", m)});
  ASSERT_EQ(r.code, kSuccess) << r.err;
  EXPECT_THAT(r.out, testing::ContainsRegex("noise1 +learned:gaussian:alpha=0.25 +alpha = 0.5\n"));

  m = model::filled_model(model::made("mlp:5", {{4}, Task::classification, 3}, {"concrete"}));
  m.tensors["linear1.logit_p"] =
      model::Tensor::of({1}, std::vector<float>{std::log(0.25f / 0.75f)});
  const nlohmann::json json = scalemix({"diagnose", save("c.safetensors", m), "--json"}).json();
  EXPECT_EQ(json["learned_noise"][0]["layer"], "linear1");
  EXPECT_EQ(json["learned_noise"][0]["name"], "p");
  EXPECT_NEAR(json["learned_noise"][0]["value"], 0.25, 1e-6);
  EXPECT_NE(json["layers"][0]["penalty"], 0);
}

TEST_F(DiagnoseTest, AModelThatSaysOtherThingsOfItselfTellsNothingMore) {
  model::Model m = svdo_model();
  m.about = "[1]";
  const Result r = scalemix({"diagnose", save("m.safetensors", m), "--json"});
  ASSERT_EQ(r.code, kSuccess) << r.err;
  EXPECT_EQ(r.json()["loss"]["train_rows"], 0);
}

TEST_F(DiagnoseTest, ReadsTheLogOfARunAndSaysWhatLooksWrong) {
  model::Model m = svdo_model();
  m.about = R"({"train_rows": 200})";
  const std::string run = save_run("run", {m});
  write("run/metrics.jsonl",
        R"({"epoch": 1, "replicas": [0], "nll": [2.0], "penalty": [9.0], "penalty_weight": 0.0})"
        "\n"
        R"({"epoch": 2, "replicas": [0], "nll": [1.5], "penalty": [8.0], "penalty_weight": 0.4})"
        "\n");
  const nlohmann::json json = scalemix({"diagnose", run, "--json"}).json();
  EXPECT_EQ(json["loss"]["nll"], 1.5);
  EXPECT_EQ(json["loss"]["sum_nll"], 300);
  EXPECT_EQ(json["loss"]["penalty_weight"], 0.4);
  std::vector<std::string> rules;
  for (const auto& f : json["findings"]) rules.push_back(f["rule"]);
  EXPECT_THAT(rules, testing::Contains("penalty_weight_low"));
  EXPECT_THAT(scalemix({"diagnose", run}).out,
              HasSubstr("penalty_weight_low: the penalty's weight ended at 0.4"));
}

TEST_F(DiagnoseTest, MeasuresOnRowsThatAreGiven) {
  const std::string rows = write("test.csv", "size,city,price\n1,Paris,17\n2,Rome,32\n");
  const Result r =
      scalemix({"diagnose", save("m.safetensors", price_model()), "--data", rows, "--json"});
  ASSERT_EQ(r.code, kSuccess) << r.err;
  EXPECT_NEAR(r.json()["measured"]["mae"], 1.5, 1e-4);
  const std::string text = scalemix({"diagnose", path("m.safetensors"), "--data", rows}).out;
  EXPECT_THAT(text, HasSubstr("on 2 rows of " + rows));
  EXPECT_THAT(text, testing::ContainsRegex("rmse +2\\.1213 +7\\.5000\n"));  // as in evaluate
}

TEST_F(DiagnoseTest, SaysWhichRulesLookedAndWhyOthersCouldNot) {
  const std::string file = save("m.safetensors", svdo_model());
  const std::string text = scalemix({"diagnose", file}).out;
  EXPECT_THAT(text, HasSubstr("rules applied\n  not_finite, nothing_pruned, "));
  EXPECT_THAT(text, HasSubstr("rules not applied\n  not_learning, still_falling, "
                              "worse_on_validation, penalty_weight_low: no log of a run\n  "
                              "precision_extreme, noise_mismatch: not a regression\n"));
  const nlohmann::json json = scalemix({"diagnose", file, "--json"}).json();
  EXPECT_THAT(json["looked"], testing::Not(testing::Contains("not_learning")));
  EXPECT_EQ(json["could_not_look"][0],
            nlohmann::json({{"rule", "not_learning"}, {"why", "no log of a run"}}));
}

TEST_F(DiagnoseTest, ComparesTheLearnedNoiseWithTheRunsTestError) {
  const std::string run = save_run("run", {price_model()});
  write("run/metrics.jsonl", "");
  const auto rules = [&](const std::string& rows_of) {
    write("run/metrics.json", R"({"summary": {}, "replicas": [{"replica": 0, "rows_of": ")" +
                                  rows_of + R"(", "metrics": {"rmse": 1.0}}]})");
    std::vector<std::string> out;
    const nlohmann::json json = scalemix({"diagnose", run, "--json"}).json();
    for (const auto& f : json["findings"]) out.push_back(f["rule"]);
    return out;
  };
  EXPECT_THAT(rules("test"), testing::Contains("noise_mismatch"));
  EXPECT_THAT(rules("train"), testing::Not(testing::Contains("noise_mismatch")));
}

TEST_F(DiagnoseTest, ALineOfTheLogThatIsNoJsonIsBadData) {
  const std::string run = save_run("run", {svdo_model()});
  write("run/metrics.jsonl", "{\"epoch\": 1, \"replicas\": [0], \"nll\": [2.0]}\n{\"epo\n");
  const Result r = scalemix({"diagnose", run});
  EXPECT_EQ(r.code, kBadData);
  EXPECT_THAT(r.err, HasSubstr("metrics.jsonl:2"));
}

}  // namespace
}  // namespace scalemix::cli
