// Bad input: the exit code, and a message that names the place, what was expected and what came.

#include <cmath>
#include <cstdint>
#include <cstring>

#include "tests/cli/fixture.h"

namespace scalemix::cli {
namespace {

class BadInputTest : public CliTest {
 protected:
  void expect(const std::vector<std::string>& words, int code,
              const std::vector<std::string>& says) {
    const Result r = scalemix(words);
    EXPECT_EQ(r.code, code) << r.err;
    EXPECT_EQ(r.out, "");
    for (const std::string& part : says) EXPECT_THAT(r.err, HasSubstr(part));
    EXPECT_THAT(r.err, testing::StartsWith("scalemix: "));
  }

  std::string model_ = save("m.safetensors", price_model());
  std::string rows_ = write("rows.csv", "size,city,price\n1,Paris,17\n");
};

TEST_F(BadInputTest, AMissingFileIsNoInput) {
  expect({"predict", path("none.safetensors"), "--data", rows_}, kNoInput, {"none.safetensors"});
  expect({"predict", model_, "--data", path("none.csv")}, kNoInput, {"none.csv"});
  expect({"show", path("none")}, kNoInput, {"none"});
}

TEST_F(BadInputTest, AFolderThatIsNoRunIsNoInput) {
  std::filesystem::create_directories(path("empty"));
  expect({"show", path("empty")}, kNoInput, {"empty", "config.toml"});
}

TEST_F(BadInputTest, AFolderWithoutDataIsBadData) {
  std::filesystem::create_directories(path("empty"));
  expect({"predict", model_, "--data", path("empty")}, kBadData, {"empty"});
}

TEST_F(BadInputTest, ATruncatedModelIsBadData) {
  const std::string bytes = model::bytes_of(model_);
  for (const std::size_t size :
       {std::size_t{0}, std::size_t{4}, std::size_t{40}, bytes.size() - 1}) {
    const std::string file = write("short.safetensors", bytes.substr(0, size));
    expect({"predict", file, "--data", rows_}, kBadData, {"short.safetensors"});
  }
}

TEST_F(BadInputTest, AFlippedBitInAModelIsBadData) {
  std::string bytes = model::bytes_of(model_);
  bytes[bytes.size() - 3] = static_cast<char>(bytes[bytes.size() - 3] ^ 0x10);
  expect({"show", write("flipped.safetensors", bytes)}, kBadData,
         {"flipped.safetensors", "checksum"});
}

TEST_F(BadInputTest, AHeaderBeyondTheFileIsBadData) {
  std::string bytes = model::bytes_of(model_);
  const std::uint64_t length = std::uint64_t{1} << 60;
  std::memcpy(bytes.data(), &length, sizeof length);
  expect({"show", write("long.safetensors", bytes)}, kBadData,
         {"long.safetensors", "1152921504606846976"});
}

TEST_F(BadInputTest, ATableIsToldFromADamagedModel) {
  expect({"show", rows_}, kBadData, {"rows.csv: is not a model file (safetensors)"});
}

TEST_F(BadInputTest, AnUnknownFlagIsUsageWithTheNearestOne) {
  expect({"predict", model_, "--data", rows_, "--sampels", "3"}, kUsage,
         {"scalemix: unknown option '--sampels', did you mean '--samples'?\n",
          "see 'scalemix predict --help'"});
  // It leads, whatever else is missing.
  expect({"predict", model_, "--dat", rows_}, kUsage,
         {"scalemix: unknown option '--dat', did you mean '--data'?\n"});
  expect({"data", "describe", rows_, "--targt=price"}, kUsage,
         {"scalemix: unknown option '--targt', did you mean '--target'?\n",
          "see 'scalemix data describe --help'"});
}

TEST_F(BadInputTest, AnUnknownSubcommandIsUsageWithTheNearestOne) {
  expect({"perdict"}, kUsage, {"unknown subcommand 'perdict', did you mean 'predict'?"});
  expect({"data", "descirbe"}, kUsage, {"unknown subcommand 'descirbe', did you mean 'describe'?"});
}

TEST_F(BadInputTest, AMissingArgumentIsUsage) {
  expect({"predict", model_}, kUsage, {"--data"});
  expect({"data"}, kUsage, {});
  expect({"predict", model_, "--data"}, kUsage, {"--data: a value is missing"});
  expect({"predict", model_, "--data", rows_, "--data", rows_}, kUsage,
         {"--data: expected one value, got several"});
}

TEST_F(BadInputTest, AWrongValueIsABadConfigWithItsRange) {
  const auto refuses = [&](const char* flag, const char* value, const std::string& expected) {
    expect({"predict", model_, "--data", rows_, flag, value}, kBadConfig,
           {std::string("scalemix: ") + flag + ": must be " + expected + ", got " + value + "\n"});
  };
  for (const char* value : {"0", "1", "-1", "1.5", "nan", "half"})
    refuses("--interval", value, "a number above 0 and below 1");
  for (const char* value : {"-1", "1000001", "1.5", "0x10", "many"})
    refuses("--samples", value, "a whole number from 0 to 1000000");
  refuses("--threads", "-3", "a whole number from 0 to 1024");
  refuses("--replica", "-1", "a whole number from 0 to 2147483647");
  refuses("--seed", "-1", "a whole number from 0 to 18446744073709551615");
  refuses("--rows", "-1", "a whole number from 0 to 4294967295");
  expect({"evaluate", model_, "--part", "tset"}, kBadConfig,
         {"--part: must be one of auto, test, train, all, got 'tset', did you mean 'test'?"});
  expect({"completion", "tcsh"}, kBadConfig, {"shell: must be one of bash, zsh, fish, got 'tcsh'"});
}

TEST_F(BadInputTest, AWholeNumberIsDecimal) {
  const std::vector<std::string> words = {"predict", model_, "--data", rows_, "--json", "--seed"};
  const auto seed = [&](const std::string& text) {
    std::vector<std::string> all = words;
    all.push_back(text);
    return scalemix(all).json()["seed"];
  };
  EXPECT_EQ(seed("010"), 10);
}

TEST_F(BadInputTest, AFileThatCannotBeWrittenIsIo) {
  expect({"predict", model_, "--data", rows_, "--out", path("no/such/folder/out.csv")}, kIo,
         {"out.csv"});
}

TEST_F(BadInputTest, AColumnThatIsNotThereIsBadData) {
  expect({"predict", model_, "--data", write("x.csv", "size,town\n1,Paris\n")}, kBadData,
         {"x.csv", "city"});
}

TEST_F(BadInputTest, TextInANumericColumnIsBadDataWithLineAndColumn) {
  const std::string rows = write("x.csv", "size,city\n1,Paris\nbig,Rome\n");
  expect({"predict", model_, "--data", rows}, kBadData, {"x.csv:3:1", "size", "big"});
}

TEST_F(BadInputTest, AnInfiniteNumberIsBadData) {
  expect({"predict", model_, "--data", write("x.csv", "size,city\ninf,Rome\n")}, kBadData,
         {"x.csv:2:1", "inf"});
}

TEST_F(BadInputTest, ARaggedRowIsBadData) {
  expect({"predict", model_, "--data", write("x.csv", "size,city\n1,Rome\n2\n")}, kBadData,
         {"x.csv:3"});
}

TEST_F(BadInputTest, AnEmptyTableIsBadData) {
  expect({"predict", model_, "--data", write("x.csv", "")}, kBadData, {"x.csv"});
  expect({"predict", model_, "--data", write("y.csv", "size,city\n")}, kBadData,
         {"y.csv", "no rows"});
}

TEST_F(BadInputTest, AnUnknownClassIsBadDataInEvaluate) {
  const std::string model = save("yes.safetensors", yes_model());
  const std::string rows = write("x.csv", "a,b,answer\n1,2,yes\n1,2,maybe\n");
  expect({"evaluate", model, "--data", rows}, kBadData, {"x.csv:3:3", "maybe", "yes"});
}

TEST_F(BadInputTest, RowsWithoutAnswersAreBadDataInEvaluate) {
  expect({"evaluate", model_, "--data", write("x.csv", "size,city\n1,Rome\n")}, kBadData,
         {"x.csv", "price"});
}

TEST_F(BadInputTest, ATargetThatIsNotThereComesWithTheNearestColumn) {
  expect({"evaluate", model_, "--data", write("x.csv", "size,city,pirce\n1,Rome,3\n")}, kBadData,
         {"'price' is not there, did you mean 'pirce'?"});
  const std::string file = write("y.csv", "\"size, m2\",town,price\n1,Rome,3\n2,Paris,4\n");
  expect({"data", "describe", file, "--target", "Pirce"}, kBadData,
         {"'Pirce', did you mean 'price'? (known: 'size, m2', town, price)"});
}

TEST_F(BadInputTest, AModelAloneHasNoMetricsToPrint) {
  expect({"evaluate", model_}, kBadConfig, {"--data"});
  expect({"evaluate", path("none")}, kNoInput, {"none"});
}

TEST_F(BadInputTest, ARunThatHasNotEndedHasNoMetricsYet) {
  const std::string run = save_run("run", {price_model()});
  expect({"evaluate", run}, kNoInput, {"metrics.json", "not ended"});
}

TEST_F(BadInputTest, DamagedMetricsAreBadData) {
  const std::string run = save_run("run", {price_model()});
  write("run/metrics.json", "{\"summary\": ");
  expect({"evaluate", run}, kBadData, {"metrics.json"});
}

TEST_F(BadInputTest, AReplicaThatIsNotThereIsAWrongValue) {
  const std::string run = save_run("run", {price_model(), price_model(3)});
  expect({"predict", run, "--data", rows_, "--replica", "2"}, kBadConfig,
         {"replicas 0 to 1", "got 2"});
}

TEST_F(BadInputTest, ReplicasThatDifferAreNoEnsemble) {
  const std::string run = save_run("run", {price_model(), yes_model()});
  expect({"predict", run, "--data", rows_}, kBadData, {"replica-001", "--replica"});
}

TEST_F(BadInputTest, AMisspeltDataSetIsAWrongValueWithTheNearestOne) {
  expect({"predict", model_, "--data", "friedmann1"}, kBadConfig, {"friedmann1", "friedman1"});
  expect({"data", "get", "mnits"}, kBadConfig, {"mnist"});
}

TEST_F(BadInputTest, DataOfAnotherShapeIsBadData) {
  expect({"predict", model_, "--data", "moons"}, kBadData, {"moons"});
}

TEST_F(BadInputTest, GeneratingWhatIsNotGeneratedIsAWrongValue) {
  expect({"data", "generate", "mnist", "--out", path("x.csv")}, kBadConfig, {"mnist", "data get"});
  expect({"data", "get", "moons"}, kBadConfig, {"moons", "generated"});
}

TEST_F(BadInputTest, APartOfUndividedDataIsAWrongValue) {
  expect({"evaluate", model_, "--data", rows_, "--part", "test"}, kBadConfig,
         {"--part test", "not divided"});
}

TEST_F(BadInputTest, PriorsScalesAndDrawsOutOfRangeAreWrongValues) {
  const auto train = [&](const std::vector<std::string>& words, int code, const std::string& says) {
    std::vector<std::string> all{"train", "--data", "friedman1", "--quiet"};
    all.insert(all.end(), words.begin(), words.end());
    expect(all, code, {says});
  };
  train({"--train-samples", "0"}, kBadConfig, "train_samples must be a whole number from 1");
  train({"--method", "gsm:hyper=inv_gamma:a=-1"}, kBadConfig, "a must be in (0, 1e+06], got -1");
  train({"--method", "gsm:sigma0=0"}, kBadConfig, "sigma0 must be in");
  train({"--method", "gsm:group=both,hyper=bernoulli"}, kBadConfig, "with a density");
  train({"--method", "vi:prior=stabilisin"}, kBadConfig, "did you mean 'stabilising'?");
  train({"--prior", "horseshoe:scale=0"}, kBadConfig, "scale must be in");
  train({"--prior", "laplace,group=colum"}, kBadConfig, "group must be one of weight, row");
  train({"--precision", "tuned:1,x"}, kBadConfig, "expected positive numbers, got 'x'");
  train({"--precision", "0"}, kBadConfig, "precision must be");
  train({"--precision", ""}, kBadConfig, "precision must be");
  train({"--precision", "1,,2"}, kBadConfig, "precision must be");
  train({"--init", "fractional:3"}, kBadConfig, "fractional");
  expect({"evaluate", model_, "--data", rows_, "--precision", "0"}, kBadConfig,
         {"precision must be a positive number, got 0"});
}

TEST_F(BadInputTest, ATableOfOneRowOrOneTarget) {
  const std::string one = write("one.csv", "a,b,y\n1,2,3\n");
  expect({"train", "--data", one, "--quiet"}, kBadData, {"1 rows leaves no row for testing"});
  expect({"train", "--data", one, "--folds", "2", "--quiet"}, kBadData, {"without a row"});
  expect({"train", "--data", one, "--test-fraction", "0", "--precision", "tuned", "--quiet"},
         kBadData, {"too few rows to hold some out"});
  const auto trains = [&](const std::string& data, const std::vector<std::string>& words) {
    std::vector<std::string> all{"train",    "--data", data,    "--quiet",  "--json",
                                 "--epochs", "20",     "--out", path("run")};
    all.insert(all.end(), words.begin(), words.end());
    const Result r = scalemix(all);
    EXPECT_EQ(r.code, kSuccess) << r.err;
    std::filesystem::remove_all(path("run"));
    return r.json()["summary"]["rmse"]["mean"].get<double>();
  };
  EXPECT_LT(trains(one, {"--test-fraction", "0", "--method", "ard"}), 3);
  // A target that is always 3 is predicted by what the network adds to it.
  const std::string constant = write("constant.csv", "a,b,y\n1,2,3\n2,1,3\n4,4,3\n5,5,3\n9,8,3\n");
  for (const char* method : {"none", "ard", "vi:prior=stabilising", "prior:horseshoe,group=row"}) {
    const double rmse = trains(constant, {"--method", method, "--test-fraction", "0.2"});
    EXPECT_TRUE(std::isfinite(rmse)) << method;
    EXPECT_LT(rmse, 3) << method;
  }
}

}  // namespace
}  // namespace scalemix::cli
