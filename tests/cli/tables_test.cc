// Tables as they come, through the command: notations, pipes, ids, divisions.
#include <fstream>
#include <thread>

#include "tests/cli/fixture.h"

namespace scalemix::cli {
namespace {

using testing::Not;
using testing::StartsWith;

/// A text at the other end of a pipe, under the name that a shell's <(...) has.
class Pipe {
 public:
  explicit Pipe(std::string text) {
    if (::pipe(ends_) != 0) throw std::runtime_error("no pipe");
    writer_ = std::thread([this, text = std::move(text)] {
      for (std::size_t at = 0; at < text.size();) {
        const auto n = ::write(ends_[1], text.data() + at, text.size() - at);
        if (n <= 0) break;
        at += static_cast<std::size_t>(n);
      }
      ::close(ends_[1]);
    });
  }
  ~Pipe() {
    writer_.join();
    ::close(ends_[0]);
  }
  std::string path() const { return "/dev/fd/" + std::to_string(ends_[0]); }

 private:
  int ends_[2] = {};
  std::thread writer_;
};

class TablesTest : public CliTest {
 protected:
  /// Trains a small network quickly; its run folder.
  std::string train(const std::vector<std::string>& words) {
    std::vector<std::string> all = {"train", "--model", "linear", "--epochs",
                                    "2",     "--quiet", "--out",  path("run")};
    all.insert(all.end(), words.begin(), words.end());
    result = scalemix(all);
    return path("run");
  }
  Result result;
};

std::string german(std::size_t rows) {
  std::string text = "flaeche;preis\n";
  for (std::size_t i = 0; i < rows; ++i) {
    const std::string cents = std::to_string(10 + i);
    text += std::to_string(51 + i * i % 23) + ";1.0" + cents + "," + cents + "\n";
  }
  return text;
}

TEST_F(TablesTest, ForeignNumbersAreBadDataWithLineColumnAndOption) {
  const std::string file = write("t.csv", german(40));
  for (const char* command : {"describe", "convert"}) {
    std::vector<std::string> words = {"data", command, file};
    if (command == std::string("convert")) words.push_back(path("o.csv"));
    const Result r = scalemix(words);
    EXPECT_EQ(r.code, kBadData);
    EXPECT_THAT(r.err, HasSubstr("t.csv:2:2: '1.010,10' in column 'preis' looks like"));
    EXPECT_THAT(r.err, HasSubstr("--decimal ',' --thousands '.'"));
  }
  train({"--data", file});
  EXPECT_EQ(result.code, kBadData);
  EXPECT_EQ(scalemix({"gram", "--data", file, "--out", path("k.npy")}).code, kBadData);
  EXPECT_EQ(scalemix({"data", "describe", file, "--decimal", ";"}).code, kBadConfig);
}

TEST_F(TablesTest, TheNotationOfTheTrainingIsThatOfThePrediction) {
  const std::string file = write("t.csv", german(40));
  const std::string run = train({"--data", file, "--decimal", ",", "--thousands", "."});
  ASSERT_EQ(result.code, kSuccess) << result.err;
  const auto described =
      scalemix({"data", "describe", file, "--decimal", ",", "--thousands", ".", "--json"}).json();
  EXPECT_EQ(described["task"], "regression");
  EXPECT_DOUBLE_EQ(described["target"]["max"].get<double>(), 1049.49);
  const Result e = scalemix({"evaluate", run, "--data", file, "--json"});
  ASSERT_EQ(e.code, kSuccess) << e.err;
  EXPECT_LT(e.json()["metrics"]["rmse"].get<double>(), 100);
  EXPECT_EQ(e.json()["rows"], 40);
  const Result p = scalemix({"predict", run, "--data", write("n.csv", "flaeche\n1.051\n")});
  ASSERT_EQ(p.code, kSuccess) << p.err;
  // One thousand and fifty-one, not one and a bit: as a plain table says it.
  const Result plain =
      scalemix({"predict", run, "--data", write("p.csv", "flaeche\n1051\n"), "--decimal", "."});
  EXPECT_EQ(p.out, plain.out);
}

TEST_F(TablesTest, APipeIsReadAsAFile) {
  std::string text;
  for (int i = 0; i < 6; ++i) {
    text += std::to_string(i * 0.37 + 0.123456789012345) + "123456," + std::to_string(i % 4) +
            ".000000012345," + std::to_string(7 - i) + "\n";
  }
  const std::string file = write("x.csv", text);
  const auto gram = [&](const std::string& data, const char* out) {
    const Result r = scalemix({"gram", "--data", data, "--out", path(out), "--json"});
    EXPECT_EQ(r.code, kSuccess) << r.err;
    return r.json();
  };
  EXPECT_EQ(gram(file, "a.npy")["inputs"], 3);
  {
    const Pipe pipe(text);
    EXPECT_EQ(gram(pipe.path(), "b.npy")["inputs"], 3);
  }
  {
    const StandardInput in(file);
    gram("/dev/stdin", "c.npy");
  }
  EXPECT_EQ(model::bytes_of(path("a.npy")), model::bytes_of(path("b.npy")));
  EXPECT_EQ(model::bytes_of(path("a.npy")), model::bytes_of(path("c.npy")));
  const auto stats = [&](const std::string& data) {
    const Result r = scalemix({"data", "describe", data, "--json"});
    EXPECT_EQ(r.code, kSuccess) << r.err;
    auto json = r.json();
    json.erase("name");
    return json;
  };
  const auto whole = stats(file);
  {
    const Pipe pipe(text);
    EXPECT_EQ(stats(pipe.path()), whole);
  }
  // An array as well.
  ASSERT_EQ(scalemix({"data", "convert", file, path("t.npz"), "--quiet"}).code, kSuccess);
  const auto array = stats(path("t.npz"));
  const Pipe pipe(model::bytes_of(path("t.npz")));
  EXPECT_EQ(stats(pipe.path()), array);
}

TEST_F(TablesTest, AnIdGoesWithThePredictions) {
  std::string text = "who,a,y\n";
  for (int i = 0; i < 30; ++i) {
    text += "n" + std::to_string(i) + "," + std::to_string(i % 7) + "," + std::to_string(i) + "\n";
  }
  const std::string run = train({"--data", write("t.csv", text), "--id", "who"});
  ASSERT_EQ(result.code, kSuccess) << result.err;
  const std::string file = write("n.csv", "a,who\n3,\"x, y\"\n4,z\n");
  const Result p = scalemix({"predict", run, "--data", file});
  ASSERT_EQ(p.code, kSuccess) << p.err;
  EXPECT_THAT(p.out, StartsWith("row,who,prediction,"));
  EXPECT_THAT(p.out, HasSubstr("\n1,\"x, y\","));
  EXPECT_THAT(p.out, HasSubstr("\n2,z,"));
  EXPECT_EQ(p.err, "");
  EXPECT_EQ(scalemix({"predict", run, "--data", file, "--json"}).json()["predictions"][1]["id"],
            "z");
  // A column of the new rows alone, and a table without one.
  const std::string other = write("o.csv", "a,key\n3,k1\n");
  EXPECT_THAT(scalemix({"predict", run, "--data", other, "--id", "key"}).out, HasSubstr("\n1,k1,"));
  EXPECT_THAT(scalemix({"predict", run, "--data", other}).out, StartsWith("row,prediction,"));
  EXPECT_EQ(scalemix({"predict", run, "--data", other, "--id", "kex"}).code, kBadData);
}

TEST_F(TablesTest, PredictionsFarFromZeroKeepTheirDigits) {
  std::string text = "x,y\n";
  for (int i = 0; i < 100; ++i) {
    text += std::to_string(i % 10) + "," + std::to_string(100000000 + i % 10) + ".5\n";
  }
  const std::string file = write("t.csv", text);
  const std::string run = path("far");
  const Result t = scalemix({"train", "--data", file, "--model", "linear", "--method", "none",
                             "--epochs", "300", "--lr", "0.05", "--quiet", "--out", run});
  ASSERT_EQ(t.code, kSuccess) << t.err;
  const auto rows = scalemix({"predict", run, "--data", write("n.csv", "x\n2\n7\n"), "--json"})
                        .json()["predictions"];
  EXPECT_NEAR(rows[0]["prediction"].get<double>(), 100000002.5, 0.4);
  EXPECT_NEAR(rows[1]["prediction"].get<double>(), 100000007.5, 0.4);
  EXPECT_LT(rows[0]["sd"].get<double>(), 5);
  const auto shown = scalemix({"show", run, "--json"}).json();
  const auto& facts = shown.is_array() ? shown[0] : shown;
  EXPECT_NEAR(facts["target_mean"].get<double>(), 100000005, 0.3);
  // Floats in the user's units would not do: no export.
  EXPECT_NE(scalemix({"export", run, "--out", path("m.onnx")}).code, kSuccess);
}

TEST_F(TablesTest, DescribeFitsAScreenAndSaysWhatItLeavesOut) {
  std::string text = "id", row;
  for (int j = 0; j < 300; ++j) text += ",c" + std::to_string(j);
  text += ",y\n";
  for (int i = 0; i < 12; ++i) {
    text += std::to_string(700 - i);
    for (int j = 0; j < 300; ++j) text += "," + std::to_string(i * j % 11);
    text += "," + std::to_string(i) + ".5\n";
  }
  const Result r = scalemix({"data", "describe", write("t.csv", text)});
  ASSERT_EQ(r.code, kSuccess) << r.err;
  EXPECT_LT(std::count(r.out.begin(), r.out.end(), '\n'), 40);
  EXPECT_THAT(r.out, HasSubstr("more columns (--json has all)"));
  EXPECT_THAT(r.out, HasSubstr("left out, by name an id"));
  EXPECT_THAT(r.out, HasSubstr("left out, the same number in every row: c0, c11"));
  EXPECT_THAT(r.out, HasSubstr("y (target)"));
}

TEST_F(TablesTest, SeveralTargetsAreRefused) {
  const std::string file = write("t.csv", "a,b,y\n1,2,3\n4,5,7\n");
  const Result r = scalemix({"data", "describe", file, "--target", "a", "--target", "b"});
  EXPECT_EQ(r.code, kBadConfig);
  EXPECT_THAT(r.err, HasSubstr("several targets cannot be learned at once yet"));
  train({"--data", file, "--target", "a", "--target", "b"});
  EXPECT_EQ(result.code, kBadConfig);
  EXPECT_THAT(scalemix({"data", "describe", file, "--target", "a,b"}).err,
              HasSubstr("several targets"));
}

TEST_F(TablesTest, KindsOfFilesAreToldByTheirBytes) {
  const std::string text = "width,y\n1,2\n3,4.5\n5,6\n";
  std::filesystem::create_directories(path("mnist-ubyte.npz"));
  EXPECT_EQ(scalemix({"data", "describe", write("mnist-ubyte.npz/t.csv", text)}).code, kSuccess);
  const Result bz =
      scalemix({"data", "describe", write("t.csv.bz2", std::string("BZh91AY\0\xFF", 9))});
  EXPECT_EQ(bz.code, kBadData);
  EXPECT_THAT(bz.err, HasSubstr("packed with bzip2"));
}

TEST_F(TablesTest, RowsOfATestFileAreTheTestSet) {
  std::string text = "a,kind,y\n";
  for (int i = 0; i < 20; ++i) {
    text += std::to_string(i % 6) + "," + (i % 2 ? "x" : "z") + "," + std::to_string(i) + ".5\n";
  }
  const std::string file = write("t.csv", text);
  const std::string test = write("test.csv", "kind,y,a\nx,1.5,2\nz,2.5,3\nx,,3\nx,4,5\n");
  const std::string run = train({"--data", file, "--test", test});
  ASSERT_EQ(result.code, kSuccess) << result.err;
  const auto metrics = nlohmann::json::parse(model::bytes_of(run + "/metrics.json"));
  EXPECT_EQ(metrics["replicas"][0]["rows"], 3) << metrics.dump(1);
  train({"--data", file, "--test", test, "--folds", "3"});
  EXPECT_EQ(result.code, kBadConfig);
  train({"--data", file, "--test", write("bad.csv", "a,y\n1,2\n")});
  EXPECT_EQ(result.code, kBadData);
  train({"--data", file, "--test", test, "--group", "kind"});
  EXPECT_EQ(result.code, kBadConfig);
}

TEST_F(TablesTest, GroupsTimesAndStrataDivideTheRows) {
  std::string text = "who,when,a,y\n";
  for (int i = 0; i < 60; ++i) {
    text += "p" + std::to_string(i % 6) + ",2021-03-" + std::to_string(10 + i % 20) + "," +
            std::to_string(i * i % 13) + "," + std::to_string(i) + ".5\n";
  }
  const std::string file = write("t.csv", text);
  const auto tested = [&](const std::vector<std::string>& words) {
    std::vector<std::string> all = {"--data", file, "--test-fraction", "0.2"};
    all.insert(all.end(), words.begin(), words.end());
    const std::string run = train(all);
    EXPECT_EQ(result.code, kSuccess) << result.err;
    const auto metrics = nlohmann::json::parse(model::bytes_of(run + "/metrics.json"));
    std::filesystem::remove_all(run);
    return metrics["replicas"][0]["rows"].get<int>();
  };
  EXPECT_EQ(tested({"--group", "who"}), 20);        // two groups of ten: one would be too few
  EXPECT_EQ(tested({"--time-split", "when"}), 12);  // four of twenty days
  EXPECT_EQ(tested({"--stratify", "target"}), 12);
  EXPECT_EQ(tested({"--stratify", "none"}), 12);
  train({"--data", file, "--group", "who", "--time-split", "when"});
  EXPECT_EQ(result.code, kBadConfig);
  train({"--data", "friedman1", "--group", "who"});
  EXPECT_EQ(result.code, kBadConfig);
  train({"--data", file, "--stratify", "class"});
  EXPECT_EQ(result.code, kBadConfig);
}

}  // namespace
}  // namespace scalemix::cli
