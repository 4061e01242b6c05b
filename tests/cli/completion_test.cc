#include <array>
#include <cstdio>
#include <memory>

#include "scalemix/cli/names.h"
#include "tests/cli/fixture.h"

namespace scalemix::cli {
namespace {

using CompletionTest = CliTest;

/// Every long flag of a subcommand's help text, its inner subcommands' too.
std::vector<std::string> flags_in_help(std::vector<std::string> words) {
  words.push_back("--help");
  std::istringstream text(scalemix(words).out);
  std::vector<std::string> flags;
  for (std::string word; text >> word;) {
    if (word.rfind("--", 0) == 0) flags.push_back(word.substr(0, word.find_first_of(",=[")));
  }
  return flags;
}

TEST_F(CompletionTest, HoldsEverySubcommandAndFlagForEveryShell) {
  for (const char* shell : {"bash", "zsh", "fish"}) {
    const std::string script = scalemix({"completion", shell}).out;
    for (const std::string& command : names_of("commands")) {
      EXPECT_THAT(script, HasSubstr(command)) << shell;
      for (const std::string& flag : flags_in_help({command})) {
        const std::string name = std::string(shell) == "fish" ? "-l " + flag.substr(2) : flag;
        EXPECT_THAT(script, HasSubstr(name)) << shell << " " << command;
      }
    }
    EXPECT_THAT(script, HasSubstr("friedman1")) << shell;
    EXPECT_THAT(script, HasSubstr("generate")) << shell;
  }
}

/// What bash offers for a line, one per line.
std::string offered(const std::string& script, const std::string& line) {
  const std::string command =
      "bash -c 'cd " + std::filesystem::path(script).parent_path().string() + " && source " +
      script + "; COMP_WORDBREAKS=\" :\"; COMP_LINE=\"" + line +
      "\"; COMP_POINT=${#COMP_LINE}; _scalemix; printf \"%s\\n\" \"${COMPREPLY[@]}\"'";
  const std::unique_ptr<FILE, int (*)(FILE*)> pipe(popen(command.c_str(), "r"), pclose);
  std::array<char, 4096> buffer;
  std::string out;
  while (const std::size_t n = std::fread(buffer.data(), 1, buffer.size(), pipe.get()))
    out.append(buffer.data(), n);
  return out;
}

TEST_F(CompletionTest, BashOffersFilesOnlyWhereOneMayStand) {
  const std::string script = write("scalemix.bash", scalemix({"completion", "bash"}).out);
  write("my rows.csv", "");
  write("predict.csv", "");
  EXPECT_EQ(offered(script, "scalemix predict my"), "my rows.csv\n");
  EXPECT_EQ(offered(script, "scalemix predict m --out my"), "my rows.csv\n");
  EXPECT_EQ(offered(script, "scalemix pre"), "predict\n");
  EXPECT_EQ(offered(script, "scalemix list my"), "\n");
}

TEST_F(CompletionTest, BashOffersWhatMayFollow) {
  const std::string script = write("scalemix.bash", scalemix({"completion", "bash"}).out);
  EXPECT_EQ(offered(script, "scalemix pre"), "predict\n");
  EXPECT_EQ(offered(script, "scalemix predict m --sam"), "--samples\n");
  EXPECT_EQ(offered(script, "scalemix predict m --data fried"), "friedman1\n");
  EXPECT_EQ(offered(script, "scalemix data gen"), "generate\n");
  EXPECT_EQ(offered(script, "scalemix data generate moons --ou"), "--out\n");
  EXPECT_EQ(offered(script, "scalemix data describe fried"), "friedman1\n");
  EXPECT_EQ(offered(script, "scalemix data generate mo"), "moons\n");
  EXPECT_EQ(offered(script, "scalemix completion "),
            "bash\nzsh\nfish\n--help\n--json\n--quiet\n--threads\n");
  EXPECT_EQ(offered(script, "scalemix evaluate m --part "), "auto\ntest\ntrain\nall\n");
  EXPECT_EQ(offered(script, "scalemix predict m --format=js"), "json\n");
  EXPECT_EQ(offered(script, "scalemix predict m --rows "), "\n");
  // What stands before a colon is not repeated.
  EXPECT_EQ(offered(script, "scalemix predict m --data uci:concr"), "concrete\n");
}

}  // namespace
}  // namespace scalemix::cli
