// scalemix compare: variants on the same seeds, their table, an interruption, bad words.

#include <filesystem>

#include "tests/cli/fixture.h"

namespace scalemix::cli {
namespace {

namespace fs = std::filesystem;
using model::Folder;

std::vector<std::string> words(const std::string& out) {
  return {"compare",
          "--methods",
          "none",
          "bernoulli:p=0.1",
          "bernoulli:p=0.1+prior:laplace:scale=0.3",
          "--data",
          "friedman1",
          "--model",
          "mlp:8",
          "--seeds",
          "3",
          "--epochs",
          "4",
          "--samples",
          "5",
          "--out",
          out,
          "--quiet",
          "--json"};
}

TEST(CompareTest, TrainsEveryVariantOnTheSameSeeds) {
  const Folder folder;
  const Result r = scalemix(words(folder.file("c")));
  ASSERT_EQ(r.code, kSuccess) << r.err;
  const nlohmann::json json = r.json();
  EXPECT_EQ(json["replicas"], 3);
  ASSERT_EQ(json["variants"].size(), 3u);
  EXPECT_EQ(json["variants"][2]["label"], "bernoulli:p=0.1+prior:laplace:scale=0.3");
  const auto& first = json["variants"][0];
  EXPECT_FALSE(first["measures"]["rmse"].contains("p"));
  EXPECT_EQ(first["measures"]["rmse"]["replicas"].size(), 3u);
  double ranks = 0;
  for (const auto& v : json["variants"]) {
    ranks += v["mean_rank"].get<double>();
    EXPECT_TRUE(
        fs::exists(folder.file("c") + "/" + v["folder"].get<std::string>() + "/metrics.json"));
  }
  EXPECT_NEAR(ranks, 6, 1e-9);
  const double p = json["variants"][1]["measures"]["rmse"]["p"];
  EXPECT_GE(p, 0);
  EXPECT_LE(p, 1);
  for (const char* name : {"compare.json", "compare.csv", "compare.svg"}) {
    EXPECT_TRUE(fs::exists(folder.file("c") + "/" + name)) << name;
  }
  // A replica is the run of its seed alone.
  const Result alone = scalemix({"train", "--method", "bernoulli:p=0.1", "--data", "friedman1",
                                 "--model", "mlp:8", "--seeds", "3", "--epochs", "4", "--samples",
                                 "5", "--out", folder.file("t"), "--quiet", "--json"});
  EXPECT_EQ(alone.json()["replicas"][1]["metrics"]["mc_rmse"],
            json["variants"][1]["measures"]["rmse"]["replicas"][1]);
}

TEST(CompareTest, GoesOnWhereItWasInterrupted) {
  const Folder folder;
  const Result whole = scalemix(words(folder.file("a")));
  ASSERT_EQ(whole.code, kSuccess) << whole.err;
  // As if the last variant had not been trained.
  const std::string last = folder.file("a") + "/03-bernoulli_p_0.1_prior_laplace_scale_0.3";
  for (const char* name : {"/metrics.json", "/metrics.jsonl"}) fs::remove(last + name);
  fs::remove(last + "/checkpoint/state.safetensors");
  for (int k = 0; k < 3; ++k) fs::remove_all(last + "/replica-00" + std::to_string(k));
  const Result r = scalemix({"compare", "--resume", folder.file("a"), "--json", "--quiet"});
  ASSERT_EQ(r.code, kSuccess) << r.err;
  EXPECT_EQ(r.json()["variants"][2]["measures"], whole.json()["variants"][2]["measures"]);
  EXPECT_EQ(scalemix(words(folder.file("a"))).code, kBadConfig);  // a comparison is there
  for (const char* flag : {"--seeds", "--methods", "--models", "--optimisers", "--inits"}) {
    const Result given = scalemix({"compare", "--resume", folder.file("a"), flag, "2"});
    EXPECT_EQ(given.code, kBadConfig) << flag;
    EXPECT_THAT(given.err, HasSubstr(flag));
  }
  EXPECT_EQ(scalemix({"compare", "--resume", folder.file("nothing")}).code, kNoInput);
}

TEST(CompareTest, OptimisersInitsAndModelsAreVariantsToo) {
  const Folder folder;
  const Result r =
      scalemix({"compare", "--optimisers", "adam", "sgd:momentum=0.5", "--inits", "he", "critical",
                "--data", "moons", "--model", "mlp:6", "--method", "none"});
  EXPECT_NE(r.code, kSuccess);  // --method is --methods here
  const Result two = scalemix({"compare", "--optimisers", "adam", "sgd:momentum=0.5", "--inits",
                               "he", "critical", "--data", "moons", "--model", "mlp:6", "--methods",
                               "none", "--epochs", "2", "--out", folder.file("o"), "--quiet"});
  ASSERT_EQ(two.code, kSuccess) << two.err;
  EXPECT_THAT(two.out, HasSubstr("none adam he"));
  EXPECT_THAT(two.out, HasSubstr("none sgd:momentum=0.5 critical"));
}

TEST(CompareTest, OneVariantOrABadOneIsRefused) {
  const Folder folder;
  const Result one = scalemix({"compare", "--methods", "none", "--data", "moons"});
  EXPECT_EQ(one.code, kBadConfig);
  EXPECT_THAT(one.err, HasSubstr("nothing to compare"));
  const Result bad = scalemix(
      {"compare", "--methods", "none", "bernuolli", "--data", "moons", "--out", folder.file("b")});
  EXPECT_EQ(bad.code, kBadConfig);
  EXPECT_THAT(bad.err, HasSubstr("did you mean 'bernoulli'"));
}

TEST(CompareTest, AVariantThatDivergesIsLeftOutAndNamed) {
  const Folder folder;
  const auto compare = [&](std::vector<std::string> methods, const std::string& out) {
    std::vector<std::string> all{"compare", "--methods"};
    all.insert(all.end(), methods.begin(), methods.end());
    for (const char* word : {"--data", "friedman1", "--model", "mlp:8", "--seeds", "2", "--epochs",
                             "2", "--samples", "2", "--quiet", "--json", "--out"}) {
      all.emplace_back(word);
    }
    all.push_back(folder.file(out));
    return scalemix(all);
  };
  const std::string wild = "additive:normal:scale=1e30";
  const Result r = compare({"none", wild, "bernoulli:p=0.1"}, "one");
  EXPECT_EQ(r.code, kDiverged);
  EXPECT_THAT(r.err, HasSubstr("not compared: " + wild));
  const nlohmann::json json = r.json();
  ASSERT_EQ(json["variants"].size(), 2u);
  EXPECT_EQ(json["variants"][1]["label"], "bernoulli:p=0.1");
  EXPECT_EQ(json["not_compared"].size(), 1u);
  // It is tried again, and named again, when the comparison goes on.
  const Result again = scalemix({"compare", "--resume", folder.file("one"), "--quiet"});
  EXPECT_EQ(again.code, kDiverged);
  EXPECT_THAT(again.err, HasSubstr("not compared: " + wild));
  const Result none = compare({"none", wild}, "two");
  EXPECT_EQ(none.code, kDiverged);
  EXPECT_THAT(none.err, HasSubstr("fewer than two variants are left"));
}

}  // namespace
}  // namespace scalemix::cli
