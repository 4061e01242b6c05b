#include "scalemix/data/bytes.h"
#include "scalemix/data/npy.h"
#include "tests/cli/fixture.h"

namespace scalemix::cli {
namespace {

using testing::DoubleNear;
using testing::Each;
using testing::ElementsAre;

constexpr const char* kRows = "1,.5,-.25,2\n.3,-1,.7,1.1\n-.5,.8,1.2,-.4\n";

class GramTest : public CliTest {
 protected:
  std::string rows() const { return write("x.csv", kRows); }
  std::string out() const { return path("k.npy"); }

  /// scalemix gram of the three rows with these options.
  Result gram(std::vector<std::string> words) const {
    const std::vector<std::string> head = {"gram", "--data", rows(), "--out", out()};
    words.insert(words.begin(), head.begin(), head.end());
    return scalemix(words);
  }
  data::DoubleArray matrix() const {
    return data::parse_npy_double(data::read_bytes(out()), out());
  }
};

// An independent port of the recursion in Neural Tangents' documentation: relu, keep rate 0.8.
TEST_F(GramTest, WritesTheMatrixAsFloat64) {
  const std::vector<std::string> network = {"--depth",    "3",   "--sigma-w2", "2",
                                            "--sigma-b2", "0.5", "--noise",    "bernoulli:p=0.2"};
  Result r = gram(network);
  ASSERT_EQ(r.code, kSuccess) << r.err;
  EXPECT_THAT(r.out, HasSubstr("NNGP of 3 x 3 rows of 4 numbers, 3 x relu, bernoulli:p=0.2"));
  EXPECT_THAT(data::read_bytes(out()), HasSubstr("'descr': '<f8'"));
  const data::DoubleArray nngp = matrix();
  EXPECT_THAT(nngp.shape, ElementsAre(3, 3));
  EXPECT_NEAR(nngp.values[0], 8.0708007813, 6e-11);
  EXPECT_NEAR(nngp.values[1], 3.8129331906, 6e-11);
  std::vector<std::string> ntk = network;
  ntk.insert(ntk.end(), {"--kernel", "ntk"});
  r = gram(ntk);
  ASSERT_EQ(r.code, kSuccess) << r.err;
  EXPECT_NEAR(matrix().values[0], 28.751953125, 6e-10);
  EXPECT_NEAR(matrix().values[5], 4.9315136737, 6e-11);
}

TEST_F(GramTest, SumsUpInJson) {
  const Result r =
      gram({"--json", "--kernel", "ntk", "--noise", "gaussian:alpha=0.5", "--noise-input",
            "--residual", "--threads", "1", "--activation", "leaky_relu:slope=0.1"});
  ASSERT_EQ(r.code, kSuccess) << r.err;
  const nlohmann::json json = r.json();
  EXPECT_EQ(json["kernel"], "ntk");
  EXPECT_EQ(json["rows"], 3);
  EXPECT_EQ(json["inputs"], 4);
  EXPECT_EQ(json["activation"], "leaky_relu:slope=0.1");
  EXPECT_DOUBLE_EQ(json["mu2"].get<double>(), 1.5);
  EXPECT_EQ(json["noise_input"], true);
  EXPECT_EQ(json["residual"], 1.0);
  EXPECT_EQ(json["bytes"], std::filesystem::file_size(out()));
  EXPECT_GT(json["seconds"].get<double>(), 0);
  const auto values = matrix().values;
  EXPECT_EQ(json["most"], *std::max_element(values.begin(), values.end()));
}

TEST_F(GramTest, ResidualTakesItsScale) {
  ASSERT_EQ(gram({"--residual=0", "--depth", "5"}).code, kSuccess);
  const data::DoubleArray shallow = matrix();
  ASSERT_EQ(gram({"--depth", "1"}).code, kSuccess);
  for (std::size_t i = 0; i < 9; ++i) EXPECT_NEAR(matrix().values[i], shallow.values[i], 1e-14);
}

TEST_F(GramTest, TakesTwoSetsOfRowsAndAnyNumericFile) {
  const Result r = gram({"--data2", write("y.tsv", "a\tb\tc\td\n1\t2\t3\t4\n5\t6\t7\t8\n"),
                         "--depth", "0", "--sigma-w2", "1"});
  ASSERT_EQ(r.code, kSuccess) << r.err;
  EXPECT_THAT(matrix().shape, ElementsAre(3, 2));
  EXPECT_NEAR(matrix().values[1], (5 + 3 - .25 * 7 + 16) / 4, 1e-14);
  // A matrix is rows again, in double.
  const std::string again = path("again.npy");
  std::filesystem::copy(out(), again);
  const Result npy =
      scalemix({"gram", "--data", again, "--out", out(), "--depth", "0", "--sigma-w2", "2"});
  ASSERT_EQ(npy.code, kSuccess) << npy.err;
  EXPECT_THAT(matrix().shape, ElementsAre(3, 3));
  const Result named = scalemix({"gram", "--data", "friedman1", "--rows", "20", "--out", out()});
  ASSERT_EQ(named.code, kSuccess) << named.err;
  EXPECT_THAT(matrix().shape, ElementsAre(20, 20));
}

TEST_F(GramTest, IsTheSameForAnyNumberOfThreads) {
  const std::vector<std::string> words = {"gram", "--data", "friedman1", "--rows",
                                          "300",  "--out",  out()};
  std::vector<std::string> bytes;
  for (const char* n : {"1", "3"}) {
    std::vector<std::string> with = words;
    with.insert(with.end(), {"--threads", n});
    ASSERT_EQ(scalemix(with).code, kSuccess);
    bytes.push_back(data::read_bytes(out()));
  }
  EXPECT_EQ(bytes[0], bytes[1]);
}

TEST_F(GramTest, RefusesBadOptionsWithTheNearestWord) {
  const auto expect = [&](const std::vector<std::string>& words, int code, const char* text) {
    const Result r = gram(words);
    EXPECT_EQ(r.code, code) << text;
    EXPECT_THAT(r.err, HasSubstr(text));
    EXPECT_FALSE(std::filesystem::exists(out()));
  };
  expect({"--activation", "rellu"}, kBadConfig, "did you mean 'relu'");
  expect({"--kernel", "ntkk"}, kBadConfig, "did you mean 'ntk'");
  expect({"--noise", "bernouli"}, kBadConfig, "did you mean 'bernoulli'");
  expect({"--noise", "half_cauchy"}, kBadConfig, "mu2 must be finite");
  expect({"--noise", "normal"}, kBadConfig, "has mean 0");
  expect({"--noise-input"}, kUsage, "--noise");
  expect({"--sigma-w2", "-1"}, kBadConfig, "sigma_w2 must not be negative");
  expect({"--sigma-b2", "nan"}, kBadConfig, "sigma_b2 must be finite");
  expect({"--depth", "-1"}, kBadConfig, "--depth");
  expect({"--depth", "1000000", "--sigma-w2", "4"}, kBadConfig, "beyond double's range");
  expect({"--dept", "3"}, kUsage, "did you mean '--depth'");
}

TEST_F(GramTest, NamesTheCellThatIsNoNumber) {
  const auto error = [&](const std::string& text) {
    const Result r = scalemix({"gram", "--data", write("bad.csv", text), "--out", out()});
    EXPECT_EQ(r.code, kBadData) << text;
    return r.err;
  };
  EXPECT_THAT(error("a,b\n1,2\n3,\n"), HasSubstr("bad.csv:3:2: a value is missing in column 'b'"));
  EXPECT_THAT(error("1,2\n3,x\n4,5\n"), HasSubstr("bad.csv:2:2: expected a number"));
  EXPECT_THAT(error("1,2\n3,inf\n"), HasSubstr("expected a finite number"));
  EXPECT_EQ(scalemix({"gram", "--data", path("none.csv"), "--out", out()}).code, kNoInput);
  const std::string flat = write("flat.npy", data::npy_header("<f8", {3}) + std::string(24, '\0'));
  EXPECT_EQ(scalemix({"gram", "--data", flat, "--out", out()}).code, kBadData);
  EXPECT_EQ(gram({"--data2", write("two.csv", "1,2\n3,4\n")}).code, kBadData);
  EXPECT_EQ(gram({"--out", path("no/such/k.npy")}).code, kUsage);  // --out twice
  EXPECT_EQ(scalemix({"gram", "--data", rows(), "--out", path("no/such/k.npy")}).code, kIo);
}

}  // namespace
}  // namespace scalemix::cli
