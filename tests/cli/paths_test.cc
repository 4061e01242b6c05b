// Every option of every command that takes a path, and every file that a command writes.

#include "scalemix/cli/paths.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <functional>
#include <set>

#include "scalemix/cli/command.h"
#include "scalemix/run/config.h"
#include "tests/cli/fixture.h"

namespace scalemix::cli {
namespace {

namespace fs = std::filesystem;

struct Given {
  std::vector<std::string> words;  // the command, and what it cannot do without
  std::string option;              // as given: "--out", or a positional's name
  bool positional, written;
};

void collect(const CLI::App& app, const std::vector<std::string>& words, std::vector<Given>& out) {
  for (const CLI::Option* option : app.get_options()) {
    if (!v0::run::takes_path(option->get_type_name())) continue;
    const bool positional = option->get_lnames().empty();
    out.push_back({words, positional ? option->get_name() : "--" + option->get_lnames().front(),
                   positional, is_written(*option)});
  }
  for (const CLI::App* sub : app.get_subcommands([](const CLI::App*) { return true; })) {
    std::vector<std::string> more = words;
    more.push_back(sub->get_name());
    collect(*sub, more, out);
  }
}

std::vector<Given> all_paths() {
  CLI::App app;
  std::vector<Action> actions;
  for (const Command& command : commands()) {
    CLI::App* sub = app.add_subcommand(std::string(command.name));
    actions.push_back(command.setup(*sub));
  }
  std::vector<Given> out;
  collect(app, {}, out);
  return out;
}

std::string name_of(const Given& g) { return g.words.back() + " " + g.option; }

TEST(Paths, AreToldByTheTypeOfAnOption) {
  for (const char* type :
       {"FILE", "NAME|FILE|FOLDER|-", "MODEL|RUN", "FILE.c", "N|MODEL", "ARCH|FILE"})
    EXPECT_TRUE(v0::run::takes_path(type)) << type;
  for (const char* type : {"", "NAME", "WORD...", "PROFILE", "MODELS", "RUNS", "auto|FILES"})
    EXPECT_FALSE(v0::run::takes_path(type)) << type;
}

TEST(Paths, OfOutputsAreTheseAndNoOthers) {
  std::set<std::string> written;
  for (const Given& g : all_paths()) {
    if (g.written) written.insert(name_of(g));
  }
  EXPECT_EQ(written,
            (std::set<std::string>{"predict --out", "evaluate --plot", "evaluate --calibrate",
                                   "prune --out", "prune --plot", "prune --csv", "export --c",
                                   "export --onnx", "import --out", "prior --plot", "prior --csv",
                                   "signal --phase-diagram", "compare --csv", "compare --plot",
                                   "convert out", "generate --out", "gram --out"}));
}

class PathsTest : public CliTest {
 protected:
  std::string file_ = write("some.csv", "1,2\n3,4\n");

  /// The words of a command line with `value` for one of its options, and a path that is there for the
  /// others that must be given.
  std::vector<std::string> line(const Given& g, const std::string& value) {
    std::vector<std::string> words = g.words;
    const auto add = [&](const std::string& option, const std::string& what) {
      if (option.starts_with("--")) words.push_back(option);
      words.push_back(what);
    };
    CLI::App app;
    std::vector<Action> actions;
    for (const Command& command : commands()) {
      CLI::App* sub = app.add_subcommand(std::string(command.name));
      actions.push_back(command.setup(*sub));
    }
    const CLI::App* place = &app;
    for (const std::string& word : g.words) place = place->get_subcommand(word);
    for (const CLI::Option* option : place->get_options()) {
      const bool positional = option->get_lnames().empty();
      const std::string name =
          positional ? option->get_name() : "--" + option->get_lnames().front();
      if (name == g.option) {
        add(name, value);
      } else if (option->get_required()) {
        add(name, g.words.back() == "generate" && positional ? "moons"
                  : is_written(*option)                      ? path("new.out")
                                                             : file_);
      }
    }
    if (g.words.back() == "bench" && g.option == "--data") add("--model", "mlp:4");
    return words;
  }
};

TEST_F(PathsTest, AnEmptyOneIsAWrongValueForEveryOption) {
  const std::vector<Given> all = all_paths();
  EXPECT_GT(all.size(), 40u);
  for (const Given& g : all) {
    const Result r = scalemix(line(g, ""));
    EXPECT_EQ(r.code, kBadConfig) << name_of(g) << ": " << r.err;
    EXPECT_THAT(r.err, HasSubstr(g.option + ": expected a path, got ''")) << name_of(g);
  }
}

TEST_F(PathsTest, AnEqualsSignWithNothingBehindItIsAnEmptyOne) {
  for (const char* option : {"--out=", "--config=", "--resume=", "--data="}) {
    for (const std::vector<std::string>& rest : {std::vector<std::string>{}, {"--epochs", "1"}}) {
      std::vector<std::string> words = {"train", option};
      words.insert(words.end(), rest.begin(), rest.end());
      const Result r = scalemix(words);
      EXPECT_EQ(r.code, kBadConfig) << option << ": " << r.err;
      EXPECT_THAT(r.err, HasSubstr("expected a path, got ''")) << option;
    }
  }
}

TEST_F(PathsTest, AnOutputIsRefusedForEveryCommandBeforeAnyWork) {
  const std::string folder = path("folder"), loop = path("loop"),
                    model = path("r/model.safetensors");
  fs::create_directories(folder);
  fs::create_directories(path("r"));
  fs::create_symlink("loop", loop);
  write("r/config.toml", "");
  write("r/model.safetensors", "");
  const auto end_of = [](const Given& g) { return g.option == "--c" ? ".c" : ""; };
  for (const Given& g : all_paths()) {
    if (!g.written) continue;
    const auto refuses = [&](const std::string& value, int code, const std::string& says) {
      const Result r = scalemix(line(g, value));
      EXPECT_EQ(r.code, code) << name_of(g) << " " << value << ": " << r.err;
      EXPECT_THAT(r.err, HasSubstr(says)) << name_of(g) << " " << value;
      EXPECT_EQ(r.out, "") << name_of(g) << " " << value;
    };
    refuses("-", kBadConfig, g.option + ": expected a file's name, got '-'");
    refuses(path("no/such/file") + end_of(g), kIo, "No such file");
    refuses(folder, kIo, "is a folder, expected a file");
    refuses(loop, kIo, "symbolic links");
    refuses(folder + "/" + std::string(300, 'n') + end_of(g), kIo, "name too long");
    refuses(model, kBadConfig, "belongs to a run");
    const std::string link = path("link-to-input");
    const bool reads = g.words.back() != "generate" && g.words.back() != "signal" &&
                       g.words.back() != "prior" && g.words.back() != "compare";
    if (!reads) continue;
    fs::remove(link);
    fs::create_symlink(file_, link);
    for (const std::string& same : {file_, link, path("folder/../some.csv")}) {
      refuses(same, kBadConfig, "would replace the data it is made from");
    }
    fs::create_hard_link(file_, path("hard"));
    refuses(path("hard"), kBadConfig, "would replace the data it is made from");
    fs::remove(path("hard"));
  }
  EXPECT_EQ(model::bytes_of(file_), "1,2\n3,4\n");
}

TEST_F(PathsTest, TwoOutputsAreTwoFiles) {
  const Result r = scalemix(
      {"prune", file_, "--data", file_, "--plot", path("a.svg"), "--csv", path("./a.svg")});
  EXPECT_EQ(r.code, kBadConfig);
  EXPECT_THAT(r.err, HasSubstr("--plot and --csv name one file"));
  EXPECT_EQ(scalemix({"export", file_, "--c", path("a.c"), "--onnx", path("a.h")}).code,
            kBadConfig);
}

/// `predict` of two rows to `out`; "" or the message of an error.
class PredictOutTest : public CliTest {
 protected:
  std::string predict(const std::string& out, int code = kSuccess) {
    const Result r = scalemix({"predict", model_, "--data", rows_, "--out", out, "--quiet"});
    EXPECT_EQ(r.code, code) << r.err;
    return r.err;
  }

  std::string model_ = save("m.safetensors", price_model());
  std::string rows_ = write("rows.csv", "size,city,price\n1,Paris,17\n2,Rome,3\n");
};

TEST_F(PredictOutTest, KeepsPermissionsLinksAndPipes) {
  const std::string file = write("p.csv", "old"), link = path("link.csv"), pipe = path("pipe");
  fs::permissions(file, fs::perms::owner_read | fs::perms::owner_write);
  fs::create_symlink("p.csv", link);
  predict(link);
  EXPECT_TRUE(fs::is_symlink(link));
  EXPECT_THAT(model::bytes_of(file), testing::StartsWith("row,prediction"));
  EXPECT_EQ(fs::status(file).permissions(), fs::perms::owner_read | fs::perms::owner_write);
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  const int reader = ::open(pipe.c_str(), O_RDONLY | O_NONBLOCK);
  predict(pipe);
  char got[4] = {};
  EXPECT_EQ(::read(reader, got, 3), 3);
  EXPECT_STREQ(got, "row");
  ::close(reader);
  EXPECT_TRUE(fs::is_fifo(pipe));
}

TEST_F(PredictOutTest, LeavesWhatItIsMadeFrom) {
  const std::string rows = model::bytes_of(rows_), model = model::bytes_of(model_);
  EXPECT_THAT(predict(rows_, kBadConfig), HasSubstr("--out: "));
  EXPECT_THAT(predict(model_, kBadConfig), HasSubstr("would replace the model it is made from"));
  EXPECT_EQ(model::bytes_of(rows_), rows);
  EXPECT_EQ(model::bytes_of(model_), model);
}

TEST_F(PredictOutTest, LeavesStandardInputWhereThatIsAFile) {
  const StandardInput input(rows_);
  const Result r = scalemix({"predict", model_, "--data", "-", "--out", rows_});
  EXPECT_EQ(r.code, kBadConfig);
  EXPECT_THAT(r.err, HasSubstr("would replace the data it is made from"));
}

TEST_F(PredictOutTest, LeavesTheFilesOfAFolderItReads) {
  fs::create_directories(path("set"));
  const std::string inside = write("set/notes.csv", "mine");
  const Result r = scalemix({"predict", model_, "--data", path("set"), "--out", inside});
  EXPECT_EQ(r.code, kBadConfig);
  EXPECT_THAT(r.err, HasSubstr("would replace the data it is made from"));
  EXPECT_EQ(model::bytes_of(inside), "mine");
}

TEST_F(PredictOutTest, LeavesWhatARunKeepsAndTakesOtherFilesInItsFolder) {
  const std::string run = save_run("run", {price_model(), price_model(3)});
  for (const char* name :
       {"config.toml", "metrics.json", "model.safetensors", "replica-001/model.safetensors"}) {
    const std::string file = run + "/" + name;
    const Result r = scalemix({"predict", run, "--data", rows_, "--out", file});
    EXPECT_EQ(r.code, kBadConfig) << name;
    EXPECT_THAT(r.err, HasSubstr("belongs to a run")) << name;
  }
  for (int times = 0; times < 2; ++times) {
    const Result r = scalemix({"predict", run, "--data", rows_, "--out", run + "/said.csv"});
    EXPECT_EQ(r.code, kSuccess) << r.err;
  }
}

}  // namespace
}  // namespace scalemix::cli
