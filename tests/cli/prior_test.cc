#include "scalemix/prior/prior.h"

#include <fmt/format.h>

#include "scalemix/data/bytes.h"
#include "scalemix/data/npy.h"
#include "scalemix/law/any_law.h"
#include "scalemix/random/stream.h"
#include "tests/cli/fixture.h"

namespace scalemix::cli {
namespace {

class PriorTest : public CliTest {
 protected:
  void expect(const std::vector<std::string>& words, int code, const std::string& says) {
    std::vector<std::string> all = {"prior"};
    all.insert(all.end(), words.begin(), words.end());
    const Result r = scalemix(all);
    EXPECT_EQ(r.code, code) << says << "\n" << r.err;
    EXPECT_EQ(r.out, "");
    EXPECT_THAT(r.err, HasSubstr(says));
  }
  std::string array(const std::string& name, const std::vector<float>& values) const {
    return write(name, data::format_npy({{values.size()}, false, values}));
  }
};

TEST_F(PriorTest, SaysWhatALawMeansForAWeight) {
  const Result r = scalemix({"prior", "rayleigh:scale=0.5"});
  ASSERT_EQ(r.code, kSuccess) << r.err;
  EXPECT_THAT(r.out, HasSubstr("variance prior   exponential, mean 2 scale^2\n"));
  EXPECT_THAT(r.out, HasSubstr("marginal prior   Laplace: laplace:scale=0.5\n"));
  EXPECT_THAT(r.out, HasSubstr("variance         0.5\nexcess kurtosis  3\ndensity at 0     1\n"));
  EXPECT_THAT(r.out, HasSubstr("tail             exponential;"));
  EXPECT_THAT(r.out, HasSubstr("convex everywhere"));
  const Result heavy = scalemix({"prior", "half_cauchy"});
  EXPECT_THAT(heavy.out, HasSubstr("horseshoe:scale=1"));
  EXPECT_THAT(heavy.out, HasSubstr("variance         infinite"));
  EXPECT_THAT(heavy.out, HasSubstr("polynomial, |w|^-2;"));
  EXPECT_THAT(heavy.out, HasSubstr("mean kappa 0.5; below 0.1: 0.204833, above 0.9: 0.204833"));
  EXPECT_THAT(heavy.out, HasSubstr("not convex for |w| of any size"));
  EXPECT_THAT(scalemix({"prior", "gamma:shape=2"}).out, HasSubstr("without a name"));
}

TEST_F(PriorTest, FindsTheColumnsThatMatter) {
  std::string table = "a,b,c,y\n";
  for (int n = 0; n < 60; ++n) {
    const double a = n % 7, b = (n * n) % 11, c = (n * 5) % 13;
    table += fmt::format("{},{},{},{}\n", a, b, c, 2 * a - 3 * b + 10 + (n % 3 - 1) * 0.01);
  }
  const std::string file = write("columns.csv", table);
  for (const char* hyper : {"flat", "log_uniform", "half_cauchy:scale=1"}) {
    const nlohmann::json r =
        scalemix({"prior", "--data", file, "--target", "y", "--hyper", hyper, "--json"}).json();
    ASSERT_EQ(r["inputs"].size(), 3u) << hyper;
    EXPECT_NEAR(r["inputs"][0]["weight"].get<double>(), 2, 0.01) << hyper;
    EXPECT_NEAR(r["inputs"][1]["weight"].get<double>(), -3, 0.01) << hyper;
    EXPECT_NEAR(r["inputs"][2]["weight"].get<double>(), 0, 0.001) << hyper;
    EXPECT_TRUE(r["inputs"][1]["on"]) << hyper;
    EXPECT_FALSE(r["inputs"][2]["on"]) << hyper;
    EXPECT_NEAR(r["noise_sd"].get<double>(), 0.0082, 0.002) << hyper;
    EXPECT_TRUE(r["settled"]) << hyper;
  }
  const Result text = scalemix({"prior", "--data", file, "--target", "y"});
  EXPECT_THAT(text.out, HasSubstr("60 rows, scales under flat"));
  EXPECT_THAT(text.out, testing::ContainsRegex("c .* off"));
}

TEST_F(PriorTest, RefusesTablesItCannotUse) {
  const std::string file = write("two.csv", "a,y\n1,2\n2,4\n");
  expect({"--data", file, "--hyper", "flatt"}, kBadConfig, "did you mean 'flat'?");
  expect({"--data", file, "--hyper", "bernoulli"}, kBadConfig, "must have a density");
  expect({"--data", file, "--sigma0", "0"}, kBadConfig, "sigma0");
  expect({"--data", file, "--fit", file}, kBadConfig, "expected one of");
  expect({"--data", write("none.csv", "a,y\n")}, kBadData, "");
  expect({"--data", "nowhere.csv"}, kNoInput, "nowhere.csv");
  expect({"rayleigh", "--target", "y"}, kUsage, "--data");
}

TEST_F(PriorTest, GivesEverythingInJson) {
  const nlohmann::json j =
      scalemix({"prior", "bernoulli:p=0.25", "--sigma0", "2", "--json", "--density"}).json();
  EXPECT_EQ(j["closed_form"], "spike_slab:p=0.25,scale=2");
  EXPECT_NEAR(j["variance"].get<double>(), 3, 1e-14);
  EXPECT_EQ(j["mass_at_0"], 0.25);
  EXPECT_NEAR(j["kappa_above_0.9"].get<double>(), 0.25, 1e-14);
  ASSERT_EQ(j["densities"].size(), 17u);
  EXPECT_NEAR(j["densities"].back()["w"].get<double>(), 10 * std::sqrt(3), 1e-12);
  const prior::Prior p = prior::Prior::parse("spike_slab:p=0.25,scale=2");
  for (const auto& row : j["densities"]) {
    const double w = row["w"];
    EXPECT_NEAR(row["density"].get<double>(), p.density(w), 1e-15);
    EXPECT_NEAR(row["penalty"].get<double>(), -p.log_density(w), 1e-13);
    EXPECT_NEAR(row["slope"].get<double>(), p.slope(w), 1e-13);
  }
  const nlohmann::json heavy = scalemix({"prior", "half_cauchy", "--json"}).json();
  EXPECT_EQ(heavy["variance"], "inf");
  EXPECT_EQ(heavy["density_at_0"], "inf");
  EXPECT_FALSE(heavy.contains("densities"));
}

TEST_F(PriorTest, TakesTheMultiplierInsteadOfTheRawDraw) {
  const std::vector<std::string> words = {"prior", "bernoulli:p=0.5", "--json"};
  std::vector<std::string> with = words;
  with.push_back("--multiplier");
  const nlohmann::json raw = scalemix(words).json(), multiplier = scalemix(with).json();
  EXPECT_NEAR(raw["variance"].get<double>(), 0.5, 1e-14);
  EXPECT_NEAR(multiplier["variance"].get<double>(), 2, 1e-14);
  EXPECT_NEAR(raw["mean_kappa"].get<double>(), 0.75, 1e-14);
  EXPECT_NEAR(multiplier["mean_kappa"].get<double>(), 0.6, 1e-14);  // 1 / (1 + 2^2)
  EXPECT_THAT(scalemix({"prior", "rayleigh", "--multiplier"}).out,
              HasSubstr("rayleigh:scale=1 over its mean 1.25331, times weights N(0, 1^2)\n"));
  EXPECT_THAT(scalemix({"prior", "half_cauchy", "--multiplier"}).out, HasSubstr("not divided"));
}

TEST_F(PriorTest, FindsTheLawThatInducesAPrior) {
  const std::vector<std::pair<std::string, std::string>> recipes = {
      {"laplace:scale=0.5", "rayleigh:scale=0.5"},
      {"student_t:nu=3,scale=0.2", "inverse_nakagami:shape=1.5,omega=1"},
      {"horseshoe:scale=2", "half_cauchy:scale=2"},
      {"spike_slab:p=0.2,scale=3", "bernoulli:p=0.2"},
      {"generalised_hyperbolic", "normal:scale=1"},
      {"normal:scale=2", "gaussian:alpha=0"},
  };
  for (const auto& [word, law] : recipes) {
    const Result r = scalemix({"prior", "--of", word, "--json"});
    ASSERT_EQ(r.code, kSuccess) << r.err;
    EXPECT_EQ(r.json()["law"], law);
    EXPECT_LT(r.json()["worst_difference"].get<double>(), 1e-9);
  }
  EXPECT_THAT(scalemix({"prior", "--of", "horseshoe"}).out,
              HasSubstr("closed form and mixture differ by at most"));
}

TEST_F(PriorTest, DrawsAPictureAndWritesItsNumbers) {
  for (const char* law : {"half_cauchy", "bernoulli", "gamma:shape=2"}) {
    const Result r = scalemix(
        {"prior", law, "--plot", path("p.svg"), "--csv", path("p.csv"), "--sigma0", "1e-9"});
    ASSERT_EQ(r.code, kSuccess) << r.err;
    EXPECT_THAT(r.out, HasSubstr("wrote " + path("p.svg")));
    const std::string svg = data::read_bytes(path("p.svg")), csv = data::read_bytes(path("p.csv"));
    EXPECT_THAT(svg, HasSubstr("shrinkage profile"));
    EXPECT_THAT(csv, testing::StartsWith("panel,series,x,y,error,z\n"));
    EXPECT_THAT(csv, HasSubstr("\ndensity,normal,"));
    EXPECT_THAT(csv, HasSubstr("\nslope of the penalty,"));
    EXPECT_THAT(csv, HasSubstr("\nshrinkage profile,kappa,"));
    EXPECT_GT(std::count(csv.begin(), csv.end(), '\n'), 4 * 240);
  }
}

TEST_F(PriorTest, RanksTheLawsOfWeights) {
  const Stream noise{1, 0, 0}, weight{1, 1, 0};
  const law::AnyLaw rayleigh = law::AnyLaw::parse("rayleigh"),
                    normal = law::AnyLaw::parse("normal");
  std::vector<float> w(4000);
  for (std::size_t i = 0; i < w.size(); ++i) {
    w[i] = 0.1f * rayleigh.raw()(noise.word(i)) * normal.raw()(weight.word(i));
  }
  w[17] = 0;
  const Result r = scalemix({"prior", "--fit", array("w.npy", w), "--json"});
  ASSERT_EQ(r.code, kSuccess) << r.err;
  const nlohmann::json j = r.json();
  EXPECT_EQ(j["weights"], 4000);
  EXPECT_EQ(j["zeros"], 1);
  ASSERT_EQ(j["fits"].size(), law::laws().size());
  EXPECT_EQ(j["fits"][0]["law"], "rayleigh:scale=1");
  EXPECT_THAT(j["fits"][0]["prior"].get<std::string>(), testing::StartsWith("laplace:scale=0."));
  EXPECT_NEAR(j["fits"][0]["sigma0"].get<double>(), 0.1, 0.005);
  const Result text = scalemix({"prior", "--fit", path("w.npy")});
  EXPECT_THAT(text.out, HasSubstr("4000 weights, 1 exactly 0 and left out"));
  EXPECT_THAT(text.out,
              testing::ContainsRegex("\nrayleigh:scale=1 +0\\.[01][0-9]* +laplace .*best\n"));
}

TEST_F(PriorTest, ReadsAModelOrARunAndOneLayerOfIt) {
  const model::Model m = noisy_model();  // mlp:8 on 4 inputs
  const std::string file = save("m.safetensors", m);
  const nlohmann::json all = scalemix({"prior", "--fit", file, "--json"}).json();
  EXPECT_EQ(all["weights"], 4 * 8 + 8);
  const std::string layer = first_linear(m.spec);
  const nlohmann::json one = scalemix({"prior", "--fit", file, "--layer", layer, "--json"}).json();
  EXPECT_EQ(one["weights"], 4 * 8);
  const std::string run = save_run("run", {m, m});
  EXPECT_EQ(scalemix({"prior", "--fit", run, "--json"}).json()["weights"], 2 * 40);
  expect({"--fit", file, "--layer", "linaer1"}, kBadConfig, "did you mean 'linear1'");
}

TEST_F(PriorTest, RefusesBadInput) {
  expect({}, kBadConfig, "expected one of LAW, --of PRIOR, --fit FILE and --data TABLE");
  expect({"gamma", "--of", "laplace"}, kBadConfig, "expected one of");
  expect({"rayleih"}, kBadConfig, "unknown law 'rayleih', did you mean 'rayleigh'?");
  expect({"--of", "horsehoe"}, kBadConfig, "unknown prior 'horsehoe', did you mean 'horseshoe'?");
  for (const char* sigma0 : {"0", "-1", "nan", "inf"}) {
    expect({"gamma", "--sigma0", sigma0}, kBadConfig, "prior: sigma0 must be positive and finite");
  }
  expect({"gamma", "--sigma0", "x"}, kUsage, "--sigma0");
  expect({"gamma:shape=0"}, kBadConfig, "gamma: shape must be in");
  expect({"gamma", "--layer", "a"}, kUsage, "--fit");
  expect({"--of", "laplace", "--sigma0", "2"}, kUsage, "--sigma0");
  expect({"gamma", "--sigmo0", "2"}, kUsage, "did you mean '--sigma0'");
  expect({"gamma", "--plot", path("p.png")}, kBadConfig, "--plot: expected FILE.svg, got");
  expect({"gamma", "--plot", path("no/such/p.svg")}, kIo, "p.svg");
}

TEST_F(PriorTest, RefusesWeightsThatAreNone) {
  expect({"--fit", path("none.npy")}, kNoInput, "none.npy");
  expect({"--fit", path("none.safetensors")}, kNoInput, "none.safetensors");
  expect({"--fit", write("bad.npy", "no array")}, kBadData, "bad.npy");
  expect({"--fit", array("empty.npy", {})}, kBadData, "empty.npy: expected weights, got none");
  expect({"--fit", array("nan.npy", {1, std::nanf(""), 2})}, kBadData,
         "nan.npy: weight 1 is nan, expected a number");
  expect({"--fit", array("zeros.npy", {0, 0})}, kBadData, "expected weights that are not 0");
  expect({"--fit", array("w.npy", {1, 2}), "--layer", "a"}, kBadConfig, "without layers");
}

}  // namespace
}  // namespace scalemix::cli
