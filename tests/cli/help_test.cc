// What every command promises of its words: help that fits a terminal, the flags that all take.

#include "scalemix/base/synonym.h"
#include "scalemix/cli/command.h"
#include "tests/cli/fixture.h"

namespace scalemix::inline v0::cli {
namespace {

TEST(Help, FitsEightyColumns) {
  std::vector<std::vector<std::string>> words = {{"--help"}};
  for (const Command& command : commands()) words.push_back({std::string(command.name), "--help"});
  for (const char* inner : {"list", "describe", "get", "convert", "generate"}) {
    words.push_back({"data", inner, "--help"});
  }
  for (const std::vector<std::string>& w : words) {
    std::istringstream text(scalemix(w).out);
    for (std::string line; std::getline(text, line);)
      EXPECT_LE(line.size(), 80u) << w[0] << ": " << line;
  }
}

TEST(Help, SaysDefaults) {
  const std::string text = scalemix({"train", "--help"}).out;
  EXPECT_THAT(text, HasSubstr("(default: 0.1)"));               // --test-fraction
  EXPECT_THAT(text, testing::Not(HasSubstr("(default: -1)")));  // stands for "chosen"
  EXPECT_THAT(text, HasSubstr("rows per step (0: 100 for images, 128 for\n"));  // says it itself
}

TEST(Everywhere, EveryCommandTakesTheSameFlags) {
  for (const Command& command : commands()) {
    if (command.name == "data") continue;
    const std::string help = scalemix({std::string(command.name), "--help"}).out;
    for (const char* flag : {"--json", "--quiet", "--threads"}) {
      EXPECT_THAT(help, HasSubstr(flag)) << command.name;
    }
  }
  for (const char* inner : {"list", "describe", "get", "convert", "generate"}) {
    const std::string help = scalemix({"data", inner, "--help"}).out;
    for (const char* flag : {"--json", "--quiet", "--threads"}) {
      EXPECT_THAT(help, HasSubstr(flag)) << inner;
    }
  }
  EXPECT_EQ(scalemix({"list", "laws", "--quiet", "--threads", "1"}).code, kSuccess);
  EXPECT_EQ(scalemix({"list", "laws", "--threads", "-1"}).code, kBadConfig);
}

TEST(Everywhere, WordsOfOtherToolsFindOurs) {
  const auto said = [](const std::vector<std::string>& words) { return scalemix(words).err; };
  EXPECT_THAT(said({"train", "--learning-rate", "0.1"}), HasSubstr("did you mean '--lr'?"));
  EXPECT_THAT(said({"train", "--method", "dropout:p=0.1", "--dry-run"}),
              HasSubstr("did you mean 'bernoulli'?"));
  EXPECT_THAT(said({"fit"}), HasSubstr("did you mean 'train'?"));
}

// A word of ours that has gone would never be found again.
TEST(Everywhere, WordsOfOtherToolsMeanSomething) {
  std::string known;
  for (const char* kind : {"methods", "laws", "optimisers", "activations", "architectures"}) {
    const Result r = scalemix({"list", kind, "--json"});
    ASSERT_EQ(r.code, kSuccess) << r.err;
    known += r.out;
  }
  for (const Command& command : commands()) {
    known += "\"" + std::string(command.name) + "\"";
    known += scalemix({std::string(command.name), "--help"}).out;
  }
  for (const Synonym& pair : synonyms()) {
    const std::string ours(pair.ours);
    EXPECT_TRUE(known.find("\"" + ours + "\"") != known.npos ||
                known.find("--" + ours + " ") != known.npos)
        << pair.theirs << " -> " << ours;
  }
}

TEST(Everywhere, CompletionPrintsItsScriptAsJson) {
  const nlohmann::json json = scalemix({"completion", "fish", "--json"}).json();
  EXPECT_EQ(json["script"], scalemix({"completion", "fish"}).out);
}

}  // namespace
}  // namespace scalemix::inline v0::cli
