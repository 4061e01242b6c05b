#include <algorithm>

#include "tests/cli/fixture.h"

namespace scalemix::cli {
namespace {

using SignalTest = CliTest;
using testing::ContainsRegex;

const std::vector<std::string> kDeep = {"signal",          "--activation", "relu", "--noise",
                                        "bernoulli:p=0.1", "--depth",      "30"};

std::vector<std::string> with(std::vector<std::string> words,
                              const std::vector<std::string>& more) {
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

TEST_F(SignalTest, TellsTheLayersAndTheVerdict) {
  const Result r = scalemix(kDeep);
  ASSERT_EQ(r.code, kSuccess) << r.err;
  EXPECT_THAT(r.out, HasSubstr("sigma_w2 = 1.8 is the critical one"));
  EXPECT_THAT(r.out, ContainsRegex("c\\* +0.627146\n"));
  EXPECT_THAT(r.out, ContainsRegex("correlation +0.644199 +xi_c +2.27403"));
  EXPECT_THAT(r.out, HasSubstr("your 30 layers exceed 6 xi_c = 13.6 and 12 min(xi_1, xi_c) = 27.3: "
                               "lower p to 0.017 or add skip connections\n"));
}

TEST_F(SignalTest, QuietIsTheVerdictAlone) {
  const Result r = scalemix(with(kDeep, {"--quiet"}));
  EXPECT_THAT(r.out, testing::StartsWith("your 30 layers exceed"));
  EXPECT_EQ(std::count(r.out.begin(), r.out.end(), '\n'), 1);
}

TEST_F(SignalTest, JsonHoldsEverything) {
  const nlohmann::json json = scalemix(with(kDeep, {"--json"})).json();
  EXPECT_EQ(json["layers"].size(), 31u);
  EXPECT_NEAR(json["fixed"]["c"]["value"].get<double>(), 0.62714588495, 1e-10);
  EXPECT_NEAR(json["rules"][0]["layers"].get<double>(), 13.644205931, 1e-8);
  EXPECT_EQ(json["reach"], "beyond");
  EXPECT_EQ(json["rules"][0]["met"], false);
}

TEST_F(SignalTest, AModelSaysTheSame) {
  const Result r = scalemix({"signal", "--model", "mlp:100x30", "--method", "bernoulli:p=0.1",
                             "--init", "critical", "--quiet"});
  EXPECT_EQ(r.out, scalemix(with(kDeep, {"--quiet"})).out) << r.err;
  const Result images =
      scalemix({"signal", "--model", "lenet5", "--input", "1,28,28", "--method", "spatial:p=0.1"});
  EXPECT_EQ(images.code, kSuccess) << images.err;
  EXPECT_THAT(images.out, HasSubstr("pool1 is assumed to keep q and c"));
  const Result normalised =
      scalemix({"signal", "--model", "vgg:0.125", "--input", "3,32,32", "--init", "he"});
  EXPECT_THAT(normalised.out, HasSubstr("conv1, conv2, conv3 and 11 more: batch normalisation"));
  const Result data = scalemix({"signal", "--model", "mlp:10-10", "--data", "friedman1", "--json"});
  ASSERT_EQ(data.code, kSuccess) << data.err;
  EXPECT_EQ(data.json()["layers"][0]["fan_in"], 10);
}

TEST_F(SignalTest, PutsSimulationBesideTheory) {
  const std::vector<std::string> words = {"signal",
                                          "--activation",
                                          "tanh",
                                          "--noise",
                                          "bernoulli:p=0.1",
                                          "--depth",
                                          "4",
                                          "--sigma-w2",
                                          "2",
                                          "--sigma-b2",
                                          "0.05",
                                          "--simulate",
                                          "--width",
                                          "200",
                                          "--nets",
                                          "10"};
  const nlohmann::json json = scalemix(with(words, {"--json"})).json();
  ASSERT_EQ(json["simulation"]["layers"].size(), 5u);
  for (const auto& layer : json["simulation"]["layers"]) {
    EXPECT_EQ(layer["q_inside"], true) << layer;
    EXPECT_EQ(layer["c_inside"], true) << layer;
    EXPECT_GT(layer["q_tolerance"], 0);
  }
  EXPECT_THAT(scalemix(words).out, HasSubstr("0 of 10 numbers are outside their tolerance"));
  const Result model = scalemix({"signal", "--model", "mlp:100x3", "--method", "bernoulli:p=0.2",
                                 "--input", "50", "--simulate", "--nets", "5"});
  EXPECT_THAT(model.out, HasSubstr("numbers are outside their tolerance")) << model.err;
  EXPECT_EQ(scalemix({"signal", "--model", "lenet5", "--input", "1,28,28", "--simulate"}).code,
            kBadConfig);
}

TEST_F(SignalTest, WritesAPhaseDiagram) {
  const Result r =
      scalemix({"signal", "--activation", "relu", "--noise", "bernoulli:p=0.1", "--phase-diagram",
                path("p.json"), "--phase-w", "1:3:5", "--phase-b", "0:0.1:2"});
  ASSERT_EQ(r.code, kSuccess) << r.err;
  std::ifstream in(path("p.json"));
  const nlohmann::json grid = nlohmann::json::parse(in);
  ASSERT_EQ(grid.size(), 10u);
  EXPECT_EQ(grid[0]["phase"], "vanishing");
  EXPECT_EQ(grid[4]["phase"], "exploding");
  EXPECT_EQ(grid[0]["variance"], "zero");
  EXPECT_EQ(grid[4]["variance"], "none");
  EXPECT_EQ(grid[5]["variance"], "point");
  EXPECT_EQ(grid[4]["q"], nullptr);
  EXPECT_NEAR(grid[5]["q"].get<double>(), 0.1 / (1 - 1 / 1.8), 1e-12);
  EXPECT_NEAR(grid[1]["chi_1"].get<double>(), 1.5 / 1.8, 1e-12);
  EXPECT_EQ(
      scalemix({"signal", "--activation", "tanh", "--noise", "bernoulli:p=0.05", "--phase-diagram",
                path("p.svg"), "--phase-w", "0.5:3:6", "--phase-b", "0.01:0.1:3"})
          .code,
      kSuccess);
  std::ifstream picture(path("p.svg"));
  const std::string svg((std::istreambuf_iterator<char>(picture)), {});
  EXPECT_THAT(svg, HasSubstr("chi_1 = 1"));
  EXPECT_THAT(svg, HasSubstr("tanh, bernoulli:p=0.05"));
  EXPECT_THAT(svg, HasSubstr("gradients explode"));
  EXPECT_THAT(svg, Not(HasSubstr("signal dies")));
  const Result csv = scalemix({"signal", "--activation", "relu", "--phase-diagram", path("p.csv"),
                               "--phase-w", "1:3:3", "--phase-p", "0:0.5:2"});
  ASSERT_EQ(csv.code, kSuccess) << csv.err;
  std::ifstream rows(path("p.csv"));
  std::string head, first;
  std::getline(rows, head);
  std::getline(rows, first);
  EXPECT_EQ(head, "sigma_w2,sigma_b2,p,mu2,q,c,chi_1,chi_c,xi_1,xi_c,variance,phase");
  EXPECT_THAT(first, testing::StartsWith("1,0,0,1,,1,0.5,"));
  for (const std::vector<std::string>& bad :
       {std::vector<std::string>{"--phase-diagram", path("p.txt")},
        {"--phase-diagram", path("p.csv"), "--phase-w", "1:2"},
        {"--phase-diagram", path("p.csv"), "--phase-w", "1:2:0"},
        {"--phase-diagram", path("p.csv"), "--phase-p", "0:1:3"}}) {
    EXPECT_EQ(scalemix(with({"signal", "--activation", "relu"}, bad)).code, kBadConfig);
  }
}

// Without bias and below sigma_w2 = 1 a tanh network's signal dies, whatever xi_c of the linear
// network is that it becomes.
TEST_F(SignalTest, APhaseDiagramSaysWhereTheSignalDies) {
  ASSERT_EQ(scalemix({"signal", "--activation", "tanh", "--noise", "none", "--phase-diagram",
                      path("p.svg"), "--phase-w", "0.1:2:20", "--phase-b", "0:0:1"})
                .code,
            kSuccess);
  std::ifstream picture(path("p.svg"));
  const std::string svg((std::istreambuf_iterator<char>(picture)), {});
  EXPECT_THAT(svg, HasSubstr("signal dies"));
  EXPECT_THAT(svg, HasSubstr("tanh, no noise"));
  // The cells, each a closed piece of its colour's path, are those of sigma_w2 from 1.1 on.
  std::size_t cells = 0;
  for (std::size_t at = 0; (at = svg.find("<path d=\"M", at + 1)) != svg.npos;) {
    const std::string path = svg.substr(at, svg.find("fill", at) - at);
    cells += static_cast<std::size_t>(std::count(path.begin(), path.end(), 'z'));
  }
  EXPECT_EQ(cells, 10u);
}

TEST_F(SignalTest, AnswersAtTheEdges) {
  const auto answer = [](const std::vector<std::string>& more) {
    const Result r = scalemix(with({"signal", "--activation", "relu", "--quiet"}, more));
    EXPECT_EQ(r.code, kSuccess) << r.err;
    return r.out;
  };
  EXPECT_THAT(answer({"--depth", "0"}), HasSubstr("every signal gets through"));
  EXPECT_THAT(answer({"--depth", "1000000"}), HasSubstr("within 6 xi_c = inf"));
  EXPECT_THAT(answer({"--depth", "3", "--sigma-w", "0"}), HasSubstr("underflows"));
  EXPECT_THAT(answer({"--depth", "3", "--noise", "bernoulli:p=0"}), HasSubstr("= inf"));
  EXPECT_THAT(answer({"--depth", "3", "--noise", "bernoulli:p=0.999"}), HasSubstr("lower p"));
  EXPECT_THAT(
      answer({"--depth", "3", "--noise", "half_cauchy"}),
      HasSubstr("no critical initialisation exists: the noise's second moment is infinite"));
  EXPECT_THAT(answer({"--depth", "3", "--noise", "normal:scale=1", "--additive"}),
              HasSubstr("no critical initialisation exists: additive noise"));
  EXPECT_THAT(answer({"--depth", "20", "--residual", "0.3"}), HasSubstr("grow"));
}

TEST_F(SignalTest, RefusesWhatCannotBe) {
  const auto refused = [](const std::vector<std::string>& more, int code, const char* what) {
    const Result r = scalemix(with({"signal"}, more));
    EXPECT_EQ(r.code, code) << r.out;
    EXPECT_THAT(r.err, HasSubstr(what));
  };
  refused({}, kBadConfig, "give either --activation and --depth, or --model");
  refused({"--activation", "relu"}, kBadConfig, "needs --depth");
  refused({"--activation", "rleu", "--depth", "3"}, kBadConfig, "did you mean 'relu'");
  refused({"--activation", "relu", "--depth", "3", "--noise", "bernoulli:p=1"}, kBadConfig,
          "p must be in [0, 1), got 1");
  refused({"--activation", "relu", "--depth", "3", "--noise", "normal:scale=1"}, kBadConfig,
          "--additive adds");
  refused({"--activation", "relu", "--depth", "-1"}, kBadConfig, "--depth");
  refused({"--activation", "relu", "--depth", "3", "--sigma-w2", "-1"}, kBadConfig,
          "--sigma-w2 must be finite and not negative, got -1");
  refused({"--activation", "relu", "--depth", "3", "--sigma-w", "1", "--sigma-w2", "1"}, kUsage,
          "excludes");
  refused({"--activation", "relu", "--depth", "3", "--q0", "0"}, kBadConfig, "q0");
  refused({"--activation", "relu", "--depth", "3", "--c0", "2"}, kBadConfig, "c");
  refused({"--model", "mpl:3x3"}, kBadConfig, "did you mean 'mlp'");
  refused({"--model", "lenet5", "--input", "1,28"}, kBadConfig, "--input");
  refused({"--model", "mlp:5x3", "--init", "criticla"}, kBadConfig, "did you mean 'critical'");
}

}  // namespace
}  // namespace scalemix::cli
