#include <set>

#include "scalemix/base/version.h"
#include "scalemix/cli/names.h"
#include "scalemix/law/any_law.h"
#include "scalemix/model/method.h"
#include "tests/cli/fixture.h"

namespace scalemix::cli {
namespace {

std::set<std::string> names(const nlohmann::json& rows) {
  std::set<std::string> out;
  for (const auto& row : rows) out.insert(row["name"]);
  return out;
}

TEST(ListTest, HoldsEveryRowOfTheTables) {
  const nlohmann::json json = scalemix({"list", "--json"}).json();
  EXPECT_EQ(json["laws"].size(), law::laws().size());
  EXPECT_EQ(json["methods"].size(), model::methods().size());
  for (const auto& row : json["laws"]) EXPECT_NE(row["source"], "") << row["name"];
  for (const auto& row : json["optimisers"]) EXPECT_NE(row["source"], "") << row["name"];
  for (const char* kind : {"laws", "priors", "methods", "activations", "architectures",
                           "optimisers", "data", "layers", "commands"}) {
    ASSERT_FALSE(json[kind].empty()) << kind;
    for (const auto& row : json[kind]) EXPECT_NE(row["summary"], "") << kind << " " << row["name"];
  }
  EXPECT_TRUE(names(json["commands"]).count("diagnose"));
  EXPECT_TRUE(names(json["data"]).count("friedman1"));
  EXPECT_TRUE(names(json["optimisers"]).count("novograd"));
  EXPECT_TRUE(names(json["activations"]).count("gelu"));
  EXPECT_FALSE(names(json["activations"]).count("linear"));
}

TEST(ListTest, PrintsOneKindWithDefaults) {
  const Result r = scalemix({"list", "laws"});
  ASSERT_EQ(r.code, kSuccess);
  EXPECT_THAT(r.out, HasSubstr("bernoulli:p=0.5"));
  EXPECT_THAT(r.out, testing::Not(HasSubstr("architectures")));
  EXPECT_EQ(scalemix({"list", "lawz"}).code, kBadConfig);
}

TEST(ListTest, TellsOptionalParametersFromThoseWithADefault) {
  const Result r = scalemix({"list", "methods"});
  EXPECT_THAT(r.out, HasSubstr("beta:a=1,b=1[,input=VALUE]  "));
  EXPECT_THAT(r.out,
              HasSubstr("\n  [,input=VALUE]: optional; puts the noise on the network's input"));
  EXPECT_THAT(r.out, HasSubstr("svdo:threshold=3,init=-10,kl=molchanov,clip=off  "));
  EXPECT_THAT(scalemix({"list", "laws"}).out, testing::Not(HasSubstr("optional")));
  const nlohmann::json json = scalemix({"list", "methods", "--json"}).json();
  for (const auto& row : json["methods"]) {
    for (const auto& p : row["parameters"])
      EXPECT_EQ(p["default"].is_null(), p["name"] == "input") << row;
  }
}

TEST(VersionTest, SaysWhatThisBinaryIs) {
  const nlohmann::json json = scalemix({"--version", "--json"}).json();
  EXPECT_EQ(json["version"], kVersion);
  EXPECT_GE(json["threads"], 1);
  EXPECT_THAT(json["simd_targets"], testing::Contains(json["simd_target"]));
  for (const char* library : {"onednn", "openblas", "highway"}) {
    EXPECT_THAT(json["libraries"][library].get<std::string>(),
                testing::MatchesRegex("[0-9]+\\.[0-9]+.*"))
        << library;
  }
  EXPECT_THAT(scalemix({"--version"}).out,
              testing::StartsWith(std::string("scalemix ") + kVersion + "\n"));
}

TEST(HelpTest, EverySubcommandExplainsItself) {
  const std::vector<std::string> commands = names_of("commands");
  ASSERT_GE(commands.size(), 8u);
  for (const std::string& command : commands) {
    const Result r = scalemix({command, "--help"});
    EXPECT_EQ(r.code, kSuccess);
    EXPECT_THAT(r.out, HasSubstr("Usage: scalemix " + command));
    EXPECT_THAT(scalemix({}).out, HasSubstr(command));
  }
}

}  // namespace
}  // namespace scalemix::cli
