// scalemix prune, distil and export: from a trained network to a small one and to other programs.

#include <filesystem>

#include "scalemix/predict/crossover.h"
#include "tests/cli/fixture.h"
#include "tests/data/temp_folder.h"

namespace scalemix::cli {
namespace {

using testing::ElementsAre;

class PruneTest : public CliTest {
 protected:
  void SetUp() override {
    CliTest::SetUp();
    run_ = path("run");
    const Result r = scalemix({"train", "--data", "friedman1", "--model", "mlp:30-20", "--method",
                               "none", "--epochs", "60", "--quiet", "--out", run_});
    ASSERT_EQ(r.code, kSuccess) << r.err;
  }
  /// prune RUN --data friedman1 MORE, as JSON
  Result prune(std::vector<std::string> more, const std::string& model = "") {
    std::vector<std::string> words = {"prune", model.empty() ? run_ : model, "--data", "friedman1",
                                      "--json"};
    words.insert(words.end(), more.begin(), more.end());
    return scalemix(words);
  }
  std::string run_;
};

TEST_F(PruneTest, ACurveOfErrorsForEachRule) {
  const Result r = prune({"--rule", "magnitude", "random", "snr", "gsm", "--points", "0", "0.5",
                          "0.9", "--plot", path("c.svg"), "--csv", path("c.csv")});
  ASSERT_EQ(r.code, kSuccess) << r.err;
  const nlohmann::json json = r.json();
  EXPECT_EQ(json["part"], "test");
  ASSERT_EQ(json["rules"].size(), 4u);
  EXPECT_EQ(json["rules"][0]["rule"], "magnitude");
  EXPECT_EQ(json["rules"][2]["rule"], "snr (laplace)");
  for (const auto& rule : json["rules"]) EXPECT_EQ(rule["errors"][0], json["before"]);
  // Half of the weights at random cost more than the smallest half.
  EXPECT_GT(json["rules"][1]["errors"][1].get<double>(),
            json["rules"][0]["errors"][1].get<double>());
  EXPECT_THAT(model::bytes_of(path("c.svg")), HasSubstr("</svg>"));
  EXPECT_THAT(model::bytes_of(path("c.csv")), HasSubstr("snr (laplace),0.9,"));
}

TEST_F(PruneTest, SavesASmallerNetworkOfTheChosenSparsity) {
  const std::string small = path("small.safetensors");
  const Result r = prune({"--sparsity", "0.8", "--points", "0", "--out", small});
  ASSERT_EQ(r.code, kSuccess) << r.err;
  const nlohmann::json saved = r.json()["saved"];
  EXPECT_NEAR(saved["sparsity"], 0.8, 1e-3);
  EXPECT_LT(saved["bytes"].get<std::size_t>(),
            std::filesystem::file_size(run_ + "/model.safetensors"));
  const Result again = scalemix({"evaluate", small, "--data", "friedman1", "--json"});
  ASSERT_EQ(again.code, kSuccess) << again.err;
  EXPECT_NEAR(again.json()["metrics"]["rmse"], saved["error"], 1e-6);
  // It trains on from there with its zeros, and is pruned again.
  const std::string tuned = path("tuned");
  const Result fine = scalemix({"train", "--data", "friedman1", "--model", small, "--from", small,
                                "--prune", "fixed", "--epochs", "60", "--method", "none", "--quiet",
                                "--out", tuned, "--json"});
  ASSERT_EQ(fine.code, kSuccess) << fine.err;
  EXPECT_LT(fine.json()["summary"]["rmse"]["mean"].get<double>(), saved["error"].get<double>());
  EXPECT_EQ(prune({"--points", "0"}, tuned).code, kSuccess);
}

TEST_F(PruneTest, TheLossAllowedIsNotPassedAndRoundingIsMeasured) {
  const std::string small = path("small.safetensors");
  for (const char* store : {"float32", "float16", "int8"}) {
    const Result r = prune({"--max-loss", "5", "--rule", "magnitude", "snr", "--points", "0",
                            "--store", store, "--out", small});
    ASSERT_EQ(r.code, kSuccess) << r.err;
    const nlohmann::json saved = r.json()["saved"];
    EXPECT_GT(saved["sparsity"].get<double>(), 0.05);
    EXPECT_LT(saved["error"].get<double>(), 1.06 * saved["error_before"].get<double>());
    EXPECT_EQ(saved["store"], store);
  }
}

TEST_F(PruneTest, UnitsGoAndTheFileSaysSo) {
  const std::string small = path("small.safetensors");
  const Result r = prune({"--grain", "unit", "--sparsity", "0.5", "--points", "0", "--out", small});
  ASSERT_EQ(r.code, kSuccess) << r.err;
  EXPECT_FALSE(r.json()["saved"]["units"].empty());
  const Result kept = prune({"--grain", "unit", "--sparsity", "0.5", "--points", "0",
                             "--keep-units", "--out", path("kept.safetensors")});
  EXPECT_TRUE(kept.json()["saved"]["units"].empty());
  EXPECT_NEAR(kept.json()["saved"]["error"], r.json()["saved"]["error"], 1e-5);
  const Result shown = scalemix({"show", small});
  EXPECT_THAT(shown.out, HasSubstr("pruned"));
}

TEST_F(PruneTest, BlocksWithoutWeightsGo) {
  const std::string deep = path("deep"), small = path("small.safetensors");
  ASSERT_EQ(scalemix({"train", "--data", "friedman1", "--model", "skipmlp:10x2", "--method", "none",
                      "--epochs", "2", "--quiet", "--out", deep})
                .code,
            kSuccess);
  const auto pruned = [&](std::vector<std::string> more) {
    more.insert(more.end(), {"--sparsity", "0.97", "--points", "0", "--out", small});
    return prune(std::move(more), deep).json()["saved"];
  };
  const nlohmann::json whole = pruned({"--keep-units"}), folded = pruned({});
  EXPECT_TRUE(whole["blocks"].empty());
  EXPECT_FALSE(folded["blocks"].empty());
  EXPECT_NEAR(folded["error"], whole["error"], 1e-5);
}

TEST_F(PruneTest, TheSpreadOfTheStepsIsAnEstimator) {
  EXPECT_THAT(prune({"--rule", "snr", "--estimator", "spread"}).err, HasSubstr("--spread"));
  const std::string kept = path("kept");
  const Result trained =
      scalemix({"train", "--data", "friedman1", "--model", "mlp:10", "--method", "none", "--epochs",
                "10", "--spread", "0.4", "--quiet", "--out", kept});
  ASSERT_EQ(trained.code, kSuccess) << trained.err;
  const std::string small = path("small.safetensors");
  const Result r = prune({"--rule", "gsm", "snr", "--estimator", "spread", "--points", "0", "0.5",
                          "--sparsity", "0.5", "--out", small},
                         kept);
  ASSERT_EQ(r.code, kSuccess) << r.err;
  EXPECT_EQ(r.json()["rules"][1]["rule"], "snr (spread)");
  EXPECT_NE(r.json()["rules"][0]["errors"][1], r.json()["rules"][1]["errors"][1]);
  EXPECT_TRUE(model::load_model(small).spread.empty());
  EXPECT_FALSE(model::load_model(kept + "/model.safetensors").spread.empty());
}

TEST_F(PruneTest, ProductsAreMeasuredOnceForAMachine) {
  const std::string cache = path("cache");
  ScopedVariable variable("SCALEMIX_CACHE", cache);
  const auto predict = [&](std::vector<std::string> more) {
    std::vector<std::string> words = {"predict", run_, "--data", "friedman1"};
    words.insert(words.end(), more.begin(), more.end());
    return scalemix(words);
  };
  EXPECT_EQ(predict({}).err, "");
  const Result tuned = predict({"--tune-products"});
  ASSERT_EQ(tuned.code, kSuccess) << tuned.err;
  EXPECT_THAT(tuned.err, HasSubstr("one or two rows"));
  EXPECT_EQ(predict({}).err, "");
  // What another machine measured is left alone, and stays.
  std::ofstream(cache + "/products.json") << R"({"Z80": {"few": 1, "many": 1, "images": 1}})";
  EXPECT_EQ(predict({}).err, "");
  EXPECT_EQ(predict({"--tune-products"}).code, kSuccess);
  EXPECT_THAT(model::bytes_of(cache + "/products.json"),
              testing::AllOf(HasSubstr("Z80"), HasSubstr(predict::machine())));
  std::ofstream(cache + "/products.json") << "{";
  const Result damaged = predict({});
  EXPECT_EQ(damaged.code, kSuccess);
  EXPECT_THAT(damaged.err, HasSubstr("products.json"));
  EXPECT_EQ(predict({"--tune-products"}).code, kSuccess);
  EXPECT_EQ(predict({}).err, "");
}

TEST_F(PruneTest, BadInputIsNamed) {
  const auto refusal = [&](std::vector<std::string> more) {
    const Result r = prune(std::move(more));
    EXPECT_EQ(r.code, kBadConfig) << r.err;
    return r.err;
  };
  const std::string out = path("out.safetensors");
  EXPECT_THAT(refusal({"--sparsity", "1", "--out", out}), HasSubstr("must be in [0, 1), got 1"));
  EXPECT_THAT(refusal({"--sparsity", "0.5"}), HasSubstr("give --out"));
  EXPECT_THAT(refusal({"--out", out}), HasSubstr("choose a point"));
  EXPECT_THAT(refusal({"--sparsity", "0.5", "--max-loss", "1", "--out", out}),
              HasSubstr("give one of"));
  EXPECT_THAT(refusal({"--threshold", "3", "--estimator", "posterior", "--out", out}),
              HasSubstr("no layer"));
  EXPECT_THAT(refusal({"--rule", "log_alpha", "--estimator", "posterior"}), HasSubstr("no layer"));
  EXPECT_THAT(refusal({"--rule", "gms"}), HasSubstr("gsm"));
  EXPECT_THAT(refusal({"--points", "2"}), HasSubstr("--points"));
  EXPECT_FALSE(std::filesystem::exists(out));
}

TEST_F(PruneTest, AStudentLearnsTheTeachersAnswers) {
  const std::string small = path("small.safetensors");
  ASSERT_EQ(prune({"--sparsity", "0.8", "--points", "0", "--out", small}).code, kSuccess);
  const Result r = scalemix({"distil", run_, "--data", "friedman1", "--weights", small, "--epochs",
                             "60", "--quiet", "--json", "--out", path("student")});
  ASSERT_EQ(r.code, kSuccess) << r.err;
  EXPECT_LT(r.json()["summary"]["rmse"]["mean"].get<double>(), 4.0);  // the target's sd is 5
  EXPECT_THAT(model::bytes_of(path("student/config.toml")), HasSubstr("distil"));
  const Result resumed = scalemix({"train", "--resume", path("student"), "--quiet"});
  EXPECT_EQ(resumed.code, kSuccess) << resumed.err;
  const Result other = scalemix({"distil", run_, "--data", "moons", "--quiet"});
  EXPECT_EQ(other.code, kBadConfig);
  EXPECT_THAT(other.err, HasSubstr("teacher"));
  // A teacher of the same columns and other classes.
  const std::string ab = write("ab.csv", "x,y,answer\n1,2,a\n2,1,b\n3,1,a\n1,3,b\n2,2,a\n3,3,b\n"),
                    cd = write("cd.csv", "x,y,answer\n1,2,c\n2,1,d\n3,1,c\n1,3,d\n2,2,c\n3,3,d\n");
  ASSERT_EQ(scalemix({"train", "--data", ab, "--method", "none", "--epochs", "1", "--quiet",
                      "--out", path("ab")})
                .code,
            kSuccess);
  const Result classes = scalemix({"distil", path("ab"), "--data", cd, "--quiet"});
  EXPECT_EQ(classes.code, kBadConfig);
  EXPECT_THAT(classes.err, HasSubstr("teacher"));
  const Result none =
      scalemix({"train", "--data", "friedman1", "--objective", "distil", "--quiet"});
  EXPECT_EQ(none.code, kBadConfig);
  EXPECT_THAT(none.err, HasSubstr("needs a teacher"));
}

TEST_F(PruneTest, ExportsToCAndOnnx) {
  const Result r =
      scalemix({"export", run_, "--c", path("net.c"), "--onnx", path("net.onnx"), "--json"});
  ASSERT_EQ(r.code, kSuccess) << r.err;
  EXPECT_EQ(r.json()["files"].size(), 3u);
  EXPECT_THAT(model::bytes_of(path("net.h")), HasSubstr("#define NET_INPUTS 10"));
  EXPECT_THAT(model::bytes_of(path("net.onnx")), HasSubstr("Gemm"));
  EXPECT_EQ(scalemix({"export", run_}).code, kBadConfig);
  EXPECT_EQ(scalemix({"export", run_, "--c", path("net.txt")}).code, kBadConfig);
  EXPECT_EQ(scalemix({"export", run_, "--c", path("2net.c")}).code, kBadConfig);
  EXPECT_EQ(scalemix({"export", run_, "--c", path("net.c"), "--noise"}).code, kBadConfig);
}

}  // namespace
}  // namespace scalemix::cli
